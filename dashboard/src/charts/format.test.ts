import assert from "node:assert/strict";
import { test } from "node:test";

import { NOTHING } from "../state/made";
import { amount, clock, latency, quantileName, stat } from "./format";

test("latencies take the unit that reads best", () => {
  assert.deepEqual([0.25, 1, 12.34, 999, 1500, 119_000, 180_000].map(latency), ["250 µs", "1 ms", "12.3 ms", "999 ms", "1.5 s", "119 s", "3 min"]);
});

test("a figure of which only a lower bound is known has its mark", () => {
  assert.equal(stat({ ...NOTHING, count: 1, p99: 12, lower_bounds: ["p99"] }, "p99"), "≥ 12.00");
  assert.equal(stat({ ...NOTHING, p99: null, lower_bounds: ["p99"] }, "p99"), "–");
  assert.equal(stat(undefined, "max"), "–");
});

test("amounts of an axis", () => {
  assert.deepEqual([0.25, 12, 1500, 12_500, 3_400_000].map(amount), ["0.25", "12", "1,500", "12.5k", "3.4M"]);
});

test("times", () => {
  assert.deepEqual([0, 65, 3605].map(clock), ["0:00", "1:05", "1:00:05"]);
});

test("names of quantiles have no binary tails", () => {
  assert.deepEqual([0, 0.5, 0.999, 0.9999, 0.99999, 1].map(quantileName), ["min", "p50", "p99.9", "p99.99", "p99.999", "max"]);
});
