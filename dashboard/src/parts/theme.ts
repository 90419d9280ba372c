// Light or dark: as the system asks, or as chosen here, which this browser keeps.
import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const KEY = "groundswell-theme";

function stored(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : "system";
  } catch {
    return "system";
  }
}

/** What is chosen. Charts draw anew when it changes (`isDark`). */
export const theme = signal<Theme>("system");
/** Whether the page is dark now. */
export const isDark = signal(false);

function apply(): void {
  const root = document.documentElement;
  if (theme.value === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = theme.value;
  isDark.value = theme.value === "dark" || (theme.value === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
}

/** Called once, before the first drawing. */
export function startTheme(): void {
  theme.value = stored();
  apply();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", apply);
}

/** System, light, dark, and again. */
export function nextTheme(): void {
  theme.value = theme.value === "system" ? "light" : theme.value === "light" ? "dark" : "system";
  try {
    if (theme.value === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme.value);
  } catch {
    // It holds for this page.
  }
  apply();
}
