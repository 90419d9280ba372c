// A real browser for tests: it reads orders from stdin, one line of JSON each, and answers each with a line, `{"ok": …}` or
// `{"error": "…"}`. It judges nothing. `e2e/src/browser.rs` gives the orders.
//
//     browser.mjs URL                             an address, or the file: address of a report
//
//     {"do": "go", "url": U}                      another address, loaded
//     {"do": "tab", "url": U} / {"do": "turn", "to": N}   another tab / back to one, by its number
//     {"do": "click", "role": R, "name": N}       likewise "press" {key}, "fill" {label, value}, "choose" {label, value}, "check" {label}
//     {"do": "texts", "of": SELECTOR}             the text of each element that is shown
//     {"do": "run", "script": JS}                 the value of an expression on the page
//     {"do": "shoot", "path": P, "width": W, "height": H, "scheme": "light" | "dark", "whole": B}   a picture; how wide the page came out
//     {"do": "pdf", "path": P}                    the page as it prints on A4
//     {"do": "axe"}                               what axe says against the page
//     {"do": "hold", "what": F, "args": […]}      what a function of one-test.mjs checks of the page
//     {"do": "said"}                              errors and warnings of the console, and requests to anywhere else
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { chromium } from "playwright-core";

// Nothing but the page itself may be asked for anything: no name resolves, and the browser's own services are off.
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
];
const PATIENCE_MS = 20_000;

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const profile = mkdtempSync(join(tmpdir(), "groundswell-browser-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: "/usr/bin/chromium",
  headless: true,
  args: FLAGS,
  viewport: { width: 1280, height: 800 },
  reducedMotion: "reduce",
});
context.setDefaultTimeout(PATIENCE_MS);
const said = { errors: [], foreign: [] };

/** Whether the page that was gone to may ask for this: all of its own server; of a file the file alone, with what it holds. */
let isOurs = () => false;
function own(url) {
  const { href, origin, protocol } = new URL(url);
  isOurs = (asked) => asked.startsWith("data:") || asked.startsWith("blob:") || (protocol === "file:" ? asked === href : asked.startsWith(`${origin}/`));
}

function watch(page) {
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) said.errors.push(message.text());
  });
  page.on("pageerror", (error) => said.errors.push(String(error)));
  page.on("request", (asked) => {
    if (!isOurs(asked.url())) said.foreign.push(asked.url());
  });
  return page;
}

const tabs = [watch(context.pages()[0])];
let page = tabs[0];

const drawn = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(null)))));
const byRole = ({ role, name }) => page.getByRole(role, { name, exact: true });
const byLabel = ({ label }) => page.getByLabel(label, { exact: true });

const ORDERS = {
  async go({ url }) {
    own(url);
    await page.goto(url, { waitUntil: "domcontentloaded" });
  },
  async tab({ url }) {
    page = watch(await context.newPage());
    tabs.push(page);
    await page.goto(url, { waitUntil: "domcontentloaded" });
  },
  async turn({ to }) {
    page = tabs[to];
    await page.bringToFront();
  },
  click: (of) => byRole(of).click(),
  fill: (of) => byLabel(of).fill(of.value),
  // By its role: a label that stands around a list has the texts of its choices, too.
  choose: async (of) => void (await page.getByRole("combobox", { name: of.label }).selectOption(of.value)),
  check: (of) => byLabel(of).check(),
  press: ({ key }) => page.keyboard.press(key),
  type: ({ text }) => page.keyboard.type(text),
  texts: ({ of }) => page.evaluate((selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility()).map((one) => one.innerText), of),
  run: ({ script }) => page.evaluate(script),
  async shoot({ path, width, height, scheme, whole }) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height });
    // What sticks to the window's edge belongs on top of a picture of the whole page.
    await page.evaluate("scrollTo(0, 0)");
    await drawn();
    await page.screenshot({ path, fullPage: whole });
    return page.evaluate("document.documentElement.scrollWidth");
  },
  pdf: async ({ path }) => void (await page.pdf({ path, format: "A4", printBackground: true })),
  async scheme({ scheme }) {
    await page.emulateMedia({ colorScheme: scheme });
    await drawn();
  },
  async axe() {
    await page.evaluate(axe);
    const { violations } = await page.evaluate("axe.run(document, { resultTypes: ['violations'] })");
    return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 200)}: ${node.failureSummary ?? ""}`));
  },
  cookies: () => context.cookies(),
  async resize({ width, height }) {
    await page.setViewportSize({ width, height });
    await drawn();
  },
  said: () => said,
  // A function of one-test.mjs, which throws where something does not hold.
  hold: async ({ what, args }) => ({ ...(await import("./one-test.mjs")), ...(await import("./names.mjs")) })[what](page, ...args),
};

const answer = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

await ORDERS.go({ url: process.argv[2] });
answer({ ok: await page.evaluate("navigator.userAgent") });
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  try {
    answer({ ok: (await ORDERS[order.do](order)) ?? null });
  } catch (error) {
    answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
await context.close();
rmSync(profile, { recursive: true, force: true });
