import assert from "node:assert/strict";
import { test } from "node:test";

import { columnOf } from "../state/made";
import { Series } from "../state/series";
import { ChartGroup } from "./group";

function groupOf(length: number, planned: number): ChartGroup {
  const series = new Series();
  for (let seq = 0; seq < length; seq += 1) series.put(columnOf(seq));
  const group = new ChartGroup(series);
  group.whole.value = [0, planned];
  return group;
}

const current = (group: ChartGroup): number | undefined => group.current.value?.seq;
const under = (group: ChartGroup): number | undefined => group.under.value?.seq;

test("the keys stop at the newest second of a running test", () => {
  const group = groupOf(5, 60);
  group.do({ do: "last" });
  assert.equal(under(group), 4);
  group.do({ do: "step", by: 10 });
  assert.equal(under(group), 4);
  group.do({ do: "step", by: -1 });
  assert.equal(under(group), 3);
});

test("without a cursor the figures are those of the newest column", () => {
  const group = groupOf(5, 60);
  assert.deepEqual(current(group), 4);
  group.over.value = true;
  assert.deepEqual(current(group), undefined, "the last second of a test that is over stands for nothing");
  group.do({ do: "point", at: 2 });
  assert.deepEqual(current(group), 2);
});

test("only the columns of the span are drawn", () => {
  const group = groupOf(50, 50);
  group.do({ do: "zoom", from: 10, to: 20 });
  assert.deepEqual(group.columns.value.map((column) => column.seq), [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
});
