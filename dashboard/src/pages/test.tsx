// The page of one test: live while it runs, from what is stored when it is over.

import { useComputed } from "@preact/signals";
import { useEffect, useMemo, useState } from "preact/hooks";

import { readTest } from "../state/actions";
import { ApiError, get, path, sentence } from "../api/client";
import { listKeys } from "../charts/toolbar";
import { Copyable } from "../parts/copy";
import { duration } from "../parts/format";
import { Empty, Failed, Loading } from "../parts/notice";
import { here } from "../routes";
import { caughtUp, link, listVersion, onSecond, onTest, orchestratorNow, tick } from "../state/live";
import { follows } from "../state/follows";
import { type Source, TestModel } from "../state/model";
import type { Span, Test, Window } from "../state/shapes";
import { Actions } from "./test/actions";
import { PlanFold } from "./test/plan";
import { TestView } from "./test/view";
import "../style/charts.css";

function source(id: string): Source {
  const at = (...more: string[]) => ["api", "v1", "tests", id, ...more];
  return {
    windows: async (from, to, step, driver) => (await get<{ windows: Window[] }>(path(at("windows"), { from, to, step, driver }))).windows,
    span: async (range) => await get<Span>(path(at("span"), range ?? {})),
  };
}

/** How often the figures of a running test, or of the span that is zoomed to, are asked for. */
const FIGURES_EVERY_MS = 5_000;
/** A running test whose newest second is older than this is said to be behind. */
const BEHIND_MS = 3_000;

/** The newest second that a test may have, by the orchestrator's clock. */
function newestOf(test: Test): number {
  const end = test.state === "finished" && test.ended_at ? Date.parse(test.ended_at) : orchestratorNow();
  return test.started_at ? Math.max(0, Math.ceil((end - Date.parse(test.started_at)) / 1000)) : 0;
}

export default function TestPage() {
  const at = here.value;
  const id = at.page === "test" ? at.id : "";
  return <OneTest key={id} id={id} />;
}

