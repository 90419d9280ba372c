// The axes and scales of all drawings: their look, time and values, logarithmic latencies.

import type uPlot from "uplot";

import { logMarks, logRange } from "./aligned";
import { css, font } from "./colours";
import { clock, latency } from "./format";

// The types of uPlot name these as enums that exist for the compiler alone.
const LOGARITHMIC = 3 as unknown as uPlot.Scale.Distr;
const RIGHT = 1 as unknown as uPlot.Axis.Side;

/** The size of the page's text, px. */
export function rem(): number {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
}

function style(): uPlot.Axis {
  return {
    stroke: () => css("--chart-axis"),
    font: font(),
    grid: { stroke: () => css("--chart-grid"), width: 1 },
    ticks: { show: false },
    gap: 5,
  };
}

/** Whether a line has too few points to be seen as one. */
export function isFew(values: ArrayLike<number | null | undefined>): boolean {
  let known = 0;
  for (let at = 0; at < values.length; at += 1) {
    if (values[at] !== null && values[at] !== undefined) known += 1;
    if (known > 2) return false;
  }
  return true;
}

/** Dots where there are too few points for a line, as in a test of one second, also beside a longer one. */
export const FEW: uPlot.Series.Points = { show: (u, series) => isFew(u.data[series] ?? []), size: 5 };

/** The axis below. */
export function axisBelow(more: Partial<uPlot.Axis>): uPlot.Axis {
  return { ...style(), size: Math.round(rem() * 1.6), ...more };
}

/** The axis below, of time since the start. */
export function timeAxis(): uPlot.Axis {
  return axisBelow({
    space: 70,
    values: (_, splits) => splits.map((value) => (Number.isInteger(value) ? clock(value) : "")),
    incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400],
  });
}

/** An axis of values at the left. */
export function valueAxis(scale: string, text: (value: number) => string, more: Partial<uPlot.Axis> = {}): uPlot.Axis {
  const unit = rem();
  return {
    ...style(),
    scale,
    space: 30,
    size: (_, values) => {
      const longest = (values as string[] | null ?? []).reduce((most, value) => Math.max(most, value.length), 3);
      return Math.round(unit * (0.46 * longest + 0.9));
    },
    values: (_, splits) => splits.map((value) => text(value)),
    // uPlot would leave out marks of a logarithmic axis by a rule of its own.
    filter: (_, splits) => splits,
    ...more,
  };
}

/** An axis of values at the right, without lines of its own. */
export function rightAxis(scale: string, text: (value: number) => string): uPlot.Axis {
  return valueAxis(scale, text, { side: RIGHT, grid: { show: false } });
}

/** A logarithmic axis of latencies in ms, at the left. */
export function latencyAxis(scale = "ms"): uPlot.Axis {
  return valueAxis(scale, latency, { splits: (_, __, low, high) => logMarks(low, high) });
}

/** A logarithmic scale around its values, or around what `of` makes of them. */
export function logScale(of: (low: number | null, high: number | null) => [number | null, number | null] = (low, high) => [low, high]): uPlot.Scale {
  return { distr: LOGARITHMIC, range: (_, low: number | null, high: number | null) => logRange(...of(low, high)) };
}

/** A scale from zero to a little above the highest value. */
export function fromZero(least = 1): uPlot.Scale {
  return { range: (_, __, high: number | null) => [0, Math.max(least, (high ?? 0) * 1.08)] };
}
