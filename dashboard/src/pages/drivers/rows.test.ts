import assert from "node:assert/strict";
import { test } from "node:test";

import type { Driver } from "../../api/types";
import { age, listed, type Seen, slice, tally } from "./rows";

function seen(node_id: string, more: Partial<Driver> = {}, since = 0): Seen {
  const driver = { node_id, liveness: "alive", alive: true, state: "idle", age_ms: 0, labels: {}, cores: null, ...more } as Driver;
  return { driver, since };
}

const ids = (rows: Seen[]) => rows.map(({ driver }) => driver.node_id);

test("drivers are found by what stands in their row", () => {
  const all = [seen("vm-10", { labels: { zone: "north" } }), seen("vm-9", { address: "10.0.0.9:1" }), seen("vm-1", { alive: false, liveness: "lost" })];
  const by = { by: "node_id", descending: false } as const;
  assert.deepEqual(ids(listed([...all], "", false, by)), ["vm-1", "vm-9", "vm-10"], "numbers in names count as such");
  assert.deepEqual(ids(listed([...all], "", true, by)), ["vm-9", "vm-10"]);
  assert.deepEqual(ids(listed([...all], " ZONE=n", false, by)), ["vm-10"]);
  assert.deepEqual(ids(listed([...all], "10.0", false, by)), ["vm-9"]);
  assert.deepEqual(ids(listed([...all], "lost", false, by)), ["vm-1"]);
});

test("what is not known stands last in either order", () => {
  const all = [seen("a"), seen("b", { cores: 8 }), seen("c", { cores: 2 }), seen("d", { cores: 8 })];
  assert.deepEqual(ids(listed([...all], "", false, { by: "cores", descending: false })), ["c", "b", "d", "a"]);
  assert.deepEqual(ids(listed(all, "", false, { by: "cores", descending: true })), ["b", "d", "c", "a"]);
});

test("a row ages from when it was received", () => {
  assert.equal(age(seen("a", { age_ms: 500 }, 2_000)), 2_500);
  const all = [seen("a", { age_ms: 0 }, 1_000), seen("b", { age_ms: 3_000 }, 0)];
  assert.deepEqual(ids(listed(all, "", false, { by: "age", descending: true })), ["b", "a"]);
});

test("only the rows near the window are drawn, and the list is as high as it is", () => {
  for (const [n, top, px] of [
    [1_000, 0, 800],
    [1_000, 20_000, 800],
    [1_000, 39_500, 800],
    [1_000, -300, 800],
    [1_000, 90_000, 800],
    [3, 0, 800],
    [0, 0, 800],
  ] as const) {
    const { from, to, above, below } = slice(n, 40, top, px);
    assert.equal(above + (to - from) * 40 + below, n * 40, `${n} rows at ${top}`);
    assert.ok(from >= 0 && to <= n && from <= to && to - from <= 800 / 40 + 2 * 20 + 2, `${from} to ${to}`);
    const firstVisible = Math.floor(Math.max(0, top) / 40);
    if (firstVisible < n) assert.ok(from <= firstVisible && to > firstVisible);
  }
});

test("a tally names the good ones first", () => {
  assert.deepEqual(tally([seen("a", { liveness: "lost" }), seen("b"), seen("c")]), [
    ["alive", 2],
    ["lost", 1],
  ]);
});
