// What `GET /api/v1/compare` answers, and how the page shows it. Pure.
import { ms, percent, rate } from "../../parts/format";

export type Outcome = "better" | "worse" | "higher" | "lower" | "same" | "cannot_tell";

export interface Figure {
  figure: string;
  unit: string;
  a: number | null;
  b: number | null;
  a_low?: number | null;
  a_high?: number | null;
  b_low?: number | null;
  b_high?: number | null;
  /** b by a. */
  ratio: number | null;
  low: number | null;
  high: number | null;
  half_width?: number | null;
  /** Of errors: b minus a, by which the outcome is decided, and its limits. */
  difference?: number | null;
  difference_low?: number | null;
  difference_high?: number | null;
  outcome: Outcome;
  sentence: string;
}

export interface ComparedTest {
  test_id: string;
  name: string;
  windows: number;
}

export interface Comparison {
  a: ComparedTest[];
  b: ComparedTest[];
  asked: "tests" | "service";
  /** The same as a sentence, and what it takes to answer for the service where it does not. */
  about: string;
  refused: string[];
  warnings: string[];
  trend: string[];
  figures: Figure[];
}

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

/** How a figure differs, and between which limits: of errors in percentage points, else by a ratio. */
export function differs(figure: Figure): { by: string; from: string; to: string } {
  if (figure.difference !== undefined && figure.difference !== null) {
    return { by: points(figure.difference), from: points(figure.difference_low), to: points(figure.difference_high) };
  }
  const isOpen = figure.low !== null && figure.high === null;
  return { by: change(figure.ratio), from: change(figure.low), to: isOpen ? "no limit" : change(figure.high) };
}

/** Where an interval of ratios stands on a scale from half to double, by logarithm; 0 to 1. Null where it is not known. */
export function placeOf(figure: Pick<Figure, "low" | "high" | "ratio">, most: number): { low: number; high: number; at: number } | null {
  const { low, high, ratio } = figure;
  if (low === null || high === null || ratio === null || low <= 0 || high <= 0 || ratio <= 0) return null;
  const place = (r: number) => Math.max(0, Math.min(1, 0.5 + Math.log(r) / (2 * Math.log(most))));
  return { low: place(low), high: place(high), at: place(ratio) };
}

/** The scale that holds all intervals: at least from 1/1.1 to 1.1. */
export function scaleOf(figures: Figure[]): number {
  let most = 1.1;
  for (const { low, high } of figures) {
    for (const r of [low, high]) if (r !== null && r > 0 && Number.isFinite(r)) most = Math.max(most, r, 1 / r);
  }
  return Math.min(most, 100);
}
