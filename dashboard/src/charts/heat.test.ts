import assert from "node:assert/strict";
import { test } from "node:test";

import { add, binOf, binsOf, edgeMs, extent, level, peak } from "./heat";

test("a response lies between the edges of its bin", () => {
  for (let us = 2; us < 4e9; us = Math.ceil(us * 1.37)) {
    const bin = binOf(us / 1000);
    assert.ok(edgeMs(bin) * 1000 <= us * (1 + 1e-12) && us < edgeMs(bin + 1) * 1000 * (1 + 1e-12), `${us} µs in bin ${bin}`);
  }
  assert.deepEqual([0, 0.0005, 0.001].map(binOf), [0, 0, 0]);
});

test("adding keeps every request, wherever the bins begin", () => {
  const sum = add({ first: 5, counts: [1, 2] }, { first: 3, counts: [4, 0, 7] });
  assert.deepEqual(sum, { first: 3, counts: [4, 0, 8, 2] });
  assert.deepEqual(add(null, { first: 1, counts: [1] }), { first: 1, counts: [1] });
  assert.equal(add(null, null), null);
});

test("an outcome that is left out has no bins", () => {
  const heat = { completed: { first: 2, counts: [3] } };
  assert.equal(binsOf(heat, "failed"), null);
  assert.deepEqual(binsOf(heat, "all"), { first: 2, counts: [3] });
  assert.equal(binsOf(undefined, "all"), null);
});

test("the extent leaves out empty bins at both ends", () => {
  assert.deepEqual(extent([{ first: 10, counts: [0, 1, 0] }, null, { first: 20, counts: [2, 0, 0] }]), [11, 20]);
  assert.equal(extent([null, { first: 1, counts: [0] }]), null);
});

test("the peak is a second's, however long the column", () => {
  assert.equal(peak([{ bins: { first: 0, counts: [50] }, seconds: 10 }, { bins: { first: 0, counts: [4] }, seconds: 1 }]), 5);
});

test("colours rise with the logarithm: one request is visible beside a thousand", () => {
  assert.equal(level(0, 1000, 64), -1);
  assert.equal(level(1000, 1000, 64), 63);
  const few = level(1, 1000, 64);
  assert.ok(few > 0 && few < 32, `one of a thousand is at ${few}`);
  let before = -1;
  for (let n = 1; n <= 1000; n *= 2) {
    const now = level(n, 1000, 64);
    assert.ok(now >= before);
    before = now;
  }
});