function OneTest({ id }: { id: string }) {
  const model = useMemo(() => new TestModel(source(id)), [id]);
  const [fault, setFault] = useState<ApiError | Error | null>(null);
  const [attempt, setAttempt] = useState(0);
  const [receivedAt, setReceivedAt] = useState(() => performance.now());

  useEffect(() => {
    let wanted = true;
    let loaded = false;
    // As the page showed it last; undefined before it showed any.
    let state: Test["state"] | undefined;
    const load = async () => {
      try {
        const test: Test = await readTest(id);
        if (!wanted) return;
        setFault(null);
        model.take(test);
        state ??= test.state;
        if (!test.started_at) return;
        loaded = true;
        const streams = caughtUp.peek();
        // The curve needs its own histograms, and does not wait for the series.
        const whole = model.whole();
        await model.load(newestOf(test), test.state === "finished").catch((error: unknown) => {
          model.fault.value = sentence(error);
        });
        // A stream that began meanwhile may have begun behind the newest of these seconds.
        if (streams !== caughtUp.peek()) await model.refill(model.series.last - 10, newestOf(test)).catch(() => undefined);
        await whole;
      } catch (error) {
        if (wanted) setFault(error instanceof Error ? error : new Error(String(error)));
      }
    };
    void load();
    const ends = [
      onTest((test) => {
        if (test.test_id !== id) return;
        model.take(test);
        if (test.started_at && !loaded) {
          loaded = true;
          void model.load(newestOf(test), false).catch((error: unknown) => {
            model.fault.value = sentence(error);
          });
        }
        // The last seconds of a test may be corrected when it ends.
        if (test.state === "finished" && state !== undefined && state !== "finished") {
          void model.refill(model.series.last - 60, newestOf(test)).catch(() => undefined);
          void model.whole();
          void model.again();
          void model.refresh();
        }
        if (state !== undefined) state = test.state;
      }),
      onSecond((second) => {
        if (second.test_id !== id || (second.node_id ?? null) !== null) return;
        const { last } = model.series;
        model.add([second]);
        // The orchestrator drops events that do not fit into its queue: what is missing is asked for.
        const test = model.test.peek();
        if (test && loaded && last >= 0 && second.seq > last + 1) void model.refill(last, newestOf(test)).catch(() => undefined);
        setReceivedAt(performance.now());
      }),
      // After a break of the stream: what was missed is asked for.
      caughtUp.subscribe(() => {
        const test = model.test.peek();
        if (!test || !loaded || model.series.last < 0) return;
        void readTest(id).then((now) => model.take(now), () => undefined);
        void model.refill(model.series.last - 10, newestOf(test)).catch(() => undefined);
      }),
      // A test that no longer changes sends no events: whether it was deleted elsewhere is asked for.
      listVersion.subscribe(() => {
        if (!["finished", "configured"].includes(model.test.peek()?.state ?? "")) return;
        readTest(id).catch((error: unknown) => {
          if (!wanted || !(error instanceof ApiError) || error.status !== 404) return;
          setFault(error);
          model.gone();
        });
      }),
      listKeys(model.group, "whole test"),
    ];
    const sends = () => ["running", "draining"].includes(model.test.peek()?.state ?? "") && !document.hidden;
    const figures = setInterval(() => {
      if (sends()) void (model.group.view.peek().zoom ? model.again() : model.whole());
    }, FIGURES_EVERY_MS);
    const ofDriver = setInterval(() => {
      if (sends()) void model.refresh();
    }, 1_000);
    return () => {
      wanted = false;
      clearInterval(figures);
      clearInterval(ofDriver);
      for (const end of ends) end();
    };
  }, [id, model, attempt]);

  const test = model.test.value;
  useEffect(() => {
    if (test) document.title = `${test.verdict ?? test.state}: ${test.name} · Groundswell`;
  }, [test?.name, test?.state, test?.verdict]);

  if (!test) {
    if (!fault) return <Loading what="the test" />;
    if (fault instanceof ApiError && fault.status === 404) {
      return (
        <Empty title="This test is not in the history">
          <p>
            It may have been deleted. <a href="/">All tests</a>
          </p>
        </Empty>
      );
    }
    return <Failed what="The test was not loaded" why={sentence(fault)} again={() => setAttempt(attempt + 1)} />;
  }
  return <Live model={model} test={test} receivedAt={receivedAt} />;
}

function Live({ model, test, receivedAt }: { model: TestModel; test: Test; receivedAt: number }) {
  const lost = useComputed(() => link.value === "lost");
  // Read, so that elapsed time goes on between events.
  if (test.state !== "finished") follows(tick);
  const notices = (
    <>
      {lost.value && test.state !== "configured" && <Gone test={test} />}
      {!lost.value && test.state === "running" && performance.now() - receivedAt > BEHIND_MS && <Behind test={test} seconds={(performance.now() - receivedAt) / 1000} />}
    </>
  );
  return <TestView model={model} test={test} now={orchestratorNow()} actions={<Actions test={test} />} notices={notices} plan={<PlanFold plan={test.plan} isOpen={test.state === "configured"} />} byDriver />;
}

/** The orchestrator is gone: of `groundswell run` it ends with its test. */
function Gone({ test }: { test: Test }) {
  return (
    <section class="card gone" role="status">
      <h2>The orchestrator does not answer</h2>
      <p>
        {test.state === "finished" ? "This test is over" : "What you see is the state when the connection ended"}. Where <code>groundswell run</code> led it, its orchestrator ends with it, and the test stays in
        the history. In a terminal on that machine:
      </p>
      <Copyable text={`groundswell report ${test.test_id}`} label="the command that shows the report" />
    </section>
  );
}

function Behind({ test, seconds }: { test: Test; seconds: number }) {
  if (test.started_at && orchestratorNow() < Date.parse(test.started_at) + BEHIND_MS) return null;
  return (
    <p class="behind" role="status">
      No second has arrived for <span aria-live="off">{duration(seconds)}</span>: the figures are that old.
    </p>
  );
}
