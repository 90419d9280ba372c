// Paper is white: while a page is printed it is light, and as wide as A4, whatever the screen is.

import { isDark } from "./theme";

/** Called once, before anything is drawn: drawings follow by the same events, after this. */
export function startPrinting(): void {
  const root = document.documentElement;
  let before: { theme: string | undefined; dark: boolean } | null = null;
  addEventListener("beforeprint", () => {
    before ??= { theme: root.dataset["theme"], dark: isDark.value };
    root.dataset["theme"] = "light";
    root.classList.add("printing");
    isDark.value = false;
  });
  addEventListener("afterprint", () => {
    if (!before) return;
    if (before.theme === undefined) delete root.dataset["theme"];
    else root.dataset["theme"] = before.theme;
    root.classList.remove("printing");
    isDark.value = before.dark;
    before = null;
  });
}
