// Whether the mouse has moved, or the page below it: a browser reports both as `mousemove`, and only a person who moves the
// mouse means to move the cursor of the charts.

let at: { x: number; y: number } | null = null;
let moved = false;
let watches = false;

function look(event: MouseEvent): void {
  moved = at?.x !== event.screenX || at.y !== event.screenY;
  at = { x: event.screenX, y: event.screenY };
}

/** Begins to watch; further calls change nothing. */
export function watchPointer(): void {
  if (watches) return;
  watches = true;
  // Before every other listener.
  addEventListener("mousemove", look, true);
}

/** Whether the `mousemove` that is being handled is one of the mouse. */
export function hasMoved(): boolean {
  return moved;
}
