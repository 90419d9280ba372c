// A figure of several tests over each other, by time since each one's start. The span and the cursor are those of all such
// charts of a page, a table has the same figures, and a sentence says what there is to see.

import { useMemo, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import type uPlot from "uplot";

import { Word } from "../parts/word";
import { type Column, lastOf } from "../state/columns";
import { FEW, fromZero, latencyAxis, logScale, valueAxis } from "./axes";
import { css } from "./colours";
import { amount, clock } from "./format";
import type { OverGroup, OverTest } from "./over-group";
import { columnAt, overlay, rowsOf } from "./overlay";
import { type Drawing, Plot } from "./plot";

interface Props {
  group: OverGroup;
  title: string;
  word: string;
  /** Of its values, as "a second" or "ms". */
  unit: string;
  of: (column: Column) => number | null;
  /** A value as text; the column says whether it is a bound. */
  text: (column: Column) => string;
  /** Whether the axis is one of latencies, logarithmic, rather than one from zero. */
  latencies?: boolean;
  controls?: ComponentChildren;
}

/** Height, in rem. */
const HEIGHT = 14;

function drawingOf(tests: readonly Pick<OverTest, "colour" | "dash">[], latencies: boolean): Drawing {
  return {
    series: tests.map(({ colour, dash }): uPlot.Series => ({ scale: "y", points: FEW, spanGaps: false, stroke: () => css(colour), width: 1.8, ...(dash ? { dash: [...dash] } : {}) })),
    scales: { y: latencies ? logScale() : fromZero() },
    axes: () => [latencies ? latencyAxis("y") : valueAxis("y", amount)],
  };
}

export function Over({ group, title, word, unit, of, text, latencies = false, controls }: Props) {
  const [asTable, setAsTable] = useState(false);
  const tests = group.shown.value;
  const at = group.view.value.cursor;
  const data = useMemo(() => overlay(tests.map((test) => test.columns), of) as uPlot.AlignedData, [tests, of]);
  const drawing = useMemo(() => drawingOf(tests, latencies), [group, latencies]);
  return (
    <figure class="card chart">
      <div class="chart-head">
        <h3>
          <Word of={word}>{title}</Word> <span class="dim unit">{unit}, by time since the start</span>
        </h3>
        <div class="chart-controls">
          {controls}
          <button type="button" class="quiet small no-print" aria-pressed={asTable} onClick={() => setAsTable(!asTable)} aria-label={`${title} as ${asTable ? "a chart" : "a table"}`}>
            {asTable ? "Chart" : "Table"}
          </button>
        </div>
      </div>
      <figcaption class="sr-only">{tests.map((test) => `${test.name}: at most ${highest(test, of, text)} ${unit}.`).join(" ")}</figcaption>
      <ul class="legend">
        {tests.map((test) => {
          const column = at === null ? null : columnAt(test.columns, at);
          return (
            <li key={test.name}>
              <span class={`swatch ${test.dash ? "dash" : "line"}`} style={{ color: `var(${test.colour})` }} aria-hidden="true" />
              <span class="legend-name wrap">{test.name}</span> <b>{column ? text(column) : ""}</b>
            </li>
          );
        })}
        <li class="legend-at">{at === null ? "" : `at ${clock(at)}`}</li>
      </ul>
      {asTable ? <Table title={title} unit={unit} tests={tests} text={text} /> : <Plot group={group} drawing={drawing} data={data} height={HEIGHT} />}
    </figure>
  );
}

function highest(test: OverTest, of: Props["of"], text: Props["text"]): string {
  let most: Column | null = null;
  for (const column of test.columns) if ((of(column) ?? -1) > (most ? (of(most) ?? -1) : -1)) most = column;
  return most ? text(most) : "nothing";
}

function Table({ title, unit, tests, text }: Pick<Props, "title" | "unit" | "text"> & { tests: readonly OverTest[] }) {
  const { rows, n } = rowsOf(tests.map((test) => test.columns));
  return (
    <div class="scroll chart-table" tabIndex={0} role="region" aria-label={`${title}, table`}>
      <table>
        <caption>
          {title}, {unit}
          {rows.length < n ? `: each ${Math.ceil(n / rows.length)}th of ${n} rows` : ""}
        </caption>
        <thead>
          <tr>
            <th scope="col">from</th>
            {tests.map((test) => (
              <th key={test.name} scope="col" class="n">
                {test.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((seq) => (
            <tr key={seq}>
              <th scope="row">{clock(seq)}</th>
              {tests.map((test) => {
                const column = columnAt(test.columns, seq);
                return (
                  <td key={test.name} class="n" title={column && column.seconds > 1 ? `${clock(column.seq)} to ${clock(lastOf(column) + 1)}` : undefined}>
                    {column ? text(column) : "–"}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
