// The axis of the percentile curve: x = log10(1 / (1 - q)), so that each further nine takes the same width.

import type { CurvePoint } from "../state/shapes";
import { quantileName } from "./format";

/** The place of a quantile on the axis: 0 for the lowest, 1 for p90, 2 for p99. Infinite for 1. */
export function placeOf(quantile: number): number {
  return quantile <= 0 ? 0 : -Math.log10(1 - quantile);
}

/** The quantile at a place. */
export function quantileAt(place: number): number {
  return 1 - 10 ** -place;
}

/** A curve ready to draw: places and ms. `max` stands at the end of the axis that its samples reach. */
export interface Curve {
  places: number[];
  values: (number | null)[];
}

/** The furthest finite place of a curve, at least p90. */
export function reach(points: readonly CurvePoint[]): number {
  let furthest = 1;
  for (const [quantile] of points) if (quantile < 1) furthest = Math.max(furthest, placeOf(quantile));
  return furthest;
}

/** A curve up to the place `end`, where its maximum (q = 1) is drawn. */
export function curve(points: readonly CurvePoint[], end: number): Curve {
  const sorted = [...points].sort((a, b) => a[0] - b[0]);
  const places: number[] = [];
  const values: (number | null)[] = [];
  for (const [quantile, ms] of sorted) {
    const place = quantile >= 1 ? end : Math.min(placeOf(quantile), end);
    // Several quantiles may fall on one place at the end: the highest stands for them.
    if (places.length > 0 && places[places.length - 1] === place) values[values.length - 1] = ms;
    else {
      places.push(place);
      values.push(ms);
    }
  }
  return { places, values };
}

/** Curves on one axis: the places of all, and each curve's values there, without a value where it has no point. */
export function align(curves: readonly Curve[]): { places: number[]; values: (number | null | undefined)[][] } {
  const places = [...new Set(curves.flatMap((one) => one.places))].sort((a, b) => a - b);
  const values = curves.map((one) => {
    const known = new Map(one.places.map((place, index) => [place, one.values[index] ?? null]));
    // Undefined joins the neighbours; null is a gap.
    return places.map((place) => (known.has(place) ? (known.get(place) ?? null) : undefined));
  });
  return { places, values };
}

/** Where the axis has a mark, up to `end`: p0, p50, p90, p95, p99, p99.9, … */
export function marks(end: number): { place: number; name: string }[] {
  const quantiles = [0, 0.5, 0.9, 0.95];
  for (let nines = 2; nines <= 9; nines += 1) quantiles.push(Number((1 - 10 ** -nines).toFixed(nines)));
  return quantiles
    .map((quantile) => ({ place: placeOf(quantile), name: quantile === 0 ? "p0" : quantileName(quantile) }))
    .filter((mark) => mark.place <= end + 1e-9);
}

/** The value of a curve at a quantile: that of the next point at or above it, as a percentile is defined. */
export function valueAt(points: readonly CurvePoint[], quantile: number): number | null {
  let best: CurvePoint | null = null;
  for (const point of points)
    if (point[0] >= quantile - 1e-12 && (!best || point[0] < best[0])) best = point;
  return best ? best[1] : null;
}
