// What `GET /api/v1/compare` answers, and how the page shows it. Pure.
import type { ComparedFigure } from "../../api/types";
import { ms, percent, rate } from "../../parts/format";

export type Outcome = ComparedFigure["outcome"];
export type Figure = ComparedFigure;

export const OUTCOMES: Record<Outcome, { kind: string; sign: string; text: string }> = {
  better: { kind: "good", sign: "✓", text: "better" },
  worse: { kind: "bad", sign: "✕", text: "worse" },
  higher: { kind: "live", sign: "↑", text: "higher" },
  lower: { kind: "live", sign: "↓", text: "lower" },
  same: { kind: "idle", sign: "=", text: "no difference" },
  cannot_tell: { kind: "warn", sign: "?", text: "cannot tell" },
};

/** A value with its unit. */
export function valueOf(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined) return "–";
  if (unit === "ms") return `${ms(value)} ms`;
  if (unit === "ratio" || unit === "share") return percent(value);
  if (unit === "/s" || unit === "per_s") return `${rate(value)}/s`;
  return `${rate(value)}${unit === "" ? "" : ` ${unit}`}`;
}

/** A ratio as a change: 1.12 is +12 %. */
export function change(ratio: number | null | undefined): string {
  if (ratio === null || ratio === undefined || !Number.isFinite(ratio)) return "–";
  const by = 100 * (ratio - 1);
  const text = Math.abs(by) >= 10 ? by.toFixed(0) : by.toFixed(1);
  return `${by > 0 && !text.startsWith("+") ? "+" : ""}${text.replace(/^-(0(\.0)?)$/, "$1").replace("-", "−")} %`;
}

/** A difference of two shares in percentage points. */
function points(difference: number | null | undefined): string {
  if (difference === null || difference === undefined) return "–";
  const of = 100 * difference;
  const text = (Math.abs(of) >= 1 ? of.toFixed(1) : of.toFixed(2)).replace(/^-(0(\.0+)?)$/, "$1");
  return `${Number(text) > 0 ? "+" : ""}${text.replace("-", "−")} pp`;
}

function isKnown(value: number | null | undefined): value is number {
  return value !== null && value !== undefined;
}

/** How a figure differs, and between which limits: of errors in percentage points, else by a ratio. */
export function differs(figure: Figure): { by: string; from: string; to: string } {
  if (isKnown(figure.difference)) {
    return { by: points(figure.difference), from: points(figure.difference_low), to: points(figure.difference_high) };
  }
  const isOpen = isKnown(figure.low) && !isKnown(figure.high);
  return { by: change(figure.ratio), from: change(figure.low), to: isOpen ? "no limit" : change(figure.high) };
}

/** Where an interval of ratios stands on a scale from half to double, by logarithm; 0 to 1. Null where it is not known. */
export function placeOf(figure: Pick<Figure, "low" | "high" | "ratio">, most: number): { low: number; high: number; at: number } | null {
  const { low, high, ratio } = figure;
  if (!isKnown(low) || !isKnown(high) || !isKnown(ratio) || low <= 0 || high <= 0 || ratio <= 0) return null;
  const place = (r: number) => Math.max(0, Math.min(1, 0.5 + Math.log(r) / (2 * Math.log(most))));
  return { low: place(low), high: place(high), at: place(ratio) };
}

/** The scale that holds all intervals: at least from 1/1.1 to 1.1. */
export function scaleOf(figures: Figure[]): number {
  let most = 1.1;
  for (const { low, high } of figures) {
    for (const r of [low, high]) if (isKnown(r) && r > 0 && Number.isFinite(r)) most = Math.max(most, r, 1 / r);
  }
  return Math.min(most, 100);
}
