// What charts and tables of figures need beyond parts/format.ts: units chosen by size, bounds, axes, quantiles. Pure.

import { ms } from "../parts/format";
import type { Figure, LatencyStats } from "../state/shapes";

/** What stands where a figure is not known. */
export const NONE = "–";

const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** Milliseconds with the unit that reads best, for an axis or a sentence. */
export function latency(value: number | null | undefined): string {
  if (value === null || value === undefined) return NONE;
  if (value < 1) return `${short(value * 1000)} µs`;
  if (value < 1000) return `${short(value)} ms`;
  return value < 120_000 ? `${short(value / 1000)} s` : `${short(value / 60_000)} min`;
}

/** Three significant digits, without zeros at the end. */
export function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return WHOLE.format(value);
  return String(Number(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)));
}

/** A figure of a latency, with ≥ where only a lower bound of it is known. */
export function stat(stats: LatencyStats | undefined, name: Figure): string {
  const value = stats?.[name];
  if (value === null || value === undefined) return NONE;
  return (stats?.lower_bounds?.includes(name) ? "≥ " : "") + ms(value);
}

/** An amount for an axis: 1.2k, 3.5M. */
export function amount(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${trim(value / 1e9)}G`;
  if (size >= 1e6) return `${trim(value / 1e6)}M`;
  if (size >= 1e4) return `${trim(value / 1e3)}k`;
  return size >= 1000 ? WHOLE.format(value) : trim(value);
}

function trim(value: number): string {
  return String(Number(value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 1 : 3)));
}

/** Seconds since the start as m:ss or h:mm:ss. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** The name of a quantile: 0.5 is p50, 0.999 is p99.9, 1 is max. */
export function quantileName(quantile: number): string {
  if (quantile >= 1) return "max";
  if (quantile <= 0) return "min";
  // Nine digits of the percentage: enough for one in a hundred thousand million, and free of binary tails.
  return `p${Number((quantile * 100).toFixed(9))}`;
}
