// The rows of the tables of a test, from its totals or from the figures of a span. Pure.

import { clock } from "../../charts/format";
import type { DriverTotals, LatencyStats, Named, Span, SpanTotals, Totals } from "../../state/shapes";
import type { Range } from "../../state/zoom";

/** One latency. */
export interface LatencyRow {
  name: string;
  /** The word that explains it. */
  word: string;
  /** Whether it is a part of the row above. */
  part: boolean;
  stats: LatencyStats | undefined;
}

const has = (stats: LatencyStats | null | undefined): stats is LatencyStats => Boolean(stats && stats.count > 0);

/** Failed requests have a row of their own where there are any, and so have the completed ones then. */
export function latencyRows(totals: Pick<Totals, "latency_ms">): LatencyRow[] {
  const latency = totals.latency_ms;
  const rows: LatencyRow[] = [];
  const add = (name: string, word: string, part: boolean, stats: LatencyStats | null | undefined) => rows.push({ name, word, part, stats: stats ?? undefined });
  const anyFailed = has(latency.failed?.response);
  add("response", "response", false, latency.response);
  if (anyFailed) {
    add("completed", "completed", true, latency.success?.response);
    add("failed", "failed", true, latency.failed?.response);
  }
  add("service", "service", false, latency.service);
  if (anyFailed) {
    add("completed", "completed", true, latency.success?.service);
    add("failed", "failed", true, latency.failed?.service);
  }
  if (has(latency.first_byte)) add("first byte", "first_byte", false, latency.first_byte);
  if (has(latency.connect)) add("connect", "connect", false, latency.connect);
  add("lag", "lag", false, latency.lag);
  if (has(latency.turn)) add("turn", "turn", false, latency.turn);
  return rows;
}

/** Requests of a name, sessions of a scenario, passes of a group, polls of a request. */
export interface NamedRow {
  name: string;
  what: "sessions" | "group" | "poll" | "requests";
  begun: number | null;
  completed: number | null;
  failed: number | null;
  abandoned: number | null;
  dropped: number | null;
  response: LatencyStats | undefined;
}

/** The named rows of a whole test, or of a span. */
export function namedRows(totals: Named): NamedRow[] {
  const rows: NamedRow[] = [];
  const entries = <Of>(map: Record<string, Of> | null | undefined) => Object.entries(map ?? {});
  const sessions = entries(totals.scenarios);
  if (totals.sessions && sessions.length > 1) sessions.unshift(["all", totals.sessions]);
  for (const [name, of] of sessions)
    rows.push({ name, what: "sessions", begun: of.started, completed: of.completed, failed: of.failed, abandoned: of.abandoned, dropped: of.dropped, response: of.latency_ms.response });
  for (const [what, map] of [["group", totals.groups], ["poll", totals.polls]] as const)
    for (const [name, of] of entries(map))
      rows.push({ name, what, begun: of.completed + of.failed, completed: of.completed, failed: of.failed, abandoned: null, dropped: null, response: of.latency_ms.response });
  for (const [name, of] of entries(totals.requests))
    rows.push({ name, what: "requests", begun: of.sent, completed: of.completed, failed: of.failed, abandoned: null, dropped: null, response: of.latency_ms.response });
  return rows;
}

/** Where sessions ended early, a sentence for each scenario. */
export function endedEarly(totals: Totals): string[] {
  return Object.entries(totals.scenarios ?? {})
    .filter(([, of]) => Object.keys(of.ended_at ?? {}).length > 0)
    .map(([name, of]) => `Sessions of ${name} ended early at ${Object.entries(of.ended_at ?? {}).map(([step, n]) => `${step}: ${n.toLocaleString("en-US")}`).join(", ")}.`);
}

export interface DriverRow {
  id: string;
  /** Of the whole test; null where only the span's figures are known. */
  part: DriverTotals | null;
  figures: SpanTotals | DriverTotals;
}

/** Each driver, with the figures of the test or of a span. */
export function driverRows(drivers: readonly DriverTotals[], span?: readonly (SpanTotals & { node_id: string })[] | null): DriverRow[] {
  if (!span) return drivers.map((part) => ({ id: part.node_id, part, figures: part }));
  const parts = new Map(drivers.map((part) => [part.node_id, part]));
  return span.map((figures) => ({ id: figures.node_id, part: parts.get(figures.node_id) ?? null, figures }));
}

/** How what the figures cover differs from the span that was chosen; empty where it does not. */
export function beside(chosen: Range, { from, to, step }: Pick<Span, "from" | "to" | "step">, isOver: boolean): string {
  const text = `${clock(chosen[0])} – ${clock(chosen[1])}`;
  if (from === chosen[0] && to + 1 === chosen[1]) return "";
  if (from === chosen[0] && to + 1 < chosen[1]) return isOver ? ` (of ${text}: there are no later seconds)` : ` so far (of ${text})`;
  return ` (you chose ${text}; histograms are stored in steps of ${step} s there)`;
}

/**
 * The share of requests that failed, counted as `errors.ratio` is: after the warm-up, and without those that a stop cancelled.
 * Null where no request counts.
 */
export function failedShare({ sent, failed, errors, warmup }: Pick<Totals, "sent" | "failed" | "errors" | "warmup">): number | null {
  if (typeof sent !== "number" || typeof failed !== "number") return null;
  const cancelled = (errors["cancelled"] ?? 0) - (warmup?.errors?.["cancelled"] ?? 0);
  const counted = sent - (warmup?.sent ?? 0) - cancelled;
  return counted > 0 ? (failed - (warmup?.failed ?? 0) - cancelled) / counted : null;
}

/** Warnings about what the figures cover, as sentences. */
export function remarks(latency: Totals["latency_ms"], definitions: number): string[] {
  const said: string[] = [];
  const response = latency.response;
  if (response.count > 0 && latency.coverage !== 1)
    said.push(
      latency.coverage === null || latency.coverage === undefined
        ? "A driver that takes part sends no histogram: these figures leave it out."
        : `These figures cover ${(100 * latency.coverage).toFixed(1)} % of the completed requests.`,
    );
  if ((response.lower_bounds ?? []).length > 0)
    said.push("Requests that failed or were dropped count as slower than any completed one. A figure with ≥ falls among them: the slowest completed request is shown.");
  if (definitions <= 1)
    said.push("An earlier version stored this report: failed requests are in its percentiles with the time they took, and its throughput is over the time from the first start to the last end.");
  return said;
}
