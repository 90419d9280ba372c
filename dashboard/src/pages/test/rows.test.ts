import assert from "node:assert/strict";
import { test } from "node:test";

import { latencyOf, NOTHING, statsOf, totalsOf } from "../../state/made";
import { beside, driverRows, endedEarly, failedShare, latencyRows, namedRows, remarks } from "./rows";

const outcome = { response: statsOf([5]), service: statsOf([5]) };

test("failed and completed requests stand apart where one failed, and only there", () => {
  const calm = latencyRows({ latency_ms: latencyOf([1, 2]) }).map((row) => row.name);
  assert.deepEqual(calm, ["response", "service", "first byte", "lag", "turn"]);
  const failing = latencyRows({ latency_ms: { ...latencyOf([1, 2]), failed: outcome } });
  assert.deepEqual(failing.map((row) => [row.name, row.part]).slice(0, 4), [["response", false], ["completed", true], ["failed", true], ["service", false]]);
  assert.equal(failing[2]?.stats?.max, 5);
});

test("names are sessions, groups, polls and requests", () => {
  const response = { response: statsOf([1]) };
  const sessions = { started: 5, completed: 4, failed: 1, abandoned: 0, dropped: 2, latency_ms: response };
  const totals = totalsOf({
    sessions,
    scenarios: { a: { ...sessions, ended_at: { pay: 1 } }, b: sessions },
    groups: { login: { completed: 3, failed: 1, latency_ms: response } },
    polls: { job: { completed: 1, failed: 0, latency_ms: response } },
    requests: { home: { sent: 9, completed: 9, failed: 0, status_codes: {}, errors: {}, latency_ms: outcome } },
  });
  assert.deepEqual(namedRows(totals).map((row) => [row.what, row.name, row.begun]), [
    ["sessions", "all", 5], ["sessions", "a", 5], ["sessions", "b", 5], ["group", "login", 4], ["poll", "job", 1], ["requests", "home", 9],
  ]);
  assert.deepEqual(endedEarly(totals), ["Sessions of a ended early at pay: 1."]);
});

test("a driver of a span keeps what is known of the whole test", () => {
  const part = { ...totalsOf(), node_id: "d1", state: "lost", age_ms: 1 };
  const rows = driverRows([part], [{ ...totalsOf({ sent: 2 }), node_id: "d1" }, { ...totalsOf(), node_id: "d2" }] as never);
  assert.deepEqual(rows.map((row) => [row.id, row.part?.state, row.figures.sent]), [["d1", "lost", 2], ["d2", undefined, 4]]);
});

test("the share of failed requests is the errors.ratio that thresholds limit", () => {
  assert.equal(failedShare(totalsOf({ sent: 200, failed: 50 })), 0.25);
  assert.equal(failedShare(totalsOf({ sent: 200, failed: 100, warmup: { sent: 100, failed: 100 } })), 0, "all in the warm-up");
  assert.equal(failedShare(totalsOf({ sent: 110, failed: 35, errors: { cancelled: 10, timeout: 25 } })), 0.25, "cancelled requests do not count");
  assert.equal(failedShare(totalsOf({ sent: 10, failed: 0, warmup: { sent: 10 } })), null);
});

test("a span says where its figures cover other seconds than were chosen, and why", () => {
  const of = (from: number, to: number, step = 1) => ({ from, to, step });
  assert.equal(beside([10, 40], of(10, 39), false), "");
  assert.equal(beside([10, 40], of(10, 21), false), " so far (of 0:10 – 0:40)");
  assert.equal(beside([10, 40], of(10, 21), true), " (of 0:10 – 0:40: there are no later seconds)");
  assert.equal(beside([5, 75], of(0, 79, 10), true), " (you chose 0:05 – 1:15; histograms are stored in steps of 10 s there)");
});

test("what the figures leave out is said", () => {
  const whole = latencyOf([1]);
  assert.deepEqual(remarks(whole, 2), []);
  assert.match(remarks({ ...whole, coverage: 0.5 }, 2).join(), /cover 50\.0 % of the completed/);
  assert.match(remarks({ ...whole, coverage: null }, 2).join(), /sends no histogram/);
  assert.match(remarks({ ...whole, response: { ...whole.response, lower_bounds: ["p99"] } }, 2).join(), /≥/);
  assert.match(remarks(whole, 1).join(), /earlier version/);
  assert.deepEqual(remarks({ ...whole, response: NOTHING, coverage: 0.5 }, 2), []);
});
