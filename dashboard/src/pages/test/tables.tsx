// The tables of a test: latencies of the fleet, names, drivers; of the whole test, or of the span that is zoomed to.

import { NONE, stat } from "../../charts/format";
import { count, percent, rate } from "../../parts/format";
import { SortableTable, type TableColumn } from "../../parts/sortable";
import type { TestModel } from "../../state/model";
import { type Figure, FIGURES, type LatencyStats, type Test } from "../../state/shapes";
import { clock } from "../../charts/format";
import { beside, type DriverRow, driverRows, endedEarly, type LatencyRow, latencyRows, namedRows, type NamedRow, remarks } from "./rows";

/** Columns of the ten figures of a latency. */
function figures<Row>(of: (row: Row) => LatencyStats | undefined | null): TableColumn<Row>[] {
  const words: Partial<Record<Figure, string>> = { mode: "mode latency", mean: "mean", median: "median" };
  return FIGURES.map((name) => ({
    id: name,
    head: name,
    word: words[name] ?? (name.startsWith("p") ? "percentile" : name),
    key: (row) => of(row)?.[name],
    cell: (row) => stat(of(row) ?? undefined, name),
  }));
}

const LATENCY: TableColumn<LatencyRow>[] = [
  { id: "name", head: "ms", text: true, key: (row) => row.name, cell: (row) => <span class={row.part ? "part" : ""}>{row.name}</span> },
  { id: "count", head: "count", word: "count", key: (row) => row.stats?.count, cell: (row) => count(row.stats?.count) },
  ...figures<LatencyRow>((row) => row.stats),
];

const number = (value: number | null) => count(value);

const NAMED: TableColumn<NamedRow>[] = [
  { id: "name", head: "name", text: true, key: (row) => row.name, cell: (row) => <span title={row.name}>{row.name}</span> },
  { id: "what", head: "of", text: true, key: (row) => row.what, cell: (row) => row.what },
  { id: "begun", head: "begun", word: "sent", key: (row) => row.begun, cell: (row) => number(row.begun) },
  { id: "completed", head: "completed", word: "completed", key: (row) => row.completed, cell: (row) => number(row.completed) },
  { id: "failed", head: "failed", word: "failed", key: (row) => row.failed, cell: (row) => number(row.failed), alarm: (row) => (row.failed ?? 0) > 0 },
  { id: "abandoned", head: "abandoned", word: "abandoned", key: (row) => row.abandoned, cell: (row) => number(row.abandoned) },
  { id: "dropped", head: "dropped", word: "dropped", key: (row) => row.dropped, cell: (row) => number(row.dropped), alarm: (row) => (row.dropped ?? 0) > 0 },
  ...figures<NamedRow>((row) => row.response),
];

const ALARMING = new Set(["lost", "overdue", "deaf", "interrupted", "refused"]);

const DRIVERS: TableColumn<DriverRow>[] = [
  { id: "id", head: "driver", word: "driver", text: true, key: (row) => row.id, cell: (row) => <span title={row.id}>{row.id}</span> },
  {
    id: "state",
    head: "state",
    word: "liveness",
    text: true,
    key: (row) => row.part?.state,
    cell: (row) => (row.part ? `${row.part.state.replaceAll("_", " ")}${row.part.approximate ? " (classic)" : ""}` : NONE),
    alarm: (row) => ALARMING.has(row.part?.state ?? ""),
  },
  { id: "sent", head: "sent", word: "sent", key: (row) => row.figures.sent, cell: (row) => count(row.figures.sent) },
  { id: "throughput", minor: true, head: "completed/s", word: "throughput", key: (row) => row.figures.throughput_per_s, cell: (row) => rate(row.figures.throughput_per_s) },
  { id: "failed", head: "failed", word: "failed", key: (row) => row.figures.failed, cell: (row) => count(row.figures.failed), alarm: (row) => (row.figures.failed ?? 0) > 0 },
  { id: "dropped", head: "dropped", word: "dropped", key: (row) => row.figures.dropped, cell: (row) => count(row.figures.dropped), alarm: (row) => (row.figures.dropped ?? 0) > 0 },
  { id: "in_flight", minor: true, head: "in flight", word: "in flight", key: (row) => row.part?.in_flight, cell: (row) => count(row.part?.in_flight) },
  { id: "cpu", head: "CPU", word: "cpu", key: (row) => row.part?.cpu_mean ?? row.part?.cpu, cell: (row) => percent(row.part?.cpu_mean ?? row.part?.cpu) },
  { id: "busy", head: "busy max", word: "busy", key: (row) => row.part?.busy_max, cell: (row) => percent(row.part?.busy_max) },
  { id: "steal", minor: true, head: "steal max", word: "steal", key: (row) => row.part?.steal_max, cell: (row) => percent(row.part?.steal_max) },
  ...figures<DriverRow>((row) => row.figures.latency_ms.response),
];

