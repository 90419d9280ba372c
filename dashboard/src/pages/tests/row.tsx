// One test of the list, and what can be done with it.
import { useState } from "preact/hooks";

import type { TestSummary } from "../../api/types";
import { between, duration, instant } from "../../parts/format";
import { done, failed } from "../../parts/toast";
import { VerdictBadge } from "../../parts/verdict";
import { address, go } from "../../routes";
import { runAgain, start } from "../../state/actions";
import { liveTest } from "../../state/live";
import { isLater, isUnderWay } from "../../state/underway";
import { Stop } from "../stop";

interface Props {
  test: TestSummary;
  picked: boolean;
  pick: (picked: boolean) => void;
  remove: () => void;
}

export function Row({ test, picked, pick, remove }: Props) {
  const [busy, setBusy] = useState(false);
  // While it runs the stream knows how it stands.
  const known = liveTest(test.test_id);
  const live = known && isLater(known, test) ? known : null;
  const state = live?.state ?? test.state;
  const took = between(test.started_at, test.ended_at);
  const act = async (what: string, run: () => Promise<{ test_id: string }>) => {
    setBusy(true);
    try {
      const { test_id } = await run();
      go({ page: "test", id: test_id });
    } catch (error) {
      failed(what, error);
      setBusy(false);
    }
  };
  return (
    <tr>
      <td class="pick">
        <input
          type="checkbox"
          aria-label={`Compare ${test.name}`}
          checked={picked}
          disabled={state !== "finished"}
          onChange={(event) => pick(event.currentTarget.checked)}
        />
      </td>
      <td>
        <VerdictBadge state={state} verdict={live?.verdict ?? test.verdict} standing={live?.standing} />
      </td>
      <th scope="row" class="name">
        <a href={address({ page: "test", id: test.test_id })} class="wrap">
          {test.name}
        </a>
        <span class="dim small mono id">{test.test_id}</span>
      </th>
      <td class="nowrap">
        <time dateTime={test.created_at}>{instant(test.started_at ?? test.created_at, new Date())}</time>
      </td>
      <td class="n">{took === null ? "–" : duration(took)}</td>
      <td class="actions">
        {isUnderWay(state) ? (
          <Stop id={test.test_id} name={test.name} small />
        ) : (
          <>
            {state === "configured" ? (
              <button type="button" class="small" disabled={busy} onClick={() => void act(`${test.name} was not started`, () => start(test.test_id))}>
                Start<span class="sr-only"> {test.name}</span>
              </button>
            ) : (
              <button type="button" class="small" disabled={busy} onClick={() => void act(`${test.name} was not run again`, () => runAgain(test.test_id))}>
                Run again<span class="sr-only"> {test.name}</span>
              </button>
            )}
            <a class="button quiet small" href={address({ page: "new", from: test.test_id })}>
              Edit<span class="sr-only"> the plan of {test.name} for a new test</span>
            </a>
            <button type="button" class="quiet small" disabled={busy} onClick={remove}>
              Delete<span class="sr-only"> {test.name}</span>
            </button>
          </>
        )}
      </td>
    </tr>
  );
}

/** Says in the message line that a test is gone. */
export function saidDeleted(test: TestSummary): void {
  done(`${test.name} is deleted.`);
}
