import assert from "node:assert/strict";
import { test } from "node:test";

import { canChangeRate, loadWords, rateNow } from "./load";
import type { Plan, RateChange } from "./shapes";

test("a load in a few words", () => {
  const words = (load: Plan["load"], more: Plan = {}) => loadWords({ ...more, load: load ?? {} });
  assert.equal(words({ mode: "tsunami", rate: 100, duration: "30s", warmup: "0s" }), "100 requests/s each driver, for 30s");
  assert.equal(words({ mode: "tsunami", delay: "5ms", requests: 1000 }, { per: "fleet" }), "one request every 5ms, 1,000 requests");
  assert.equal(words({ mode: "avalanche", connections: 64, duration: "10s", warmup: "2s" }), "64 connections each driver, for 10s, after 2s of warm-up");
  assert.equal(words({ rate: 10, duration: "1m" }, { per: "fleet", requests: {} }), "10 sessions/s, for 1m");
  assert.equal(words({ rate: 10, duration: "30m" }, { per: "fleet", capacity: { slo: "response.p99 < 5ms" } }), "a search for the capacity, from 10 requests/s on, for at most 30m");
  assert.equal(words({ mode: "avalanche", connections: 1, requests: 1 }), "1 connection each driver, 1 request");
  assert.equal(words({ stages: [{ rate: 1 }, { rate: 2 }] }), "2 stages");
});

const running = (plan: Plan, changes: number[] = []) => ({ plan, state: "running" as const, rate_changes: changes.map((rate) => ({ rate }) as RateChange) });

test("the rate is the one that was set last", () => {
  assert.equal(rateNow(running({ load: { rate: 50 } })), 50);
  assert.equal(rateNow(running({ load: { delay: "4ms" } })), 250);
  assert.equal(rateNow(running({ load: { mode: "avalanche", connections: 5 } })), null);
  assert.equal(rateNow(running({ load: { rate: 50 } }, [70, 90])), 90);
});

test("a rate is changed in an open loop that runs, without stages and without a search", () => {
  assert.equal(canChangeRate(running({ load: { rate: 50 } })), true);
  assert.equal(canChangeRate({ ...running({ load: { rate: 50 } }), state: "draining" }), false);
  assert.equal(canChangeRate(running({ load: { connections: 5, mode: "avalanche" } })), false);
  assert.equal(canChangeRate(running({ load: { stages: [{ rate: 5, hold: "1s" }] } })), false);
  assert.equal(canChangeRate(running({ load: { rate: 50 }, capacity: { slo: "response.p99 < 5ms" } }, [70])), false);
});
