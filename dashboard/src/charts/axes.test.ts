import assert from "node:assert/strict";
import { test } from "node:test";

import { isFew } from "./axes";

test("a line with one or two points has dots, however long the others are", () => {
  assert.equal(isFew([]), true);
  assert.equal(isFew([null, undefined, 3, null, null]), true);
  assert.equal(isFew([1, null, 3]), true);
  assert.equal(isFew([1, 2, 3, null]), false);
});
