// The test that is under way, above the list: how it stands, how far it is, and what can be done with it.
import { useState } from "preact/hooks";

import { clock } from "../../charts/format";
import { count, rate } from "../../parts/format";
import { done, failed } from "../../parts/toast";
import { VerdictBadge } from "../../parts/verdict";
import { Word } from "../../parts/word";
import { address } from "../../routes";
import { changeRate } from "../../state/actions";
import { follows } from "../../state/follows";
import { orchestratorNow, tick, underWay } from "../../state/live";
import { canChangeRate, loadWords, rateNow } from "../../state/load";
import { progress } from "../../state/progress";
import type { Test } from "../../state/shapes";
import { Stop } from "../stop";

/** Nothing where no test is under way. */
export function Running() {
  const test: Test | null = underWay.value;
  if (!test) return null;
  const { totals } = test;
  const figures: [string, string, boolean][] = [
    ["sent", count(totals.sent), false],
    ["completed", count(totals.completed), false],
    ["failed", count(totals.failed), (totals.failed ?? 0) > 0],
    ["dropped", count(totals.dropped), (totals.dropped ?? 0) > 0],
    ["in flight", count(totals.in_flight), false],
  ];
  return (
    <section class="card running" aria-label="The test under way">
      <div class="row">
        <VerdictBadge state={test.state} verdict={test.verdict as never} standing={test.standing as never} explains />
        <h2 class="wrap">
          <a href={address({ page: "test", id: test.test_id })}>{test.name}</a>
        </h2>
        <span class="dim small wrap">
          {loadWords(test.plan)}, to {test.plan.target?.url ?? "–"}
        </span>
        <span class="push">
          <Elapsed test={test} />
        </span>
      </div>
      {test.reasons.length > 0 && (
        <ul class="reasons">
          {test.reasons.slice(0, 3).map((reason) => (
            <li key={reason}>{reason}</li>
          ))}
        </ul>
      )}
      <dl class="figures">
        {figures.map(([name, value, alarm]) => (
          <div key={name} class={alarm ? "alarm" : ""}>
            <dt>
              <Word of={name} />
            </dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div class="row">
        {canChangeRate(test) && <ChangeRate key={test.test_id} test={test} />}
        <span class="push" />
        <a class="button" href={address({ page: "test", id: test.test_id })}>
          Watch
        </a>
        <Stop id={test.test_id} name={test.name} />
      </div>
    </section>
  );
}

function Elapsed({ test }: { test: Test }) {
  // Read, so that it goes on each second.
  follows(tick);
  const { elapsed, share, remaining, mayEndEarlier } = progress(test, orchestratorNow());
  if (elapsed === null) return <span class="dim">starting</span>;
  return (
    <span class="row">
      {share !== null && <progress max={1} value={share} aria-label="How much of the load has passed" />}
      <span class="nowrap">
        {clock(elapsed)}
        {remaining !== null && <span class="dim">{mayEndEarlier ? " of at most " : " of "}{clock(elapsed + remaining)}</span>}
      </span>
    </span>
  );
}

function ChangeRate({ test }: { test: Test }) {
  const now = rateNow(test) ?? 0;
  const [wanted, setWanted] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    try {
      const change = await changeRate(test.test_id, wanted);
      done(`The rate is ${rate(change.rate)}/s from second ${change.at_s.toFixed(1)} on.`);
      setWanted("");
    } catch (error) {
      failed("The rate was not changed", error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form
      class="row change-rate"
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <label for="rate">
        Rate {test.plan.per === "fleet" ? "of the fleet" : "of each driver"}, {rate(now)}/s now
      </label>
      <input
        id="rate"
        type="number"
        min="0.00001"
        step="any"
        required
        inputMode="decimal"
        placeholder={String(now)}
        value={wanted}
        onInput={(event) => setWanted(event.currentTarget.value)}
      />
      <button disabled={busy}>Change</button>
    </form>
  );
}
