import assert from "node:assert/strict";
import { test } from "node:test";

import { change, differs, type Figure, placeOf, scaleOf, valueOf } from "./comparison";

test("a ratio is shown as a change", () => {
  for (const [ratio, expected] of [
    [1.124, "+12 %"],
    [0.5, "−50 %"],
    [1.0041, "+0.4 %"],
    [0.9999, "0.0 %"],
    [1, "0.0 %"],
    [null, "–"],
  ] as const) {
    assert.equal(change(ratio), expected);
  }
});

test("values have their unit", () => {
  assert.equal(valueOf(12.345, "ms"), "12.35 ms");
  assert.equal(valueOf(0.0123, "ratio"), "1.2 %");
  assert.equal(valueOf(1_980.4, "/s"), "1,980.4/s");
  assert.equal(valueOf(null, "ms"), "–");
});

test("an interval stands around the middle, where nothing differs", () => {
  const of = (low: number, high: number): Figure => ({ figure: "", unit: "", a: 1, b: 1, ratio: Math.sqrt(low * high), low, high, outcome: "same", sentence: "" });
  const figures = [of(0.5, 2), of(1, 1)];
  assert.equal(scaleOf(figures), 2);
  assert.deepEqual(placeOf(of(0.5, 2), 2), { low: 0, high: 1, at: 0.5 });
  const small = placeOf(of(1, 1), 2);
  assert.deepEqual(small, { low: 0.5, high: 0.5, at: 0.5 });
  assert.equal(placeOf({ low: null, high: 1, ratio: 1 }, 2), null);
  assert.equal(scaleOf([]), 1.1);
});

test("errors differ in percentage points, and an interval may have no upper limit", () => {
  const of = (more: Partial<Figure>): Figure => ({ figure: "", unit: "", a: 1, b: 1, ratio: 1.5, low: 1.1, high: 2, outcome: "same", sentence: "", ...more });
  assert.deepEqual(differs(of({})), { by: "+50 %", from: "+10 %", to: "+100 %" });
  assert.deepEqual(differs(of({ high: null })), { by: "+50 %", from: "+10 %", to: "no limit" });
  assert.deepEqual(differs(of({ difference: 0.012, difference_low: -0.001, difference_high: 0.025 })), { by: "+1.2 pp", from: "−0.10 pp", to: "+2.5 pp" });
});
