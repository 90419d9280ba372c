// The parts of the REST shapes that the test page, its charts and the report read. They are narrower than the generated
// types, so that a stored report of an earlier version, the live stream and REST all fit them.

export interface LatencyStats {
  count: number;
  min: number | null;
  mean: number | null;
  median: number | null;
  mode: number | null;
  p90: number | null;
  p95: number | null;
  p99: number | null;
  "p99.9": number | null;
  "p99.99": number | null;
  max: number | null;
  lower_bounds?: string[] | null;
}

export interface OutcomeLatency {
  response: LatencyStats;
  service: LatencyStats;
}

export interface LatencyView extends OutcomeLatency {
  coverage?: number | null;
  lag: LatencyStats;
  turn?: LatencyStats | null;
  connect?: LatencyStats | null;
  first_byte?: LatencyStats | null;
  success?: OutcomeLatency | null;
  failed?: OutcomeLatency | null;
}

export type Counts = Record<string, number>;

export interface DroppedBy {
  in_flight: number;
  late: number;
}

export interface Warmup {
  scheduled: number;
  sent: number;
  completed: number;
  failed: number;
  dropped: number;
  errors?: Counts | null;
}

export interface RequestTotals {
  sent: number;
  completed: number;
  failed: number;
  status_codes: Counts;
  errors: Counts;
  latency_ms: OutcomeLatency;
}

export interface SessionTotals {
  started: number;
  completed: number;
  failed: number;
  abandoned: number;
  dropped: number;
  under_way?: number | null;
  unresolved?: number | null;
  throughput_per_s?: number | null;
  ended_at?: Counts | null;
  latency_ms: { response: LatencyStats };
}

export interface PassTotals {
  completed: number;
  failed: number;
  latency_ms: { response: LatencyStats };
}

/** Counters and latencies of a driver or the fleet. */
export interface Totals {
  scheduled?: number | null;
  sent?: number | null;
  completed?: number | null;
  failed?: number | null;
  dropped?: number | null;
  dropped_by?: DroppedBy | null;
  in_flight?: number | null;
  unresolved?: number | null;
  end_unknown?: number | null;
  closed_on_reuse?: number | null;
  throughput_per_s?: number | null;
  warmup?: Partial<Warmup> | null;
  unknown_from?: string[] | null;
  ends_unknown_from?: string[] | null;
  latency_ms: LatencyView;
  status_codes: Counts;
  errors: Counts;
  requests?: Record<string, RequestTotals> | null;
  sessions?: SessionTotals | null;
  scenarios?: Record<string, SessionTotals> | null;
  groups?: Record<string, PassTotals> | null;
  polls?: Record<string, PassTotals> | null;
  users?: number | null;
}

export interface DriverTotals extends Totals {
  node_id: string;
  state: string;
  age_ms?: number | null;
  approximate?: boolean | null;
  ended_by?: string | null;
  engine?: string | null;
  busy_max?: number | null;
  cpu?: number | null;
  cpu_mean?: number | null;
  cpu_max?: number | null;
  steal_mean?: number | null;
  steal_max?: number | null;
  wait_max?: number | null;
}

export interface Threshold {
  expression: string;
  value?: number | null;
  lower_bound?: boolean | null;
  ok?: boolean | null;
  given: boolean;
  driver?: string | null;
  without?: string[] | null;
}

export interface TimelineEntry {
  at: string;
  what: string;
  driver?: string | null;
  detail: string;
}

export interface RateChange {
  change: number;
  at: string;
  at_s: number;
  rate: number;
  rate_before: number;
}

export interface Steps {
  outcome: string;
  drivers: string[];
  driver?: string | null;
  step?: string | null;
  reason?: string | null;
}

/** What was measured at one rate of a search for the capacity. */
export interface CapacityLevel {
  rate: number;
  from_s?: number | null;
  to_s?: number | null;
  decided: string;
  repeat?: boolean;
  share?: number | null;
  share_low?: number | null;
  share_high?: number | null;
  share_limit?: number | null;
  p50?: number | null;
  p90?: number | null;
  p99?: number | null;
  "p99.9"?: number | null;
  throughput_per_s?: number | null;
  errors_ratio?: number | null;
}

