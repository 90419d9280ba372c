// Which drivers are shown, in which order, and which of them have to be drawn. Pure.
import type { Driver } from "../../api/types";
import { compare } from "../../parts/sort";

export type Column = "node_id" | "liveness" | "cores" | "clock_offset_ms" | "max_rate" | "requests_sent" | "age" | "calibration";

export interface Order {
  by: Column;
  descending: boolean;
}

export interface Seen {
  driver: Driver;
  /** Since the page received the row, ms. */
  since: number;
}

/** How long ago the driver was last seen, ms: what it was when its row was sent, and the time since. */
export function age({ driver, since }: Seen): number {
  return driver.age_ms + since;
}

/** Those with this text in their id, address, labels or test, in this order; of equals the id decides, and what is not known stands last. */
export function listed(all: Seen[], q: string, onlyAlive: boolean, order: Order): Seen[] {
  const wanted = q.trim().toLowerCase();
  const found = all.filter((seen) => (!onlyAlive || seen.driver.alive) && (wanted === "" || textOf(seen.driver).includes(wanted)));
  return found.sort((a, b) => compare(value(a, order.by), value(b, order.by), order.descending) || compare(a.driver.node_id, b.driver.node_id, false));
}

function textOf(driver: Driver): string {
  const labels = Object.entries(driver.labels).map(([key, of]) => `${key}=${of}`);
  return [driver.node_id, driver.address ?? "", driver.test_id ?? "", driver.liveness, driver.state, ...labels].join(" ").toLowerCase();
}

function value(seen: Seen, column: Column): string | number | null {
  if (column === "age") return age(seen);
  if (column === "liveness") return `${seen.driver.alive ? 0 : 1}${seen.driver.liveness}${seen.driver.state}`;
  if (column === "calibration") return seen.driver.calibration?.open_per_s ?? seen.driver.calibration?.closed_per_s ?? null;
  return seen.driver[column] ?? null;
}

/** The rows that a window shows, and how much room those above and below take, in px. */
export interface Slice {
  from: number;
  to: number;
  above: number;
  below: number;
}

/** Rows around the visible ones that are drawn as well, so that scrolling finds them there. */
const AROUND = 20;

/** The part of `n` rows of a height that is to be drawn where the list begins `top` px above the window's upper edge. */
export function slice(n: number, rowPx: number, top: number, windowPx: number): Slice {
  const first = Math.max(0, Math.min(n, Math.floor(top / rowPx)) - AROUND);
  const last = Math.min(n, Math.max(first, Math.ceil((top + windowPx) / rowPx) + AROUND));
  return { from: first, to: last, above: first * rowPx, below: (n - last) * rowPx };
}

/** How many there are of each liveness, the good ones first. */
export function tally(all: Seen[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { driver } of all) counts.set(driver.liveness, (counts.get(driver.liveness) ?? 0) + 1);
  const order = ["alive", "suspect", "lost", "stale", "deaf", "left"];
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...counts].sort(([a], [b]) => rank(a) - rank(b));
}
