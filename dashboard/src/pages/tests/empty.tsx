// No test yet: what to do first, with commands that fit this orchestrator.
import { letInBy } from "../../api/client";
import { Copyable } from "../../parts/copy";
import { Empty } from "../../parts/notice";
import { driver, driverIds } from "../../state/live";

/** The flag for the token, where this orchestrator asks for one. */
export function tokenFlag(): string {
  return letInBy.value === "cookie" ? " --token-file FILE" : "";
}

/** The command that starts a driver of this orchestrator. */
export function driverCommand(): string {
  const at = location.protocol === "https:" ? location.origin : location.host;
  return `groundswell driver --orchestrator ${at}${tokenFlag()}`;
}

export function NoTests() {
  const alive = driverIds.value.filter((id) => driver(id)?.value.driver.alive).length;
  return (
    <Empty title="No test yet">
      {alive === 0 ? (
        <>
          <p>A test needs a driver, the node that sends requests. Start one, here or on another machine:</p>
          <Copyable text={driverCommand()} label="the command that starts a driver" />
        </>
      ) : (
        <p>
          {alive === 1 ? "One driver is" : `${alive} drivers are`} ready. Say what to send, and how much of it:
        </p>
      )}
      <p>
        <a class="button primary" href="/new">
          New test
        </a>
      </p>
      <p class="small">Nothing to test at hand? This starts a small server that counts what it receives:</p>
      <Copyable text="groundswell target" label="the command that starts the target" />
      <p class="small">
        Then{" "}
        <a href="/new?url=http%3A%2F%2F127.0.0.1%3A8081%2Fping">plan a test of http://127.0.0.1:8081/ping</a>.
      </p>
    </Empty>
  );
}
