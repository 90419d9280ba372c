// The curve of a search for the capacity: percentiles and throughput over the rate, the bracket between the highest rate that
// held and the lowest that did not, and each level as a row.

import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type uPlot from "uplot";

import { ms, percent, rate } from "../parts/format";
import { SortableTable, type TableColumn } from "../parts/sortable";
import { Word } from "../parts/word";
import type { Capacity, CapacityLevel } from "../state/shapes";
import { axisBelow, fromZero, latencyAxis, logScale, rem, rightAxis } from "./axes";
import { useCanvas } from "./canvas";
import { answer, beyond, byRate, decided } from "./capacity";
import { css, faded, font } from "./colours";
import { amount, clock } from "./format";

const PERCENTILES = ["p50", "p90", "p99", "p99.9"] as const;
const LOOK: Record<(typeof PERCENTILES)[number], { colour: string; dash?: number[] }> = {
  p50: { colour: "--c-3" },
  p90: { colour: "--c-3", dash: [6, 3] },
  p99: { colour: "--c-2" },
  "p99.9": { colour: "--c-2", dash: [2, 2.5] },
};
/** In rem. */
const HEIGHT = 18;

const perSecond = (value: number) => `${amount(value)}/s`;

const LEVELS: TableColumn<CapacityLevel>[] = [
  { id: "rate", head: "rate/s", word: "rate", key: (level) => level.rate, cell: (level) => rate(level.rate) },
  {
    id: "decided",
    head: "objective",
    word: "capacity",
    text: true,
    key: (level) => level.decided,
    cell: (level) => {
      const { sign, text, kind } = decided(level);
      return (
        <>
          <span class={`sign ${kind}`} aria-hidden="true">
            {sign}
          </span>{" "}
          {text}
          {level.repeat ? ", repeated" : ""}
        </>
      );
    },
  },
  { id: "when", head: "when", text: true, key: (level) => level.from_s, cell: (level) => (level.from_s === null || level.from_s === undefined ? "–" : `${clock(level.from_s)} – ${clock((level.to_s ?? level.from_s) + 1)}`) },
  { id: "throughput", head: "completed/s", word: "throughput", key: (level) => level.throughput_per_s, cell: (level) => rate(level.throughput_per_s) },
  { id: "errors", head: "failed", word: "errors", key: (level) => level.errors_ratio, cell: (level) => percent(level.errors_ratio), alarm: (level) => (level.errors_ratio ?? 0) > 0 },
  {
    id: "share",
    head: "beyond the objective",
    word: "capacity",
    key: (level) => level.share,
    cell: (level) => (level.share === null || level.share === undefined ? "–" : `${percent(level.share)} (${percent(level.share_low)} – ${percent(level.share_high)}; may be ${percent(level.share_limit)})`),
  },
  ...PERCENTILES.map((name): TableColumn<CapacityLevel> => ({ id: name, head: name, word: "percentile", key: (level) => level[name], cell: (level) => ms(level[name]) })),
];

export function CapacityCard({ capacity }: { capacity: Capacity }) {
  const levels = useMemo(() => byRate(capacity.levels), [capacity.levels]);
  const more = beyond(capacity);
  return (
    <section class="card capacity" aria-labelledby="capacity-title">
      <h2 id="capacity-title">
        <Word of="capacity">Capacity</Word> <code>{capacity.slo}</code>
      </h2>
      <p class="capacity-answer">{answer(capacity)}</p>
      {more && <p>{more}</p>}
      {capacity.why && <p>{capacity.why}</p>}
      {capacity.usl && (
        <p class="dim small">
          The universal scalability law fits {capacity.usl.levels} levels with an error of {percent(capacity.usl.error)}: λ = {rate(capacity.usl.lambda_per_s)}/s, σ = {capacity.usl.sigma.toPrecision(3)}, κ = {capacity.usl.kappa.toPrecision(3)}
          {capacity.usl.peak_per_s ? `; by it throughput is highest at ${rate(capacity.usl.peak_per_s)}/s` : ""}.
        </p>
      )}
      {levels.length > 1 && <Drawing capacity={capacity} levels={levels} />}
      {capacity.levels.length > 0 && (
        <SortableTable label="Levels of the search" caption="each level in the order in which it was measured; response in ms" columns={LEVELS} rows={capacity.levels} rowKey={(level) => `${level.rate} ${level.from_s ?? ""} ${level.decided}`} />
      )}
    </section>
  );
}

