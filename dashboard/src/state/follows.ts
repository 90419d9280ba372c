import type { ReadonlySignal } from "@preact/signals";

/** Reads signals for their changes alone: whoever calls this within an effect, a computed or a component follows them. */
export function follows(...signals: ReadonlySignal<unknown>[]): void {
  signals.forEach((one) => one.value);
}
