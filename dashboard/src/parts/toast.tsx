// What came of something that was done: a line at the bottom, until it is closed or another one comes. It is read out once.
import { signal } from "@preact/signals";

import { ofDrivers, sentence } from "../api/client";

interface Message {
  kind: "done" | "failed";
  text: string;
  /** More lines: each driver that cannot take part, and why. */
  details: string[];
}

const message = signal<Message | null>(null);
let timer = 0;

function show(next: Message, forMs: number | null): void {
  clearTimeout(timer);
  message.value = next;
  if (forMs !== null) timer = window.setTimeout(() => (message.value = null), forMs);
}

/** Says that something was done. */
export function done(text: string): void {
  show({ kind: "done", text, details: [] }, 6_000);
}

/** Says that something was not done, and why. It stays until it is closed. */
export function failed(what: string, error: unknown): void {
  show({ kind: "failed", text: `${what}: ${sentence(error)}`, details: ofDrivers(error) }, null);
}

/** The place of the message, once in the shell. */
export function Toast() {
  const shown = message.value;
  return (
    <div class="toasts">
      <div role="status">{shown?.kind === "done" && <Box shown={shown} />}</div>
      <div role="alert">{shown?.kind === "failed" && <Box shown={shown} />}</div>
    </div>
  );
}

function Box({ shown }: { shown: Message }) {
  return (
    <div class={`toast ${shown.kind}`}>
      <div>
        {shown.text}
        {shown.details.length > 0 && (
          <ul>
            {shown.details.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        )}
      </div>
      <button type="button" class="icon-button" aria-label="Close this message" onClick={() => (message.value = null)}>
        <span aria-hidden="true">✕</span>
      </button>
    </div>
  );
}
