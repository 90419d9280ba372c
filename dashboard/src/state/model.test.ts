import assert from "node:assert/strict";
import { test } from "node:test";

import { testOf, totalsOf, windowOf } from "./made";
import { type Source, TestModel } from "./model";
import type { Span, Window } from "./shapes";

const spanOf = (from: number, to: number): Span => ({ from, to, step: 1, totals: totalsOf(), drivers: [], curve: { fleet: [[0, 1], [1, 2]] } });

interface Asked {
  windows: [number, number | null, number | "auto", string | null][];
  spans: ({ from: number; to: number } | null)[];
}

/** A source that answers whole steps of a test of so many seconds. */
function sourceOf(length: number): Source & { asked: Asked } {
  const asked: Asked = { windows: [], spans: [] };
  return {
    asked,
    windows: (from, until, asks, driver) => {
      asked.windows.push([from, until, asks, driver]);
      const to = until ?? length - 1;
      const step = asks === "auto" ? (to - from < 300 ? 1 : to - from < 3600 ? 10 : 60) : asks;
      const found: Window[] = [];
      for (let at = Math.floor(from / step) * step; at <= Math.min(to, length - 1); at += step) found.push(windowOf(at, step, driver === null ? [1, 2, 3, 40] : [7]));
      return Promise.resolve(found);
    },
    span: (range) => {
      asked.spans.push(range);
      return Promise.resolve(spanOf(range?.from ?? 0, range?.to ?? length - 1));
    },
  };
}

const stateOf = (model: TestModel): string => model.span.value.is;

/** Lets what was asked for arrive. */
const settled = () => new Promise((done) => setTimeout(done, 0));

test("a zoom asks for the figures of exactly its seconds, once for a test that is over", async () => {
  const source = sourceOf(100);
  const model = new TestModel(source);
  model.take(testOf({ state: "finished" }));
  await model.load(99, true);
  model.group.do({ do: "zoom", from: 10.4, to: 19.7 });
  assert.equal(stateOf(model), "loading");
  await settled();
  const now = model.span.value;
  assert.ok(now.is === "here");
  assert.deepEqual([now.span.from, now.span.to], [10, 19]);
  model.group.do({ do: "out" });
  assert.equal(model.span.value.is, "whole");
  model.group.do({ do: "zoom", from: 10, to: 20 });
  await settled();
  assert.deepEqual(source.asked.spans, [{ from: 10, to: 19 }]);
});

test("an answer that comes after another zoom is not shown", async () => {
  const waiting: ((span: Span) => void)[] = [];
  const model = new TestModel({ windows: () => Promise.resolve([]), span: () => new Promise((answer) => waiting.push(answer)) });
  model.take(testOf());
  model.add([windowOf(0), windowOf(50)]);
  model.group.do({ do: "zoom", from: 0, to: 10 });
  model.group.do({ do: "zoom", from: 20, to: 30 });
  waiting[1]?.(spanOf(20, 29));
  await settled();
  waiting[0]?.(spanOf(0, 9));
  await settled();
  const now = model.span.value;
  assert.ok(now.is === "here" && now.span.from === 20);
});

test("a span that cannot be computed is said, with the reason", async () => {
  const model = new TestModel({ windows: () => Promise.resolve([]), span: () => Promise.reject(new Error("the store is full")) });
  model.take(testOf());
  model.add([windowOf(0), windowOf(50)]);
  model.group.do({ do: "zoom", from: 0, to: 10 });
  await settled();
  assert.deepEqual(model.span.value, { is: "failed", range: [0, 10], why: "the store is full" });
});

test("a zoom into long steps shows the seconds, and zooming out the steps again", async () => {
  const source = sourceOf(1000);
  const model = new TestModel(source);
  model.take(testOf({ state: "finished" }));
  await model.load(999, true);
  assert.ok(model.group.columns.value.every((column) => column.seconds === 10));
  model.group.do({ do: "zoom", from: 200, to: 250 });
  await settled();
  const shown = model.group.columns.value;
  assert.deepEqual([shown.length, shown[0]?.seq, shown[0]?.seconds], [50, 200, 1]);
  model.group.do({ do: "out" });
  assert.ok(model.group.columns.value.every((column) => column.seconds === 10));
});

test("a test that is over is shown to its last second, whatever its end is stored as", async () => {
  const source = sourceOf(1000);
  const model = new TestModel(source);
  model.take(testOf({ state: "finished" }));
  await model.load(0, true);
  assert.deepEqual(source.asked.windows, [[0, null, "auto", null]]);
  assert.equal(model.group.whole.value[1], 1000);
});

