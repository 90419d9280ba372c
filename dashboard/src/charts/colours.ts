// Colours of drawings. Lines and axes are variables of the style sheet, read when something is drawn, so that a drawing
// follows the theme. Heatmaps have scales of their own: blue for completed requests, orange for failed ones, a pair that
// people who see fewer colours distinguish; each is monotonous in lightness, away from the background.

import { isDark } from "../parts/theme";

/** A variable of the style sheet, as it is now. */
export function css(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A colour with an opacity, 0 to 1. */
export function faded(colour: string, opacity: number): string {
  const hex = /^#([0-9a-f]{6})$/i.exec(colour)?.[1];
  return hex ? `#${hex}${Math.round(opacity * 255).toString(16).padStart(2, "0")}` : colour;
}

/** The typeface of axes, at the size that the page has. */
export function font(scale = 0.78, weight = ""): string {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
  return `${weight} ${Math.round(rem * scale)}px system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif`.trim();
}

/** Colours of a heatmap's scale. */
export const STEPS = 48;

const STOPS = {
  light: {
    blue: ["#dcebf8", "#a9d0ef", "#62a8dc", "#2478b8", "#0d4d87", "#062a52"],
    orange: ["#fbe4cd", "#f6bd85", "#e88a35", "#c05a06", "#8a3a02", "#562100"],
  },
  dark: {
    blue: ["#16324d", "#1d4f7c", "#2b78b4", "#55a6e2", "#9bd0f7", "#e9f6ff"],
    orange: ["#40230c", "#6f3c10", "#ad6017", "#e88a35", "#ffbe80", "#fff0de"],
  },
} as const;

function channels(hex: string): [number, number, number] {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];
}

/** `steps` colours along stops. */
export function ramp(stops: readonly string[], steps: number): string[] {
  return Array.from({ length: steps }, (_, index) => {
    const place = (index / Math.max(1, steps - 1)) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    const [a, b] = [channels(stops[low] ?? "#000000"), channels(stops[low + 1] ?? "#000000")];
    return `rgb(${a.map((value, channel) => Math.round(value + ((b[channel] ?? 0) - value) * (place - low))).join(" ")})`;
  });
}

const made = new Map<string, string[]>();

/** The scale of a heatmap, rare to frequent. */
export function scale(hue: "blue" | "orange", dark = isDark.value): string[] {
  const key = `${hue}${dark ? "dark" : "light"}`;
  let colours = made.get(key);
  if (!colours) {
    colours = ramp(STOPS[dark ? "dark" : "light"][hue], STEPS);
    made.set(key, colours);
  }
  return colours;
}
