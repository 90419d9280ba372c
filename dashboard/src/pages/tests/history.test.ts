import assert from "node:assert/strict";
import { test } from "node:test";

import type { TestSummary } from "../../api/types";
import { filterOf, isFiltered, joined, NO_FILTER, sidesOf } from "./history";

function row(n: number, state = "finished"): TestSummary {
  return { test_id: `t${n}`, name: `test ${n}`, state, verdict: null, created_at: `2026-11-30T00:00:${String(n).padStart(2, "0")}Z` } as TestSummary;
}

test("a fresh answer replaces what it covers, and older rows stay", () => {
  const known = [row(5), row(4), row(3), row(2), row(1)];
  // 6 is new, 4 was deleted, 5 has changed; the answer ends at 3.
  const fresh = [row(6), row(5, "running"), row(3)];
  const rows = joined(known, fresh, false);
  assert.deepEqual(rows.map((one) => one.test_id), ["t6", "t5", "t3", "t2", "t1"]);
  assert.equal(rows[1]?.state, "running");
});

test("the whole history leaves nothing of before", () => {
  assert.deepEqual(joined([row(2), row(1)], [row(2)], true).map((one) => one.test_id), ["t2"]);
  assert.deepEqual(joined([row(2), row(1)], [], true), []);
});

test("the oldest of the chosen tests is compared with the others", () => {
  assert.deepEqual(sidesOf([row(2), row(7), row(1)]), { a: ["t1"], b: ["t7", "t2"] });
});

test("an address holds the filter", () => {
  assert.deepEqual(filterOf("?q=a%20b&verdict=failed"), { q: "a b", state: "", verdict: "failed" });
  assert.deepEqual(filterOf(""), NO_FILTER);
  assert.equal(isFiltered(NO_FILTER), false);
  assert.equal(isFiltered({ ...NO_FILTER, q: "x" }), true);
});
