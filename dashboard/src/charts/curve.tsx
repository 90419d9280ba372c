// Percentile curves over each other: latency over 1 / (1 - q), so that the far end of the distribution has as much room as
// its middle. One test with its drivers as thin lines, or several tests on the page that compares them.

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";

import { ms } from "../parts/format";
import { Word } from "../parts/word";
import type { CurvePoint } from "../state/shapes";
import { axisBelow, latencyAxis, logScale, rem } from "./axes";
import { useCanvas } from "./canvas";
import { css, faded } from "./colours";
import { latency, quantileName } from "./format";
import { align, curve, marks, quantileAt, reach, valueAt } from "./percentiles";

export interface CurveLine {
  name: string;
  points: readonly CurvePoint[];
  /** A thin line behind the others, as a driver's of a fleet. */
  thin?: boolean;
  /** A variable of the style sheet; the next of the charts' colours by default. */
  colour?: string;
  /** Lengths of dashes and gaps, where lines of one colour are several tests of a side. */
  dash?: readonly number[];
}

interface Props {
  title: string;
  lines: readonly CurveLine[];
  /** What the thin lines are, where they are too many to be named. */
  note?: string;
  /** In rem. */
  height?: number;
}

/** Thin lines that are named. */
const MOST_NAMED = 12;
const COLOURS = ["--c-1", "--c-2", "--c-3", "--c-4", "--c-5", "--c-6", "--c-7"];
/** What the table beside the drawing has. */
const QUANTILES = [0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1];

function colourOf(line: CurveLine, index: number): string {
  return line.colour ?? (line.thin ? "--c-7" : (COLOURS[index % COLOURS.length] ?? "--c-1"));
}

export function Curves({ title, lines, note, height = 18 }: Props) {
  const [at, setAt] = useState<number | null>(null);
  const [asTable, setAsTable] = useState(false);
  const end = useMemo(() => Math.max(2, ...lines.map((line) => reach(line.points))), [lines]);
  const data = useMemo(() => {
    const { places, values } = align(lines.map((line) => curve(line.points, end)));
    return [places, ...values] as uPlot.AlignedData;
  }, [lines, end]);
  const latest = useRef({ data, end });
  latest.current = { data, end };
  const shape = lines.map((line, index) => `${colourOf(line, index)}${line.thin ? "t" : ""}${line.dash?.join("-") ?? ""}`).join();

  const { place, plot, unit } = useCanvas(
    {
      height,
      data: () => latest.current.data,
      options: () => ({
        padding: [8, Math.round(1.6 * rem()), 0, 0],
        series: [
          {},
          ...lines.map((line, index): uPlot.Series => {
            const colour = colourOf(line, index);
            return {
              scale: "ms",
              points: { show: false },
              stroke: () => (line.thin ? faded(css(colour), 0.6) : css(colour)),
              width: line.thin ? 1 : 2.2,
              ...(line.dash ? { dash: [...line.dash] } : {}),
            };
          }),
        ],
        scales: { x: { time: false, auto: false }, ms: logScale() },
        axes: [
          axisBelow({
            splits: () => marks(latest.current.end).map((mark) => mark.place),
            values: (self, splits) => {
              // Names that would run into their neighbours are left out.
              let free = -Infinity;
              return splits.map((at) => {
                const x = self.valToPos(at, "x");
                if (x < free) return "";
                free = x + 3.2 * rem();
                return at === 0 ? "p0" : quantileName(Number(quantileAt(at).toFixed(10)));
              });
            },
          }),
          latencyAxis(),
        ],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 }, bind: { dblclick: () => () => null } },
        hooks: {
          setCursor: [
            (self) => {
              const left = self.cursor.left ?? -1;
              setAt(left < 0 ? null : Math.min(1, quantileAt(Math.min(self.posToVal(left, "x"), latest.current.end))));
            },
          ],
        },
      }),
    },
    [shape, asTable],
  );

  useLayoutEffect(() => {
    const u = plot.current;
    u?.batch(() => {
      u.setData(data, false);
      u.setScale("x", { min: 0, max: end });
    });
  }, [data, end, shape, asTable, unit]);

  const quantile = at ?? 0.99;
  const thick = lines.filter((line) => !line.thin);
  const thin = lines.length - thick.length;
  // Many thin lines show how far the drivers are apart; their names would fill the page.
  const legend = lines.map((line, index) => ({ line, index })).filter(({ line }) => !line.thin || thin <= MOST_NAMED);
  return (
    <figure class="card chart wide">
      <div class="chart-head">
        <h3>
          <Word of="percentile">{title}</Word> <span class="dim unit">response in ms, by the share of requests that were no slower</span>
        </h3>
        <button type="button" class="quiet small no-print" aria-pressed={asTable} onClick={() => setAsTable(!asTable)} aria-label={`${title} as ${asTable ? "a chart" : "a table"}`}>
          {asTable ? "Chart" : "Table"}
        </button>
      </div>
      <figcaption class="sr-only">
        {thick.map((line) => `${line.name}: median ${latency(valueAt(line.points, 0.5))}, p99 ${latency(valueAt(line.points, 0.99))}, max ${latency(valueAt(line.points, 1))}.`).join(" ")}
      </figcaption>
      <ul class="legend">
        <li class="legend-at">{quantileName(Number(quantile.toFixed(quantile > 0.999 ? 5 : quantile > 0.99 ? 4 : 3)))}</li>
        {legend.map(({ line, index }) => (
          <li key={line.name}>
            <span class={`swatch ${line.thin ? "thin" : line.dash ? "dash" : "line"}`} style={{ color: `var(${colourOf(line, index)})` }} aria-hidden="true" />
            <span class="legend-name wrap">{line.name}</span> <b>{ms(valueAt(line.points, quantile))}</b>
          </li>
        ))}
        {thin > MOST_NAMED && (
          <li>
            <span class="swatch thin" style={{ color: "var(--c-7)" }} aria-hidden="true" />
            <span class="legend-name">{thin} thin lines{note ? `: ${note}` : ""}</span>
          </li>
        )}
      </ul>
      {thick.some((line) => line.points.some(([, value]) => value === null)) && (
        <p class="dim small curve-note">A curve ends where the slower requests are those that failed or were dropped.</p>
      )}
      {asTable ? (
        <div class="scroll chart-table" tabIndex={0} role="region" aria-label={`${title}, table`}>
          <table>
            <thead>
              <tr>
                <th scope="col">percentile</th>
                {lines.map((line) => (
                  <th key={line.name} scope="col" class="n">
                    {line.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {QUANTILES.map((q) => (
                <tr key={q}>
                  <th scope="row">{quantileName(q)}</th>
                  {lines.map((line) => (
                    <td key={line.name} class="n">
                      {ms(valueAt(line.points, q))}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : (
        <div ref={place} class="plot" aria-hidden="true" />
      )}
    </figure>
  );
}
