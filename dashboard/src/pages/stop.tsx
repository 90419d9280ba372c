// Stopping a test: the button, and the question before it is done.
import { useState } from "preact/hooks";

import { Dialog } from "../parts/dialog";
import { failed } from "../parts/toast";
import { stop } from "../state/actions";

interface Props {
  id: string;
  /** Said to screen readers, where a page has several such buttons. */
  name?: string;
  small?: boolean;
}

export function Stop({ id, name, small = false }: Props) {
  const [asks, setAsks] = useState(false);
  const [busy, setBusy] = useState(false);
  const stopIt = async () => {
    setAsks(false);
    setBusy(true);
    try {
      await stop(id);
    } catch (error) {
      failed("The test was not stopped", error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button type="button" class={small ? "danger small" : "danger"} disabled={busy} onClick={() => setAsks(true)}>
        Stop{name !== undefined && <span class="sr-only"> {name}</span>}
      </button>
      {asks && (
        <Dialog title="Stop this test?" close={() => setAsks(false)}>
          {name !== undefined && (
            <p class="wrap">
              <b>{name}</b>
            </p>
          )}
          <p>Drivers send no more, wait for what is in flight, and report. The verdict is then “aborted”.</p>
          <div class="row">
            <button type="button" onClick={() => setAsks(false)}>
              Go on
            </button>
            <button type="button" class="danger" onClick={() => void stopIt()}>
              Stop the test
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
