import assert from "node:assert/strict";
import { test } from "node:test";

import { testOf, totalsOf } from "./made";
import { planned, progress, seconds, stage } from "./progress";

test("durations of plans", () => {
  assert.deepEqual(["250ms", "1.5s", "2m", "1m30s", "1m 30s", "1h", "0s", "0", "soon", ""].map(seconds), [0.25, 1.5, 120, 90, 90, 3600, 0, 0, null, null]);
});

test("stages follow each other after the warm-up", () => {
  const plan = { load: { warmup: "2s", stages: [{ rate: 80, ramp: "5s", hold: "5s" }, { users: 3, hold: "10s" }] } };
  assert.equal(planned(plan), 22);
  assert.equal(stage(plan, 1), null);
  assert.deepEqual(stage(plan, 3), { number: 1, of: 2, text: "ramp to 80/s", until: 7 });
  assert.deepEqual(stage(plan, 8), { number: 1, of: 2, text: "hold 80/s", until: 12 });
  assert.deepEqual(stage(plan, 21.9), { number: 2, of: 2, text: "hold 3 users", until: 22 });
  assert.equal(stage(plan, 22), null);
});

test("a running test has elapsed and remaining time, a finished one its length", () => {
  const running = testOf();
  const start = Date.parse(running.started_at ?? "");
  const now = progress(running, start + 15_000);
  assert.deepEqual([now.elapsed, now.remaining, now.share], [15, 45, 0.25]);
  const over = progress(testOf({ state: "finished", ended_at: new Date(start + 61_000).toISOString() }), start + 999_000);
  assert.deepEqual([over.elapsed, over.remaining, over.share], [61, null, null]);
  assert.equal(progress(testOf({ started_at: null }), start).elapsed, null);
});

test("a test that ends by a count is as far as its requests", () => {
  const counted = testOf({ plan: { per: "fleet", load: { requests: 200 } }, totals: totalsOf({ sent: 60, warmup: { sent: 10 } }) });
  assert.equal(progress(counted, Date.parse(counted.started_at ?? "")).share, 0.25);
});

test("a search for the capacity may end before its planned end, so that no share of it is shown", () => {
  const search = testOf({ plan: { load: { rate: 10, duration: "30m" }, capacity: { slo: "response.p99 < 5ms" } } });
  const now = progress(search, Date.parse(search.started_at ?? "") + 60_000);
  assert.deepEqual([now.share, now.remaining, now.mayEndEarlier], [null, 1740, true]);
});
