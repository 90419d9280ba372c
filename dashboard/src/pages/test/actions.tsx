// What can be done to a test from its page: start, stop, change the rate, run again, compare, download.

import { useState } from "preact/hooks";

import { changeRate, runAgain, start, stop } from "../../state/actions";
import { sentence } from "../../api/client";
import { Dialog } from "../../parts/dialog";
import { address, go } from "../../routes";
import { clock } from "../../charts/format";
import { canChangeRate, rateNow } from "../../state/load";
import type { Test } from "../../state/shapes";

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
  const [asked, setAsked] = useState<"stop" | "rate" | null>(null);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const [said, setSaid] = useState<string | null>(null);
  const id = test.test_id;
  const run = (work: () => Promise<unknown>) => {
    setBusy(true);
    setFault(null);
    work()
      .catch((error: unknown) => setFault(sentence(error)))
      .finally(() => setBusy(false));
  };
  const underWay = test.state === "running" || test.state === "starting" || test.state === "draining";
  return (
    <>
      {test.state === "configured" && (
        <button type="button" class="primary" disabled={busy} onClick={() => run(() => start(id))}>
          Start
        </button>
      )}
      {canChangeRate(test) && (
        <button type="button" onClick={() => setAsked("rate")}>
          Change rate
        </button>
      )}
      {underWay && (
        <button type="button" class="danger" disabled={busy} onClick={() => setAsked("stop")}>
          Stop
        </button>
      )}
      {test.state === "finished" && (
        <>
          <button type="button" class="primary" disabled={busy} onClick={() => run(async () => go({ page: "test", id: (await runAgain(id)).test_id }))}>
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
      {fault && (
        <p class="fault" role="alert">
          {fault}
        </p>
      )}
      {asked === "stop" && (
        <Dialog title="Stop this test?" close={() => setAsked(null)}>
          <p>Drivers send no more, wait for what is in flight, and report. The verdict is then “aborted”.</p>
          <div class="row">
            <button type="button" onClick={() => setAsked(null)}>
              Go on
            </button>
            <button
              type="button"
              class="danger"
              onClick={() => {
                setAsked(null);
                run(() => stop(id));
              }}
            >
              Stop the test
            </button>
          </div>
        </Dialog>
      )}
      {asked === "rate" && <RateDialog test={test} close={() => setAsked(null)} said={setSaid} />}
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
