// The form of a plan with one request: its fields, the plan that they make, and the form of a plan. Pure.
import type { KeyProblem, PlanJson } from "../../api/types";

/** Everything is text, as it was typed: the orchestrator finds what is wrong with it. */
export interface Form {
  /** By the path of the plan's key; empty: left out. */
  values: Record<string, string>;
  thresholds: Condition[];
  abort: Condition[];
}

/** A figure and what must hold for it. */
export interface Condition {
  figure: string;
  condition: string;
}

export interface Field {
  /** The key's path in a plan. */
  path: string;
  label: string;
  /** What it means, under the field. */
  hint: string;
  /** What holds where it is left out. */
  placeholder?: string;
  kind: "line" | "number" | "area" | "check" | "choice";
  choices?: [string, string][];
  /** The mode that it belongs to, where it belongs to one. */
  mode?: "tsunami" | "avalanche";
}

/** Whether fields stand open, or under "More". */
export interface Section {
  id: string;
  title: string;
  more: boolean;
  fields: Field[];
}

const f = (path: string, label: string, hint: string, more: Partial<Field> = {}): Field => ({ path, label, hint, kind: "line", ...more });

export const SECTIONS: Section[] = [
  {
    id: "what",
    title: "What to send",
    more: false,
    fields: [
      f("target.url", "Address", "Where every request goes: http or https, with path and query.", { placeholder: "http://127.0.0.1:8081/ping" }),
      f("request.method", "Method", "GET; with a body POST.", {
        kind: "choice",
        choices: [["", "GET, with a body POST"], ...["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].map((m): [string, string] => [m, m])],
      }),
      f("request.headers", "Headers", "One a line, as in accept: text/html. Values of secret headers are masked in every answer and report.", {
        kind: "area",
        placeholder: "accept: application/json",
      }),
      f("request.body", "Body", "Sent as it is, with every request.", { kind: "area" }),
    ],
  },
  {
    id: "how",
    title: "How much",
    more: false,
    fields: [
      f("load.rate", "Rate", "Requests a second, on a schedule that does not wait for answers. 6/m is six a minute.", { mode: "tsunami", placeholder: "100" }),
      f("load.connections", "Connections", "How many; each sends as soon as its answer is in.", { mode: "avalanche", kind: "number", placeholder: "64" }),
      f("load.duration", "Duration", "How long the load lasts after the warm-up, as in 30s or 5m.", { placeholder: "30s" }),
      f("load.requests", "Requests", "The load ends after so many. With a duration: whichever comes first.", { kind: "number", placeholder: "no limit" }),
      f("load.warmup", "Warm-up", "Sent before, and counted apart: it is in no percentile, ratio or throughput.", { placeholder: "0s" }),
    ],
  },
  {
    id: "who",
    title: "By whom",
    more: false,
    fields: [
      f("drivers", "Drivers", "all, a number, or names with commas between them.", { placeholder: "all" }),
      f("per", "Amounts are", "Whether rate, connections and requests are those of each driver, or shared out among them.", {
        kind: "choice",
        choices: [
          ["driver", "of each driver"],
          ["fleet", "of all drivers together"],
        ],
      }),
    ],
  },
  {
    id: "more",
    title: "More",
    more: true,
    fields: [
      f("name", "Name", "What the test is called in the history.", { placeholder: "the mode and the address" }),
      f("request.timeout", "Timeout", "From the beginning of an attempt to its last byte.", { placeholder: "5s" }),
      f("request.expect_status", "Expected statuses", "Any other counts as failed. Numbers and ranges with commas between them.", { placeholder: "200-399" }),
      f("load.max_in_flight", "Most in flight", "The bound that protects a driver: a request that is due above it is dropped, and counted.", {
        mode: "tsunami",
        kind: "number",
        placeholder: "1024",
      }),
      f("load.target_throughput", "Ceiling", "Requests a second that are not exceeded.", { placeholder: "none" }),
      f("load.drain_timeout", "Drain", "How long to wait for answers after the end.", { placeholder: "the timeout and 1s" }),
      f("request.engine", "Engine", "The client that sends. auto takes the lean one wherever it can.", {
        kind: "choice",
        choices: [
          ["", "auto"],
          ["wire", "wire"],
          ["awc", "awc"],
        ],
      }),
      f("request.connection_reuse", "New connection for each request", "Otherwise connections are kept, as browsers and clients do.", { kind: "check" }),
      f("request.identify", "Name the driver", "Sends x-groundswell-node: NODE with each request.", { kind: "check" }),
      f("honesty.max_lag_p99", "Highest lag", "p99 of how late requests began; above it the test is invalid, since the generator was the limit.", { placeholder: "5ms" }),
      f("honesty.max_late", "Most late drops", "Share of the schedule that drivers were too late for; above it the test is invalid.", { placeholder: "0.1%" }),
      f("honesty.max_catch_up", "Longest catch-up", "A request that is later than this is dropped instead of being sent.", { placeholder: "1s" }),
    ],
  },
];

export const FIELDS: Field[] = SECTIONS.flatMap((section) => section.fields);

/** Figures that a threshold is often on. */
export const FIGURES = [
  "response.p50",
  "response.p95",
  "response.p99",
  "response.p99.9",
  "response.max",
  "service.p99",
  "errors.ratio",
  "throughput",
  "dropped.ratio",
  "lag.p99",
];

export function emptyForm(): Form {
  const values: Record<string, string> = { "load.mode": "tsunami", "load.rate": "100", "load.duration": "30s", per: "driver" };
  return { values, thresholds: [], abort: [] };
}

/** The fields that count in this mode. */
export function counts(field: Field, form: Form): boolean {
  return field.mode === undefined || field.mode === (form.values["load.mode"] ?? "tsunami");
}

const NUMBER = /^\d+(\.\d+)?$/;

function numberOr(text: string): string | number {
  return NUMBER.test(text) ? Number(text) : text;
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

function put(table: Record<string, unknown>, name: string, value: unknown): void {
  // Names are a person's: "constructor" is one, too.
  const known = Object.hasOwn(table, name) ? table[name] : undefined;
  if (known === undefined) table[name] = value;
  else if (Array.isArray(known)) known.push(value);
  else table[name] = [known, value];
}

interface Made {
  plan: PlanJson;
  /** What can be seen without the orchestrator. */
  faults: KeyProblem[];
}

function fault(path: string, value: string, reason: string): KeyProblem {
  return { path, pointer: "", value, reason };
}

export const MASK = "***";

function headersOf(text: string, faults: KeyProblem[]): Record<string, unknown> | null {
  const headers: Record<string, unknown> = {};
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const colon = line.indexOf(":");
    if (colon <= 0) {
      faults.push(fault("request.headers", line, `${JSON.stringify(line)} has no colon; a header is NAME: VALUE`));
      continue;
    }
    const value = line.slice(colon + 1).trim();
    if (value === MASK) faults.push(fault("request.headers", line, `the value of ${line.slice(0, colon).trim()} is masked here: type it again`));
    put(headers, line.slice(0, colon).trim(), value);
  }
  return Object.keys(headers).length > 0 ? headers : null;
}

function conditionsOf(rows: Condition[]): Record<string, unknown> | null {
  const table: Record<string, unknown> = {};
  for (const { figure, condition } of rows) {
    if (figure.trim() !== "" || condition.trim() !== "") put(table, figure.trim(), condition.trim());
  }
  return Object.keys(table).length > 0 ? table : null;
}

function driversOf(text: string): unknown {
  if (text === "all") return null;
  if (/^\d+$/.test(text)) return Number(text);
  return list(text);
}

/** The plan that a form makes, with the keys in the order of the docs. */
export function planOf(form: Form): Made {
  const faults: KeyProblem[] = [];
  const plan: PlanJson = {};
  const set = (path: string, value: unknown) => {
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    let table: Record<string, unknown> = plan;
    for (const key of keys) {
      table[key] ??= {};
      table = table[key] as Record<string, unknown>;
    }
    table[last] = value;
  };
  const value = (path: string) => (form.values[path] ?? "").trim();
  const simple = (path: string) => {
    if (value(path) !== "") set(path, numberOr(value(path)));
  };
  if (value("name") !== "") set("name", value("name"));
  const drivers = value("drivers") === "" ? null : driversOf(value("drivers"));
  if (drivers !== null) set("drivers", drivers);
  if (value("per") === "fleet") set("per", "fleet");
  set("target.url", value("target.url"));
  if (value("request.method") !== "") set("request.method", value("request.method"));
  const headers = headersOf(form.values["request.headers"] ?? "", faults);
  if (headers) set("request.headers", headers);
  // A body is sent as it is, blanks and all.
  const body = form.values["request.body"] ?? "";
  if (body !== "") set("request.body", body);
  if (value("request.timeout") !== "") set("request.timeout", value("request.timeout"));
  if (value("request.expect_status") !== "") set("request.expect_status", list(value("request.expect_status")));
  if (value("request.engine") !== "") set("request.engine", value("request.engine"));
  if (value("request.connection_reuse") === "true") set("request.connection_reuse", false);
  if (value("request.identify") === "true") set("request.identify", true);
  set("load.mode", value("load.mode") === "avalanche" ? "avalanche" : "tsunami");
  for (const field of FIELDS) {
    if (field.path.startsWith("load.") && counts(field, form)) simple(field.path);
  }
  const thresholds = conditionsOf(form.thresholds);
  if (thresholds) set("thresholds", thresholds);
  const abort = conditionsOf(form.abort);
  if (abort) set("abort", abort);
  for (const path of ["honesty.max_lag_p99", "honesty.max_late", "honesty.max_catch_up"]) {
    if (value(path) !== "") set(path, value(path));
  }
  return { plan, faults };
}

/** The field that a fault of the orchestrator is about; null where it is none of the form's. */
export function fieldOf(path: string): string | null {
  if (path === "thresholds" || path.startsWith("thresholds.")) return "thresholds";
  if (path === "abort" || path.startsWith("abort.")) return "abort";
  if (path === "load.delay") return "load.rate";
  if (path === "load") return "load.duration";
  if (path === "target") return "target.url";
  const known = ["load.mode", ...FIELDS.map((field) => field.path)];
  return known.find((one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[`)) ?? null;
}

type Table = Record<string, unknown>;

function table(value: unknown): Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {};
}

function rows(value: unknown): Condition[] {
  return Object.entries(table(value)).flatMap(([figure, conditions]) => {
    const all: unknown[] = Array.isArray(conditions) ? conditions : [conditions];
    return all.map((condition) => ({ figure, condition: String(condition) }));
  });
}

const scalar = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");

/** Keys of plans that are no field's own path, and that the form has a place for. */
const FURTHER = ["load.mode", "load.delay", "thresholds", "abort"];

/** Whether the form has a place for everything in a plan. What it has none for would be left out without a word. */
function hasPlaceFor(plan: PlanJson): boolean {
  const mode = table(plan["load"])["mode"] === "avalanche" ? "avalanche" : "tsunami";
  const places = [...FURTHER, ...FIELDS.filter((field) => field.mode === undefined || field.mode === mode).map((field) => field.path)];
  const isKnown = (value: unknown, path: string): boolean => {
    if (value === null || value === undefined || places.includes(path)) return true;
    const isTable = typeof value === "object" && !Array.isArray(value) && places.some((place) => place.startsWith(`${path}.`));
    return isTable && Object.entries(table(value)).every(([key, of]) => isKnown(of, `${path}.${key}`));
  };
  return Object.entries(plan).every(([key, value]) => isKnown(value, key));
}

/** The form of a plan; null where the form has no place for what it holds, as several requests or a search for the capacity. */
export function formOf(plan: PlanJson): Form | null {
  if (!hasPlaceFor(plan)) return null;
  const [request, load, honesty] = [table(plan["request"]), table(plan["load"]), table(plan["honesty"])];
  const form = emptyForm();
  form.values["load.rate"] = "";
  form.values["load.duration"] = "";
  const values = form.values;
  const drivers = plan["drivers"];
  values["drivers"] = Array.isArray(drivers) ? drivers.join(", ") : drivers === "all" ? "" : scalar(drivers);
  values["per"] = plan["per"] === "fleet" ? "fleet" : "driver";
  values["name"] = scalar(plan["name"]);
  values["target.url"] = scalar(table(plan["target"])["url"]);
  for (const key of ["method", "timeout", "body"]) values[`request.${key}`] = scalar(request[key]);
  values["request.engine"] = request["engine"] === "auto" ? "" : scalar(request["engine"]);
  const statuses: unknown = request["expect_status"];
  values["request.expect_status"] = Array.isArray(statuses) ? statuses.join(", ") : scalar(statuses);
  values["request.connection_reuse"] = request["connection_reuse"] === false ? "true" : "";
  values["request.identify"] = request["identify"] === true ? "true" : "";
  values["request.headers"] = Object.entries(table(request["headers"]))
    .flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((one: unknown) => `${name}: ${scalar(one)}`))
    .join("\n");
  for (const key of Object.keys(load)) values[`load.${key}`] = scalar(load[key]);
  values["load.mode"] = load["mode"] === "avalanche" ? "avalanche" : "tsunami";
  const delay = /^(\d+(?:\.\d+)?)(ms|s|us)$/.exec(scalar(load["delay"]));
  if ("delay" in load) {
    if (!delay) return null;
    const unit = { us: 1e-6, ms: 1e-3, s: 1 }[delay[2] as "us" | "ms" | "s"];
    values["load.rate"] = String(Number((1 / (Number(delay[1]) * unit)).toPrecision(12)));
    delete values["load.delay"];
  }
  for (const key of Object.keys(honesty)) values[`honesty.${key}`] = scalar(honesty[key]);
  form.thresholds = rows(plan["thresholds"]);
  form.abort = rows(plan["abort"]);
  return form;
}

/** Whether something in a plan is masked, which answers do with secrets. */
export function isMasked(plan: PlanJson): boolean {
  return JSON.stringify(plan).includes(MASK);
}
