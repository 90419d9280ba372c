// A word with its explanation, on hover, focus or a touch: the text of `GET /api/v1/words`, which is that of the docs.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";

import { get } from "../api/client";

export interface Explained {
  name: string;
  also: string[];
  text: string;
}

/** By every name that a word has. Empty until they are loaded, and where the orchestrator has none. */
const words = signal<ReadonlyMap<string, Explained>>(new Map());

/** Words by all their names. A word's first name comes before another word's further ones. */
export function byName(all: readonly Explained[]): Map<string, Explained> {
  const found = new Map<string, Explained>();
  const add = (name: string, word: Explained) => {
    if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), word);
  };
  for (const word of all) add(word.name, word);
  for (const word of all) for (const name of word.also) add(name, word);
  return found;
}

let asked = false;

/** Takes the words, as `GET /api/v1/words` answers them. */
export function takeWords(all: readonly Explained[]): void {
  words.value = byName(all);
}

/** Asks for the words, once and after a failure again. */
export async function loadWords(): Promise<void> {
  if (asked) return;
  asked = true;
  try {
    const { words: all } = await get<{ words: Explained[] }>("/api/v1/words");
    takeWords(all);
  } catch {
    asked = false;
  }
}

/** Shows `children` (or the word) and explains `of`. Without an explanation it is plain text. */
export function Word({ of, children }: { of: string; children?: ComponentChildren }) {
  const word = words.value.get(of.toLowerCase());
  const shown = children ?? of;
  return word ? <Explanation word={word}>{shown}</Explanation> : <>{shown}</>;
}

function Explanation({ word, children }: { word: Explained; children: ComponentChildren }) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const [place, setPlace] = useState({ left: 0, top: 0 });
  const anchor = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    if (!open || !anchor.current || !box.current) return;
    const at = anchor.current.getBoundingClientRect();
    const size = box.current.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left, innerWidth - size.width - 8));
    const below = at.bottom + 6;
    setPlace({ left, top: below + size.height > innerHeight - 8 ? Math.max(8, at.top - size.height - 6) : below });
    const close = (event: KeyboardEvent) => {
      if (event.key === "Escape") setOpen(false);
    };
    const away = () => setOpen(false);
    addEventListener("keydown", close);
    addEventListener("scroll", away, true);
    return () => {
      removeEventListener("keydown", close);
      removeEventListener("scroll", away, true);
    };
  }, [open]);
  return (
    <span class="word" onMouseEnter={() => setOpen(true)} onMouseLeave={() => setOpen(false)}>
      <button
        ref={anchor}
        type="button"
        class="word-button"
        aria-describedby={open ? id : undefined}
        aria-expanded={open}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onClick={() => setOpen(true)}
      >
        {children}
      </button>
      {open && (
        <span ref={box} class="word-box" id={id} role="tooltip" style={{ left: `${place.left}px`, top: `${place.top}px` }}>
          <b>{word.name}</b> {word.text}
        </span>
      )}
    </span>
  );
}
