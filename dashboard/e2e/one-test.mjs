// What must hold of the page of one test: its numbers are the API's, whatever is zoomed to. Each function takes a Playwright
// page that shows the test, the orchestrator's address and the test's id, and throws where something does not hold. The
// figures are written anew here, by other code than the page's.
/* global DOMMatrix, getComputedStyle */
import assert from "node:assert/strict";

const FIGURES = ["min", "mean", "median", "mode", "p90", "p95", "p99", "p99.9", "p99.99", "max"];

/** A number of milliseconds as the tables show it. */
function ms(value) {
  if (value === null || value === undefined) return "–";
  return value >= 1000 ? value.toFixed(0) : value.toFixed(value >= 100 ? 1 : value >= 10 ? 2 : 3);
}

function figure(stats, name) {
  const value = stats?.[name];
  if (value === null || value === undefined) return "–";
  return `${(stats.lower_bounds ?? []).includes(name) ? "≥ " : ""}${ms(value)}`;
}

const count = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en-US"));

async function api(base, path) {
  const answer = await fetch(`${base}${path}`);
  assert.equal(answer.status, 200, `${path} answered ${answer.status}`);
  return await answer.json();
}

const of = (id) => `/api/v1/tests/${encodeURIComponent(id)}`;

/** The rows of a table of figures by its name: arrays of texts, the head first. */
async function table(page, label) {
  return await page.getByRole("region", { name: label, exact: true }).locator("tr").evaluateAll((rows) =>
    rows.map((row) => [...row.cells].map((cell) => (cell.querySelector(".word-button, [title]") ?? cell).textContent.replace(/[▾▴▿]/g, "").trim())),
  );
}

function byColumn([head, ...rows]) {
  return rows.map((row) => Object.fromEntries(head.map((name, index) => [name, row[index]])));
}

function sameFigures(row, stats, what) {
  for (const name of FIGURES) assert.equal(row[name], figure(stats, name), `${what}, ${name}`);
}

/** The latencies that a table has to show, in its order. */
function latencies(latency) {
  const has = (stats) => (stats?.count ?? 0) > 0;
  const failed = has(latency.failed?.response);
  const parts = (kind) => (failed ? [["completed", latency.success?.[kind]], ["failed", latency.failed?.[kind]]] : []);
  return [
    ["response", latency.response],
    ...parts("response"),
    ["service", latency.service],
    ...parts("service"),
    ...(has(latency.first_byte) ? [["first byte", latency.first_byte]] : []),
    ...(has(latency.connect) ? [["connect", latency.connect]] : []),
    ["lag", latency.lag],
    ...(has(latency.turn) ? [["turn", latency.turn]] : []),
  ];
}

function sameLatencies(rows, latency) {
  const expected = latencies(latency);
  assert.deepEqual(rows.map((row) => row["ms"]), expected.map(([name]) => name));
  rows.forEach((row, index) => {
    const [name, stats] = expected[index];
    assert.equal(row["count"], count(stats?.count ?? null), `${name}, count`);
    sameFigures(row, stats, name);
  });
}

/** Sessions, groups, polls and requests by name, in the order of the table. */
async function sameNames(page, { sessions, scenarios, groups, polls, requests }) {
  const entries = (map) => Object.entries(map ?? {});
  const passes = (what, map) => entries(map).map(([name, of]) => [name, what, of.completed + of.failed, of]);
  const expected = [
    ...(sessions && entries(scenarios).length > 1 ? [["all", "sessions", sessions.started, sessions]] : []),
    ...entries(scenarios).map(([name, of]) => [name, "sessions", of.started, of]),
    ...passes("group", groups),
    ...passes("poll", polls),
    ...entries(requests).map(([name, of]) => [name, "requests", of.sent, of]),
  ];
  if (expected.length === 0) return;
  const rows = byColumn(await table(page, "Figures of each name"));
  assert.deepEqual(rows.map((row) => [row["name"], row["of"]]), expected.map(([name, what]) => [name, what]));
  rows.forEach((row, index) => {
    const [name, , begun, of] = expected[index];
    for (const [column, value] of [["begun", begun], ["completed", of.completed], ["failed", of.failed]]) assert.equal(row[column], count(value), `${name}, ${column}`);
    sameFigures(row, of.latency_ms.response, name);
  });
}

/** The whole test: counts, latencies, names and drivers are those of `GET /api/v1/tests/{id}`. The test has to be over. */
export async function numbersAreTheApis(page, base, id) {
  const test = await api(base, of(id));
  const shown = Object.fromEntries(
    await page.locator(".big-figures > div").evaluateAll((all) => all.map((one) => [one.querySelector("dt").textContent.trim(), one.querySelector("dd").textContent.trim()])),
  );
  for (const name of ["sent", "completed", "failed", "dropped"]) assert.equal(shown[name], count(test.totals[name]), name);
  sameLatencies(byColumn(await table(page, "Latencies of the fleet")), test.totals.latency_ms);
  const drivers = byColumn(await table(page, "Figures of each driver"));
  assert.deepEqual(drivers.map((row) => row["driver"]).sort(), test.drivers.map((driver) => driver.node_id).sort());
  for (const driver of test.drivers) {
    const row = drivers.find((one) => one["driver"] === driver.node_id);
    for (const name of ["sent", "failed", "dropped"]) assert.equal(row[name], count(driver[name]), `${driver.node_id}, ${name}`);
    sameFigures(row, driver.latency_ms.response, driver.node_id);
  }
  await sameNames(page, test.totals);
  const thresholds = await page.locator(".thresholds code").allTextContents();
  assert.equal(thresholds.length, test.thresholds.length);
}

/** Waits until the page has the series. */
async function ready(page) {
  await page.waitForFunction(() => Number(document.querySelector(".time-cursor")?.getAttribute("aria-valuemax")) > 2);
}

