// The charts of lines over time: load, in flight, failures, latencies apart, the generator's health, sessions.

import { useMemo, useState } from "preact/hooks";
import type uPlot from "uplot";

import { count, ms, percent, rate } from "../parts/format";
import { type Column, isBound, type Kind, KINDS, type Level, levelOf, LEVELS, perSecond } from "../state/columns";
import type { Plan } from "../state/shapes";
import { align } from "./aligned";
import { FEW, fromZero, latencyAxis, logScale, rightAxis, valueAxis } from "./axes";
import { Chart, Choice, type Line } from "./chart";
import { css, faded } from "./colours";
import { amount, latency } from "./format";
import type { ChartGroup } from "./group";
import { failures, stacked, unexpectedBy } from "./layers";
import { type Drawing, Plot } from "./plot";

/** Height of an ordinary chart, in rem. */
const HEIGHT = 12;

const plain = { points: FEW, spanGaps: false };

/** A line in a colour of the style sheet. */
function line(scale: string, colour: string, more: Partial<uPlot.Series> = {}): uPlot.Series {
  return { ...plain, scale, stroke: () => css(colour), width: 1.6, ...more };
}

function area(scale: string, colour: string, opacity = 0.35): uPlot.Series {
  return line(scale, colour, { fill: () => faded(css(colour), opacity), width: 1.2 });
}

function highest(columns: readonly Column[], of: (column: Column) => number | null): number {
  return columns.reduce((most, column) => Math.max(most, of(column) ?? 0), 0);
}

function mean(columns: readonly Column[], of: (column: Column) => number): number {
  const seconds = columns.reduce((sum, column) => sum + column.length, 0);
  return seconds > 0 ? columns.reduce((sum, column) => sum + of(column), 0) / seconds : 0;
}

/** The reason for leaving the rate out of the chart; null where the chart has it. */
function tooShort(columns: readonly Column[]): string | null {
  return columns.length > 0 && columns.every((column) => perSecond(column, 0) === null) ? "This span is too short for a rate a second: less than half a second." : null;
}

const dropped = (column: Column) => column.droppedInFlight + column.droppedLate;

const LOAD: Drawing = {
  series: [
    line("n", "--chart-axis", { dash: [5, 4], width: 1.4 }),
    line("n", "--c-1"),
    line("n", "--c-3"),
    area("n", "--c-2"),
  ],
  scales: { n: fromZero() },
  axes: () => [valueAxis("n", amount)],
};

const LOAD_LINES: Line[] = [
  { name: "scheduled", word: "scheduled", colour: "--chart-axis", look: "dash", value: (column) => rate(perSecond(column, column.scheduled)) },
  { name: "sent", word: "sent", colour: "--c-1", value: (column) => rate(perSecond(column, column.sent)) },
  { name: "completed", word: "completed", colour: "--c-3", value: (column) => rate(perSecond(column, column.completed)) },
  { name: "dropped", word: "dropped", colour: "--c-2", look: "area", value: (column) => rate(perSecond(column, dropped(column))) },
];

/** Sent against scheduled, with what was dropped. */
export function Load({ group }: { group: ChartGroup }) {
  const columns = group.columns.value;
  const data = useMemo(
    () =>
      align(columns, [
        (column) => perSecond(column, column.scheduled),
        (column) => perSecond(column, column.sent),
        (column) => perSecond(column, column.completed),
        (column) => perSecond(column, dropped(column)),
      ]),
    [columns],
  );
  const lost = columns.reduce((sum, column) => sum + dropped(column), 0);
  const summary = `${rate(mean(columns, (column) => column.sent))} requests a second were sent on average, ${rate(mean(columns, (column) => column.scheduled))} were scheduled; ${lost === 0 ? "none was dropped" : `${count(lost)} were dropped`}.`;
  return (
    <Chart group={group} title="Load" word="scheduled" unit="requests a second" lines={LOAD_LINES} summary={summary} nothing={tooShort(columns)}>
      <Plot group={group} drawing={LOAD} data={data} height={HEIGHT} />
    </Chart>
  );
}

const IN_FLIGHT: Drawing = { series: [area("n", "--c-1", 0.18)], scales: { n: fromZero() }, axes: () => [valueAxis("n", amount)] };

const IN_FLIGHT_LINES: Line[] = [{ name: "in flight", word: "in flight", colour: "--c-1", look: "area", value: (column) => count(column.inFlight) }];

