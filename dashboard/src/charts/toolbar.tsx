// What steers all charts: the span, the cursor by keyboard, and what they show there in words.

import type { ComponentChildren } from "preact";

import { ms, rate } from "../parts/format";
import { type Column, levelOf, perSecond } from "../state/columns";
import { clock } from "./format";
import type { ChartGroup } from "./group";

/** A column in words, for the cursor of the keyboard. */
export function inWords(column: Column | null): string {
  if (!column) return "no second is known here";
  const when = column.seconds === 1 ? clock(column.seq) : `${clock(column.seq)} to ${clock(column.seq + column.seconds)}`;
  const parts = [`sent ${rate(perSecond(column, column.sent))} a second`];
  if (column.failed > 0) parts.push(`${column.failed} failed`);
  const dropped = column.droppedInFlight + column.droppedLate;
  if (dropped > 0) parts.push(`${dropped} dropped`);
  parts.push(`median ${ms(levelOf(column, "response", "p50"))} ms`, `p99 ${ms(levelOf(column, "response", "p99"))} ms`);
  return `${when}: ${parts.join(", ")}`;
}

/** Whether a key was one of the charts'. */
export function onKey(group: ChartGroup, event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  switch (event.key) {
    case "ArrowLeft":
    case "ArrowDown":
      group.do({ do: "step", by: event.shiftKey ? -10 : -1 });
      return true;
    case "ArrowRight":
    case "ArrowUp":
      group.do({ do: "step", by: event.shiftKey ? 10 : 1 });
      return true;
    case "PageUp":
      group.do({ do: "step", by: 10 });
      return true;
    case "PageDown":
      group.do({ do: "step", by: -10 });
      return true;
    case "Home":
      group.do({ do: "first" });
      return true;
    case "End":
      group.do({ do: "last" });
      return true;
    case "Enter":
    case " ":
      group.do({ do: "mark" });
      return true;
    case "+":
    case "=":
      group.do({ do: "closer" });
      return true;
    case "-":
      group.do({ do: "wider" });
      return true;
    case "Escape":
      group.do({ do: "out" });
      return true;
    default:
      return false;
  }
}

const FOLLOW: readonly [seconds: number, text: string][] = [
  [60, "1 min"],
  [300, "5 min"],
];

export function Toolbar({ group, live, children }: { group: ChartGroup; live: boolean; children?: ComponentChildren }) {
  const view = group.view.value;
  const whole = group.whole.value;
  const [from, to] = group.range.value;
  const under = group.under.value;
  const isWhole = view.zoom === null && view.follow === null;
  const length = whole[1] - whole[0];
  return (
    <div class="toolbar no-print" role="group" aria-label="What the charts show">
      <button type="button" class="small" aria-pressed={isWhole} onClick={() => group.do({ do: "out" })} title="Escape">
        Whole test
      </button>
      {live &&
        FOLLOW.filter(([seconds]) => length > seconds).map(([seconds, text]) => (
          <button key={seconds} type="button" class="small" aria-pressed={view.follow === seconds} onClick={() => group.do({ do: "follow", seconds })}>
            Last {text}
          </button>
        ))}
      <button type="button" class="small" onClick={() => group.do({ do: "closer" })} aria-label="Zoom in" title="+">
        <span aria-hidden="true">+</span>
      </button>
      <button type="button" class="small" onClick={() => group.do({ do: "wider" })} disabled={isWhole} aria-label="Zoom out" title="-">
        <span aria-hidden="true">−</span>
      </button>
      <span class="toolbar-span">
        {clock(from)} – {clock(to)}
      </span>
      <span
        class="time-cursor"
        role="slider"
        tabIndex={0}
        aria-label="Time cursor of all charts. Arrow keys move it, Enter begins and ends a span to zoom to, Escape zooms out."
        aria-valuemin={from}
        aria-valuemax={to}
        aria-valuenow={view.cursor ?? from}
        aria-valuetext={view.cursor === null ? "not set" : inWords(under)}
        onFocus={() => {
          if (group.view.peek().cursor === null) group.do({ do: "first" });
        }}
        onBlur={() => group.do({ do: "point", at: null })}
      >
        {view.cursor === null ? "Time cursor" : clock(view.cursor)}
        {view.anchor !== null && <> · from {clock(view.anchor)}: Enter zooms</>}
      </span>
      {children}
      <span class="dim small toolbar-hint">Drag to zoom. Keys: ← → move, Enter marks, + −, Esc.</span>
    </div>
  );
}
