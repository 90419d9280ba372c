// A command or text that one click copies.
import { useState } from "preact/hooks";

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without TLS a browser has a clipboard on localhost alone.
    return false;
  }
}

/** A text in the typeface of code, with a button that copies it. */
export function Copyable({ text, label }: { text: string; label: string }) {
  const [done, setDone] = useState<boolean | null>(null);
  const click = () => {
    void copy(text).then((copied) => {
      setDone(copied);
      setTimeout(() => setDone(null), 2_000);
    });
  };
  return (
    <div class="copyable">
      <pre tabIndex={0} role="group" aria-label={label}>
        <code>{text}</code>
      </pre>
      <button type="button" class="quiet" onClick={click} aria-label={`Copy ${label}`}>
        {done === null ? "Copy" : done ? "Copied" : "Select it by hand"}
      </button>
    </div>
  );
}
