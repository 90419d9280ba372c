import assert from "node:assert/strict";
import { test } from "node:test";

import { columnOf } from "../state/made";
import { align, logMarks, logRange } from "./aligned";

test("values stand in the middle of their column, with a gap where seconds are missing", () => {
  const columns = [columnOf(0, 10), columnOf(10), columnOf(14)];
  assert.deepEqual(align(columns, [(column) => column.seq, () => null]), [
    [5, 10.5, 12.5, 14.5],
    [0, 10, null, 14],
    [null, null, null, null],
  ]);
  assert.deepEqual(align([], [() => 1]), [[], []]);
});

test("marks of a logarithmic axis lie within it, and are few", () => {
  for (const [low, high] of [[0.3, 0.9], [0.01, 60_000], [1, 10], [5, 700]] as const) {
    const marks = logMarks(low, high);
    assert.ok(marks.length >= 2 && marks.length <= 10, `${low} to ${high}: ${marks.join(", ")}`);
    assert.ok(marks.every((mark) => mark >= low && mark <= high));
  }
  assert.deepEqual(logMarks(1, 10), [1, 2, 5, 10]);
  assert.deepEqual(logMarks(0, 10), []);
});

test("the range of a logarithmic axis holds its values and is never a line", () => {
  for (const [low, high] of [[1, 1], [1, 100], [0.5, 0.6]] as const) {
    const [from, to] = logRange(low, high);
    assert.ok(from < low && to > high && to / from >= 4 * (1 - 1e-9));
  }
  assert.deepEqual(logRange(null, null), [0.1, 100]);
});
