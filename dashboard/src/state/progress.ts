// How far a test is: elapsed, remaining, stage. Read from the plan as the server validated it.

import type { Plan, Test } from "./shapes";

const UNITS: Record<string, number> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, min: 60, h: 3600, d: 86_400 };

/** A duration of a plan ("1m30s", "250ms", "1.5h") in seconds; null where it is none. */
export function seconds(text: string | number | null | undefined): number | null {
  if (typeof text === "number") return text;
  if (text?.trim() === "0") return 0;
  if (!text || !/^(\s*\d+(\.\d+)?\s*[a-zµ]+)+\s*$/u.test(text)) return null;
  const parts = text.matchAll(/(\d+(?:\.\d+)?)\s*([a-zµ]+)/gu);
  let sum = 0;
  for (const [, number, unit] of parts) {
    const factor = UNITS[unit ?? ""];
    if (factor === undefined) return null;
    sum += Number(number) * factor;
  }
  return sum;
}

export interface Stage {
  /** From 1. */
  number: number;
  of: number;
  /** As "ramp to 80/s", "hold 80/s". */
  text: string;
  /** When it ends, in seconds since the start. */
  until: number;
}

/** How long the load is planned to last, the warm-up included; null where a count ends it. */
export function planned(plan: Plan): number | null {
  const load = plan.load;
  if (!load) return null;
  const warmup = seconds(load.warmup) ?? 0;
  if (load.stages) return warmup + load.stages.reduce((sum, stage) => sum + (seconds(stage.ramp) ?? 0) + (seconds(stage.hold) ?? 0), 0);
  const length = seconds(load.duration);
  return length === null ? null : warmup + length;
}

/** The stage at a second of the test; null where the plan has none, and before and after them. */
export function stage(plan: Plan, at: number): Stage | null {
  const stages = plan.load?.stages;
  if (!stages) return null;
  let end = seconds(plan.load?.warmup) ?? 0;
  if (at < end) return null;
  for (const [index, one] of stages.entries()) {
    const aim = one.rate !== undefined ? (typeof one.rate === "number" ? `${one.rate}/s` : one.rate) : `${one.users ?? 0} users`;
    for (const [what, length] of [["ramp to", seconds(one.ramp) ?? 0], ["hold", seconds(one.hold) ?? 0]] as const) {
      end += length;
      if (length > 0 && at < end) return { number: index + 1, of: stages.length, text: `${what} ${aim}`, until: end };
    }
  }
  return null;
}

export interface Progress {
  /** Seconds of load so far; null before the start. */
  elapsed: number | null;
  /** Seconds until the planned end; null where it is not known, or over. */
  remaining: number | null;
  /** 0 to 1; null where nothing says how far it is. */
  share: number | null;
  /** Whether the planned end is only the latest: a search for the capacity ends once it has found it. */
  mayEndEarlier: boolean;
  stage: Stage | null;
  warmingUp: boolean;
}

/** How far a test is at an instant (ms since 1970, by the orchestrator's clock). */
export function progress(test: Test, now: number): Progress {
  const start = test.started_at ? Date.parse(test.started_at) : Number.NaN;
  if (Number.isNaN(start)) return { elapsed: null, remaining: null, share: null, mayEndEarlier: false, stage: null, warmingUp: false };
  const over = test.state === "finished";
  const end = over && test.ended_at ? Date.parse(test.ended_at) : now;
  const elapsed = Math.max(0, (end - start) / 1000);
  const length = planned(test.plan);
  const load = test.plan.load;
  const sends = test.state === "running";
  const mayEndEarlier = Boolean(test.plan["capacity"]);
  let share = length && !mayEndEarlier ? Math.min(1, elapsed / length) : null;
  if (share === null && !mayEndEarlier && load?.requests && typeof test.totals.sent === "number") {
    const drivers = test.plan.per === "fleet" ? 1 : Math.max(1, test.drivers.length);
    const warm = test.totals.warmup?.sent ?? 0;
    share = Math.min(1, Math.max(0, test.totals.sent - warm) / (load.requests * drivers));
  }
  return {
    elapsed,
    remaining: sends && length !== null ? Math.max(0, length - elapsed) : null,
    share: over ? null : share,
    mayEndEarlier,
    stage: sends ? stage(test.plan, elapsed) : null,
    warmingUp: sends && elapsed < (seconds(load?.warmup) ?? 0),
  };
}
