// Which test is under way, by the tests that the stream brings. Pure.

import type { TestState } from "../api/types";

interface Known {
  test_id: string;
  state: TestState;
}

const ORDER: readonly TestState[] = ["configured", "starting", "running", "draining", "finished"];

export function isUnderWay(state: TestState): boolean {
  return state === "starting" || state === "running" || state === "draining";
}

/**
 * The test under way after a test has changed; null where none is. One test is under way at a time, so that the newest word
 * of one counts, whatever was created meanwhile.
 */
export function underWayAfter<Of extends Known>(before: Of | null, changed: Of): Of | null {
  if (isUnderWay(changed.state)) return changed;
  return before?.test_id === changed.test_id ? null : before;
}

/** Whether the stream knows more of a test than a row of the list, which was asked for at another moment. */
export function isLater(live: Known, row: Known): boolean {
  return ORDER.indexOf(live.state) >= ORDER.indexOf(row.state);
}
