// The load of a test: in a few words, the rate that holds, and whether it can be changed. Pure.

import { count } from "../parts/format";
import { seconds } from "./progress";
import type { Plan, Test } from "./shapes";

function counted(n: number, one: string): string {
  return `${count(n)} ${one}${n === 1 ? "" : "s"}`;
}

/** The load of a plan in a few words. */
export function loadWords(plan: Plan): string {
  const load = plan.load ?? {};
  const what = plan.requests ? "sessions" : "requests";
  const of = plan.per === "fleet" ? "" : " each driver";
  const open = load.mode !== "avalanche" && load.users === undefined;
  const parts: string[] = [];
  // A search for the capacity moves the rate, and ends once it has found it.
  const isSearch = Boolean(plan["capacity"]);
  if (isSearch) parts.push("a search for the capacity");
  if (load.stages) parts.push(counted(load.stages.length, "stage"));
  else if (load.rate !== undefined) parts.push(`${isSearch ? "from " : ""}${load.rate} ${what}/s${of}${isSearch ? " on" : ""}`);
  else if (load.delay) parts.push(`one request every ${load.delay}${of}`);
  if (load.users !== undefined) parts.push(`${counted(load.users, "user")}${of}`);
  else if (!open && load.connections !== undefined) parts.push(`${counted(load.connections, "connection")}${of}`);
  if (load.requests !== undefined) parts.push(counted(load.requests, "request"));
  if (load.sessions !== undefined) parts.push(counted(load.sessions, "session"));
  if (load.duration) parts.push(`for ${isSearch ? "at most " : ""}${load.duration}`);
  if (load.warmup && !/^0\w*$/.test(load.warmup)) parts.push(`after ${load.warmup} of warm-up`);
  return parts.join(", ");
}

/** The rate that holds, requests or sessions a second of each driver or of the fleet; null in a closed loop and with stages. */
export function rateNow(test: Pick<Test, "plan" | "rate_changes">): number | null {
  const load = test.plan.load ?? {};
  if (load.stages) return null;
  const changes = test.rate_changes ?? [];
  const last = changes[changes.length - 1];
  if (last) return last.rate;
  if (typeof load.rate === "number") return load.rate;
  const delay = seconds(load.delay);
  return delay ? 1 / delay : null;
}

/** Whether the rate can be changed: the test runs, in an open loop with one rate, and no search for the capacity moves it. */
export function canChangeRate(test: Pick<Test, "plan" | "rate_changes" | "state">): boolean {
  return test.state === "running" && rateNow(test) !== null && !test.plan["capacity"];
}
