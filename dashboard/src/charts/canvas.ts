// One uPlot drawing and its place on the page: made once, as wide as its place, drawn anew in other colours, on paper too,
// and destroyed with the place. What it draws is up to who calls it.

import { effect } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";

import { isDark } from "../parts/theme";
import { follows } from "../state/follows";
import { rem } from "./axes";

/** What a drawing does besides being drawn: called when it is made, returns what ends it. */
export type Also = (u: uPlot, place: HTMLElement) => () => void;

interface Asked {
  /** All but the size; called when the drawing is made. */
  options: () => Omit<uPlot.Options, "width" | "height">;
  data: () => uPlot.AlignedData;
  /** In rem. */
  height: number;
  also?: Also;
}

/** Keeps a drawing in the element of `place`; it is made anew where one of `remade` changes, or `unit`, the size of text. */
export function useCanvas({ options, data, height, also }: Asked, remade: readonly unknown[]) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  // The text of a drawing has the size that the page's had when it was made: where that changes, it is made anew.
  const [unit, setUnit] = useState(rem);
  useLayoutEffect(() => {
    const element = place.current;
    if (!element) return;
    const sizeOf = () => ({ width: Math.max(120, Math.floor(element.clientWidth)), height: Math.round(height * rem()) });
    const u = new uPlot({ ...sizeOf(), ...options() }, data(), element);
    plot.current = u;
    const end = also?.(u, element);
    // Colours are read when it is drawn.
    const unfollow = effect(() => {
      follows(isDark);
      u.redraw(false, true);
    });
    const fit = () => {
      const size = sizeOf();
      if (size.width !== u.width || size.height !== u.height) u.setSize(size);
    };
    const resized = new ResizeObserver(() => {
      fit();
      if (rem() !== unit && !document.documentElement.classList.contains("printing")) setUnit(rem());
    });
    resized.observe(element);
    addEventListener("beforeprint", fit);
    addEventListener("afterprint", fit);
    return () => {
      end?.();
      unfollow();
      resized.disconnect();
      removeEventListener("beforeprint", fit);
      removeEventListener("afterprint", fit);
      u.destroy();
      plot.current = null;
    };
  }, [...remade, height, unit]);
  return { place, plot, unit };
}