const badge = (page) => page.locator("#latency-title ~ .badge");

/** Waits for the figures of a span, and returns the seconds that they cover: from and to, both included. */
async function spanShown(page) {
  await badge(page).filter({ hasText: /^exactly/ }).waitFor();
  const [, from, to] = /exactly ([\d:]+) – ([\d:]+)/.exec(await badge(page).innerText());
  const seconds = (text) => text.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
  return { from: seconds(from), to: seconds(to) - 1 };
}

async function spanIsTheApis(page, base, id) {
  const { from, to } = await spanShown(page);
  const span = await api(base, `${of(id)}/span?from=${from}&to=${to}`);
  assert.deepEqual([span.from, span.to], [from, to], "the seconds that the page names are those of the answer");
  sameLatencies(byColumn(await table(page, "Latencies of the fleet")), span.totals.latency_ms);
  for (const row of byColumn(await table(page, "Figures of each driver"))) {
    const driver = span.drivers.find((one) => one.node_id === row["driver"]);
    assert.equal(row["sent"], count(driver.sent), `${driver.node_id}, sent`);
    sameFigures(row, driver.latency_ms.response, driver.node_id);
  }
  await sameNames(page, span);
  return span;
}

/** Drags over the heatmap: every chart shows the span, and the tables its exact figures. Escape shows the whole test again. */
export async function dragZooms(page, base, id, share = [0.3, 0.7]) {
  await ready(page);
  const over = page.locator(".charts-grid .u-over").first();
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
  const before = await page.locator(".toolbar-span").innerText();
  await page.mouse.move(box.x + box.width * share[0], box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * share[1], box.y + box.height / 2, { steps: 4 });
  await page.mouse.up();
  const span = await spanIsTheApis(page, base, id);
  assert.notEqual(await page.locator(".toolbar-span").innerText(), before);
  await page.keyboard.press("Escape");
  await badge(page).filter({ hasText: "whole test" }).waitFor();
  assert.equal(await page.locator(".toolbar-span").innerText(), before);
  return span;
}

/** The same by keyboard alone: to the first second, a mark, some seconds further, a mark. */
export async function keysZoom(page, base, id, columns = 4) {
  await ready(page);
  await page.getByRole("slider", { name: /time cursor/i }).focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  for (let n = 1; n < columns; n += 1) await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  const span = await spanIsTheApis(page, base, id);
  assert.equal(span.from, 0);
  await page.keyboard.press("Escape");
  await badge(page).filter({ hasText: "whole test" }).waitFor();
}

/** The cursor of the keyboard says the figures of its second, which are those of the series, and all charts have it there. */
export async function cursorIsTheApis(page, base, id, seq) {
  await ready(page);
  // A mouse that rests over a chart does not keep the cursor from the keyboard.
  const chart = page.locator(".charts-grid .u-over").first();
  await chart.scrollIntoViewIfNeeded();
  const box = await chart.boundingBox();
  await page.mouse.move(box.x + box.width / 3, box.y + box.height / 3);
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  const cursor = page.getByRole("slider", { name: /time cursor/i });
  await cursor.focus();
  await page.keyboard.press("Home");
  for (let n = 0; n < seq; n += 1) await page.keyboard.press("ArrowRight");
  const { windows } = await api(base, `${of(id)}/windows?from=${seq}&to=${seq}&step=1`);
  const response = windows[0].latency_ms.response;
  const said = await cursor.getAttribute("aria-valuetext");
  assert.ok(said.startsWith(`${Math.floor(seq / 60)}:${String(seq % 60).padStart(2, "0")}: `), said);
  assert.ok(said.includes(`median ${ms(response.median)} ms, p99 ${ms(response.p99)} ms`), said);
  const legend = await page.locator(".chart").first().locator(".legend li").allInnerTexts();
  const shown = Object.fromEntries(legend.map((text) => text.split(/\s*\n\s*/)));
  for (const [name, stat] of [["p50", "median"], ["p90", "p90"], ["p99", "p99"], ["p99.9", "p99.9"]]) assert.equal(shown[name], figure(response, stat), name);
  const places = await page.locator(".charts-grid .u-over").evaluateAll((all) =>
    all.map((one) => {
      const line = one.querySelector(".u-cursor-x");
      return new DOMMatrix(getComputedStyle(line).transform).m41 / one.clientWidth;
    }),
  );
  for (const place of places) assert.ok(Math.abs(place - places[0]) < 0.02, `cursors stand at ${places.join(", ")} of the width`);
}

/** The newest second of the page is the API's, or a later one by the time it was read. */
export async function liveIsTheApis(page, base, id) {
  await ready(page);
  const newest = async () => (await api(base, `${of(id)}/windows?step=1`)).windows.at(-1)?.seq ?? -1;
  const seq = await newest();
  const cursor = page.getByRole("slider", { name: /time cursor/i });
  await cursor.focus();
  const wanted = `${Math.floor(seq / 60)}:${String(seq % 60).padStart(2, "0")}`;
  for (let tries = 0; tries < 200; tries += 1) {
    await page.keyboard.press("End");
    const said = await cursor.getAttribute("aria-valuetext");
    const [time] = said.split(": ");
    const at = time.split(":").reduce((sum, part) => 60 * sum + Number(part), 0);
    if (at >= seq) return at;
    await page.waitForTimeout(100);
  }
  throw new Error(`the page does not have second ${wanted}, which the API has`);
}

/** The report file asks for nothing, and shows the same figures as the API. */
export async function reportFile(page, base, id, url, requests) {
  await page.goto(url);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await numbersAreTheApis(page, base, id);
  assert.deepEqual(requests.filter((asked) => asked !== url && !asked.startsWith("data:")), []);
}
