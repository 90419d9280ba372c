// Sorting of tables: by one column, stable, with what is not known at the end in either direction.

export interface Order {
  column: string;
  descending: boolean;
}

/** What a cell is sorted by. */
export type Key = number | string | null | undefined;

const TEXT = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

export function compare(a: Key, b: Key, descending: boolean): number {
  const missing = (key: Key) => key === null || key === undefined || Number.isNaN(key);
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  const order = typeof a === "number" && typeof b === "number" ? a - b : TEXT.compare(String(a), String(b));
  return descending ? -order : order;
}

/** The rows in the order asked for; in their own where none is. */
export function sorted<Row>(rows: readonly Row[], order: Order | null, key: (row: Row, column: string) => Key): Row[] {
  if (!order) return [...rows];
  return rows
    .map((row, index) => ({ row, index, key: key(row, order.column) }))
    .sort((a, b) => compare(a.key, b.key, order.descending) || a.index - b.index)
    .map((entry) => entry.row);
}

/** The order after a click on a column's head: numbers high first, then low first, then the rows' own order. */
export function next(order: Order | null, column: string, highFirst: boolean): Order | null {
  if (order?.column !== column) return { column, descending: highFirst };
  return order.descending === highFirst ? { column, descending: !highFirst } : null;
}
