// Shortcuts: one key each, never while a field is edited. `?` lists them.
import { go } from "../routes";

export interface Shortcut {
  keys: string[];
  does: string;
}

/** What the pages themselves add while they are shown. */
const ofPage = new Map<string, { does: string; run: () => void }>();

/** Adds a shortcut while a page is shown; returns what removes it. Of two for one key the later holds. */
export function shortcut(key: string, does: string, run: () => void): () => void {
  const entry = { does, run };
  ofPage.set(key, entry);
  return () => {
    if (ofPage.get(key) === entry) ofPage.delete(key);
  };
}

/** Keys that hold while something has the focus: listed with the others, and followed there. */
const elsewhere = new Set<Shortcut>();

/** Lists keys that are followed elsewhere, while a page is shown; returns what removes them. */
export function listed(keys: string[], does: string): () => void {
  const entry = { keys, does };
  elsewhere.add(entry);
  return () => elsewhere.delete(entry);
}

const PAGES: Record<string, [string, string]> = {
  t: ["/", "Tests"],
  n: ["/new", "New test"],
  d: ["/drivers", "Drivers"],
  c: ["/compare", "Compare"],
};

/** All that hold now, those of the page last. */
export function shortcuts(): Shortcut[] {
  return [
    { keys: ["?"], does: "This list" },
    ...Object.entries(PAGES).map(([key, [, name]]) => ({ keys: ["g", key], does: `Go to ${name}` })),
    ...[...ofPage].map(([key, { does }]) => ({ keys: [key], does })),
    ...elsewhere,
  ];
}

function edits(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}

/** Follows the keyboard; `help` opens the list. Called once. */
export function followKeys(help: () => void): void {
  let wentAt = -Infinity;
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || edits(event.target) || document.querySelector("dialog[open]")) return;
    const page = performance.now() - wentAt < 1_500 ? PAGES[event.key] : undefined;
    wentAt = -Infinity;
    if (page) go(page[0]);
    else if (event.key === "?") help();
    else if (event.key === "g") wentAt = performance.now();
    else {
      const own = ofPage.get(event.key);
      if (!own) return;
      own.run();
    }
    event.preventDefault();
  });
}
