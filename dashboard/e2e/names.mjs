// What must hold of the table of names on the page of a test with several requests: sessions by scenario, groups, polls and
// requests are those of the API, each with its counts and figures.
import assert from "node:assert/strict";

const FIGURES = ["min", "mean", "median", "mode", "p90", "p95", "p99", "p99.9", "p99.99", "max"];
const dash = "–";
const count = (value) => (value === null || value === undefined ? dash : value.toLocaleString("en-US"));

/** A figure as it is shown has four digits or so: it is within half of its last one. */
function sameMs(shown, stats, name, what) {
  const value = stats?.[name];
  if (value === null || value === undefined) return assert.equal(shown, dash, what);
  assert.equal(shown.startsWith("≥"), (stats.lower_bounds ?? []).includes(name), what);
  const text = shown.replace(/^≥\s*/, "");
  const decimals = text.split(".")[1]?.length ?? 0;
  assert.ok(Math.abs(Number(text) - value) <= 0.5 * 10 ** -decimals + 1e-9, `${what}: ${shown} is not ${value}`);
}

export async function namesAreTheApis(page, base, id) {
  const test = await (await fetch(`${base}/api/v1/tests/${encodeURIComponent(id)}`)).json();
  const { totals } = test;
  const entries = (table) => Object.entries(totals[table] ?? {});
  const expected = [
    ["all", "sessions", totals.sessions.started, totals.sessions],
    ...entries("scenarios").map(([name, of]) => [name, "sessions", of.started, of]),
    ...entries("groups").map(([name, of]) => [name, "group", of.completed + of.failed, of]),
    ...entries("polls").map(([name, of]) => [name, "poll", of.completed + of.failed, of]),
    ...entries("requests").map(([name, of]) => [name, "requests", of.sent, of]),
  ];
  const [head, ...rows] = await page
    .getByRole("region", { name: "Figures of each name", exact: true })
    .locator("tr")
    .evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => (cell.querySelector(".word-button, [title]") ?? cell).textContent.replace(/[▾▴▿]/g, "").trim())));
  const shown = rows.map((row) => Object.fromEntries(head.map((name, index) => [name, row[index]])));
  assert.deepEqual(shown.map((row) => [row.of, row.name]).sort(), expected.map(([name, what]) => [what, name]).sort());
  for (const [name, what, begun, of] of expected) {
    const row = shown.find((one) => one.of === what && one.name === name);
    assert.equal(row.begun, count(begun), `${what} ${name}, begun`);
    for (const key of ["completed", "failed", "abandoned", "dropped"]) {
      // Columns in which no row has anything are left out.
      if (key in row) assert.equal(row[key], count(of[key]), `${what} ${name}, ${key}`);
      else assert.ok(!of[key], `${what} ${name}, ${key} is not shown`);
    }
    for (const figure of FIGURES) if (figure in row) sameMs(row[figure], of.latency_ms.response, figure, `${what} ${name}, ${figure}`);
  }
  const said = await page.locator("main").innerText();
  for (const [name, of] of entries("scenarios")) {
    for (const [step, n] of Object.entries(of.ended_at ?? {})) {
      assert.ok(said.includes(`Sessions of ${name} ended early at`) && said.includes(`${step}: ${count(n)}`), `where sessions of ${name} ended`);
    }
  }
}
