// One uPlot drawing, kept in step with the group's span, cursor and theme. It draws what it is given and decides nothing.

import { effect } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";

import { isDark } from "../parts/theme";
import { follows } from "../state/follows";
import type { Range } from "../state/zoom";
import { middle } from "./aligned";
import { css, faded, font } from "./colours";
import { clock } from "./format";
import type { ChartGroup } from "./group";

export interface Drawing {
  series: uPlot.Series[];
  scales: uPlot.Scales;
  /** Made with each drawing: their typeface has the size that the page has then. */
  axes: () => uPlot.Axis[];
  bands?: uPlot.Band[];
  /** Draws under the lines. */
  under?: (u: uPlot) => void;
}

// The types of uPlot name these as enums that exist for the compiler alone.
export const LOGARITHMIC = 3 as unknown as uPlot.Scale.Distr;
export const RIGHT = 1 as unknown as uPlot.Axis.Side;

interface Props {
  group: ChartGroup;
  /** Made once: what changes later is data. */
  drawing: Drawing;
  data: uPlot.AlignedData;
  /** In rem. */
  height: number;
  /** Whether marks have their names. */
  names?: boolean;
}

/** The axis below: time since the start. */
export function timeAxis(): uPlot.Axis {
  const size = Math.round(rem() * 1.6);
  return {
    ...axisStyle(),
    space: 70,
    size,
    values: (_, splits) => splits.map((value) => (Number.isInteger(value) ? clock(value) : "")),
    incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400],
  };
}

/** An axis of values at the left, or at the right with its own scale. */
export function valueAxis(scale: string, text: (value: number) => string, more: Partial<uPlot.Axis> = {}): uPlot.Axis {
  const unit = rem();
  return {
    ...axisStyle(),
    scale,
    space: 30,
    size: (_, values) => {
      const longest = (values as string[] | null ?? []).reduce((most, value) => Math.max(most, value.length), 3);
      return Math.round(unit * (0.46 * longest + 0.9));
    },
    values: (_, splits) => splits.map((value) => text(value)),
    // uPlot would leave out marks of a logarithmic axis by a rule of its own.
    filter: (_, splits) => splits,
    ...more,
  };
}

export function rem(): number {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
}

function axisStyle(): uPlot.Axis {
  return {
    stroke: () => css("--chart-axis"),
    font: font(),
    grid: { stroke: () => css("--chart-grid"), width: 1 },
    ticks: { show: false },
    gap: 5,
  };
}

/** A scale from zero to a little above the highest value. */
export function fromZero(least = 1): uPlot.Scale {
  return { range: (_, __, high: number | null) => [0, Math.max(least, (high ?? 0) * 1.08)] };
}

/** Shades the warm-up and draws the marks, over everything else. */
function overlay(u: uPlot, group: ChartGroup, names: boolean): void {
  const { ctx, bbox } = u;
  const pixels = devicePixelRatio;
  const [from, to] = group.range.peek();
  const x = (at: number) => Math.round(u.valToPos(at, "x", true));
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  const [size, ...family] = font(0.72, "600").replace("600 ", "").split("px");
  ctx.font = `600 ${Number(size) * pixels}px${family.join("px")}`;
  const warmup = group.warmup.peek();
  if (warmup > from) {
    const end = x(Math.min(warmup, to));
    ctx.fillStyle = faded(css("--chart-axis"), 0.13);
    ctx.fillRect(bbox.left, bbox.top, end - bbox.left, bbox.height);
    if (names && end - bbox.left > 60 * pixels) {
      ctx.fillStyle = css("--chart-axis");
      ctx.fillText("warm-up", bbox.left + 5 * pixels, bbox.top + bbox.height - rem() * pixels);
    }
  }
  let free = -Infinity;
  for (const mark of group.marks.peek()) {
    if (mark.at < from || mark.at > to) continue;
    const at = x(mark.at);
    const colour = css({ bad: "--bad", warn: "--chart-mark", note: "--chart-axis" }[mark.tone]);
    ctx.strokeStyle = colour;
    ctx.lineWidth = 1.5 * pixels;
    ctx.setLineDash([4 * pixels, 3 * pixels]);
    ctx.beginPath();
    ctx.moveTo(at, bbox.top);
    ctx.lineTo(at, bbox.top + bbox.height);
    ctx.stroke();
    if (!names) continue;
    // Names that would cover each other are left out: the list below has all of them.
    const width = ctx.measureText(mark.label).width + 8 * pixels;
    const left = Math.min(at + 2 * pixels, bbox.left + bbox.width - width);
    if (left < free) continue;
    free = left + width + 4 * pixels;
    ctx.fillStyle = faded(css("--card"), 0.88);
    ctx.fillRect(left, bbox.top + 2 * pixels, width, Number(size) * pixels * 1.45);
    ctx.fillStyle = colour;
    ctx.fillText(mark.label, left + 4 * pixels, bbox.top + 4 * pixels);
  }
  ctx.restore();
}

