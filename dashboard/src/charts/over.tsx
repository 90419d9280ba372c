// A figure of several tests over each other, by time since each one's start. The cursor is one for all such charts of a page,
// a table has the same figures, and a sentence says what there is to see.

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import type uPlot from "uplot";

import { Word } from "../parts/word";
import { type Column, lastOf } from "../state/columns";
import { FEW, fromZero, latencyAxis, logScale, rem, timeAxis, valueAxis } from "./axes";
import { useCanvas } from "./canvas";
import { css } from "./colours";
import { amount, clock } from "./format";
import { columnAt, overlay, rowsOf } from "./overlay";

/** A test among others. */
export interface OverTest {
  /** Unlike that of any other test here. */
  name: string;
  /** A variable of the style sheet. */
  colour: string;
  /** Lengths of dashes and gaps; without, a plain line. */
  dash?: readonly number[];
  columns: readonly Column[];
}

interface Props {
  title: string;
  word: string;
  /** Of its values, as "a second" or "ms". */
  unit: string;
  tests: readonly OverTest[];
  of: (column: Column) => number | null;
  /** A value as text; the column says whether it is a bound. */
  text: (column: Column) => string;
  /** Whether the axis is one of latencies, logarithmic, rather than one from zero. */
  latencies?: boolean;
  controls?: ComponentChildren;
}

/** Height, in rem. */
const HEIGHT = 14;
/** The charts of a page share their cursor under this name. */
const CURSOR = "over";

export function Over({ title, word, unit, tests, of, text, latencies = false, controls }: Props) {
  const [at, setAt] = useState<number | null>(null);
  const [asTable, setAsTable] = useState(false);
  const data = useMemo(() => overlay(tests.map((test) => test.columns), of) as uPlot.AlignedData, [tests, of]);
  const latest = useRef(data);
  latest.current = data;
  const shape = tests.map((test) => `${test.colour}${test.dash?.join("-") ?? ""}`).join();
  const { place, plot, unit: textSize } = useCanvas(
    {
      height: HEIGHT,
      data: () => latest.current,
      options: () => ({
        padding: [8, Math.round(1.3 * rem()), 0, 0],
        series: [
          {},
          ...tests.map(({ colour, dash }): uPlot.Series => ({ scale: "y", points: FEW, spanGaps: false, stroke: () => css(colour), width: 1.8, ...(dash ? { dash: [...dash] } : {}) })),
        ],
        scales: { x: { time: false }, y: latencies ? logScale() : fromZero() },
        axes: [timeAxis(), latencies ? latencyAxis("y") : valueAxis("y", amount)],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 6, width: 1.5 }, sync: { key: CURSOR } },
        hooks: {
          setCursor: [
            (self) => {
              const left = self.cursor.left ?? -1;
              setAt(left < 0 ? null : Math.floor(self.posToVal(left, "x")));
            },
          ],
        },
      }),
    },
    [shape, latencies, asTable],
  );
  useLayoutEffect(() => plot.current?.setData(data), [data, shape, latencies, asTable, textSize]);
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
      {asTable ? <Table title={title} unit={unit} tests={tests} text={text} /> : <div ref={place} class="plot" aria-hidden="true" />}
    </figure>
  );
}

function highest(test: OverTest, of: Props["of"], text: Props["text"]): string {
  let most: Column | null = null;
  for (const column of test.columns) if ((of(column) ?? -1) > (most ? (of(most) ?? -1) : -1)) most = column;
  return most ? text(most) : "nothing";
}

function Table({ title, unit, tests, text }: Pick<Props, "title" | "unit" | "tests" | "text">) {
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
