// The shapes of REST and of the events, by the names that the pages use. `schema.ts` is generated from
// dashboard/openapi.json (`npm run types`), which a Rust test holds equal to what the orchestrator answers.
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Test = Schemas["Test"];
export type TestSummary = Schemas["TestSummary"];
export type TestPage = Schemas["TestPage"];
export type TestState = Schemas["TestState"];
export type Verdict = Schemas["Verdict"];
export type Standing = Schemas["Standing"];
export type Totals = Schemas["Totals"];
export type DriverTotals = Schemas["DriverTotals"];
export type LatencyStats = Schemas["LatencyStats"];
export type Latencies = Schemas["Latencies"];
export type Threshold = Schemas["Threshold"];
export type RateChange = Schemas["RateChange"];
export type TimelineEntry = Schemas["TimelineEntry"];
export type Driver = Schemas["Driver"];
export type WindowPage = Schemas["WindowPage"];
/** One second of a test (`Window` would hide the browser's own). */
export type Second = Schemas["Window"];
export type Comparison = Schemas["Comparison"];
export type ComparedFigure = Schemas["ComparedFigure"];
export type Problem = Schemas["Problem"];
export type KeyProblem = Schemas["KeyProblem"];
export type Health = Schemas["Health"];

/** A plan as JSON: its shape is docs/plan.schema.json, which is too wide for types to help. */
export type PlanJson = Record<string, unknown>;

/** What `GET /api/v1/events` sends, by the name of the event. */
export interface Events {
  driver: Driver;
  test: Test;
  window: Second;
}
