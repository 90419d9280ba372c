import assert from "node:assert/strict";
import { test } from "node:test";

import type { Test } from "../api/types";
import { canChangeRate, loadInWords, plannedSeconds, rateNow, seconds } from "./plan";

test("durations are read as plans write them", () => {
  for (const [written, expected] of [
    ["30s", 30],
    ["1m30s", 90],
    ["1h", 3_600],
    ["250ms", 0.25],
    ["1.5s", 1.5],
    ["5 parsecs", null],
    ["", null],
    [null, null],
  ] as const) {
    assert.equal(seconds(written), expected, String(written));
  }
});

function testOf(plan: object, more: object = {}): Test {
  return { plan, state: "running", rate_changes: [], ...more } as unknown as Test;
}

test("the planned length is that of the schedule", () => {
  assert.equal(plannedSeconds({ load: { rate: 5, duration: "30s", warmup: "5s" } }), 35);
  assert.equal(plannedSeconds({ load: { rate: 5, requests: 100 } }), null);
  assert.equal(plannedSeconds({ load: { stages: [{ ramp: "10s", hold: "20s" }, { hold: "5s" }] } }), 35);
});

test("the rate is the one that was set last", () => {
  assert.equal(rateNow(testOf({ load: { rate: 50 } })), 50);
  assert.equal(rateNow(testOf({ load: { delay: "4ms" } })), 250);
  assert.equal(rateNow(testOf({ load: { mode: "avalanche", connections: 5 } })), null);
  assert.equal(rateNow(testOf({ load: { rate: 50 } }, { rate_changes: [{ rate: 70 }, { rate: 90 }] })), 90);
});

test("a rate is changed in an open loop that runs, without stages", () => {
  assert.equal(canChangeRate(testOf({ load: { rate: 50 } })), true);
  assert.equal(canChangeRate(testOf({ load: { rate: 50 } }, { state: "draining" })), false);
  assert.equal(canChangeRate(testOf({ load: { connections: 5 } })), false);
});

test("a load in words", () => {
  assert.equal(loadInWords(testOf({ per: "driver", load: { rate: 50 } })), "50/s each");
  assert.equal(loadInWords(testOf({ per: "fleet", load: { delay: "3ms" } })), "333.333/s");
  assert.equal(loadInWords(testOf({ per: "fleet", requests: { home: {} }, load: { rate: 5 } })), "5 sessions/s");
  assert.equal(loadInWords(testOf({ per: "driver", load: { connections: 64 } })), "64 connections each");
});