/** A search for the highest rate at which an objective holds. */
export interface Capacity {
  slo: string;
  within: number;
  horizon_s?: number;
  state: string;
  doing?: { rate: number; what: string; seconds: number } | null;
  capacity_per_s?: number | null;
  low_per_s?: number | null;
  high_per_s?: number | null;
  limit?: string | null;
  why?: string | null;
  levels: CapacityLevel[];
  knee?: { rate: number; above: number; percentile: string; at_ms?: number | null; above_ms?: number | null } | null;
  usl?: { lambda_per_s: number; sigma: number; kappa: number; peak_per_s?: number | null; peak_concurrency?: number | null; error: number; levels: number } | null;
}

export type TestState = "configured" | "starting" | "running" | "draining" | "finished";

export interface Test {
  test_id: string;
  name: string;
  state: TestState;
  verdict?: string | null;
  standing?: string | null;
  reasons: string[];
  warnings: string[];
  notes?: string[] | null;
  definitions?: number | null;
  plan: Plan;
  created_at: string;
  started_at?: string | null;
  ended_at?: string | null;
  setup?: Steps | null;
  teardown?: Steps | null;
  totals: Totals;
  drivers: DriverTotals[];
  thresholds: Threshold[];
  completeness?: {
    windows_expected: number;
    windows_received: number;
    missing: { node_id: string; from_seq: number; to_seq: number; from: string; to: string }[];
  };
  rate_changes?: RateChange[] | null;
  capacity?: Capacity | null;
  timeline: TimelineEntry[];
}

/** What the page reads of a plan; it has more keys. */
export interface Plan {
  name?: string | null;
  drivers?: number | string | string[] | null;
  per?: string | null;
  target?: { url?: string };
  request?: { method?: string };
  requests?: Record<string, unknown> | null;
  load?: {
    mode?: string;
    rate?: number | string;
    delay?: string;
    duration?: string;
    requests?: number;
    sessions?: number;
    users?: number;
    connections?: number;
    warmup?: string;
    max_in_flight?: number;
    stages?: { rate?: number | string; users?: number; ramp?: string; hold?: string }[];
  };
  [key: string]: unknown;
}

/** How many requests had a response in each bin, from bin `first` on. */
export interface Bins {
  first: number;
  counts: number[];
}

export interface Heat {
  completed?: Bins | null;
  failed?: Bins | null;
}

export interface Machine {
  cpu?: number | null;
  steal?: number | null;
  wait?: number | null;
}

/** A second, or a step of 10 s or 60 s, of the fleet or a driver. */
export interface Window {
  test_id?: string | null;
  node_id?: string | null;
  seq: number;
  seconds?: number | null;
  from: string;
  to: string;
  scheduled: number;
  sent: number;
  completed: number;
  failed: number;
  dropped: number;
  dropped_by?: DroppedBy | null;
  in_flight?: number | null;
  status_codes?: Counts | null;
  errors?: Counts | null;
  warmup?: Partial<Warmup> | null;
  busy: number;
  machine?: Machine | null;
  latency_ms: LatencyView;
  heat?: Heat | null;
  sessions?: SessionTotals | null;
  users?: number | null;
}

export type CurvePoint = [quantile: number, ms: number | null];

/** Figures by name: of a whole test or of a span. */
export type Named = Pick<Totals, "requests" | "sessions" | "scenarios" | "groups" | "polls">;

/** The answer to `GET …/span`: exact figures of some seconds. */
export interface Span {
  test_id?: string | null;
  from: number;
  to: number;
  step: number;
  totals: SpanTotals;
  drivers: (SpanTotals & { node_id: string })[];
  requests?: Record<string, RequestTotals> | null;
  sessions?: SessionTotals | null;
  scenarios?: Record<string, SessionTotals> | null;
  groups?: Record<string, PassTotals> | null;
  polls?: Record<string, PassTotals> | null;
  curve: { fleet: CurvePoint[]; drivers?: Record<string, CurvePoint[]> };
}

export type SpanTotals = Pick<
  Totals,
  "scheduled" | "sent" | "completed" | "failed" | "dropped" | "throughput_per_s" | "status_codes" | "errors" | "latency_ms" | "warmup"
>;

/** The figures of a latency in the order in which every table shows them. */
export const FIGURES = ["min", "mean", "median", "mode", "p90", "p95", "p99", "p99.9", "p99.99", "max"] as const;
export type Figure = (typeof FIGURES)[number];