/** What the tables show, and how it came to be that span. */
function Which({ model, isOver }: { model: TestModel; isOver: boolean }) {
  const span = model.span.value;
  if (span.is === "whole") return <span class="badge">whole test after the warm-up</span>;
  const asked = `${clock(span.range[0])} – ${clock(span.range[1])}`;
  if (span.is === "loading") return <span class="badge live" role="status">computing {asked} …</span>;
  if (span.is === "failed") return <span class="badge bad" role="status">{asked} not computed: {span.why}. These are of the whole test.</span>;
  if (span.is === "unavailable") return <span class="badge">whole test after the warm-up: a report holds no histograms of parts</span>;
  const { from, to } = span.span;
  return (
    <span class="badge live" role="status">
      exactly {clock(from)} – {clock(to + 1)}
      {beside(span.range, span.span, isOver)}
    </span>
  );
}

export function Tables({ model, test }: { model: TestModel; test: Test }) {
  const state = model.span.value;
  const span = state.is === "here" ? state.span : state.is === "loading" ? state.last : null;
  const totals = span ? span.totals : test.totals;
  const named = namedRows(span ?? test.totals);
  const drivers = driverRows(test.drivers, span?.drivers);
  const warmup = test.totals.warmup?.sent ?? 0;
  const notes = remarks(totals.latency_ms, test.definitions ?? 2);
  if (!span && warmup > 0) notes.push(`Counts of names and drivers hold the ${count(warmup)} requests of the warm-up; the figures of latencies leave them out.`);
  const busy = state.is === "loading";
  return (
    <>
      <section class="card" aria-labelledby="latency-title" aria-busy={busy}>
        <div class="row">
          <h2 id="latency-title">Latencies</h2> <Which model={model} isOver={test.state === "finished"} />
        </div>
        {span && (
          <p class="small span-counts">
            {count(span.totals.sent)} sent, {count(span.totals.completed)} completed, <span class={(span.totals.failed ?? 0) > 0 ? "alarm" : ""}>{count(span.totals.failed)} failed</span>,{" "}
            {count(span.totals.dropped)} dropped, {rate(span.totals.throughput_per_s)} completed a second
          </p>
        )}
        <SortableTable label="Latencies of the fleet" columns={LATENCY} rows={latencyRows(totals)} rowKey={(row) => `${row.name}${row.word}`} fixed />
        {notes.map((note) => (
          <p key={note} class="dim small">
            {note}
          </p>
        ))}
      </section>
      {named.length > 0 && (
        <section class="card" aria-labelledby="named-title" aria-busy={busy}>
          <h2 id="named-title">By name</h2>
          <SortableTable label="Figures of each name" caption="response in ms" columns={columnsInUse(NAMED, named)} rows={named} rowKey={(row) => `${row.what} ${row.name}`} />
          {!span &&
            endedEarly(test.totals).map((sentence) => (
              <p key={sentence} class="small">
                {sentence}
              </p>
            ))}
        </section>
      )}
      {drivers.length > 0 && (
        <section class="card" aria-labelledby="drivers-title" aria-busy={busy}>
          <h2 id="drivers-title">Drivers</h2>
          <SortableTable label="Figures of each driver" caption="response in ms" columns={DRIVERS} rows={drivers} rowKey={(row) => row.id} />
        </section>
      )}
    </>
  );
}

/** Leaves out columns of counts that no row has, as sessions' in a plan without sessions. */
function columnsInUse(columns: readonly TableColumn<NamedRow>[], rows: readonly NamedRow[]): TableColumn<NamedRow>[] {
  return columns.filter((column) => !["abandoned", "dropped"].includes(column.id) || rows.some((row) => column.key(row) !== null));
}
