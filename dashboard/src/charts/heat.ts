// Bins of the latency heatmap. Bin k holds responses of 2^(k/8) µs up to 2^((k+1)/8) µs.

import type { Bins, Heat } from "../state/shapes";

/** Bins of a doubling. */
export const PER_OCTAVE = 8;

/** The lower edge of a bin, in ms. */
export function edgeMs(bin: number): number {
  return 2 ** (bin / PER_OCTAVE) / 1000;
}

/** The bin that holds a response of so many ms. */
export function binOf(ms: number): number {
  const us = ms * 1000;
  return us <= 1 ? 0 : Math.floor(PER_OCTAVE * Math.log2(us));
}

/** Which requests a heatmap shows. */
export type Outcome = "all" | "completed" | "failed";

/** The bins of a column for an outcome; the sum of both for `all`. */
export function binsOf(heat: Heat | undefined, outcome: Outcome): Bins | null {
  if (!heat) return null;
  if (outcome !== "all") return heat[outcome] ?? null;
  return add(heat.completed ?? null, heat.failed ?? null);
}

/** The sum of two lists of bins. */
export function add(a: Bins | null, b: Bins | null): Bins | null {
  if (!a || a.counts.length === 0) return b;
  if (!b || b.counts.length === 0) return a;
  const first = Math.min(a.first, b.first);
  const end = Math.max(a.first + a.counts.length, b.first + b.counts.length);
  const counts = new Array<number>(end - first).fill(0);
  for (const bins of [a, b])
    bins.counts.forEach((n, index) => {
      const at = bins.first - first + index;
      counts[at] = (counts[at] ?? 0) + n;
    });
  return { first, counts };
}

/** The lowest and highest bin with a request, over all columns; null where there is none. */
export function extent(columns: Iterable<Bins | null>): [lowest: number, highest: number] | null {
  let lowest = Infinity;
  let highest = -Infinity;
  for (const bins of columns) {
    if (!bins) continue;
    const from = bins.counts.findIndex((n) => n > 0);
    if (from < 0) continue;
    let to = bins.counts.length - 1;
    while ((bins.counts[to] ?? 0) === 0) to -= 1;
    lowest = Math.min(lowest, bins.first + from);
    highest = Math.max(highest, bins.first + to);
  }
  return lowest <= highest ? [lowest, highest] : null;
}

/** The most requests a second that one bin of one column has: the top of the colour scale. */
export function peak(columns: Iterable<{ bins: Bins | null; seconds: number }>): number {
  let most = 0;
  for (const { bins, seconds } of columns) {
    if (!bins) continue;
    for (const n of bins.counts) most = Math.max(most, n / seconds);
  }
  return most;
}

/**
 * The place of a count on a colour scale of `steps` colours, by the logarithm: 0 for the rarest, `steps - 1` for the
 * peak; -1 for none. A single request stays visible beside a peak of thousands.
 */
export function level(perSecond: number, most: number, steps: number): number {
  if (perSecond <= 0 || most <= 0) return -1;
  // The scale begins at a thousandth of the peak, or at one request in ten seconds where the peak is low.
  const least = Math.min(0.1, most / 1000);
  const share = Math.log(Math.max(perSecond, least) / least) / Math.log(Math.max(most / least, 1.0001));
  return Math.min(steps - 1, Math.max(0, Math.floor(share * steps)));
}
