import assert from "node:assert/strict";
import { test } from "node:test";

import { address, route, type Route } from "./routes";

test("each page has an address that leads back to it", () => {
  const pages: Route[] = [
    { page: "tests" },
    { page: "test", id: "20261130-a/b ü" },
    { page: "new", from: null },
    { page: "new", from: "t1" },
    { page: "drivers" },
    { page: "compare", a: [], b: [] },
    { page: "compare", a: ["t1", "t2"], b: ["t3"] },
  ];
  for (const page of pages) {
    const url = new URL(address(page), "http://127.0.0.1");
    assert.deepEqual(route(url.pathname, url.search), page, url.href);
  }
});

test("anything else is unknown", () => {
  for (const path of ["/nothing", "/tests", "/tests/a/b", "/drivers/x", "/tests/%E0%A4%A", "/docs"]) {
    assert.deepEqual(route(path, ""), { page: "unknown" }, path);
  }
});
