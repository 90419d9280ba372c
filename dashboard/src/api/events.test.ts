import assert from "node:assert/strict";
import { test } from "node:test";

import { EventStream } from "./events";

test("the present state ends with an id of its own, and after a break what was missed is asked for by the last id", async () => {
  const bodies = ['event: driver\ndata: {"node_id":"a"}\n\nid: 7-3\n\n', 'id: 7-4\nevent: driver\ndata: {"node_id":"b"}\n\n'];
  const asked: (string | null)[] = [];
  globalThis.fetch = (_, init) => {
    asked.push(new Headers(init?.headers).get("last-event-id"));
    return Promise.resolve(new Response(bodies[asked.length - 1]));
  };
  const seen: string[] = [];
  await new Promise<void>((done) => {
    const stream = new EventStream("/api/v1/events", {
      event: (name, data) => seen.push(`${name} ${JSON.stringify(data)}`),
      link: (now) => seen.push(now),
      received: () => undefined,
      refused: () => undefined,
      caughtUp: (isPresentState) => {
        seen.push(isPresentState ? "present state" : "missed");
        if (isPresentState) return;
        stream.close();
        done();
      },
    });
  });
  assert.deepEqual(seen, ["connecting", "live", 'driver {"node_id":"a"}', "present state", "lost", "live", 'driver {"node_id":"b"}', "missed"]);
  assert.deepEqual(asked, [null, "7-3"]);
});

test("a stream that is refused ends", async () => {
  globalThis.fetch = () => Promise.resolve(new Response("{}", { status: 404 }));
  const links: string[] = [];
  await new Promise<void>((done) => {
    new EventStream("/api/v1/events?test=gone", {
      event: () => undefined,
      link: (now) => links.push(now),
      received: () => undefined,
      caughtUp: () => undefined,
      refused: done,
    });
  });
  assert.deepEqual(links, ["connecting"]);
});
