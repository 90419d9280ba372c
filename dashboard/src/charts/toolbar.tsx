// What steers all charts: the span, the cursor, and the keys for both.

import type { ComponentChildren } from "preact";

import { listed, shortcut } from "../parts/keys";
import { clock } from "./format";
import type { Steered } from "./group";

/** Whether a key was one of the charts'. */
function onKey(group: Steered, event: KeyboardEvent): boolean {
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

/**
 * Follows the keys within a region of charts. Buttons and tables keep their own keys: only the cursor, and a chart that was
 * clicked, move the cursor.
 */
export function keysOf(group: Steered): (event: KeyboardEvent) => void {
  return (event) => {
    const own = (event.target as HTMLElement).closest("button, select, input, .scroll");
    if (own && event.key !== "Escape") return;
    if (!onKey(group, event)) return;
    event.preventDefault();
    event.stopPropagation();
  };
}

/** Lists the keys of charts while a page shows some, and follows Escape everywhere on it; returns what ends it. */
export function listKeys(group: Steered, whole: string): () => void {
  const ends = [
    shortcut("Escape", `Zoom out to the ${whole}`, () => group.do({ do: "out" })),
    listed(["←", "→"], "On the time cursor of the charts: move it; with Shift by ten"),
    listed(["Enter"], "On the time cursor: begin a span, end it, and zoom to it"),
    listed(["+", "−"], "On the time cursor: zoom in and out"),
  ];
  return () => {
    for (const end of ends) end();
  };
}

const FOLLOW: readonly [seconds: number, text: string][] = [
  [60, "1 min"],
  [300, "5 min"],
];

interface Props {
  group: Steered;
  /** Whether the newest seconds can be followed. */
  live?: boolean;
  /** What the charts show without a zoom, as "whole test". */
  whole?: string;
  children?: ComponentChildren;
}

export function Toolbar({ group, live = false, whole: all = "whole test", children }: Props) {
  const view = group.view.value;
  const whole = group.whole.value;
  const [from, to] = group.range.value;
  const isWhole = view.zoom === null && view.follow === null;
  const length = whole[1] - whole[0];
  return (
    <div class="toolbar no-print" role="group" aria-label="What the charts show">
      <button type="button" class="small" aria-pressed={isWhole} onClick={() => group.do({ do: "out" })} title="Escape">
        {all.charAt(0).toUpperCase() + all.slice(1)}
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
        aria-valuetext={view.cursor === null ? "not set" : group.spoken.value}
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
