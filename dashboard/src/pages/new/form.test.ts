import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { curlCommands, quoted, runCommand } from "./commands";
import { emptyForm, FIELDS, fieldOf, type Form, formOf, isMasked, planOf } from "./form";

function form(values: Record<string, string>, more: Partial<Form> = {}): Form {
  const empty = emptyForm();
  return { ...empty, ...more, values: { ...empty.values, ...values } };
}

test("every field is a key of plans", () => {
  const schema = JSON.parse(readFileSync(new URL("../../../../docs/plan.schema.json", import.meta.url), "utf8")) as {
    $defs: Record<string, { properties?: Record<string, { $ref?: string }> }>;
  };
  const of = (path: string) => {
    let at = "plan_of_one";
    for (const key of path.split(".")) {
      const property = schema.$defs[at]?.properties?.[key];
      if (!property) return false;
      at = property.$ref?.split("/").pop() ?? "";
    }
    return true;
  };
  for (const { path } of FIELDS) assert.ok(of(path), path);
  assert.equal(of("load.nothing"), false);
});

test("a form makes the shortest plan", () => {
  const { plan, faults } = planOf(form({ "target.url": " http://127.0.0.1:8081/ping " }));
  assert.deepEqual(plan, { target: { url: "http://127.0.0.1:8081/ping" }, load: { mode: "tsunami", rate: 100, duration: "30s" } });
  assert.deepEqual(faults, []);
});

test("every field reaches the plan", () => {
  const { plan } = planOf(
    form(
      {
        name: "n",
        drivers: "vm-1, vm-2",
        per: "fleet",
        "target.url": "http://x/",
        "request.method": "PUT",
        "request.headers": "X-A: 1\nx-b:2:3\nX-A: 4\n\n",
        "request.body": " {}\n",
        "request.timeout": "2s",
        "request.expect_status": "200-299, 404",
        "request.engine": "wire",
        "request.connection_reuse": "true",
        "request.identify": "true",
        "load.mode": "avalanche",
        "load.connections": "8",
        "load.requests": "1000",
        "load.warmup": "1s",
        "load.rate": "5",
        "load.max_in_flight": "7",
        "honesty.max_late": "1%",
      },
      {
        thresholds: [
          { figure: "throughput", condition: "> 1/s" },
          { figure: "throughput", condition: "< 9/s" },
          { figure: "", condition: "" },
        ],
        abort: [{ figure: "errors.ratio", condition: "> 20% for 15s" }],
      },
    ),
  );
  assert.deepEqual(plan, {
    name: "n",
    drivers: ["vm-1", "vm-2"],
    per: "fleet",
    target: { url: "http://x/" },
    request: {
      method: "PUT",
      headers: { "X-A": ["1", "4"], "x-b": "2:3" },
      body: " {}\n",
      timeout: "2s",
      expect_status: ["200-299", "404"],
      engine: "wire",
      connection_reuse: false,
      identify: true,
    },
    load: { mode: "avalanche", connections: 8, duration: "30s", requests: 1000, warmup: "1s" },
    thresholds: { throughput: ["> 1/s", "< 9/s"] },
    abort: { "errors.ratio": "> 20% for 15s" },
    honesty: { max_late: "1%" },
  });
  const again = formOf(plan);
  assert.ok(again);
  assert.deepEqual(planOf(again).plan, plan, "the form of a plan makes that plan");
});

test("headers keep their names, also those that every object has", () => {
  assert.deepEqual(planOf(form({ "request.headers": "constructor: 1\ntoString: 2" })).plan["request"], { headers: { constructor: "1", toString: "2" } });
});

test("what is typed wrong goes to the orchestrator as it is, or is said at once", () => {
  assert.deepEqual(planOf(form({ "load.rate": "-5", "load.duration": "5 parsecs" })).plan["load"], { mode: "tsunami", rate: "-5", duration: "5 parsecs" });
  assert.deepEqual(planOf(form({ "load.rate": "6/m" })).plan["load"], { mode: "tsunami", rate: "6/m", duration: "30s" });
  const { faults } = planOf(form({ "request.headers": "no colon\nauthorization: ***" }));
  assert.deepEqual(faults.map(({ path }) => path), ["request.headers", "request.headers"]);
});

test("a fault finds its field", () => {
  for (const [path, expected] of [
    ["load.rate", "load.rate"],
    ["load.delay", "load.rate"],
    ["request.headers.x-a", "request.headers"],
    ["request.expect_status[1]", "request.expect_status"],
    ["drivers[0]", "drivers"],
    ["thresholds.response.p99", "thresholds"],
    ["abort.errors.ratio", "abort"],
    ["load", "load.duration"],
    ["target", "target.url"],
    ["colour", null],
    ["", null],
  ] as const) {
    assert.equal(fieldOf(path), expected, path);
  }
});

test("a plan that the form cannot hold has none", () => {
  assert.equal(formOf({ requests: { home: {} } }), null);
  assert.equal(formOf({ load: { stages: [] } }), null);
  assert.equal(formOf({ request: { body_base64: "AA==" } }), null);
  const holds = { target: { url: "http://x/" }, load: { mode: "tsunami", rate: 5, max_in_flight: 9 }, request: { headers: { "x-a": "1" } } };
  assert.ok(formOf(holds));
  assert.equal(formOf({ ...holds, capacity: { slo: "response.p99 < 250ms" } }), null, "a search would become an ordinary test");
  assert.equal(formOf({ ...holds, load: { ...holds.load, connections: 4 } }), null, "a pool of an open loop");
  assert.equal(formOf({ ...holds, target: { url: "http://x/", tls: { verify: false } } }), null);
  assert.equal(formOf({ ...holds, seed: 7 }), null);
  assert.equal(formOf({ load: { delay: "4ms" } })?.values["load.rate"], "250");
  assert.equal(isMasked({ request: { headers: { authorization: "***" } } }), true);
});

const HERE = { origin: "http://127.0.0.1:8080", hasToken: false };

test("commands say the same", () => {
  const { plan } = planOf(
    form({ "target.url": "http://x/?a=1&b", "request.headers": "a: it's", "load.duration": "5s" }, { thresholds: [{ figure: "response.p99", condition: "< 1s" }] }),
  );
  assert.equal(
    runCommand(plan, HERE),
    `groundswell run 'http://x/?a=1&b' --mode tsunami --rate 100 --duration 5s --header 'a: it'\\''s' --threshold 'response.p99 < 1s' --orchestrator http://127.0.0.1:8080`,
  );
  assert.equal(runCommand({ ...plan, honesty: {} }, { ...HERE, hasToken: true }), "groundswell run plan.toml --orchestrator http://127.0.0.1:8080 --token-file FILE");
  const body = (text: string) => runCommand(planOf(form({ "target.url": "http://x/", "request.body": text })).plan, HERE);
  assert.match(body("-1"), / --body=-1 /, "a value does not become a flag");
  assert.equal(body("@a"), "groundswell run plan.toml --orchestrator http://127.0.0.1:8080", "--body @a would send the file a");
  assert.match(curlCommands(plan, HERE), /^test=\$\(curl -sf -H 'content-type: application\/json' -d '\{"target"/);
  assert.match(curlCommands("x", { ...HERE, hasToken: true }), /Bearer \$\(cat FILE\)" -H 'content-type: application\/toml' --data-binary @plan.toml/);
  assert.equal(quoted("a b"), "'a b'");
});
