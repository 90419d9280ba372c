// The tests of both sides over each other: percentile curves, throughput and percentiles over time.
import { useEffect, useMemo, useState } from "preact/hooks";

import { get, path, sentence } from "../../api/client";
import { Choice } from "../../charts/chart";
import { type CurveLine, Curves } from "../../charts/curve";
import { Over, type OverTest } from "../../charts/over";
import { ms, rate } from "../../parts/format";
import { Failed, Loading } from "../../parts/notice";
import { type Column, column, isBound, type Level, levelOf, LEVELS, perSecond } from "../../state/columns";
import type { CurvePoint, Span, Window } from "../../state/shapes";
import { looks, type Look } from "./looks";
import "../../style/charts.css";

/** What is drawn of a test. */
interface Drawn {
  columns: Column[];
  curve: CurvePoint[];
}

async function load(id: string, signal: AbortSignal): Promise<Drawn> {
  const at = (...more: string[]) => ["api", "v1", "tests", id, ...more];
  const [span, { windows }] = await Promise.all([
    get<Span>(path(at("span")), { signal }),
    get<{ windows: Window[] }>(path(at("windows"), { step: "auto" }), { signal }),
  ]);
  return { columns: windows.map(column), curve: span.curve.fleet };
}

interface Props {
  a: string[];
  b: string[];
  /** The name of a test; its id where it is not known. */
  nameOf: (id: string) => string;
}

export function TestsOver({ a, b, nameOf }: Props) {
  const [loaded, setLoaded] = useState<ReadonlyMap<string, Drawn>>(new Map());
  const [error, setError] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);
  const asked = [...a, ...b].join(",");
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

function Drawings({ looks: all, loaded }: { looks: readonly Look[]; loaded: ReadonlyMap<string, Drawn> }) {
  const [level, setLevel] = useState<Level>("p99");
  const lines = useMemo(() => all.map((look): CurveLine => ({ ...look, points: loaded.get(look.id)?.curve ?? [] })), [all, loaded]);
  const tests = useMemo(() => all.map((look): OverTest => ({ ...look, columns: loaded.get(look.id)?.columns ?? [] })), [all, loaded]);
  const latency = useMemo(() => (one: Column) => levelOf(one, "response", level), [level]);
  const latencyText = (one: Column) => (isBound(one, "response", level) ? "≥ " : "") + ms(latency(one));
  return (
    <section aria-label="The tests over each other" class="stack">
      <h2 class="sr-only">The tests over each other</h2>
      <Curves title="Percentiles" lines={lines} />
      <div class="charts-grid">
        <Over
          title="Response"
          word="response"
          unit={`${level} in ms`}
          tests={tests}
          of={latency}
          text={latencyText}
          latencies
          controls={<Choice label="Percentile" values={LEVELS.map((one) => [one, one] as const)} now={level} choose={setLevel} />}
        />
        <Over title="Throughput" word="throughput" unit="completed a second" tests={tests} of={throughput} text={throughputText} />
      </div>
    </section>
  );
}
