import assert from "node:assert/strict";
import { test } from "node:test";

import { writeToml } from "./toml";

test("a plan is written as a person would", () => {
  const plan = {
    name: 'a "b"',
    target: { url: "http://127.0.0.1:8081/ping" },
    request: { headers: { "X-A": ["1", "2"], "a b": "c" }, body: '{\n  "x": 1\n}', timeout: null },
    load: { rate: 0.5, requests: 1000000, stages: [{ ramp: "5s", to: 10 }] },
    thresholds: { "response.p99": "< 250ms" },
  };
  assert.equal(
    writeToml(plan),
    `name = "a \\"b\\""

[target]
url = "http://127.0.0.1:8081/ping"

[request]
body = '''
{
  "x": 1
}'''

[request.headers]
X-A = ["1", "2"]
"a b" = "c"

[load]
rate = 0.5
requests = 1000000
stages = [{ ramp = "5s", to = 10 }]

[thresholds]
"response.p99" = "< 250ms"
`,
  );
});

test("what has no plain form is quoted", () => {
  assert.equal(writeToml({ a: "tab\there\nand 'three''' quotes\n", b: 1e-7, c: [] }), `a = "tab\\there\\nand 'three''' quotes\\n"\nb = 1.0e-7\nc = []\n`);
  assert.equal(writeToml({}), "\n");
});
