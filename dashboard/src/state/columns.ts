// One column of the charts: a second of a test, or a step of 10 s or 60 s. It keeps what the charts draw and nothing else,
// so that an hour of a large test stays small: the names of requests and the drivers' rows are dropped here.

import type { Counts, Heat, LatencyStats, Window } from "./shapes";

/** The latencies that are drawn apart. */
export const KINDS = ["response", "service", "lag", "connect", "first_byte"] as const;
export type Kind = (typeof KINDS)[number];

/** The percentiles that are drawn. */
export const LEVELS = ["p50", "p90", "p99", "p99.9"] as const;
export type Level = (typeof LEVELS)[number];

/** Percentiles of one latency in one column, in ms; null where nothing is known. */
export interface Levels {
  count: number;
  values: readonly (number | null)[];
  max: number | null;
  /** One bit for each of `LEVELS`, set where only a lower bound of it is known. */
  bounds: number;
}

export interface SessionsOf {
  started: number;
  completed: number;
  failed: number;
  abandoned: number;
  p50: number | null;
  p99: number | null;
}

export interface Column {
  /** Its first second, counted from the start. */
  seq: number;
  /** How many seconds it stands for. */
  seconds: number;
  /** How long its windows really were, in seconds; the last one of a test is shorter. */
  length: number;
  scheduled: number;
  sent: number;
  completed: number;
  failed: number;
  droppedInFlight: number;
  droppedLate: number;
  inFlight: number | null;
  warmup: number;
  busy: number | null;
  cpu: number | null;
  steal: number | null;
  wait: number | null;
  latency: Readonly<Record<Kind, Levels | null>>;
  heat: Heat | null;
  status: Counts | null;
  errors: Counts | null;
  sessions: SessionsOf | null;
  users: number | null;
}

/** A window that is shorter than this gives no rate a second. */
export const SHORTEST_S = 0.5;

function levels(stats: LatencyStats | null | undefined): Levels | null {
  if (!stats || (stats.count === 0 && stats.median === null)) return null;
  const bounds = new Set(stats.lower_bounds ?? []);
  const names = ["median", "p90", "p99", "p99.9"] as const;
  return {
    count: stats.count,
    values: names.map((name) => stats[name]),
    max: stats.max,
    bounds: names.reduce((bits, name, index) => (bounds.has(name) ? bits | (1 << index) : bits), 0),
  };
}

function filled(counts: Counts | null | undefined): Counts | null {
  return counts && Object.keys(counts).length > 0 ? counts : null;
}

/** What the charts need of a window. */
export function column(window: Window): Column {
  const seconds = window.seconds ?? 1;
  const length = (Date.parse(window.to) - Date.parse(window.from)) / 1000;
  const { latency_ms: latency, sessions } = window;
  return {
    seq: window.seq,
    seconds,
    length: Number.isFinite(length) && length > 0 ? Math.min(length, seconds) : seconds,
    scheduled: window.scheduled,
    sent: window.sent,
    completed: window.completed,
    failed: window.failed,
    droppedInFlight: window.dropped_by?.in_flight ?? window.dropped,
    droppedLate: window.dropped_by?.late ?? 0,
    inFlight: window.in_flight ?? null,
    warmup: window.warmup?.sent ?? 0,
    busy: window.busy,
    cpu: window.machine?.cpu ?? null,
    steal: window.machine?.steal ?? null,
    wait: window.machine?.wait ?? null,
    latency: {
      response: levels(latency.response),
      service: levels(latency.service),
      lag: levels(latency.lag),
      connect: levels(latency.connect),
      first_byte: levels(latency.first_byte),
    },
    heat: window.heat ?? null,
    status: filled(window.status_codes),
    errors: filled(window.errors),
    sessions: sessions
      ? {
          started: sessions.started,
          completed: sessions.completed,
          failed: sessions.failed,
          abandoned: sessions.abandoned,
          p50: sessions.latency_ms.response.median,
          p99: sessions.latency_ms.response.p99,
        }
      : null,
    users: window.users ?? null,
  };
}

/** A count of a column a second; null where the column is too short to say. */
export function perSecond(column: Column, value: number): number | null {
  return column.length < SHORTEST_S ? null : value / column.length;
}

/** The percentile of a latency in a column, in ms. */
export function levelOf(column: Column, kind: Kind, level: Level): number | null {
  return column.latency[kind]?.values[LEVELS.indexOf(level)] ?? null;
}

/** Whether only a lower bound of that percentile is known. */
export function isBound(column: Column, kind: Kind, level: Level): boolean {
  return (((column.latency[kind]?.bounds ?? 0) >> LEVELS.indexOf(level)) & 1) === 1;
}

/** When a column really ended, in whole seconds: the last step of a test is seldom full. */
export function endOf(column: Column): number {
  return column.seq + Math.max(1, Math.ceil(column.length));
}

/** The last second that a column covers. */
export function lastOf(column: Column): number {
  return column.seq + column.seconds - 1;
}
