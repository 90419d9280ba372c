// The states of a page that has nothing to show yet: loading, empty, failed.
import type { ComponentChildren } from "preact";

/** Something is on its way. It shows after a moment only, so that a quick answer does not flicker. */
export function Loading({ what }: { what: string }) {
  return (
    <p class="loading" role="status">
      <span class="spinner" aria-hidden="true" /> Loading {what}
    </p>
  );
}

/** There is nothing, and what to do about it. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Something failed; `again` tries it once more. */
export function Failed({ what, why, again }: { what: string; why: string; again?: () => void }) {
  return (
    <div class="empty failed" role="alert">
      <h2>{what}</h2>
      <p>{why}</p>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}
