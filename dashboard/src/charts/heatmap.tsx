// The latency heatmap: a column a second or step, a row a bin of responses on a logarithmic axis, the colour how many
// requests a second ended there, and percentiles as lines over it.

import { useMemo, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";

import { ms } from "../parts/format";
import { type Column, isBound, type Level, levelOf, LEVELS, SHORTEST_S } from "../state/columns";
import type { Bins } from "../state/shapes";
import { align } from "./aligned";
import { FEW, latencyAxis, logScale } from "./axes";
import { Chart, Choice, type Line } from "./chart";
import { css, faded, scale, STEPS } from "./colours";
import { amount, latency } from "./format";
import type { ChartGroup } from "./group";
import { add, binsOf, edgeMs, extent, level, type Outcome, peak } from "./heat";
import { type Drawing, Plot } from "./plot";

const LOOK: Record<Level, { colour: string; dash?: number[]; look?: Line["look"]; width: number }> = {
  p50: { colour: "--ink", width: 1.6 },
  p90: { colour: "--ink", dash: [6, 3], look: "dash", width: 1.4 },
  p99: { colour: "--heat-line", width: 1.8 },
  "p99.9": { colour: "--heat-line", dash: [2, 2.5], look: "dot", width: 1.6 },
};

/** Columns to draw, none narrower than a pixel: a stall of one second in a long test still shows. */
interface Cell {
  from: number;
  to: number;
  /** How long its seconds really were: the last ones of a test are shorter. */
  seconds: number;
  bins: Bins;
}

/** What a column's counts are divided by; a moment at the end of a test does not set the scale. */
function secondsOf(column: Column): number {
  return Math.max(column.length, SHORTEST_S);
}

function cells(columns: readonly Column[], outcome: Outcome, secondsAPixel: number): Cell[] {
  const found: Cell[] = [];
  for (const column of columns) {
    const bins = binsOf(column.heat ?? undefined, outcome);
    if (!bins) continue;
    const last = found[found.length - 1];
    const to = column.seq + column.seconds;
    if (last && to - last.from <= secondsAPixel) {
      last.bins = add(last.bins, bins) ?? bins;
      last.to = to;
      last.seconds += secondsOf(column);
    } else found.push({ from: column.seq, to, seconds: secondsOf(column), bins });
  }
  return found;
}

function drawCells(u: uPlot, columns: readonly Column[], outcome: Outcome): void {
  const { ctx, bbox } = u;
  const [low, high] = [u.scales["x"]?.min ?? 0, u.scales["x"]?.max ?? 1];
  const all = cells(columns, outcome, (high - low) / Math.max(1, bbox.width));
  const most = peak(all);
  const colours = scale(outcome === "failed" ? "orange" : "blue");
  // Cells of one colour are one path: changing the colour costs more than a rectangle.
  const paths = new Map<number, Path2D>();
  const edges = new Map<number, number>();
  const y = (bin: number) => {
    let at = edges.get(bin);
    if (at === undefined) {
      at = Math.round(u.valToPos(edgeMs(bin), "ms", true));
      edges.set(bin, at);
    }
    return at;
  };
  for (const { from, to, seconds, bins } of all) {
    const left = Math.round(u.valToPos(from, "x", true));
    const right = Math.max(left + 1, Math.round(u.valToPos(to, "x", true)));
    bins.counts.forEach((n, index) => {
      const step = level(n / seconds, most, STEPS);
      if (step < 0) return;
      let path = paths.get(step);
      if (!path) paths.set(step, (path = new Path2D()));
      const top = y(bins.first + index + 1);
      path.rect(left, top, right - left, Math.max(1, y(bins.first + index) - top));
    });
  }
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const [step, path] of paths) {
    ctx.fillStyle = colours[step] ?? "gray";
    ctx.fill(path);
  }
  ctx.restore();
}

