import assert from "node:assert/strict";
import { test } from "node:test";

import { columnOf } from "../state/made";
import { columnAt, overlay, rowsOf } from "./overlay";

test("tests stand over each other by time, each with its own gaps", () => {
  const a = [columnOf(0), columnOf(1), columnOf(5)];
  const b = [columnOf(0, 10)];
  assert.deepEqual(overlay([a, b], (column) => column.seq), [
    [0.5, 1.5, 3.5, 5, 5.5],
    [0, 1, null, undefined, 5],
    [undefined, undefined, undefined, 0, undefined],
  ]);
  assert.deepEqual(overlay([], () => 1), [[]]);
  assert.deepEqual(overlay([[], a.slice(0, 1)], () => 1), [[0.5], [undefined], [1]]);
});

test("a second is found in the column that covers it", () => {
  const columns = [columnOf(0, 10), columnOf(10), columnOf(20)];
  for (const [second, seq] of [[0, 0], [9, 0], [10, 10], [11, null], [20, 20], [21, null], [-1, null]] as const) {
    assert.equal(columnAt(columns, second)?.seq ?? null, seq, String(second));
  }
  assert.equal(columnAt([], 0), null);
});

test("a table has few rows, evenly from all", () => {
  const columns = Array.from({ length: 1_000 }, (_, seq) => columnOf(seq));
  const { rows, n } = rowsOf([columns, columns.slice(0, 10)], 400);
  assert.equal(n, 1_000);
  assert.deepEqual([rows.length, rows[0], rows[1]], [334, 0, 3]);
});
