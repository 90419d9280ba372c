import assert from "node:assert/strict";
import { test } from "node:test";

import type { Capacity, CapacityLevel } from "../state/shapes";
import { answer, beyond, byRate } from "./capacity";

const found = (more: Partial<Capacity>): Capacity => ({ slo: "response.p99 < 250ms", within: 0.05, state: "found", levels: [], ...more });

test("the answer is a sentence, with both ends of the bracket", () => {
  assert.equal(
    answer(found({ capacity_per_s: 4150, low_per_s: 4050, high_per_s: 4260, limit: "target" })),
    "Holds 4,050/s, does not hold 4,260/s; the limit was the target.",
  );
  assert.equal(answer(found({ capacity_per_s: 38_000, low_per_s: 38_000, limit: "generator" })), "Holds at least 38,000/s; the generator was the limit.");
  assert.equal(answer(found({ state: "holds_nowhere" })), "The objective does not hold at any rate that was tried.");
  assert.equal(answer(found({ state: "searching", low_per_s: 400, high_per_s: 800, doing: { rate: 566, what: "measure", seconds: 3 } })), "Searching: holds 400/s, not 800/s. It measures 566/s.");
});

test("what happens beyond it is said where it is known", () => {
  const knee = { rate: 4050, above: 4293, percentile: "p99", at_ms: 80, above_ms: 900 };
  assert.equal(beyond(found({ knee })), "Above it p99 goes from 80 ms to 900 ms within 6.0 %.");
  assert.match(beyond(found({ knee: { ...knee, above_ms: null } })) ?? "", /more than any completed request/);
  assert.equal(beyond(found({})), null);
});

test("the curve has one point a rate: the longest level in which the generator was not the limit", () => {
  const level = (rate: number, p99: number | null, seconds: number, decided = "holds"): CapacityLevel => ({ rate, decided, p99, from_s: 10, to_s: 10 + seconds });
  const levels = byRate([level(200, 5, 6), level(100, 3, 6), level(200, 6, 29), level(100, null, 0), level(200, 900, 29, "generator"), level(300, 7, 5, "generator")]);
  assert.deepEqual(levels.map((one) => [one.rate, one.p99]), [[100, 3], [200, 6], [300, 7]]);
});
