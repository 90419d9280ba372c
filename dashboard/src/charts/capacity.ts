// What a search for the capacity found, in words and as a curve over the rate. Pure.

import { percent, rate } from "../parts/format";
import type { Capacity, CapacityLevel } from "../state/shapes";
import { latency } from "./format";

const LIMITS: Record<string, string> = {
  target: "the limit was the target",
  generator: "the generator was the limit",
  max_rate: "no rate above capacity.max_rate was to be tried",
  time: "the search ended before a higher rate failed",
};

const STEPS: Record<string, string> = {
  warm_up: "warms up at",
  settle: "settles at",
  measure: "measures",
  repeat: "measures again, over the whole horizon,",
  recover: "lets the target recover at",
};

/** The answer, or how far the search is, in a sentence. */
export function answer(found: Capacity): string {
  const { low_per_s: low, high_per_s: high } = found;
  const has = low !== null && low !== undefined;
  if (found.state === "searching") {
    const doing = found.doing ? `It ${STEPS[found.doing.what] ?? found.doing.what} ${rate(found.doing.rate)}/s.` : "";
    const known = [has ? `holds ${rate(low)}/s` : null, high !== null && high !== undefined ? `not ${rate(high)}/s` : null].filter(Boolean);
    return [`Searching${known.length > 0 ? `: ${known.join(", ")}` : ""}.`, doing].filter(Boolean).join(" ");
  }
  if (found.state === "holds_nowhere") return "The objective does not hold at any rate that was tried.";
  if (found.state === "not_recovered") return `The target did not recover from a rate that was too high${has ? `; it had held ${rate(low)}/s` : ""}.`;
  if (!has) return "No rate was decided before the search ended.";
  const limit = LIMITS[found.limit ?? ""] ?? "";
  if (high === null || high === undefined) return `Holds at least ${rate(low)}/s${limit ? `; ${limit}` : ""}.`;
  return `Holds ${rate(low)}/s, does not hold ${rate(high)}/s${limit ? `; ${limit}` : ""}.`;
}

/** What happens above the highest rate that held, in a sentence; null where it is not known. */
export function beyond(found: Capacity): string | null {
  const knee = found.knee;
  if (!knee || knee.at_ms === null || knee.at_ms === undefined) return null;
  const within = percent(knee.above / knee.rate - 1);
  return knee.above_ms === null || knee.above_ms === undefined
    ? `Above it ${knee.percentile} rises from ${latency(knee.at_ms)} to more than any completed request took, within ${within}.`
    : `Above it ${knee.percentile} goes from ${latency(knee.at_ms)} to ${latency(knee.above_ms)} within ${within}.`;
}

/** How much a level says of its rate: nothing where the generator was the limit, else as much as it lasted. */
function worth({ decided, from_s: from, to_s: to }: CapacityLevel): number {
  return (decided === "generator" ? 0 : 1e9) + (to ?? 0) - (from ?? 0);
}

/** One level a rate, lowest rate first: the longest, and one in which the generator was not the limit where there is one, as in the report as text. */
export function byRate(levels: readonly CapacityLevel[]): CapacityLevel[] {
  const found = new Map<number, CapacityLevel>();
  for (const level of levels) {
    const other = found.get(level.rate);
    if (other === undefined || worth(other) < worth(level)) found.set(level.rate, level);
  }
  return [...found.values()].sort((a, b) => a.rate - b.rate);
}

/** How a level came out: a word and a sign, so that it can be read without colours. */
export function decided(level: CapacityLevel): { sign: string; text: string; kind: "good" | "bad" | "warn" } {
  switch (level.decided) {
    case "holds":
      return { sign: "✓", text: "holds", kind: "good" };
    case "fails":
      return { sign: "✕", text: "does not hold", kind: "bad" };
    case "stopped":
      return { sign: "✕", text: "overloaded, stopped at once", kind: "bad" };
    case "generator":
      return { sign: "!", text: "the generator was the limit", kind: "warn" };
    default:
      return { sign: "?", text: level.decided, kind: "warn" };
  }
}
