import assert from "node:assert/strict";
import { test } from "node:test";

import { next, sorted } from "./sort";

interface Row {
  name: string;
  n: number | null;
}

const rows: Row[] = [{ name: "b10", n: 2 }, { name: "b9", n: null }, { name: "a", n: 7 }, { name: "c", n: 2 }];
const key = (row: Row, column: string) => (column === "name" ? row.name : row.n);
const names = (order: Parameters<typeof sorted>[1]) => sorted(rows, order, key).map((row) => row.name);

test("what is not known stands last in either direction, equals keep their order", () => {
  assert.deepEqual(names({ column: "n", descending: true }), ["a", "b10", "c", "b9"]);
  assert.deepEqual(names({ column: "n", descending: false }), ["b10", "c", "a", "b9"]);
  assert.deepEqual(names(null), ["b10", "b9", "a", "c"]);
});

test("numbers within names count as numbers", () => {
  assert.deepEqual(names({ column: "name", descending: false }), ["a", "b9", "b10", "c"]);
});

test("a third click gives the rows' own order back", () => {
  const first = next(null, "n", true);
  const second = next(first, "n", true);
  assert.deepEqual([first, second, next(second, "n", true)], [{ column: "n", descending: true }, { column: "n", descending: false }, null]);
  assert.deepEqual(next(second, "name", false), { column: "name", descending: false });
});
