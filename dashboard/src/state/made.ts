// Windows and tests made by hand for unit tests: no orchestrator, no chance, the same each time.

import { binOf } from "../charts/heat";
import { column, type Column } from "./columns";
import type { Bins, LatencyStats, LatencyView, Test, Totals, Window } from "./shapes";

export const NOTHING: LatencyStats = {
  count: 0, min: null, mean: null, median: null, mode: null, p90: null, p95: null, p99: null, "p99.9": null, "p99.99": null, max: null,
};

/** Figures of samples in ms, by nearest rank. */
export function statsOf(samples: readonly number[]): LatencyStats {
  if (samples.length === 0) return NOTHING;
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (q: number) => sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? null;
  return {
    count: sorted.length,
    min: at(0) ?? sorted[0] ?? null,
    mean: sorted.reduce((sum, one) => sum + one, 0) / sorted.length,
    median: at(0.5),
    mode: at(0.5),
    p90: at(0.9),
    p95: at(0.95),
    p99: at(0.99),
    "p99.9": at(0.999),
    "p99.99": at(0.9999),
    max: at(1),
  };
}

/** Bins of samples in ms. */
export function binsOfSamples(samples: readonly number[]): Bins | null {
  if (samples.length === 0) return null;
  const bins = samples.map(binOf);
  const first = Math.min(...bins);
  const counts = new Array<number>(Math.max(...bins) - first + 1).fill(0);
  for (const bin of bins) counts[bin - first] = (counts[bin - first] ?? 0) + 1;
  return { first, counts };
}

export function latencyOf(samples: readonly number[]): LatencyView {
  const response = statsOf(samples);
  const lag = statsOf(samples.map(() => 0.05));
  return { coverage: 1, response, service: response, lag, turn: lag, connect: NOTHING, first_byte: response, success: { response, service: response }, failed: { response: NOTHING, service: NOTHING } };
}

const START = Date.parse("2026-11-30T10:00:00Z");

/** A window of the fleet. */
export function windowOf(seq: number, seconds = 1, samples: readonly number[] = [1, 2, 3, 40], more: Partial<Window> = {}): Window {
  const completed = binsOfSamples(samples);
  return {
    test_id: "t",
    node_id: null,
    seq,
    seconds,
    from: new Date(START + seq * 1000).toISOString(),
    to: new Date(START + (seq + seconds) * 1000).toISOString(),
    scheduled: samples.length,
    sent: samples.length,
    completed: samples.length,
    failed: 0,
    dropped: 0,
    dropped_by: { in_flight: 0, late: 0 },
    in_flight: 2,
    status_codes: { "200": samples.length },
    errors: {},
    busy: 0.1,
    machine: { cpu: 0.2, steal: 0, wait: 0 },
    latency_ms: latencyOf(samples),
    heat: completed ? { completed } : {},
    ...more,
  };
}

export function columnOf(seq: number, seconds = 1, samples?: readonly number[], more?: Partial<Window>): Column {
  return column(windowOf(seq, seconds, samples, more));
}

export function totalsOf(more: Partial<Totals> = {}): Totals {
  return {
    scheduled: 4, sent: 4, completed: 4, failed: 0, dropped: 0, throughput_per_s: 4, latency_ms: latencyOf([1, 2, 3, 40]),
    status_codes: { "200": 4 }, errors: {}, ...more,
  };
}

export function testOf(more: Partial<Test> = {}): Test {
  return {
    test_id: "t",
    name: "made",
    state: "running",
    verdict: null,
    standing: "ok",
    reasons: [],
    warnings: [],
    notes: [],
    definitions: 2,
    plan: { name: "made", target: { url: "http://127.0.0.1:8081/" }, load: { mode: "tsunami", rate: 4, duration: "1m" } },
    created_at: new Date(START - 2000).toISOString(),
    started_at: new Date(START).toISOString(),
    ended_at: null,
    totals: totalsOf(),
    drivers: [],
    thresholds: [],
    timeline: [],
    ...more,
  };
}