export function Plot({ group, drawing, data, height, names = false }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(data);
  latest.current = data;

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const sizeOf = () => ({ width: Math.max(120, Math.floor(element.clientWidth)), height: Math.round(height * rem()) });
    let hovered = false;
    const u = new uPlot(
      {
        ...sizeOf(),
        padding: [8, Math.round(1.3 * rem()), 0, 0],
        series: [{}, ...drawing.series],
        scales: { x: { time: false, auto: false }, ...drawing.scales },
        axes: [timeAxis(), ...drawing.axes()],
        ...(drawing.bands ? { bands: drawing.bands } : {}),
        legend: { show: false },
        focus: { alpha: 1 },
        cursor: {
          y: false,
          points: { size: 6, width: 1.5 },
          drag: { x: true, y: false, setScale: false, dist: 4 },
          bind: {
            dblclick: () => () => {
              group.do({ do: "out" });
              return null;
            },
          },
        },
        hooks: {
          ...(drawing.under ? { drawAxes: [drawing.under] } : {}),
          draw: [(self) => overlay(self, group, names)],
          setCursor: [
            (self) => {
              if (!hovered) return;
              const left = self.cursor.left ?? -1;
              group.do({ do: "point", at: left < 0 ? null : group.secondAt(self.posToVal(left, "x")) });
            },
          ],
          setSelect: [
            (self) => {
              const { left, width } = self.select;
              if (width < 4) return;
              const [from, to] = [self.posToVal(left, "x"), self.posToVal(left + width, "x")];
              self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              group.do({ do: "zoom", from, to });
            },
          ],
        },
      },
      latest.current,
      element,
    );
    plot.current = u;
    u.over.addEventListener("mouseenter", () => {
      hovered = true;
    });
    u.over.addEventListener("mouseleave", () => {
      hovered = false;
      group.do({ do: "point", at: null });
    });
    const unfollow = [
      // Colours are read when it is drawn.
      effect(() => {
        follows(isDark, group.marks, group.warmup);
        u.redraw(false, true);
      }),
      effect(() => {
        const under = group.under.value;
        const { cursor, anchor } = group.view.value;
        if (!hovered) {
          const at = under ? middle(under) : cursor;
          u.setCursor({ left: at === null ? -10 : u.valToPos(at, "x"), top: at === null ? -10 : 1 }, false);
        }
        if (anchor === null || cursor === null) {
          if (!hovered && u.select.width > 0) u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        } else {
          const [low, high] = [Math.min(anchor, cursor), Math.max(anchor, cursor) + (under?.seconds ?? 1)];
          const left = u.valToPos(low, "x");
          u.setSelect({ left, top: 0, width: u.valToPos(high, "x") - left, height: u.over.clientHeight }, false);
        }
      }),
    ];
    const fit = () => {
      const size = sizeOf();
      if (size.width !== u.width || size.height !== u.height) u.setSize(size);
    };
    const resized = new ResizeObserver(fit);
    resized.observe(element);
    addEventListener("beforeprint", fit);
    addEventListener("afterprint", fit);
    return () => {
      for (const end of unfollow) end();
      resized.disconnect();
      removeEventListener("beforeprint", fit);
      removeEventListener("afterprint", fit);
      u.destroy();
      plot.current = null;
    };
  }, [drawing, group, height, names]);

  useEffect(() => {
    const draw = (range: Range) => {
      const u = plot.current;
      if (!u) return;
      u.batch(() => {
        u.setData(data, false);
        u.setScale("x", { min: range[0], max: Math.max(range[1], range[0] + 1) });
      });
    };
    return effect(() => draw(group.range.value));
  }, [data, drawing, group, height, names]);

  return <div ref={box} class="plot" aria-hidden="true" />;
}
