// Several tests on one axis of time. Pure.

import { type Column, lastOf } from "../state/columns";
import { align, type Values } from "./aligned";
import { align as join } from "./percentiles";

/** Times and the values of each test there; undefined where a test has no point at that time, null in its gaps. */
export function overlay(tests: readonly (readonly Column[])[], of: (column: Column) => number | null): [number[], ...(number | null | undefined)[][]] {
  const joined = join(
    tests.map((columns) => {
      const [times, values] = align(columns, [of]) as [number[], Values];
      return { places: times, values };
    }),
  );
  return [joined.places, ...joined.values];
}

/** The column that covers a second; null where none does. */
export function columnAt(columns: readonly Column[], second: number): Column | null {
  let low = 0;
  let high = columns.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lastOf(columns[middle] as Column) < second) low = middle + 1;
    else high = middle;
  }
  const found = columns[low];
  return found && found.seq <= second ? found : null;
}

/** Most rows of a table. */
const MOST_ROWS = 400;

/** The seconds at which any test has a column, evenly thinned out; `n`: how many there are. */
export function rowsOf(tests: readonly (readonly Column[])[], most = MOST_ROWS): { rows: number[]; n: number } {
  const all = [...new Set(tests.flatMap((columns) => columns.map((column) => column.seq)))].sort((a, b) => a - b);
  const every = Math.max(1, Math.ceil(all.length / most));
  return { rows: all.filter((_, index) => index % every === 0), n: all.length };
}