/** Requests that have not ended, at the end of each second. */
export function InFlight({ group }: { group: ChartGroup }) {
  const columns = group.columns.value;
  const data = useMemo(() => align(columns, [(column) => column.inFlight]), [columns]);
  const known = columns.some((column) => column.inFlight !== null);
  return (
    <Chart
      group={group}
      title="In flight"
      word="in flight"
      unit="requests at the end of each second"
      lines={IN_FLIGHT_LINES}
      summary={`At most ${count(highest(columns, (column) => column.inFlight))} requests were in flight.`}
      nothing={known || columns.length === 0 ? null : "This orchestrator does not report requests in flight by the second."}
    >
      <Plot group={group} drawing={IN_FLIGHT} data={data} height={HEIGHT} />
    </Chart>
  );
}

const LAYER_COLOURS = ["--c-2", "--c-4", "--c-5", "--c-6", "--c-3", "--c-1", "--c-7"] as const;

/** Failures by kind and status, stacked. */
export function Failures({ group, plan }: { group: ChartGroup; plan: Plan }) {
  const columns = group.columns.value;
  const layers = useMemo(() => failures(columns, unexpectedBy(plan)), [columns, plan]);
  const names = layers.map((layer) => layer.name).join("\n");
  const drawing = useMemo<Drawing>(
    () => ({
      // The highest stands at the back: each layer is drawn to the ground over those above it.
      series: layers.map((_, index) => area("n", LAYER_COLOURS[layers.length - 1 - index] ?? "--c-7", 0.85)),
      scales: { n: fromZero() },
      axes: () => [valueAxis("n", amount)],
    }),
    [names],
  );
  const data = useMemo(() => {
    const edges = stacked(layers).reverse();
    return align(columns, edges.map((edge) => (_, index) => edge[index] ?? null));
  }, [columns, layers]);
  const lines = useMemo<Line[]>(
    () =>
      layers.map((layer, index) => {
        const at = new Map(columns.map((column, place) => [column.seq, layer.values[place] ?? null]));
        return {
          name: /^\d+$/.test(layer.name) ? `status ${layer.name}` : layer.name,
          colour: LAYER_COLOURS[index] ?? "--c-7",
          look: "area",
          value: (column) => rate(at.get(column.seq)),
        };
      }),
    [columns, layers],
  );
  const total = columns.reduce((sum, column) => sum + column.failed, 0);
  const summary = `${count(total)} requests failed in this span: ${layers.map((layer) => `${layer.name} ${count(layer.total)}`).join(", ")}.`;
  return (
    <Chart
      group={group}
      title="Failures"
      word="errors"
      unit="a second, by kind and status"
      lines={lines}
      summary={layers.length === 0 ? "No request failed in this span." : summary}
      nothing={layers.length === 0 ? "No request failed in this span." : tooShort(columns)}
    >
      <Plot key={names} group={group} drawing={drawing} data={data} height={HEIGHT} />
    </Chart>
  );
}

const KIND_NAMES: Record<Kind, string> = { response: "response", service: "service", lag: "lag", connect: "connect", first_byte: "first byte" };
const KIND_COLOURS: Record<Kind, string> = { response: "--c-1", service: "--c-3", lag: "--c-2", connect: "--c-5", first_byte: "--c-4" };

const APART: Drawing = {
  series: KINDS.map((kind) => line("ms", KIND_COLOURS[kind], kind === "response" ? { width: 2.2 } : {})),
  scales: { ms: logScale((low, high) => [low && low > 0 ? low : high ? Math.min(0.001, high) : null, high]) },
  axes: () => [latencyAxis()],
};

/** Response, service, lag, connect and first byte apart, at one percentile. */
export function Apart({ group }: { group: ChartGroup }) {
  const [at, setAt] = useState<Level>("p99");
  const columns = group.columns.value;
  const data = useMemo(
    // A logarithmic axis has no place for zero: a lag of less than 1 µs stands at 1 µs.
    () => align(columns, KINDS.map((kind) => (column: Column) => {
      const value = levelOf(column, kind, at);
      return value === null ? null : Math.max(value, 0.001);
    })),
    [columns, at],
  );
  const lines = useMemo<Line[]>(
    () =>
      KINDS.map((kind) => ({
        name: KIND_NAMES[kind],
        word: kind,
        colour: KIND_COLOURS[kind],
        value: (column) => (isBound(column, kind, at) ? "≥ " : "") + ms(levelOf(column, kind, at)),
      })),
    [at],
  );
  const most = KINDS.map((kind) => `${KIND_NAMES[kind]} at most ${latency(highest(columns, (column) => levelOf(column, kind, at)))}`);
  return (
    <Chart
      group={group}
      title="Latencies apart"
      unit={`${at} in ms`}
      lines={lines}
      summary={`${at} of each second: ${most.join(", ")}.`}
      controls={<Choice label="Percentile" values={LEVELS.map((level) => [level, level] as const)} now={at} choose={setAt} />}
    >
      <Plot group={group} drawing={APART} data={data} height={HEIGHT} />
    </Chart>
  );
}

