import assert from "node:assert/strict";
import { test } from "node:test";

import { lastOf } from "./columns";
import { columnOf } from "./made";
import { MOST, Series, firstRequests } from "./series";

const shape = (series: Series) => series.columns.map((one) => [one.seq, one.seconds]);

test("seconds that arrive late or twice stand in their place once", () => {
  const series = new Series();
  for (const seq of [0, 2, 1, 2]) series.put(columnOf(seq));
  assert.deepEqual(shape(series), [[0, 1], [1, 1], [2, 1]]);
  assert.equal(series.gap(), null);
  series.put(columnOf(5));
  assert.deepEqual(series.gap(), { from: 3, to: 4 });
});

test("a longer step takes the place of the seconds that it covers, and no second takes it back", () => {
  const series = new Series();
  for (let seq = 0; seq < 25; seq += 1) series.put(columnOf(seq));
  series.putAll([columnOf(0, 10), columnOf(10, 10)]);
  assert.deepEqual(shape(series), [[0, 10], [10, 10], [20, 1], [21, 1], [22, 1], [23, 1], [24, 1]]);
  assert.equal(series.put(columnOf(4)), false);
  assert.equal(series.put(columnOf(0, 60)), true, "a minute covers all of them");
  assert.deepEqual(shape(series), [[0, 60]]);
});

test("looking up a second finds the column that covers it", () => {
  const series = new Series();
  series.putAll([columnOf(0, 10), columnOf(10, 1), columnOf(12, 1)]);
  assert.deepEqual([0, 9, 10, 11, 12, 13].map((second) => series.at(second)?.seq ?? null), [0, 0, 10, null, 12, null]);
  assert.deepEqual(series.within(9, 11).map((one) => one.seq), [0, 10]);
});

test("a test of any length keeps within the bound, and its seconds stay whole", () => {
  const series = new Series();
  const hours = 40;
  for (let seq = 0; seq < hours * 3600; seq += 1) {
    series.put(columnOf(seq, 1, []));
    for (let due = seq % 30 === 0 ? series.coarser() : null; due; due = series.coarser()) {
      const before = series.columns.length;
      // What the server answers: whole steps.
      for (let at = due.from; at <= due.to; at += due.step) series.put(columnOf(at, due.step, []));
      assert.ok(series.columns.length < before, "a longer step makes fewer columns");
    }
    if (seq % 997 === 0) {
      assert.ok(series.columns.length <= MOST);
      assert.equal(series.gap(), null);
    }
  }
  assert.equal(series.last, hours * 3600 - 1);
  assert.ok(series.columns.length <= MOST, `${series.columns.length} columns`);
  const newest = series.columns.slice(-300);
  assert.ok(newest.every((one) => one.seconds === 1), "the newest seconds stay seconds");
});

test("the first requests cover a test once, with steps on whole borders", () => {
  for (const newest of [0, 5, 299, 300, 301, 899, 3599, 3600, 5000, 7200, 86_400]) {
    for (const over of [true, false]) {
      const asked = firstRequests(newest, over);
      let expected = 0;
      for (const one of asked) {
        assert.equal(one.from, expected, `${newest}: ${JSON.stringify(asked)}`);
        assert.equal(one.from % one.step, 0);
        expected = one.to + 1;
      }
      assert.equal(expected, newest + 1);
      if (!over) assert.equal(asked.at(-1)?.step, 1, "what goes on goes on in seconds");
      const columns = asked.reduce((sum, one) => sum + Math.ceil((one.to - one.from + 1) / one.step), 0);
      assert.ok(columns <= 2100, `${columns} columns`);
    }
  }
});

test("of a test of many days as much is asked for as is kept, each request within the bound of an answer", () => {
  for (const days of [3, 12, 40]) for (const over of [true, false]) {
    const asked = firstRequests(days * 86_400, over);
    for (const { from, to, step } of asked) assert.ok(from <= to && to - from < 3600 * step && from % step === 0, JSON.stringify(asked));
    const first = asked[0]?.from ?? -1;
    assert.ok(days === 40 ? first > 0 : first === 0, `${days} days from ${first} on`);
    const columns = asked.reduce((sum, one) => sum + Math.ceil((one.to - one.from + 1) / one.step), 0);
    assert.ok(columns <= MOST);
  }
});

test("a column covers whole steps, and ends with its last window", () => {
  assert.equal(lastOf(columnOf(20, 10)), 29);
  const series = new Series();
  assert.equal(series.end, 0);
  series.putAll([columnOf(290, 10), columnOf(300, 10, [1], { to: "2026-11-30T10:05:00.100Z" })]);
  assert.deepEqual([series.last, series.end], [309, 301], "a test of 5 min and 0.1 s");
});
