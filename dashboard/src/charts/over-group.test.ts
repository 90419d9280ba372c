import assert from "node:assert/strict";
import { test } from "node:test";

import { columnOf } from "../state/made";
import { OverGroup, type OverTest } from "./over-group";

const columnsOf = (length: number, step = 1, samples = [1]) => Array.from({ length: Math.ceil(length / step) }, (_, n) => columnOf(n * step, step, samples));
const of = (id: string, length: number, step = 1): OverTest => ({ id, name: id.toUpperCase(), colour: "--c-1", columns: columnsOf(length, step) });
const seqs = (group: OverGroup) => group.shown.value.map(({ columns }) => columns.map((column) => column.seq));

test("a zoom holds for all tests, also where one has ended before", () => {
  const group = new OverGroup([of("a", 30), of("b", 15)]);
  assert.deepEqual(group.whole.value, [0, 30]);
  group.do({ do: "zoom", from: 12.2, to: 17.8 });
  assert.deepEqual(group.range.value, [12, 18]);
  assert.deepEqual(seqs(group), [[12, 13, 14, 15, 16, 17], [12, 13, 14]]);
  group.do({ do: "out" });
  assert.deepEqual(group.range.value, [0, 30]);
});

test("finer columns take the place of long steps within their span alone", () => {
  const group = new OverGroup([of("a", 600, 10), of("b", 600, 10)]);
  group.do({ do: "zoom", from: 100, to: 120 });
  assert.equal(group.isCoarser([100, 120], 1), true);
  assert.equal(group.isCoarser([100, 120], 10), false);
  group.detail.value = { range: [100, 120], columns: new Map([["a", [columnOf(100), columnOf(119)]], ["b", [columnOf(101)]]]) };
  assert.deepEqual(seqs(group), [[100, 119], [101]]);
  group.do({ do: "zoom", from: 100, to: 140 });
  assert.deepEqual(seqs(group)[0], [100, 110, 120, 130]);
});

test("the cursor names the figures of every test that has this second", () => {
  const group = new OverGroup([of("a", 5), of("b", 3)]);
  group.do({ do: "first" });
  assert.equal(group.spoken.value, "0:00: A: p99 1.000 ms, 1 completed a second; B: p99 1.000 ms, 1 completed a second");
  group.do({ do: "last" });
  assert.equal(group.spoken.value, "0:04: A: p99 1.000 ms, 1 completed a second");
  assert.equal(group.secondAt(4.9), 4);
  group.do({ do: "point", at: 9 });
  assert.equal(group.spoken.value, "no second is known here");
});

test("tests without a second have a span all the same", () => {
  const group = new OverGroup([of("a", 0)]);
  assert.deepEqual(group.whole.value, [0, 1]);
  group.do({ do: "closer" });
  group.do({ do: "step", by: 1 });
  assert.deepEqual(seqs(group), [[]]);
});
