// What can be done to a test from its page: start, stop, change the rate, run again, compare, download.

import { useState } from "preact/hooks";

import { changeRate, runAgain, start } from "../../state/actions";
import { sentence } from "../../api/client";
import { Dialog } from "../../parts/dialog";
import { failed } from "../../parts/toast";
import { address, go } from "../../routes";
import { clock } from "../../charts/format";
import { canChangeRate, rateNow } from "../../state/load";
import type { Test } from "../../state/shapes";
import { isUnderWay } from "../../state/underway";
import { Stop } from "../stop";

/** The forms of a report, with what each is for. */
const FORMATS: readonly [ending: string, what: string][] = [
  ["html", "HTML, one file with these charts"],
  ["json", "JSON, the report"],
  ["json?series=true", "JSON with the series"],
  ["csv", "CSV, each second"],
  ["md", "Markdown, for a pull request"],
  ["junit.xml", "JUnit, a threshold a case"],
  ["txt", "Text, as in a terminal"],
  ["hgrm", "HdrHistogram, percentiles (.hgrm)"],
  ["hlog", "HdrHistogram, log (.hlog)"],
];

export function Actions({ test }: { test: Test }) {
  const [asksRate, setAsksRate] = useState(false);
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState<string | null>(null);
  const id = test.test_id;
  const run = (what: string, work: () => Promise<unknown>) => {
    setBusy(true);
    work()
      .catch((error: unknown) => failed(what, error))
      .finally(() => setBusy(false));
  };
  return (
    <>
      {test.state === "configured" && (
        <button type="button" class="primary" disabled={busy} onClick={() => run("The test was not started", () => start(id))}>
          Start
        </button>
      )}
      {canChangeRate(test) && (
        <button type="button" onClick={() => setAsksRate(true)}>
          Change rate
        </button>
      )}
      {isUnderWay(test.state) && <Stop id={id} />}
      {test.state === "finished" && (
        <>
          <button type="button" class="primary" disabled={busy} onClick={() => run("The test was not run again", async () => go({ page: "test", id: (await runAgain(id)).test_id }))}>
            Run again
          </button>
          <a class="button" href={address({ page: "compare", a: [id], b: [] })}>
            Compare with …
          </a>
          <details
            class="menu"
            onFocusOut={(event) => {
              if (!event.currentTarget.contains(event.relatedTarget as Node | null)) event.currentTarget.open = false;
            }}
            onKeyDown={(event) => {
              if (event.key !== "Escape" || !event.currentTarget.open) return;
              event.currentTarget.open = false;
              event.currentTarget.querySelector("summary")?.focus();
              event.stopPropagation();
            }}
          >
            <summary class="button">Report</summary>
            <ul>
              {FORMATS.map(([ending, what]) => (
                <li key={ending}>
                  <a href={`/api/v1/tests/${encodeURIComponent(id)}/report.${ending}`} download={`${id}.${ending.split("?")[0] ?? ""}`}>
                    {what}
                  </a>
                </li>
              ))}
            </ul>
          </details>
        </>
      )}
      {said && (
        <p class="small dim" role="status">
          {said}
        </p>
      )}
      {asksRate && <RateDialog test={test} close={() => setAsksRate(false)} said={setSaid} />}
    </>
  );
}

function RateDialog({ test, close, said }: { test: Test; close: () => void; said: (text: string) => void }) {
  const [value, setValue] = useState(String(rateNow(test) ?? ""));
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const what = test.plan.requests ? "Sessions" : "Requests";
  return (
    <Dialog title="Change the rate" close={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setBusy(true);
          changeRate(test.test_id, value)
            .then(
              (change) => {
                said(`${change.rate}/s from ${clock(change.at_s)} on`);
                close();
              },
              (error: unknown) => setFault(sentence(error)),
            )
            .finally(() => setBusy(false));
        }}
      >
        <label for="new-rate">
          {what} a second{test.plan.per === "fleet" ? ", of the fleet" : ", of each driver"}
        </label>
        <input
          id="new-rate"
          value={value}
          inputMode="decimal"
          autocomplete="off"
          required
          onInput={(event) => setValue(event.currentTarget.value)}
          aria-invalid={fault !== null}
          aria-describedby="new-rate-help"
        />
        <p class="dim small" id="new-rate-help">
          A number, or a text with a unit, as in 500/s or 6/m. All drivers change at the same instant, about a second from now.
        </p>
        {fault && (
          <p class="fault" role="alert">
            {fault}
          </p>
        )}
        <div class="row">
          <button type="button" onClick={close}>
            Leave it
          </button>
          <button class="primary" disabled={busy}>
            Change
          </button>
        </div>
      </form>
    </Dialog>
  );
}
