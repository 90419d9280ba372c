import assert from "node:assert/strict";
import { test } from "node:test";

import { thresholdValue } from "./head";

test("a threshold's value has the unit of what it limits, and says where it is a bound", () => {
  const value = (expression: string, of: number | null, bound = false) => thresholdValue({ expression, value: of, lower_bound: bound, ok: null, given: true });
  assert.equal(value("response.p99 < 250ms", 214.2, true), "≥ 214.2 ms");
  assert.equal(value("errors.ratio < 1%", 0.0123), "1.2 %");
  assert.equal(value("throughput >= 380/s", 391.2), "391.2/s");
  assert.equal(value("response.p99 < 1s", null), "–");
  assert.equal(value("aspect-ratio.response.p99.9 <= 1s", 20), "20.00 ms");
  assert.equal(value("throughput.errors.ratio < 1%", 0.5), "50 %");
  assert.equal(value("page/a=1.errors.ratio < 1%", 0.5), "50 %");
});
