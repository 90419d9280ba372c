// What can be done to a test, as the pages do it.

import { get, json, path, request, send } from "./client";
import type { RateChange, Test } from "./types";

const test = (id: string, ...more: string[]) => path(["api", "v1", "tests", id, ...more]);

export async function stop(id: string): Promise<void> {
  await request("POST", test(id, "stop"));
}

/** Starts a configured test; answers when the drivers are ready. */
export async function start(id: string): Promise<void> {
  await request("POST", test(id, "trigger"));
}

/** Makes a new test with the stored plan of another one, and starts it. Returns its id. */
export async function runAgain(id: string): Promise<string> {
  const made = await send<Test>("POST", path(["api", "v1", "tests"]), json({ from: id }));
  await start(made.test_id);
  return made.test_id;
}

/** Changes the rate of a running test; a number or a text with a unit. Returns from when on it holds. */
export async function changeRate(id: string, rate: string): Promise<RateChange> {
  const number = Number(rate);
  return await send<RateChange>("PATCH", test(id), json({ rate: rate.trim() !== "" && Number.isFinite(number) ? number : rate.trim() }));
}

/** A plan as TOML, as the orchestrator writes it. */
export async function planAsToml(plan: unknown): Promise<string> {
  return (await send<{ toml: string }>("POST", path(["api", "v1", "plans", "check"]), json(plan))).toml;
}

export async function readTest(id: string): Promise<Test> {
  return await get<Test>(test(id));
}
