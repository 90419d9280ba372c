// The head of a test: what it is, how it stands, how far it is.

import type { ComponentChildren } from "preact";

import { clock } from "../../charts/format";
import { count, duration, instant, ms, percent, rate } from "../../parts/format";
import { VerdictBadge } from "../../parts/verdict";
import { Word } from "../../parts/word";
import { progress } from "../../state/progress";
import type { Column } from "../../state/columns";
import { levelOf, perSecond } from "../../state/columns";
import { loadWords } from "../../state/load";
import type { Plan, Test, Threshold } from "../../state/shapes";
import { failedShare } from "./rows";
import { stat } from "../../charts/format";

function Item({ name, children }: { name: ComponentChildren; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** `now`: ms since 1970, by which elapsed time counts. */
export function Head({ test, now, actions }: { test: Test; now: number; actions: ComponentChildren }) {
  const far = progress(test, now);
  const closed = test.plan.load?.mode === "avalanche" || test.plan.load?.users !== undefined;
  const method = test.plan.request?.method ?? "GET";
  const names = Object.keys(test.plan.requests ?? {}).length;
  return (
    <section class="card test-head" aria-labelledby="test-name">
      <div class="row test-title">
        <h1 id="test-name" class="wrap">
          {test.name}
        </h1>
        <VerdictBadge state={test.state} verdict={test.verdict as never} standing={test.standing as never} explains />
        <div class="row push test-actions no-print">{actions}</div>
      </div>
      <dl class="facts">
        <Item name={<Word of="target">Target</Word>}>
          <span class="wrap">
            {names > 0 ? `${names} ${names === 1 ? "request" : "requests"} to ` : `${method} `}
            {test.plan.target?.url ?? "–"}
          </span>
        </Item>
        <Item name={<Word of={closed ? "closed loop" : "open loop"}>{closed ? "Closed loop" : "Open loop"}</Word>}>{loadWords(test.plan)}</Item>
        <Item name={<Word of="driver">Drivers</Word>}>{test.drivers.length > 0 ? test.drivers.length : planDrivers(test.plan)}</Item>
        <Item name={test.started_at ? "Started" : "Created"}>{instant(test.started_at ?? test.created_at, new Date(now))}</Item>
        {far.elapsed !== null && <Item name={<Word of={test.state === "finished" ? "lasted" : "elapsed"}>{test.state === "finished" ? "Lasted" : "Elapsed"}</Word>}>{test.state === "finished" ? duration(far.elapsed) : clock(far.elapsed)}</Item>}
        {far.remaining !== null && <Item name={<Word of="remaining">{far.mayEndEarlier ? "Remaining, at most" : "Remaining"}</Word>}>{clock(Math.ceil(far.remaining))}</Item>}
        {far.warmingUp && <Item name={<Word of="stage">Stage</Word>}><Word of="warm-up">warm-up</Word></Item>}
        {far.stage && (
          <Item name={<Word of="stage">Stage</Word>}>
            {far.stage.number} of {far.stage.of}: {far.stage.text}
          </Item>
        )}
        {!far.stage && !far.warmingUp && test.state !== "finished" && <Item name={<Word of="state">State</Word>}>{test.state}</Item>}
      </dl>
      {far.share !== null && (
        <div class="progress" role="progressbar" aria-label="How far the test is" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(far.share * 100)}>
          <div style={{ width: `${far.share * 100}%` }} />
        </div>
      )}
    </section>
  );
}

function planDrivers(plan: Plan): string {
  return Array.isArray(plan.drivers) ? plan.drivers.join(", ") : String(plan.drivers ?? "all");
}

const WHY: Record<string, string> = { passed: "passed", failed: "failed", aborted: "was aborted" };

/** What was found: reasons, setup and teardown that failed, warnings, notes. */
export function Findings({ test }: { test: Test }) {
  const missing = test.completeness?.missing ?? [];
  const steps = (["setup", "teardown"] as const).flatMap((name) => {
    const run = test[name];
    if (!run || run.outcome === "completed") return [];
    const where = [run.driver, run.step].filter(Boolean).join(", ");
    return [`${name} ${run.outcome}${where ? ` (${where})` : ""}${run.reason ? `: ${run.reason}` : ""}`];
  });
  if (test.reasons.length + test.warnings.length + (test.notes?.length ?? 0) + steps.length === 0) return null;
  return (
    <section class="card findings" aria-label="Findings">
      {test.reasons.length > 0 && <h2>{test.verdict ? `Why it ${WHY[test.verdict] ?? `is ${test.verdict}`}` : "Reasons so far"}</h2>}
      <ul class={`reasons ${test.verdict ?? test.standing ?? ""}`}>
        {test.reasons.map((text) => (
          <li key={text}>{text}</li>
        ))}
        {steps.map((text) => (
          <li key={text}>{text}</li>
        ))}
      </ul>
      {missing.length > 0 && test.reasons.length === 0 && <p class="small">{missing.length} runs of windows are missing.</p>}
      {test.warnings.length > 0 && (
        <>
          <h2>
            <Word of="warning">Warnings</Word>
          </h2>
          <ul>
            {test.warnings.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </>
      )}
      {(test.notes?.length ?? 0) > 0 && (
        <>
          <h2>
            <Word of="note">Notes</Word>
          </h2>
          <ul class="dim">
            {test.notes?.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

/** A threshold's value in the unit of what it limits. */
export function thresholdValue({ expression, value, lower_bound: bound }: Threshold): string {
  if (value === null || value === undefined) return "–";
  // The last part alone says what it is: those before it are names, as that of a request "ratio".
  const figure = expression.replace(/\s*[<>]=?[^<>]*$/, "").split(".").pop() ?? "";
  const text = figure === "ratio" ? percent(value) : figure === "throughput" ? `${rate(value)}/s` : `${ms(value)} ms`;
  return (bound ? "≥ " : "") + text;
}

/** What had to hold, and whether it does: the broken ones first. */
export function Thresholds({ test }: { test: Test }) {
  if (test.thresholds.length === 0) return null;
  const live = test.state !== "finished";
  const state = (threshold: Threshold): [sign: string, text: string, kind: string] => {
    if (threshold.ok === true) return ["✓", live ? "holds so far" : "held", "good"];
    if (threshold.ok === false) return ["✕", live ? "broken, and cannot hold any more" : "broken", "bad"];
    return live && threshold.value !== null ? ["✕", "does not hold so far", "bad"] : ["?", live ? "not known yet" : "not decided", "warn"];
  };
  const rank = (threshold: Threshold) => ["bad", "warn", "good"].indexOf(state(threshold)[2]);
  const rows = [...test.thresholds].sort((a, b) => rank(a) - rank(b));
  return (
    <section class="card" aria-labelledby="thresholds-title">
      <h2 id="thresholds-title">
        <Word of="threshold">Thresholds</Word>
      </h2>
      <ul class="thresholds">
        {rows.map((threshold) => {
          const [sign, text, kind] = state(threshold);
          return (
            <li key={`${threshold.expression} ${threshold.driver ?? ""}`} class={kind}>
              <span class={`sign ${kind}`} aria-hidden="true">
                {sign}
              </span>
              <code class="wrap">
                {threshold.expression}
                {threshold.driver ? ` (${threshold.driver})` : ""}
              </code>
              <b>{thresholdValue(threshold)}</b>
              <span class="small threshold-state">
                {text}
                {threshold.given ? "" : ", a default"}
                {threshold.without?.length ? `, without ${threshold.without.join(", ")}` : ""}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** The counts and the most asked figures, large. `newest` is the newest second of a running test. */
export function Figures({ test, newest }: { test: Test; newest: Column | null }) {
  const { totals } = test;
  const live = test.state === "running" || test.state === "draining";
  const warm = totals.warmup ?? {};
  const late = totals.dropped_by?.late ?? 0;
  const atLimit = totals.dropped_by?.in_flight ?? 0;
  const inWarmup = (n: number | undefined): { of?: string } => ((n ?? 0) > 0 ? { of: `${count(n)} in the warm-up` } : {});
  const ratio = failedShare(totals);
  const failed = [...(ratio === null ? [] : [percent(ratio)]), ...((warm.failed ?? 0) > 0 ? [`${count(warm.failed)} in the warm-up`] : [])].join(", ");
  const dropped = [...(atLimit > 0 ? [`${count(atLimit)} at the limit`] : []), ...(late > 0 ? [`${count(late)} late`] : [])].join(", ");
  const shown: { name: string; word?: string; value: string; bad?: boolean; of?: string }[] = [
    { name: "sent", word: "sent", value: count(totals.sent), ...inWarmup(warm.sent) },
    { name: "completed", word: "completed", value: count(totals.completed), ...inWarmup(warm.completed) },
    { name: "failed", word: "failed", value: count(totals.failed), bad: (totals.failed ?? 0) > 0, ...((totals.failed ?? 0) > 0 ? { of: failed } : {}) },
    { name: "dropped", word: "dropped", value: count(totals.dropped), bad: (totals.dropped ?? 0) > 0, ...(dropped !== "" ? { of: dropped } : {}) },
  ];
  if (live) shown.push({ name: "in flight", word: "in flight", value: count(totals.in_flight) }, { name: "sent/s now", word: "sent", value: newest ? rate(perSecond(newest, newest.sent)) : "–" });
  else shown.push({ name: "completed/s", word: "throughput", value: rate(totals.throughput_per_s) });
  if (totals.sessions) shown.push({ name: "sessions", word: "session", value: count(totals.sessions.started), bad: totals.sessions.failed > 0, ...(totals.sessions.failed > 0 ? { of: `${count(totals.sessions.failed)} failed` } : {}) });
  if (totals.users !== undefined && totals.users !== null) shown.push({ name: "users at most", word: "users", value: count(totals.users) });
  if ((totals.unresolved ?? 0) > 0) shown.push({ name: "unresolved", word: "unresolved", value: count(totals.unresolved), bad: true });
  if ((totals.end_unknown ?? 0) > 0) shown.push({ name: "end not reported", word: "end_unknown", value: count(totals.end_unknown) });
  const response = totals.latency_ms.response;
  shown.push({ name: "median, ms", word: "median", value: stat(response, "median") }, { name: "p99, ms", word: "percentile", value: stat(response, "p99") });
  if (live && newest) {
    const now = levelOf(newest, "response", "p99");
    const last = shown[shown.length - 1];
    if (last && now !== null) last.of = `${ms(now)} in the last second`;
  }
  return (
    <section class="card" aria-label="Counts">
      <dl class="big-figures">
        {shown.map(({ name, word, value, bad, of }) => (
          <div key={name} class={bad ? "bad" : ""}>
            <dt>{word ? <Word of={word}>{name}</Word> : name}</dt>
            <dd>{value}</dd>
            {of && <dd class="of">{of}</dd>}
          </div>
        ))}
      </dl>
    </section>
  );
}
