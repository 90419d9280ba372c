// What a person does with tests. Each returns when the orchestrator has answered, and throws an `ApiError`.
import { get, json, path, send, toml } from "../api/client";
import type { PlanJson, RateChange, Test } from "../api/types";
import { forget, learn } from "./live";

const of = (id: string, ...more: string[]) => path(["api", "v1", "tests", id, ...more]);

/** Creates a test; drivers receive it when it is started. */
export async function create(plan: PlanJson | string): Promise<Test> {
  const body = typeof plan === "string" ? toml(plan) : json(plan);
  const test = await send<Test>("POST", "/api/v1/tests", body);
  learn(test);
  return test;
}

/** Starts a test: the answer comes when every chosen driver is ready, or says which are not. */
export async function start(id: string): Promise<Test> {
  const test = await send<Test>("POST", of(id, "trigger"));
  learn(test);
  return test;
}

export async function stop(id: string): Promise<Test> {
  const test = await send<Test>("POST", of(id, "stop"));
  learn(test);
  return test;
}

export async function remove(id: string): Promise<void> {
  await send("DELETE", of(id));
  forget(id);
}

/** Creates a test and starts it. Where it does not start it is deleted again, as `groundswell run` does. */
export async function createAndStart(made: () => Promise<Test>): Promise<Test> {
  const test = await made();
  try {
    return await start(test.test_id);
  } catch (error) {
    // What matters is why it did not start.
    await remove(test.test_id).catch(() => undefined);
    throw error;
  }
}

/** Runs the plan of a test again: the orchestrator has its secrets, which this page does not. */
export async function runAgain(id: string): Promise<Test> {
  return createAndStart(async () => {
    const test = await send<Test>("POST", "/api/v1/tests", json({ from: id }));
    learn(test);
    return test;
  });
}

/** Changes the rate of a running test; a number or a text with a unit, as in `6/m`. Answers from when on it holds. */
export async function changeRate(id: string, rate: string): Promise<RateChange> {
  const number = Number(rate);
  return await send<RateChange>("PATCH", of(id), json({ rate: rate.trim() !== "" && Number.isFinite(number) ? number : rate.trim() }));
}

/** A plan as TOML, as the orchestrator writes it. */
export async function planAsToml(plan: unknown): Promise<string> {
  return (await send<{ toml: string }>("POST", "/api/v1/plans/check", json(plan))).toml;
}

export async function readTest(id: string): Promise<Test> {
  return await get<Test>(of(id));
}