const share = (value: number) => `${Math.round(value * 100)} %`;

const HEALTH: Drawing = {
  series: [line("share", "--c-1"), line("share", "--c-3"), line("share", "--c-4"), line("share", "--c-7", { dash: [2, 3] }), line("lag", "--c-2")],
  scales: { share: { range: [0, 1] }, lag: fromZero(1) },
  axes: () => [valueAxis("share", share), rightAxis("lag", latency)],
};

const HEALTH_LINES: Line[] = [
  { name: "CPU", word: "cpu", colour: "--c-1", value: (column) => percent(column.cpu) },
  { name: "busy", word: "busy", colour: "--c-3", value: (column) => percent(column.busy) },
  { name: "steal", word: "steal", colour: "--c-4", value: (column) => percent(column.steal) },
  { name: "wait", word: "wait", colour: "--c-7", look: "dot", value: (column) => percent(column.wait) },
  { name: "lag p99, ms (right)", word: "lag", colour: "--c-2", value: (column) => ms(levelOf(column, "lag", "p99")) },
];

/** Whether the generator itself was the limit. */
export function Health({ group }: { group: ChartGroup }) {
  const columns = group.columns.value;
  const data = useMemo(
    () => align(columns, [(column) => column.cpu, (column) => column.busy, (column) => column.steal, (column) => column.wait, (column) => levelOf(column, "lag", "p99")]),
    [columns],
  );
  const summary = `The busiest driver used at most ${percent(highest(columns, (column) => column.cpu))} of its cores, its busiest worker was busy ${percent(highest(columns, (column) => column.busy))} of a second, and lag p99 was at most ${latency(highest(columns, (column) => levelOf(column, "lag", "p99")))}.`;
  return (
    <Chart group={group} title="The generator" unit="of the busiest driver" lines={HEALTH_LINES} summary={summary}>
      <Plot group={group} drawing={HEALTH} data={data} height={HEIGHT} />
    </Chart>
  );
}

const sessionRate = (of: (column: Column) => number | undefined) => (column: Column) => {
  const value = of(column);
  return value === undefined ? null : perSecond(column, value);
};
const STARTED = sessionRate((column) => column.sessions?.started);
const COMPLETED = sessionRate((column) => column.sessions?.completed);
const FAILED = sessionRate((column) => (column.sessions ? column.sessions.failed + column.sessions.abandoned : undefined));

/** Sessions a second, and users where the plan has them. */
export function Sessions({ group }: { group: ChartGroup }) {
  const columns = group.columns.value;
  const hasUsers = columns.some((column) => column.users !== null);
  const drawing = useMemo<Drawing>(
    () => ({
      series: [line("n", "--c-1"), line("n", "--c-3"), area("n", "--c-2"), ...(hasUsers ? [line("users", "--c-4", { dash: [6, 3] })] : [])],
      scales: { n: fromZero(), ...(hasUsers ? { users: fromZero() } : {}) },
      axes: () => [valueAxis("n", amount), ...(hasUsers ? [rightAxis("users", amount)] : [])],
    }),
    [hasUsers],
  );
  const data = useMemo(() => align(columns, [STARTED, COMPLETED, FAILED, ...(hasUsers ? [(column: Column) => column.users] : [])]), [columns, hasUsers]);
  const lines = useMemo<Line[]>(
    () => [
      { name: "started", word: "session", colour: "--c-1", value: (column) => rate(STARTED(column)) },
      { name: "completed", word: "session", colour: "--c-3", value: (column) => rate(COMPLETED(column)) },
      { name: "failed or abandoned", word: "abandoned", colour: "--c-2", look: "area", value: (column) => rate(FAILED(column)) },
      ...(hasUsers ? [{ name: "users (right)", word: "users", colour: "--c-4", look: "dash" as const, value: (column: Column) => count(column.users) }] : []),
    ],
    [hasUsers],
  );
  const summary = `${rate(mean(columns, (column) => column.sessions?.started ?? 0))} sessions a second started on average${hasUsers ? `, with at most ${count(highest(columns, (column) => column.users))} users` : ""}.`;
  return (
    <Chart group={group} title={hasUsers ? "Sessions and users" : "Sessions"} word="session" unit="a second" lines={lines} summary={summary} nothing={tooShort(columns)}>
      <Plot key={String(hasUsers)} group={group} drawing={drawing} data={data} height={HEIGHT} />
    </Chart>
  );
}

