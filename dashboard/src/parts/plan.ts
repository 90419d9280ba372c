// What the pages read from a plan. Pure. A plan is JSON of a wide shape, so that each look checks what it finds.
import type { PlanJson, Test } from "../api/types";

type Table = Record<string, unknown>;

function table(value: unknown): Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {};
}

/** The value at a path of keys; undefined where there is none. */
export function at(plan: PlanJson, ...keys: string[]): unknown {
  return keys.reduce<unknown>((value, key) => table(value)[key], plan);
}

/** A text at a path; null where there is none. */
export function text(plan: PlanJson, ...keys: string[]): string | null {
  const value = at(plan, ...keys);
  return typeof value === "string" ? value : null;
}

/** A number at a path; null where there is none. */
export function number(plan: PlanJson, ...keys: string[]): number | null {
  const value = at(plan, ...keys);
  return typeof value === "number" ? value : null;
}

const UNITS_S: Record<string, number> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3_600, d: 86_400 };

/** A duration such as "1m30s" in seconds; null where it is none. */
export function seconds(written: string | null): number | null {
  if (written === null || !/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d)\s*)+$/.test(written)) return null;
  let sum = 0;
  for (const [, amount, unit] of written.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g)) {
    sum += Number(amount) * (UNITS_S[unit ?? ""] ?? 0);
  }
  return sum;
}

/** Whether a plan has several requests, in sessions. */
export function hasRequests(plan: PlanJson): boolean {
  return Object.keys(table(plan["requests"])).length > 0;
}

/** How long the load lasts by the plan, warm-up included, in seconds; null where its end is not one of time. */
export function plannedSeconds(plan: PlanJson): number | null {
  const stages = at(plan, "load", "stages");
  const warmup = seconds(text(plan, "load", "warmup")) ?? 0;
  if (Array.isArray(stages)) {
    const each = stages.map((stage: unknown) => {
      const of = table(stage);
      const part = (key: string) => (typeof of[key] === "string" ? (seconds(of[key]) ?? 0) : 0);
      return part("ramp") + part("hold") + part("duration");
    });
    const sum = each.reduce((a, b) => a + b, 0);
    return sum > 0 ? warmup + sum : null;
  }
  const duration = seconds(text(plan, "load", "duration"));
  return duration === null ? null : warmup + duration;
}

/** The rate that a test has by now, requests or sessions a second of each driver or of the fleet; null in a closed loop. */
export function rateNow(test: Test): number | null {
  const changes = test.rate_changes ?? [];
  const last = changes[changes.length - 1];
  if (last) return last.rate;
  const plan = test.plan as PlanJson;
  const rate = number(plan, "load", "rate");
  if (rate !== null) return rate;
  const delay = seconds(text(plan, "load", "delay"));
  return delay ? 1 / delay : null;
}

/** Whether the rate of a test can be changed now: it runs, in an open loop without stages. */
export function canChangeRate(test: Test): boolean {
  return test.state === "running" && rateNow(test) !== null && at(test.plan, "load", "stages") === undefined;
}

/** The load in a few words: "200/s each", "64 connections". */
export function loadInWords(test: Test): string {
  const plan = test.plan as PlanJson;
  const each = plan["per"] === "fleet" ? "" : " each";
  const what = hasRequests(plan) ? " sessions" : "";
  const rate = rateNow(test);
  if (rate !== null) return `${Number(rate.toPrecision(6))}${what}/s${each}`;
  const connections = number(plan, "load", "connections") ?? number(plan, "load", "users");
  if (connections !== null) return `${connections} ${hasRequests(plan) ? "users" : "connections"}${each}`;
  return Array.isArray(at(plan, "load", "stages")) ? "in stages" : "";
}
