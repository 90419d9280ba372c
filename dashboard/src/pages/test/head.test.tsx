import assert from "node:assert/strict";
import { test } from "node:test";

import type { Plan } from "../../state/shapes";
import { loadWords, thresholdValue } from "./head";

test("a load in a few words", () => {
  const words = (load: Plan["load"], more: Plan = {}) => loadWords({ ...more, load: load ?? {} });
  assert.equal(words({ mode: "tsunami", rate: 100, duration: "30s", warmup: "0s" }), "100 requests/s each driver, for 30s");
  assert.equal(words({ mode: "tsunami", delay: "5ms", requests: 1000 }, { per: "fleet" }), "one request every 5ms, 1,000 requests");
  assert.equal(words({ mode: "avalanche", connections: 64, duration: "10s", warmup: "2s" }), "64 connections each driver, for 10s, after 2s of warm-up");
  assert.equal(words({ rate: 10, duration: "1m" }, { per: "fleet", requests: {} }), "10 sessions/s, for 1m");
  assert.equal(words({ stages: [{ rate: 1 }, { rate: 2 }] }), "2 stages");
});

test("a threshold's value has the unit of what it limits, and says where it is a bound", () => {
  const value = (expression: string, of: number | null, bound = false) => thresholdValue({ expression, value: of, lower_bound: bound, ok: null, given: true });
  assert.equal(value("response.p99 < 250ms", 214.2, true), "≥ 214.2 ms");
  assert.equal(value("errors.ratio < 1%", 0.0123), "1.2 %");
  assert.equal(value("throughput >= 380/s", 391.2), "391.2/s");
  assert.equal(value("response.p99 < 1s", null), "–");
});
