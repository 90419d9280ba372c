import assert from "node:assert/strict";
import { test } from "node:test";

import type { TestState } from "../api/types";
import { isLater, underWayAfter } from "./underway";

const of = (test_id: string, state: TestState) => ({ test_id, state });

test("a test that is created while another one runs does not hide it", () => {
  const running = of("a", "running");
  assert.equal(underWayAfter(running, of("b", "configured")), running);
  assert.equal(underWayAfter(running, of("b", "finished")), running);
});

test("the test under way changes, ends, and is followed by the next", () => {
  const [running, draining, next] = [of("a", "running"), of("a", "draining"), of("b", "starting")];
  assert.equal(underWayAfter(null, of("a", "configured")), null);
  assert.equal(underWayAfter(null, running), running);
  assert.equal(underWayAfter(running, draining), draining);
  assert.equal(underWayAfter(draining, of("a", "finished")), null);
  assert.equal(underWayAfter(of("b", "starting"), of("b", "configured")), null, "drivers refused");
  assert.equal(underWayAfter(running, next), next, "the end of a was missed");
});

test("the later of a row and the stream counts", () => {
  assert.equal(isLater(of("a", "running"), of("a", "configured")), true);
  assert.equal(isLater(of("a", "running"), of("a", "running")), true);
  assert.equal(isLater(of("a", "running"), of("a", "finished")), false, "its end came while another page was shown");
});
