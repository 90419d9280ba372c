// A test as a page and as a report: the same parts in the same order.

import type { ComponentChildren } from "preact";

import { CapacityCard } from "../../charts/capacity-card";
import { Curves, type CurveLine } from "../../charts/curve";
import { valueAt } from "../../charts/percentiles";
import { Heatmap } from "../../charts/heatmap";
import { Apart, Failures, Health, InFlight, Load, Sessions } from "../../charts/lines";
import { keysOf, Toolbar } from "../../charts/toolbar";
import { follows } from "../../state/follows";
import type { TestModel } from "../../state/model";
import type { Test } from "../../state/shapes";
import { Events } from "./events";
import { Figures, Findings, Head, Thresholds } from "./head";
import { Tables } from "./tables";

interface Props {
  model: TestModel;
  test: Test;
  /** ms since 1970, by the orchestrator's clock as far as it is known. */
  now: number;
  actions?: ComponentChildren;
  /** Between the head and the figures: what has to be known before they are read. */
  notices?: ComponentChildren;
  plan: ComponentChildren;
  /** Whether the charts can show a driver. */
  byDriver?: boolean;
}

export function TestView({ model, test, now, actions, notices, plan, byDriver = false }: Props) {
  const begun = test.started_at !== null && test.started_at !== undefined;
  return (
    <div class="test-page stack">
      <Head test={test} now={now} actions={actions} />
      {notices}
      {test.state === "configured" && <p class="dim not-begun">Checked and stored. Drivers receive the plan when the test is started.</p>}
      {begun && <NewestFigures model={model} test={test} />}
      <div class="pair">
        <Findings test={test} />
        <Thresholds test={test} />
      </div>
      {test.capacity && <CapacityCard capacity={test.capacity} />}
      {begun && <Charts model={model} test={test} byDriver={byDriver} />}
      {begun && <Tables model={model} test={test} />}
      {begun && <Curve model={model} test={test} />}
      <Events test={test} />
      {plan}
    </div>
  );
}

function NewestFigures({ model, test }: { model: TestModel; test: Test }) {
  follows(model.group.version);
  const columns = model.series.columns;
  // A second arrives once every driver that is alive has reported it.
  const newest = columns[columns.length - 1] ?? null;
  return <Figures test={test} newest={newest} />;
}

function Charts({ model, test, byDriver }: { model: TestModel; test: Test; byDriver: boolean }) {
  const group = model.group;
  const hasSessions = Boolean(test.plan.requests) || Boolean(test.totals.sessions);
  const fault = model.fault.value;
  return (
    <section class="charts-region" aria-label="Charts" onKeyDown={keysOf(group)}>
      <h2 class="sr-only">Charts</h2>
      <Toolbar group={group} live={test.state === "running"}>
        {byDriver && test.drivers.length > 1 && (
          <span class="toolbar-of">
            <label for="charts-of">Charts of</label>{" "}
            <select id="charts-of" value={model.driver.value ?? ""} onChange={(event) => void model.show(event.currentTarget.value === "" ? null : event.currentTarget.value)}>
              <option value="">the fleet</option>
              {test.drivers.map(({ node_id: id }) => (
                <option key={id} value={id}>
                  {id}
                </option>
              ))}
            </select>
          </span>
        )}
      </Toolbar>
      {fault && (
        <p class="fault" role="alert">
          The series was not loaded: {fault}
        </p>
      )}
      <div class="charts-grid">
        <Heatmap group={group} />
        <Load group={group} />
        <Failures group={group} plan={test.plan} />
        <Apart group={group} />
        <InFlight group={group} />
        {hasSessions && <Sessions group={group} />}
        <Health group={group} />
      </div>
    </section>
  );
}

/** Drivers that have a curve of their own. */
const MOST_CURVES = 64;

/** The percentile curve of what the tables show: the whole test, or the span. */
function Curve({ model, test }: { model: TestModel; test: Test }) {
  const state = model.span.value;
  const span = state.is === "whole" || state.is === "here" ? state.span : state.is === "loading" ? state.last : null;
  // A line needs two points. Fewer are known where most requests failed or were dropped.
  if (!span || span.curve.fleet.filter(([, value]) => value !== null).length < 2) return null;
  const all = test.drivers.length > 1 ? Object.entries(span.curve.drivers ?? {}) : [];
  const slow = ([, points]: (typeof all)[number]) => valueAt(points, 0.99) ?? Infinity;
  const drivers = all.length > MOST_CURVES ? [...all].sort((a, b) => slow(b) - slow(a)).slice(0, MOST_CURVES) : all;
  const note = drivers.length < all.length ? `the ${drivers.length} of ${all.length} drivers with the highest p99` : "each driver";
  const lines: CurveLine[] = [
    ...drivers.map(([name, points]): CurveLine => ({ name, points, thin: true })),
    { name: drivers.length > 0 ? "fleet" : "all requests", points: span.curve.fleet, colour: "--c-1" },
  ];
  return <Curves title={state.is === "here" ? "Percentiles of the span" : "Percentiles"} lines={lines} note={note} />;
}
