// Errors and statuses over time as stacked layers: the most frequent ones apart, the others together.

import { type Column, perSecond } from "../state/columns";
import type { Plan } from "../state/shapes";

export interface Layer {
  name: string;
  total: number;
  /** A second, for each column; null where it is too short for a rate. */
  values: (number | null)[];
}

/** Most layers; further names share the last one. */
const MOST_LAYERS = 7;

/** Failures by kind, and answers by a status that the plan does not expect, the most frequent first. */
export function failures(columns: readonly Column[], unexpected: (status: string) => boolean, most = MOST_LAYERS): Layer[] {
  return layers(
    columns,
    (column) => {
      const found: Record<string, number> = { ...(column.errors ?? {}) };
      for (const [status, n] of Object.entries(column.status ?? {})) if (unexpected(status)) found[status] = n;
      return found;
    },
    most,
  );
}

/**
 * Which statuses a plan does not expect. A plan with several requests has its own list for each of them: there a status
 * counts as unexpected if no request expects it.
 */
export function unexpectedBy(plan: Plan): (status: string) => boolean {
  const lists = plan.requests
    ? Object.values(plan.requests).map((request) => (request as { expect_status?: unknown } | null)?.expect_status)
    : [(plan.request as { expect_status?: unknown } | undefined)?.expect_status];
  const ranges = lists.flatMap((list): unknown[] => (list === undefined || list === null ? ["200-399"] : Array.isArray(list) ? list : [list])).map((text) => {
    const [from, to] = String(text).split("-");
    return [Number(from), Number(to ?? from)] as const;
  });
  return (status) => !ranges.some(([from, to]) => Number(status) >= from && Number(status) <= to);
}

function layers(columns: readonly Column[], of: (column: Column) => Record<string, number>, most: number): Layer[] {
  const each = columns.map(of);
  const totals = new Map<string, number>();
  for (const counts of each) for (const [name, n] of Object.entries(counts)) totals.set(name, (totals.get(name) ?? 0) + n);
  const names = [...totals].filter(([, n]) => n > 0).sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([name]) => name);
  const apart = names.length > most ? names.slice(0, most - 1) : names;
  const rest = names.slice(apart.length);
  const values = (chosen: readonly string[]) =>
    columns.map((column, at) => perSecond(column, chosen.reduce((sum, name) => sum + (each[at]?.[name] ?? 0), 0)));
  const sum = (chosen: readonly string[]) => chosen.reduce((all, name) => all + (totals.get(name) ?? 0), 0);
  const found = apart.map((name) => ({ name, total: sum([name]), values: values([name]) }));
  if (rest.length > 0) found.push({ name: `${rest.length} others`, total: sum(rest), values: values(rest) });
  return found;
}

/** The upper edge of each layer, where each stands on those before it. */
export function stacked(all: readonly Layer[]): (number | null)[][] {
  const below: number[] = [];
  return all.map((layer) => layer.values.map((value, at) => (value === null ? null : (below[at] = (below[at] ?? 0) + value))));
}
