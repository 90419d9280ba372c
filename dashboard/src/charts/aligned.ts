// Columns as uPlot wants them: one array of times and one of values for each line, with a gap where seconds are missing.

import { type Column, lastOf } from "../state/columns";

export type Values = (number | null)[];

/** Where a column stands on the axis of time: its middle. */
export function middle(column: Pick<Column, "seq" | "seconds">): number {
  return column.seq + column.seconds / 2;
}

/** Times and values; `null` is a gap. Where columns are missing one gap stands between their neighbours. */
export function align(columns: readonly Column[], of: readonly ((column: Column, index: number) => number | null)[]): [number[], ...Values[]] {
  const times: number[] = [];
  const values: Values[] = of.map(() => []);
  let expected: number | null = null;
  columns.forEach((column, index) => {
    if (expected !== null && column.seq > expected) {
      times.push((expected + column.seq) / 2);
      for (const one of values) one.push(null);
    }
    times.push(middle(column));
    of.forEach((get, line) => values[line]?.push(get(column, index)));
    expected = lastOf(column) + 1;
  });
  return [times, ...values];
}

/** Marks of a logarithmic axis between two values: 1, 2 and 5 of each decade, fewer where there are many decades. */
export function logMarks(low: number, high: number): number[] {
  if (!(low > 0) || !(high > low)) return [];
  const decades = Math.log10(high / low);
  const steps = decades > 4 ? [1] : decades > 2 ? [1, 3] : decades > 0.7 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  const found: number[] = [];
  for (let decade = Math.floor(Math.log10(low)); decade <= Math.ceil(Math.log10(high)); decade += 1)
    for (const step of steps) {
      const mark = Number((step * 10 ** decade).toPrecision(6));
      if (mark >= low * (1 - 1e-9) && mark <= high * (1 + 1e-9)) found.push(mark);
    }
  return found;
}

/** The range of a logarithmic axis around values, at least a factor of four wide. */
export function logRange(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null || !(low > 0)) return [0.1, 100];
  const wide = Math.max(high / low, 1);
  const pad = wide < 4 ? Math.sqrt(4 / wide) : 1.15;
  return [low / pad, high * pad];
}
