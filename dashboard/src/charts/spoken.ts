// What stands under the cursor, in words: what a screen reader says when a key moves it. Pure.

import { ms, rate } from "../parts/format";
import { type Column, levelOf, perSecond } from "../state/columns";
import { clock } from "./format";

/** The seconds of a column. */
function when(column: Column): string {
  return column.seconds === 1 ? clock(column.seq) : `${clock(column.seq)} to ${clock(column.seq + column.seconds)}`;
}

/** A column of one test. */
export function inWords(column: Column | null): string {
  if (!column) return "no second is known here";
  const parts = [`sent ${rate(perSecond(column, column.sent))} a second`];
  if (column.failed > 0) parts.push(`${column.failed} failed`);
  const dropped = column.droppedInFlight + column.droppedLate;
  if (dropped > 0) parts.push(`${dropped} dropped`);
  parts.push(`median ${ms(levelOf(column, "response", "p50"))} ms`, `p99 ${ms(levelOf(column, "response", "p99"))} ms`);
  return `${when(column)}: ${parts.join(", ")}`;
}

/** The same second of several tests; those that have none are left out. */
export function eachInWords(tests: readonly { name: string; column: Column | null }[]): string {
  const known = tests.flatMap(({ name, column }) => (column ? [{ name, column }] : []));
  const first = known[0]?.column;
  if (!first) return "no second is known here";
  const parts = known.map(({ name, column }) => `${name}: p99 ${ms(levelOf(column, "response", "p99"))} ms, ${rate(perSecond(column, column.completed))} completed a second`);
  return `${when(first)}: ${parts.join("; ")}`;
}