test("a live test that goes on for hours asks for longer steps of its older part", async () => {
  const length = 2 * 3600;
  const source = sourceOf(length);
  const model = new TestModel(source);
  model.take(testOf({ plan: { load: { duration: "2h" } } }));
  for (let seq = 0; seq < length; seq += 1) {
    model.add([windowOf(seq, 1, [1])]);
    if (seq % 50 === 0) await settled();
  }
  await settled();
  assert.ok(model.series.columns.length < 1700, `${model.series.columns.length} columns`);
  assert.equal(model.series.gap(), null);
  assert.equal(model.group.whole.value[1], length);
});

test("a short running test shows its whole schedule, a finished one what there is", () => {
  const model = new TestModel(sourceOf(0));
  model.take(testOf({ plan: { load: { duration: "50s", warmup: "10s" } } }));
  model.add([windowOf(0), windowOf(1)]);
  assert.deepEqual(model.group.whole.value, [0, 60]);
  assert.equal(model.group.warmup.value, 10);
  model.take(testOf({ state: "finished", verdict: "aborted", plan: { load: { duration: "50s" } } }));
  assert.deepEqual(model.group.whole.value, [0, 2]);
});

test("the charts of a driver are its own, zoomed in too, and the fleet's come back at once", async () => {
  const source = sourceOf(1000);
  const model = new TestModel(source);
  model.take(testOf({ state: "finished" }));
  await model.load(999, true);
  const sentOf = () => [...new Set(model.group.columns.value.map((column) => column.sent))];
  assert.deepEqual(sentOf(), [4]);
  await model.show("d1");
  assert.deepEqual(sentOf(), [1]);
  model.group.do({ do: "zoom", from: 100, to: 130 });
  await settled();
  assert.deepEqual([sentOf(), model.group.columns.value.length], [[1], 30]);
  assert.equal(source.asked.windows.at(-1)?.[3], "d1");
  await model.show(null);
  await settled();
  assert.deepEqual(sentOf(), [4]);
});

test("a span whose seconds are still to come is asked for again until they are there, and once more at the end", async () => {
  let length = 20;
  const asked: { from: number; to: number }[] = [];
  const model = new TestModel({
    windows: () => Promise.resolve([]),
    span: (range) => {
      if (range) asked.push(range);
      return Promise.resolve(spanOf(range?.from ?? 0, Math.min(range?.to ?? 0, length - 1)));
    },
  });
  const grow = (to: number) => {
    for (let seq = model.series.last + 1; seq < to; seq += 1) model.add([windowOf(seq)]);
    length = to;
  };
  const covered = () => {
    const now = model.span.value;
    return now.is === "here" ? now.span.to : null;
  };
  model.take(testOf({ plan: { load: { duration: "1m" } } }));
  grow(20);
  model.group.do({ do: "zoom", from: 10, to: 40 });
  await settled();
  assert.equal(covered(), 19);
  grow(30);
  await model.again();
  assert.equal(covered(), 29);
  grow(60);
  await model.again();
  await model.again();
  assert.deepEqual([covered(), asked.length], [39, 3], "all are there, and older than the newest ones: nothing changes them");
  model.take(testOf({ state: "finished", plan: { load: { duration: "1m" } } }));
  await model.again();
  assert.equal(asked.length, 4);
});

test("after a night without a stream nothing is missing", async () => {
  const source = sourceOf(30_000);
  const model = new TestModel(source);
  model.take(testOf({ plan: { load: { duration: "12h" } } }));
  for (let seq = 0; seq < 100; seq += 1) model.add([windowOf(seq)]);
  await model.refill(model.series.last - 10, 29_999);
  await settled();
  assert.equal(model.series.gap(), null);
  assert.equal(model.series.last, 29_999);
  assert.ok(source.asked.windows.every(([from, to, step]) => to !== null && to - from < 3600 * Number(step)));
});

test("a driver that is watched for hours keeps within the bound", async () => {
  let length = 100;
  const source = sourceOf(100_000);
  const model = new TestModel({
    ...source,
    windows: (from, to, step, driver) => source.windows(from, Math.min(to ?? length - 1, length - 1), step, driver),
  });
  model.take(testOf({ plan: { load: { duration: "9h" } } }));
  model.add([windowOf(99)]);
  await model.show("d1");
  for (; length < 4000; length += 10) await model.refresh();
  assert.ok(model.group.base.value.columns.length < 1700, `${model.group.base.value.columns.length} columns`);
  assert.equal(model.group.base.value.gap(), null);
});

test("a short plan of stages is shown whole while it runs", () => {
  const model = new TestModel(sourceOf(0));
  model.take(testOf({ plan: { load: { stages: [{ rate: 5, ramp: "20s", hold: "10s" }, { rate: 9, hold: "15s" }] } } }));
  model.add([windowOf(0)]);
  assert.deepEqual(model.group.whole.value, [0, 45]);
});

test("an answer of before the end does not take the end back", () => {
  const model = new TestModel(sourceOf(10));
  model.take(testOf({ state: "finished", verdict: "passed" }));
  model.take(testOf());
  assert.deepEqual([model.test.value?.state, model.test.value?.verdict], ["finished", "passed"]);
});
