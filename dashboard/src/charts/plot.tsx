// One uPlot drawing, kept in step with the group's span, cursor and theme. It draws what it is given and decides nothing.

import { effect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";

import { follows } from "../state/follows";
import type { Range } from "../state/zoom";
import { middle } from "./aligned";
import { rem, timeAxis } from "./axes";
import { useCanvas } from "./canvas";
import { css, faded, font } from "./colours";
import type { Drawn } from "./group";
import { hasMoved, watchPointer } from "./pointer";

export interface Drawing {
  series: uPlot.Series[];
  scales: uPlot.Scales;
  /** Made with each drawing: their typeface has the size that the page has then. */
  axes: () => uPlot.Axis[];
  /** Draws under the lines. */
  under?: (u: uPlot) => void;
}

interface Props {
  group: Drawn;
  /** Made once: what changes later is data. */
  drawing: Drawing;
  data: uPlot.AlignedData;
  /** In rem. */
  height: number;
  /** Whether marks have their names. */
  names?: boolean;
}

/** Shades the warm-up and draws the marks, over everything else. */
function overlay(u: uPlot, group: Drawn, names: boolean): void {
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
  const latest = useRef(data);
  latest.current = data;
  // Who moved the cursor last: the mouse over this drawing, or another (the keyboard, the mouse over another one).
  const byMouse = useRef(false);
  // Where the mouse over this drawing has set it.
  const own = useRef<number | null>(null);
  const { place, plot, unit } = useCanvas(
    {
      height,
      data: () => latest.current,
      options: () => ({
        padding: [8, Math.round(1.3 * rem()), 0, 0],
        series: [{}, ...drawing.series],
        scales: { x: { time: false, auto: false }, ...drawing.scales },
        axes: [timeAxis(), ...drawing.axes()],
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
              if (!byMouse.current) return;
              const left = self.cursor.left ?? -1;
              own.current = left < 0 ? null : group.secondAt(self.posToVal(left, "x"));
              group.do({ do: "point", at: own.current });
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
      }),
      also: (u, element) => {
        watchPointer();
        const moved = (event: MouseEvent) => {
          if (hasMoved()) byMouse.current = true;
          // The page moved below a mouse that rests: the cursor stays where the keyboard has set it.
          else if (!byMouse.current) event.stopPropagation();
        };
        // Before uPlot's own listener, which reports the cursor.
        element.addEventListener("mousemove", moved, true);
        u.over.addEventListener("mouseleave", () => {
          if (byMouse.current) group.do({ do: "point", at: null });
          byMouse.current = false;
        });
        const unfollow = [
          effect(() => {
            follows(group.marks, group.warmup);
            u.redraw(false, true);
          }),
          effect(() => {
            const under = group.under.value;
            const { cursor, anchor } = group.view.value;
            // Another one has moved the cursor: it stands there until the mouse moves again.
            if (byMouse.current && cursor !== own.current) byMouse.current = false;
            if (!byMouse.current) {
              const at = under ? middle(under) : cursor;
              u.setCursor({ left: at === null ? -10 : u.valToPos(at, "x"), top: at === null ? -10 : 1 }, false);
            }
            if (anchor === null || cursor === null) {
              if (!byMouse.current && u.select.width > 0) u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            } else {
              const [low, high] = [Math.min(anchor, cursor), Math.max(anchor, cursor) + (under?.seconds ?? 1)];
              const left = u.valToPos(low, "x");
              u.setSelect({ left, top: 0, width: u.valToPos(high, "x") - left, height: u.over.clientHeight }, false);
            }
          }),
        ];
        return () => {
          element.removeEventListener("mousemove", moved, true);
          for (const end of unfollow) end();
        };
      },
    },
    [drawing, group, names],
  );

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
  }, [data, drawing, group, height, names, unit]);

  return <div ref={place} class="plot" aria-hidden="true" />;
}
