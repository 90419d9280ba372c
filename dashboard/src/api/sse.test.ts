import assert from "node:assert/strict";
import { test } from "node:test";

import { FrameReader } from "./sse";

const WIRE = 'retry: 1000\n\nevent: driver\ndata: {"a":1}\n\nid: 7-1\n\n: still here\n\nid: 7-2\nevent: test\ndata: x\ndata: y\n\n';

test("frames are the same however the stream was cut", () => {
  const whole = new FrameReader().feed(WIRE);
  assert.deepEqual(whole, [
    { id: null, name: "", data: "" },
    { id: null, name: "driver", data: '{"a":1}' },
    { id: "7-1", name: "", data: "" },
    { id: null, name: "", data: "" },
    { id: "7-2", name: "test", data: "x\ny" },
  ]);
  for (let size = 1; size < 9; size += 1) {
    const reader = new FrameReader();
    const frames = [];
    for (let at = 0; at < WIRE.length; at += size) frames.push(...reader.feed(WIRE.slice(at, at + size)));
    assert.deepEqual(frames, whole, `pieces of ${size}`);
  }
});

test("a frame that is not complete is not there yet", () => {
  const reader = new FrameReader();
  assert.deepEqual(reader.feed("id: 1\nevent: test\nda"), []);
  assert.deepEqual(reader.feed("ta: z\n\n"), [{ id: "1", name: "test", data: "z" }]);
});