function Drawing({ capacity, levels }: { capacity: Capacity; levels: readonly CapacityLevel[] }) {
  const data = useMemo<uPlot.AlignedData>(
    () => [levels.map((level) => level.rate), ...PERCENTILES.map((name) => levels.map((level) => level[name] ?? null)), levels.map((level) => level.throughput_per_s ?? null)],
    [levels],
  );
  const latest = useRef({ capacity, levels, data });
  latest.current = { capacity, levels, data };
  const points = { show: true, size: 6 };
  const { place, plot, unit } = useCanvas(
    {
      height: HEIGHT,
      data: () => latest.current.data,
      options: () => ({
        padding: [Math.round(1.6 * rem()), 8, 0, 0],
        series: [
          {},
          ...PERCENTILES.map((name): uPlot.Series => {
            const { colour, dash } = LOOK[name];
            return { scale: "ms", stroke: () => css(colour), width: 1.8, points, spanGaps: false, ...(dash ? { dash } : {}) };
          }),
          { scale: "n", stroke: () => css("--c-1"), width: 1.6, points, spanGaps: true },
        ],
        scales: {
          x: { time: false, range: (_, low, high) => [Math.max(0, low - (high - low) * 0.04), high + (high - low) * 0.04] },
          ms: logScale(),
          n: fromZero(),
        },
        axes: [axisBelow({ scale: "x", space: 70, values: (_, splits) => splits.map(perSecond) }), latencyAxis(), rightAxis("n", perSecond)],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false } },
        hooks: { drawAxes: [(self) => bracket(self, latest.current.capacity)], draw: [(self) => outcomes(self, latest.current.levels)] },
      }),
    },
    [],
  );

  useLayoutEffect(() => plot.current?.setData(data), [data, capacity, unit]);

  return (
    <>
      <ul class="legend">
        {PERCENTILES.map((name) => (
          <li key={name}>
            <span class={`swatch ${LOOK[name].dash ? (name === "p90" ? "dash" : "dot") : "line"}`} style={{ color: `var(${LOOK[name].colour})` }} aria-hidden="true" />
            <span class="legend-name">{name}</span>
          </li>
        ))}
        <li>
          <span class="swatch line" style={{ color: "var(--c-1)" }} aria-hidden="true" />
          <span class="legend-name">completed/s (right)</span>
        </li>
        <li>
          <span class="legend-name">✓ holds, ✕ does not, ? not decided; between the lines lies the capacity</span>
        </li>
      </ul>
      <div ref={place} class="plot" aria-hidden="true" />
    </>
  );
}

/** Shades what lies between the highest rate that held and the lowest that did not. */
function bracket(u: uPlot, { low_per_s: low, high_per_s: high }: Capacity): void {
  const { ctx, bbox } = u;
  if (low === null || low === undefined) return;
  const from = u.valToPos(low, "x", true);
  const to = high === null || high === undefined ? from : u.valToPos(high, "x", true);
  ctx.save();
  ctx.fillStyle = faded(css("--accent"), 0.18);
  ctx.fillRect(from, bbox.top, to - from, bbox.height);
  ctx.strokeStyle = css("--accent");
  ctx.lineWidth = 1.5 * devicePixelRatio;
  for (const x of [from, to]) {
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/** Above each rate its sign. */
function outcomes(u: uPlot, levels: readonly CapacityLevel[]): void {
  const { ctx, bbox } = u;
  ctx.save();
  const [size, ...family] = font(0.85).split("px");
  ctx.font = `600 ${Number(size) * devicePixelRatio}px${family.join("px")}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "bottom";
  let free = -Infinity;
  for (const level of levels) {
    const x = u.valToPos(level.rate, "x", true);
    if (x < free) continue;
    free = x + Number(size) * devicePixelRatio * 0.9;
    const { sign, kind } = decided(level);
    ctx.fillStyle = css({ good: "--good", bad: "--bad", warn: "--warn" }[kind]);
    ctx.fillText(sign, x, bbox.top - 2 * devicePixelRatio);
  }
  ctx.restore();
}
