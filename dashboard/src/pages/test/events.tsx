// What happened to a test, oldest first.

import { clock } from "../../charts/format";
import { instant } from "../../parts/format";
import type { Test } from "../../state/shapes";
import { label, tone } from "../../state/timeline";

/** From so many entries on the list is folded. */
const LONG = 12;

export function Events({ test }: { test: Test }) {
  const start = test.started_at ? Date.parse(test.started_at) : Number.NaN;
  if (test.timeline.length === 0) return null;
  const list = (
    <ol class="events">
      {test.timeline.map((entry, index) => {
        const at = (Date.parse(entry.at) - start) / 1000;
        return (
          <li key={`${entry.at} ${index}`} class={tone(entry) === "note" ? "" : tone(entry)}>
            <time dateTime={entry.at} title={instant(entry.at, new Date())}>
              {Number.isNaN(at) || at < 0 ? instant(entry.at, new Date(entry.at)) : clock(at)}
            </time>
            <b>{label(entry)}</b>
            {entry.driver && <span class="mono">{entry.driver}</span>}
            <span class="wrap">{entry.detail}</span>
          </li>
        );
      })}
    </ol>
  );
  return (
    <section class="card" aria-labelledby="events-title">
      <h2 id="events-title">Events</h2>
      {test.timeline.length > LONG ? (
        <details>
          <summary>{test.timeline.length} events</summary>
          {list}
        </details>
      ) : (
        list
      )}
    </section>
  );
}
