import assert from "node:assert/strict";
import { test } from "node:test";

import { testOf } from "./made";
import { marks } from "./timeline";

const at = (s: number) => new Date(Date.parse("2026-11-30T10:00:00Z") + s * 1000).toISOString();

test("marks are what changed the load, at seconds since the start", () => {
  const made = testOf({
    timeline: [
      { at: at(-2), what: "created", detail: "" },
      { at: at(0), what: "running", detail: "" },
      { at: at(7), what: "rate_changed", detail: "to 8/s" },
      { at: at(12.5), what: "driver_lost", driver: "d2", detail: "its heartbeats stopped" },
      { at: at(20), what: "stopped", detail: "" },
      { at: at(21), what: "something_new", detail: "" },
      { at: at(22), what: "finished", detail: "" },
    ],
    rate_changes: [{ change: 1, at: at(8), at_s: 8, rate: 8, rate_before: 4 }],
  });
  assert.deepEqual(marks(made).map((mark) => [mark.at, mark.label, mark.tone]), [
    [8, "rate 4 → 8/s", "note"], [12.5, "driver lost: d2", "bad"], [20, "stopped", "bad"], [21, "something new", "note"],
  ]);
  assert.deepEqual(marks(testOf({ started_at: null })), []);
});
