// The page without tests: what to do first, with commands that fit this orchestrator, and a button that tests its target.
import { useEffect, useState } from "preact/hooks";

import { get, letInBy } from "../../api/client";
import { Copyable } from "../../parts/copy";
import { Empty } from "../../parts/notice";
import { failed } from "../../parts/toast";
import { address, go } from "../../routes";
import { create, createAndStart } from "../../state/actions";
import { driver, driverIds, isKnown } from "../../state/live";

/** The flag for the token, where this orchestrator asks for one. */
export function tokenFlag(): string {
  return letInBy.value === "cookie" ? " --token-file FILE" : "";
}

/** The command that starts a driver of this orchestrator. */
export function driverCommand(): string {
  const at = location.protocol === "https:" ? location.origin : location.host;
  return `groundswell driver --orchestrator ${at}${tokenFlag()}`;
}

/** The first test: short, and of a load that any machine carries. */
function firstPlan(url: string) {
  return { name: "a first test", target: { url }, load: { mode: "tsunami", rate: 50, duration: "10s" } };
}

export function NoTests() {
  const alive = driverIds.value.filter((id) => driver(id)?.value.driver.alive).length;
  const [target, setTarget] = useState<string | null>(null);
  useEffect(() => {
    get<{ url: string | null }>("/api/v1/try-target").then(
      ({ url }) => setTarget(url),
      // Without an answer the page says how to start a target.
      () => undefined,
    );
  }, []);
  return (
    <Empty title="No test yet">
      {isKnown.value && alive === 0 && (
        <>
          <p>A test needs a driver, the node that sends requests. Start one, here or on another machine:</p>
          <Copyable text={driverCommand()} label="the command that starts a driver" />
        </>
      )}
      {alive > 0 && <p>{alive === 1 ? "One driver is" : `${alive} drivers are`} ready. Say what to send, and how much of it:</p>}
      <p>
        <a class="button primary" href="/new">
          New test
        </a>
      </p>
      {target === null ? <StartATarget /> : <TryTarget url={target} canStart={alive > 0} />}
    </Empty>
  );
}

/** A test of the target that this orchestrator knows, by one click. */
function TryTarget({ url, canStart }: { url: string; canStart: boolean }) {
  const [busy, setBusy] = useState(false);
  const click = async () => {
    setBusy(true);
    try {
      const test = await createAndStart(() => create(firstPlan(url)));
      go({ page: "test", id: test.test_id });
    } catch (error) {
      failed("The test was not started", error);
      setBusy(false);
    }
  };
  return (
    <>
      <p>
        Or see one at once: 50 requests a second for 10 s to <span class="mono wrap">{url}</span>, the target of this orchestrator.
      </p>
      <p>
        <button type="button" disabled={busy || !canStart} onClick={() => void click()}>
          {busy ? "Asking the drivers…" : "Start a first test"}
        </button>
      </p>
      <p class="small">The same in a terminal:</p>
      <Copyable text={`groundswell run ${url} -r 50 -z 10s --orchestrator ${location.origin}${tokenFlag()}`} label="the command that starts the same test" />
    </>
  );
}

function StartATarget() {
  const url = "http://127.0.0.1:8081/ping";
  return (
    <>
      <p class="small">Nothing to test at hand? This starts a small server that counts what it receives:</p>
      <Copyable text="groundswell target" label="the command that starts the target" />
      <p class="small">
        Then <a href={`${address({ page: "new", from: null })}?url=${encodeURIComponent(url)}`}>plan a test of {url}</a>.
      </p>
    </>
  );
}
