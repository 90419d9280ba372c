// The tests of both sides over each other: percentile curves, throughput and percentiles over time.
import { useEffect, useMemo, useState } from "preact/hooks";

import { get, path, sentence } from "../../api/client";
import { Choice } from "../../charts/chart";
import { type CurveLine, Curves } from "../../charts/curve";
import { Over } from "../../charts/over";
import { OverGroup } from "../../charts/over-group";
import { keysOf, listKeys, Toolbar } from "../../charts/toolbar";
import { ms, rate } from "../../parts/format";
import { Failed, Loading } from "../../parts/notice";
import { type Column, column, isBound, type Level, levelOf, LEVELS, perSecond } from "../../state/columns";
import { type Asked, firstRequests, paged } from "../../state/series";
import type { CurvePoint, Span, Window } from "../../state/shapes";
import { seriesStepOf } from "../../state/zoom";
import { looks, type Look } from "./looks";
import "../../style/charts.css";

/** What is drawn of a test. */
interface Loaded {
  columns: Column[];
  curve: CurvePoint[];
}

async function columnsOf(id: string, asked: readonly Asked[], signal: AbortSignal): Promise<Column[]> {
  const pages = asked.map(({ from, to, step }) => get<{ windows: Window[] }>(path(["api", "v1", "tests", id, "windows"], { from, to, step }), { signal }));
  return (await Promise.all(pages)).flatMap(({ windows }) => windows.map(column));
}

async function load(id: string, signal: AbortSignal): Promise<Loaded> {
  const span = await get<Span>(path(["api", "v1", "tests", id, "span"]), { signal });
  return { columns: await columnsOf(id, firstRequests(span.to, true), signal), curve: span.curve.fleet };
}

interface Props {
  a: string[];
  b: string[];
  /** The name of a test; its id where it is not known. */
  nameOf: (id: string) => string;
}

export function TestsOver({ a, b, nameOf }: Props) {
  const [loaded, setLoaded] = useState<ReadonlyMap<string, Loaded>>(new Map());
  const [error, setError] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);
  // Also which side a test is on: it has another colour there.
  const asked = `${a.join(",")} ${b.join(",")}`;
  useEffect(() => {
    const abort = new AbortController();
    setError(null);
    const missing = [...new Set([...a, ...b])].filter((id) => !loaded.has(id));
    Promise.all(missing.map(async (id) => [id, await load(id, abort.signal)] as const)).then(
      (found) => setLoaded((before) => new Map([...before, ...found])),
      (failure: unknown) => {
        if (!abort.signal.aborted) setError(failure);
      },
    );
    return () => abort.abort();
  }, [asked, attempt]);
  const all = useMemo(() => looks(a, b, nameOf), [asked, nameOf]);
  if (error !== null) return <Failed what="The tests were not drawn" why={sentence(error)} again={() => setAttempt(attempt + 1)} />;
  if (!all.every(({ id }) => loaded.has(id))) return <Loading what="the tests" />;
  return <Drawings looks={all} loaded={loaded} />;
}

const throughput = (one: Column) => perSecond(one, one.completed);
const throughputText = (one: Column) => rate(throughput(one));

/** Has the finer columns of the span that is zoomed to, where the tests are long. */
function useFiner(group: OverGroup, ids: readonly string[]): void {
  const zoom = group.zoom.value;
  useEffect(() => {
    group.detail.value = null;
    if (!zoom) return;
    const step = seriesStepOf(zoom[1] - zoom[0]);
    if (!group.isCoarser(zoom, step)) return;
    const abort = new AbortController();
    const asked = paged({ from: zoom[0], to: zoom[1] - 1, step });
    Promise.all([...new Set(ids)].map(async (id) => [id, await columnsOf(id, asked, abort.signal)] as const)).then(
      (found) => (group.detail.value = { range: zoom, columns: new Map(found) }),
      // Without an answer the longer steps stay.
      () => undefined,
    );
    return () => abort.abort();
  }, [group, zoom]);
}

function Drawings({ looks: all, loaded }: { looks: readonly Look[]; loaded: ReadonlyMap<string, Loaded> }) {
  const [level, setLevel] = useState<Level>("p99");
  const lines = useMemo(() => all.map((look): CurveLine => ({ ...look, points: loaded.get(look.id)?.curve ?? [] })), [all, loaded]);
  const group = useMemo(() => new OverGroup(all.map((look) => ({ ...look, columns: loaded.get(look.id)?.columns ?? [] }))), [all, loaded]);
  useFiner(group, all.map(({ id }) => id));
  useEffect(() => listKeys(group, "whole tests"), [group]);
  const latency = useMemo(() => (one: Column) => levelOf(one, "response", level), [level]);
  const latencyText = (one: Column) => (isBound(one, "response", level) ? "≥ " : "") + ms(latency(one));
  return (
    <section aria-label="The tests over each other" class="stack charts-region" onKeyDown={keysOf(group)}>
      <h2 class="sr-only">The tests over each other</h2>
      <Curves title={group.zoom.value ? "Percentiles of the whole tests" : "Percentiles"} lines={lines} />
      <Toolbar group={group} whole="whole tests" />
      <div class="charts-grid">
        <Over
          title="Response"
          word="response"
          unit={`${level} in ms`}
          group={group}
          of={latency}
          text={latencyText}
          latencies
          controls={<Choice label="Percentile" values={LEVELS.map((one) => [one, one] as const)} now={level} choose={setLevel} />}
        />
        <Over title="Throughput" word="throughput" unit="completed a second" group={group} of={throughput} text={throughputText} />
      </div>
    </section>
  );
}
