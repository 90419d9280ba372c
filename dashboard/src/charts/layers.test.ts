import assert from "node:assert/strict";
import { test } from "node:test";

import { columnOf } from "../state/made";
import { failures, stacked, unexpectedBy } from "./layers";

const plan = { request: { expect_status: ["200-299", "404"] } };

test("only what the plan does not expect is a failure", () => {
  const unexpected = unexpectedBy(plan as never);
  assert.deepEqual(["200", "301", "404", "500"].map(unexpected), [false, true, false, true]);
  assert.deepEqual(["200", "301", "404"].map(unexpectedBy({})), [false, false, true]);
  assert.deepEqual(["303", "403"].map(unexpectedBy({ requests: { a: { expect_status: 403 }, b: {} } })), [false, false]);
});

test("failures a second, the most frequent first, the rest together", () => {
  const columns = [
    columnOf(0, 1, [], { errors: { timeout: 5, reset: 1 }, status_codes: { "503": 3, "200": 9 } }),
    columnOf(1, 10, [], { errors: { timeout: 20, closed: 10 }, status_codes: {} }),
  ];
  const all = failures(columns, unexpectedBy({}));
  assert.deepEqual(all.map((layer) => [layer.name, layer.total, layer.values]), [
    ["timeout", 25, [5, 2]], ["closed", 10, [0, 1]], ["503", 3, [3, 0]], ["reset", 1, [1, 0]],
  ]);
  const last = columnOf(60, 60, [], { errors: { timeout: 50 }, status_codes: {}, to: "2026-11-30T10:01:05Z" });
  assert.deepEqual(failures([last], unexpectedBy({}))[0]?.values, [10], "the last step of a test is shorter");
  const few = failures(columns, unexpectedBy({}), 3);
  assert.deepEqual(few.map((layer) => [layer.name, layer.total]), [["timeout", 25], ["closed", 10], ["2 others", 4]]);
  assert.deepEqual(stacked(all).at(-1), [9, 3]);
});
