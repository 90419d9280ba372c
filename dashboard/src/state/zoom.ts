// What span of a test the charts show, and where the one cursor of all of them stands. Pure: an action and a state make the
// next state. Times are seconds since the start.

export type Range = readonly [from: number, to: number];

export interface View {
  /** The span that was zoomed to; null for the whole test. */
  zoom: Range | null;
  /** Shows the newest so many seconds, and moves on with them; null otherwise. */
  follow: number | null;
  /** Where the cursor stands; null for nowhere. */
  cursor: number | null;
  /** Where a selection by keyboard began. */
  anchor: number | null;
}

export const WHOLE: View = { zoom: null, follow: null, cursor: null, anchor: null };

/** The shortest span that can be zoomed to, in seconds. */
export const SHORTEST = 2;

export type Action =
  | { do: "zoom"; from: number; to: number }
  | { do: "out" }
  | { do: "follow"; seconds: number }
  | { do: "point"; at: number | null }
  | { do: "step"; by: number }
  | { do: "first" }
  | { do: "last" }
  | { do: "mark" }
  | { do: "closer" }
  | { do: "wider" };

/** What the charts show: `whole` is the span of all that is there. */
export function shown(view: View, whole: Range): Range {
  if (view.follow !== null) return [Math.max(whole[0], whole[1] - view.follow), whole[1]];
  return view.zoom ?? whole;
}

/** The step in which the orchestrator has figures of a span of so many seconds. */
function stepOf(length: number): number {
  return length <= 60 ? 1 : length <= 600 ? 10 : 60;
}

/** The step in which a series of so many seconds is drawn. */
export function seriesStepOf(length: number): 1 | 10 | 60 {
  return length <= 300 ? 1 : length <= 3600 ? 10 : 60;
}

/** A span rounded outwards to whole steps, within the test. */
function rounded(low: number, high: number, step: number, whole: Range): [number, number] {
  return [Math.max(whole[0], Math.floor(low / step) * step), Math.min(whole[1], Math.ceil(high / step) * step)];
}

/**
 * A span in order, within the test, not shorter than the shortest, and on the borders of the steps in which figures of such
 * a span are stored: so what is drawn is what the figures cover.
 */
export function snap(from: number, to: number, whole: Range): Range | null {
  const [low, high] = from <= to ? [from, to] : [to, from];
  let step = stepOf(high - low);
  let [start, end] = rounded(low, high, step, whole);
  // Rounding may have made it longer than this step is for.
  while (stepOf(end - start) > step) {
    step = stepOf(end - start);
    [start, end] = rounded(low, high, step, whole);
  }
  if (end <= start) return null;
  if (end - start < SHORTEST) start = Math.max(whole[0], end - SHORTEST);
  return end - start < Math.min(SHORTEST, whole[1] - whole[0]) ? [whole[0], Math.min(whole[1], whole[0] + SHORTEST)] : [start, end];
}

/** The next state. `width` is how many seconds a column stands for where the cursor is. */
export function next(view: View, action: Action, whole: Range, width = 1): View {
  const [from, to] = shown(view, whole);
  const inside = (at: number) => Math.min(Math.max(at, from), Math.max(from, to - width));
  switch (action.do) {
    case "zoom": {
      const zoom = snap(action.from, action.to, whole);
      if (!zoom) return view;
      const all = zoom[0] <= whole[0] && zoom[1] >= whole[1];
      return { ...view, zoom: all ? null : zoom, follow: null, anchor: null };
    }
    case "out":
      // Escape leaves the innermost thing first.
      return view.anchor !== null ? { ...view, anchor: null } : { ...view, zoom: null, follow: null };
    case "follow":
      return { ...view, zoom: null, follow: action.seconds, anchor: null };
    case "point":
      return view.cursor === action.at ? view : { ...view, cursor: action.at };
    case "step":
      return { ...view, cursor: inside(view.cursor === null ? (action.by > 0 ? from : to) : view.cursor + action.by * width) };
    case "first":
      return { ...view, cursor: from };
    case "last":
      return { ...view, cursor: inside(to) };
    case "mark": {
      if (view.cursor === null) return view;
      if (view.anchor === null) return { ...view, anchor: view.cursor };
      const [low, high] = view.anchor <= view.cursor ? [view.anchor, view.cursor] : [view.cursor, view.anchor];
      return next(view, { do: "zoom", from: low, to: high + width }, whole, width);
    }
    case "closer":
    case "wider": {
      const factor = action.do === "closer" ? 0.5 : 2;
      const middle = view.cursor !== null && view.cursor >= from && view.cursor <= to ? view.cursor : (from + to) / 2;
      const half = ((to - from) * factor) / 2;
      let low = middle - half;
      let high = middle + half;
      if (low < whole[0]) [low, high] = [whole[0], Math.min(whole[1], whole[0] + 2 * half)];
      if (high > whole[1]) [low, high] = [Math.max(whole[0], whole[1] - 2 * half), whole[1]];
      if (action.do === "closer" && to - from <= SHORTEST) return view;
      return next(view, { do: "zoom", from: low, to: high }, whole, width);
    }
  }
}
