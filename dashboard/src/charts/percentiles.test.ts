import assert from "node:assert/strict";
import { test } from "node:test";

import type { CurvePoint } from "../state/shapes";
import { align, curve, marks, placeOf, quantileAt, reach, valueAt } from "./percentiles";

const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-9, `${a} and ${b}`);

test("each further nine takes the same width", () => {
  near(placeOf(0), 0);
  near(placeOf(0.9), 1);
  near(placeOf(0.99), 2);
  near(placeOf(0.999), 3);
  for (const q of [0, 0.3, 0.77, 0.99995]) near(quantileAt(placeOf(q)), q);
});

test("the maximum stands at the end of the axis", () => {
  const points: CurvePoint[] = [[1, 9], [0, 1], [0.9, 5]];
  const end = reach(points);
  assert.deepEqual(curve(points, end), { places: [0, end], values: [1, 9] });
  assert.deepEqual(curve(points, 3), { places: [0, placeOf(0.9), 3], values: [1, 5, 9] });
});

test("what never completed is a gap, and points of other curves are not", () => {
  const a = curve([[0, 1], [0.9, null], [1, null]], 2);
  const b = curve([[0, 2], [0.5, 3], [1, 4]], 2);
  const { places, values } = align([a, b]);
  assert.deepEqual(places, [0, placeOf(0.5), placeOf(0.9), 2]);
  assert.deepEqual(values, [[1, undefined, null, null], [2, 3, undefined, 4]]);
});

test("the axis names its nines", () => {
  assert.deepEqual(marks(3).map((mark) => mark.name), ["p0", "p50", "p90", "p95", "p99", "p99.9"]);
});

test("a value between two points is the upper one's, as a percentile is", () => {
  const points: CurvePoint[] = [[0, 1], [0.5, 2], [0.9, 3], [1, 4]];
  assert.deepEqual([0, 0.4, 0.5, 0.51, 0.95, 1].map((q) => valueAt(points, q)), [1, 2, 2, 3, 4, 4]);
});
