import assert from "node:assert/strict";
import { test } from "node:test";

import { looks } from "./looks";

test("each test has a name of its own, the colour of its side and a line of its own", () => {
  const all = looks(["1", "2"], ["3"], () => "the same plan");
  assert.deepEqual(all.map(({ name }) => name), ["A1: the same plan", "A2: the same plan", "B: the same plan"]);
  assert.deepEqual(all.map(({ colour }) => colour), ["--c-1", "--c-1", "--c-2"]);
  assert.deepEqual(all.map(({ dash }) => dash?.length ?? 0), [0, 2, 0]);
});
