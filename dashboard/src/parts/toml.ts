// A plan as TOML, as a person would write it: tables under their names, lists of tables inline. Pure; the orchestrator
// writes the same shape (`POST /api/v1/plans/check`), but of plans that are right alone.

type Table = Record<string, unknown>;

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function key(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : text(name);
}

function text(value: string): string {
  const escaped = JSON.stringify(value).replace(/\u007f/g, "\\u007f");
  return escaped;
}

/** A text of several lines, where TOML can show it so. */
function longText(value: string): string {
  // eslint-disable-next-line no-control-regex -- TOML allows none of these in such a text
  const fits = value.includes("\n") && !value.includes("'''") && !/[\u0000-\u0008\u000b\u000c\r\u000e-\u001f\u007f]/.test(value) && !value.endsWith("'");
  return fits ? `'''\n${value}'''` : text(value);
}

function inline(value: unknown): string {
  if (typeof value === "string") return text(value);
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return number(value);
  if (Array.isArray(value)) return `[${value.filter((item) => item !== null && item !== undefined).map(inline).join(", ")}]`;
  if (isTable(value)) {
    const pairs = entries(value).map(([name, of]) => `${key(name)} = ${inline(of)}`);
    return pairs.length === 0 ? "{}" : `{ ${pairs.join(", ")} }`;
  }
  return '""';
}

function number(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const written = String(value);
  // TOML wants digits around the point, also before an exponent.
  return /e/.test(written) && !written.includes(".") ? written.replace("e", ".0e") : written;
}

function entries(table: Table): [string, unknown][] {
  return Object.entries(table).filter(([, value]) => value !== null && value !== undefined);
}

function lines(table: Table, path: string[], out: string[]): void {
  const all = entries(table);
  const plain = all.filter(([, value]) => !isTable(value));
  const tables = all.filter((entry): entry is [string, Table] => isTable(entry[1]));
  if (path.length > 0 && (plain.length > 0 || tables.length === 0)) {
    if (out.length > 0) out.push("");
    out.push(`[${path.map(key).join(".")}]`);
  }
  for (const [name, value] of plain) out.push(`${key(name)} = ${typeof value === "string" ? longText(value) : inline(value)}`);
  for (const [name, value] of tables) lines(value, [...path, name], out);
}

/** The TOML of a plan. Values of null are left out. */
export function writeToml(plan: Table): string {
  const out: string[] = [];
  lines(plan, [], out);
  return `${out.join("\n")}\n`;
}
