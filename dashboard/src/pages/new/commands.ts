// The same plan as commands: of the CLI and of curl. Pure.
import type { PlanJson } from "../../api/types";

/** A word of a shell's command line. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_/:=.,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

type Table = Record<string, unknown>;

function table(value: unknown): Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {};
}

const each = (value: unknown): string[] => (value === undefined ? [] : (Array.isArray(value) ? value : [value]).map(String));

/** The flag of each key that has one, in the order in which they are written. */
const FLAGS: [string, string, string][] = [
  ["", "name", "--name"],
  ["load", "mode", "--mode"],
  ["load", "rate", "--rate"],
  ["load", "delay", "--delay"],
  ["load", "connections", "--connections"],
  ["load", "requests", "--requests"],
  ["load", "duration", "--duration"],
  ["load", "warmup", "--warmup"],
  ["load", "max_in_flight", "--max-in-flight"],
  ["load", "target_throughput", "--target-throughput"],
  ["load", "drain_timeout", "--drain-timeout"],
  ["", "per", "--per"],
  ["request", "method", "--method"],
  ["request", "body", "--body"],
  ["request", "timeout", "--timeout"],
  ["request", "engine", "--engine"],
];

interface Where {
  /** The orchestrator's address, as this browser has it. */
  origin: string;
  /** Whether it asks for a token. */
  hasToken: boolean;
}

/** `groundswell run` with the same plan: by flags, or by a file where a key has no flag. */
export function runCommand(plan: PlanJson, { origin, hasToken }: Where): string {
  const at = ["--orchestrator", origin, ...(hasToken ? ["--token-file", "FILE"] : [])];
  const drivers = plan["drivers"];
  const request = table(plan["request"]);
  // A flag takes a body that begins with @ for the name of a file.
  const isLikeAFile = typeof request["body"] === "string" && request["body"].startsWith("@");
  const hasNoFlag = "abort" in plan || "honesty" in plan || "requests" in plan || Array.isArray(drivers) || isLikeAFile;
  if (hasNoFlag) return `groundswell run plan.toml ${at.join(" ")}`;
  const words = ["groundswell", "run", ...each(table(plan["target"])["url"])];
  for (const [of, key, flag] of FLAGS) {
    const value = (of === "" ? plan : table(plan[of]))[key];
    const [text] = each(value);
    if (text !== undefined) words.push(...(text.startsWith("-") ? [`${flag}=${text}`] : [flag, text]));
  }
  if (drivers !== undefined) words.push("--drivers", ...each(drivers).slice(0, 1));
  for (const [name, values] of Object.entries(table(request["headers"]))) {
    for (const value of each(values)) words.push("--header", `${name}: ${value}`);
  }
  const statuses = each(request["expect_status"]);
  if (statuses.length > 0) words.push("--expect-status", statuses.join(","));
  if (request["identify"] === true) words.push("--identify");
  if (request["connection_reuse"] === false) words.push("--no-keepalive");
  for (const [figure, conditions] of Object.entries(table(plan["thresholds"]))) {
    for (const condition of each(conditions)) words.push("--threshold", `${figure} ${condition}`);
  }
  return [...words, ...at].map(quoted).join(" ");
}

/** Two commands of curl: one creates the test, the other starts it. */
export function curlCommands(plan: PlanJson | string, { origin, hasToken }: Where): string {
  const token = hasToken ? ` -H "authorization: Bearer $(cat FILE)"` : "";
  const create =
    typeof plan === "string"
      ? `-H 'content-type: application/toml' --data-binary @plan.toml`
      : `-H 'content-type: application/json' -d ${quoted(JSON.stringify(plan))}`;
  const at = `${origin}/api/v1/tests`;
  return [
    `test=$(curl -sf${token} ${create} ${at} | sed 's/.*"test_id":"\\([^"]*\\)".*/\\1/')`,
    `curl -f -X POST${token} ${at}/$test/trigger`,
  ].join("\n");
}