function drawing(latest: { columns: readonly Column[]; outcome: Outcome }): Drawing {
  const lines = LEVELS.flatMap((name): uPlot.Series[] => {
    const { colour, dash, width } = LOOK[name];
    const common = { scale: "ms", points: FEW, spanGaps: false };
    return [
      // A pale edge, so that a line is seen on any colour below it.
      { ...common, stroke: () => faded(css("--card"), 0.75), width: width + 2.5 },
      { ...common, stroke: () => css(colour), width, ...(dash ? { dash } : {}) },
    ];
  });
  return {
    series: lines,
    scales: {
      ms: logScale((low, high) => {
        const rows = extent(latest.columns.map((column) => binsOf(column.heat ?? undefined, latest.outcome)));
        return rows ? [edgeMs(rows[0]), edgeMs(rows[1] + 1)] : [low, high];
      }),
    },
    axes: () => [latencyAxis()],
    under: (u) => drawCells(u, latest.columns, latest.outcome),
  };
}

const LINES: Line[] = LEVELS.map((name) => ({
  name,
  word: "percentile",
  colour: LOOK[name].colour,
  ...(LOOK[name].look ? { look: LOOK[name].look } : {}),
  value: (column) => (isBound(column, "response", name) ? "≥ " : "") + ms(levelOf(column, "response", name)),
}));

export function Heatmap({ group }: { group: ChartGroup }) {
  const [outcome, setOutcome] = useState<Outcome>("all");
  const columns = group.columns.value;
  const latest = useRef({ columns, outcome });
  latest.current.columns = columns;
  latest.current.outcome = outcome;
  const made = useMemo(() => drawing(latest.current), []);
  const data = useMemo(() => {
    const [times, ...levels] = align(columns, LEVELS.map((name) => (column: Column) => levelOf(column, "response", name)));
    return [times, ...levels.flatMap((values) => [values, values])] as uPlot.AlignedData;
  }, [columns, outcome]);
  const most = useMemo(() => peak(columns.map((column) => ({ bins: binsOf(column.heat ?? undefined, outcome), seconds: secondsOf(column) }))), [columns, outcome]);
  const anyFailed = columns.some((column) => column.heat?.failed);
  const anyHeat = columns.some((column) => column.heat);
  return (
    <Chart
      group={group}
      title="Response times"
      word="heatmap"
      unit={anyHeat ? "how many requests a second took how long; percentiles in ms" : "percentiles in ms"}
      lines={LINES}
      summary={summary(columns)}
      nothing={columns.length > 0 ? null : group.loading.value ? "Loading the series …" : "No second is complete yet."}
      wide
      controls={
        anyHeat && (
          <>
            <ColourKey outcome={outcome} most={most} />
            {anyFailed && (
              <Choice
                label="Which requests"
                values={[["all", "All"], ["completed", "Completed"], ["failed", "Failed"]] as const}
                now={outcome}
                choose={setOutcome}
              />
            )}
          </>
        )
      }
    >
      <Plot group={group} drawing={made} data={data} height={20} names />
    </Chart>
  );
}

function ColourKey({ outcome, most }: { outcome: Outcome; most: number }) {
  const colours = scale(outcome === "failed" ? "orange" : "blue");
  const stops = [0, 0.25, 0.5, 0.75, 1].map((share) => colours[Math.round(share * (STEPS - 1))]).join(", ");
  return (
    <span class="colour-key small dim" title="The colour rises with the logarithm of the number of requests a second">
      few
      <span class="colour-key-bar" style={{ background: `linear-gradient(to right, ${stops})` }} aria-hidden="true" />
      {amount(most)}/s
    </span>
  );
}

/** What the heatmap shows, in a sentence. */
export function summary(columns: readonly Column[]): string {
  const highest = columns.reduce<Column | null>((best, column) => {
    const value = levelOf(column, "response", "p99");
    return value !== null && value > (best ? (levelOf(best, "response", "p99") ?? 0) : -1) ? column : best;
  }, null);
  const newest = [...columns].reverse().find((column) => levelOf(column, "response", "p50") !== null);
  if (!newest) return "No request has completed in this span.";
  const first = `Response times over ${columns.length} columns. In the newest the median is ${latency(levelOf(newest, "response", "p50"))} and p99 ${latency(levelOf(newest, "response", "p99"))}.`;
  return highest ? `${first} p99 is highest ${highest.seq} s after the start: ${latency(levelOf(highest, "response", "p99"))}.` : first;
}

