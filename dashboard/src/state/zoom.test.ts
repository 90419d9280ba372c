import assert from "node:assert/strict";
import { test } from "node:test";

import { type Action, type Range, type View, WHOLE, next, shown, snap } from "./zoom";

const test100: Range = [0, 100];
const after = (...actions: Action[]): View => actions.reduce((view, action) => next(view, action, test100), WHOLE);

test("a span is whole seconds, in order, within the test", () => {
  assert.deepEqual(snap(30.7, 10.2, test100), [10, 31]);
  assert.deepEqual(snap(-5, 4, test100), [0, 4]);
  assert.deepEqual(snap(50.1, 50.3, test100), [49, 51], "not shorter than two seconds");
  assert.deepEqual(snap(0, 0.5, test100), [0, 2]);
  assert.equal(snap(200, 300, test100), null);
  assert.deepEqual(snap(15, 90, test100), [10, 90], "above a minute steps of 10 s");
  assert.deepEqual(snap(15, 99, test100), [10, 100]);
  assert.deepEqual(snap(100, 1500, [0, 1510]), [60, 1500], "above ten minutes steps of a minute");
});

test("a span stands on the borders of the steps in which its figures are stored", () => {
  const whole: Range = [0, 4001];
  assert.deepEqual(snap(10.9, 70.1, whole), [10, 80], "61 s are beyond a minute");
  for (let low = 0; low < 4001; low += 37.3)
    for (const length of [1.5, 59.2, 59.9, 60, 60.1, 595.5, 600.4, 1800]) {
      const [from, to] = snap(low, low + length, whole) ?? [0, 0];
      const step = to - from <= 60 ? 1 : to - from <= 600 ? 10 : 60;
      assert.equal(from % step, 0, `${low} and ${length} s: ${from} to ${to}`);
      assert.ok(to % step === 0 || to === whole[1], `${low} and ${length} s: ${from} to ${to}`);
    }
});

test("a span of the whole test does not zoom", () => {
  assert.equal(after({ do: "zoom", from: 0, to: 100 }).zoom, null);
  assert.deepEqual(after({ do: "zoom", from: 10, to: 20 }).zoom, [10, 20]);
  assert.equal(after({ do: "zoom", from: 10, to: 20 }, { do: "out" }).zoom, null);
});

test("the keys move the cursor within what is shown", () => {
  assert.equal(after({ do: "step", by: 1 }).cursor, 0);
  assert.equal(after({ do: "step", by: -1 }).cursor, 99);
  assert.equal(after({ do: "first" }, { do: "step", by: -1 }).cursor, 0);
  assert.equal(after({ do: "zoom", from: 10, to: 20 }, { do: "last" }, { do: "step", by: 5 }).cursor, 19);
});

test("two marks by keyboard are a zoom that covers both columns", () => {
  const view = after({ do: "point", at: 40 }, { do: "mark" }, { do: "step", by: -10 }, { do: "mark" });
  assert.deepEqual(view.zoom, [30, 41]);
  assert.equal(view.anchor, null);
});

test("escape leaves a selection first, then the zoom", () => {
  const selecting = after({ do: "zoom", from: 10, to: 50 }, { do: "point", at: 20 }, { do: "mark" });
  const once = next(selecting, { do: "out" }, test100);
  assert.deepEqual([once.anchor, once.zoom], [null, [10, 50]]);
  assert.equal(next(once, { do: "out" }, test100).zoom, null);
});

test("closer and wider keep the cursor in view, and wider ends at the whole test", () => {
  const close = after({ do: "point", at: 95 }, { do: "closer" });
  assert.deepEqual(close.zoom, [50, 100]);
  assert.equal(next(close, { do: "wider" }, test100).zoom, null);
  let view = after({ do: "point", at: 50 });
  for (let n = 0; n < 20; n += 1) view = next(view, { do: "closer" }, test100);
  const [from, to] = shown(view, test100);
  assert.ok(to - from >= 2 && from <= 50 && to >= 50);
});

test("following shows the newest seconds and goes on with them", () => {
  const view = after({ do: "follow", seconds: 30 });
  assert.deepEqual(shown(view, [0, 100]), [70, 100]);
  assert.deepEqual(shown(view, [0, 110]), [80, 110]);
  assert.deepEqual(shown(view, [0, 10]), [0, 10]);
});
