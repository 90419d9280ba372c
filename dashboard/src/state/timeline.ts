// What happened to a test, as marks across its charts and as a list.

import type { Test, TimelineEntry } from "./shapes";

export type Tone = "bad" | "warn" | "note";

export interface Mark {
  /** Seconds since the start. */
  at: number;
  what: string;
  /** In a few words. */
  label: string;
  detail: string;
  tone: Tone;
}

const WORDS: Record<string, [label: string, tone: Tone]> = {
  driver_lost: ["driver lost", "bad"],
  driver_back: ["driver back", "note"],
  driver_overdue: ["driver stalled", "bad"],
  driver_silent: ["driver silent", "warn"],
  driver_ended: ["driver ended", "note"],
  driver_runs_on: ["driver runs on", "warn"],
  driver_told_to_stop: ["driver stopped", "note"],
  driver_left_out: ["driver left out", "warn"],
  joined: ["driver joined", "note"],
  driver_joined: ["driver joined", "note"],
  rate_changed: ["rate changed", "note"],
  rate_late: ["rate change late", "warn"],
  rate_not_changed: ["rate not changed", "warn"],
  stopped: ["stopped", "bad"],
  interrupted: ["interrupted", "bad"],
  resumed: ["orchestrator resumed", "warn"],
  setup_completed: ["setup completed", "note"],
  setup_failed: ["setup failed", "bad"],
  capacity_level: ["level", "note"],
};

/** What an entry is called: known words by their names, others as they are, with spaces. */
export function label(entry: TimelineEntry): string {
  return WORDS[entry.what]?.[0] ?? entry.what.replaceAll("_", " ");
}

export function tone(entry: TimelineEntry): Tone {
  return WORDS[entry.what]?.[1] ?? "note";
}

/** What stands as a mark in charts: everything that changes what they show, within the load. */
const UNMARKED = new Set(["created", "triggered", "running", "finished", "warned", "more_warned", "driver_left_out", "setup_completed", "revised"]);

/** The marks of a test; empty before its start. */
export function marks(test: Pick<Test, "started_at" | "timeline" | "drivers" | "rate_changes">): Mark[] {
  const start = test.started_at ? Date.parse(test.started_at) : Number.NaN;
  if (Number.isNaN(start)) return [];
  const found = test.timeline
    .filter((entry) => !UNMARKED.has(entry.what) && entry.what !== "rate_changed")
    .map((entry) => ({
      at: (Date.parse(entry.at) - start) / 1000,
      what: entry.what,
      label: entry.driver ? `${label(entry)}: ${entry.driver}` : label(entry),
      detail: entry.detail,
      tone: tone(entry),
    }));
  // The timeline has a change of the rate when it was asked for; the charts show it from when on it holds.
  for (const change of test.rate_changes ?? [])
    found.push({
      at: change.at_s,
      what: "rate_changed",
      label: `rate ${change.rate_before} → ${change.rate}/s`,
      detail: "",
      tone: "note",
    });
  return found.filter((mark) => Number.isFinite(mark.at) && mark.at >= 0).sort((a, b) => a.at - b.at);
}
