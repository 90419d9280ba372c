// The shell around every page: the bar, the state of the link, the log-in, the list of shortcuts.
import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { letInBy, logOut, session } from "./api/client";
import icon from "./style/icon.svg";
import { Dialog } from "./parts/dialog";
import { duration } from "./parts/format";
import { followKeys, shortcuts } from "./parts/keys";
import { LogIn } from "./parts/login";
import { Empty, Failed, Loading } from "./parts/notice";
import { nextTheme, theme } from "./parts/theme";
import { Toast } from "./parts/toast";
import { address, here, type Route } from "./routes";
import { health, link, receivedAt, tick } from "./state/live";

const NAV: { route: Route; name: string }[] = [
  { route: { page: "tests" }, name: "Tests" },
  { route: { page: "new", from: null }, name: "New" },
  { route: { page: "drivers" }, name: "Drivers" },
  { route: { page: "compare", a: [], b: [] }, name: "Compare" },
];

const TITLES: Record<Route["page"], string> = {
  tests: "Tests",
  test: "Test",
  new: "New test",
  drivers: "Drivers",
  compare: "Compare",
  unknown: "Not found",
};

/** Each page is a file of its own, loaded when it is first shown. */
const PAGES: Record<Exclude<Route["page"], "unknown">, () => Promise<{ default: ComponentType }>> = {
  tests: () => import("./pages/tests"),
  test: () => import("./pages/test"),
  new: () => import("./pages/new"),
  drivers: () => import("./pages/drivers"),
  compare: () => import("./pages/compare"),
};

/** After so long the orchestrator may be gone for good. */
const RUN_ENDED_S = 5;

function LinkState() {
  const state = session.value === "out" ? "out" : link.value;
  const text = { live: "live", connecting: "connecting", lost: "disconnected", out: "logged out" }[state];
  const from = health.value ? `${health.value.node_id}, ${health.value.version}` : undefined;
  return (
    <span class="link-state" title={from} role="status">
      <span class={`link-dot ${state}`} aria-hidden="true" />
      <span class={state === "live" ? "wide" : ""}>{text}</span>
    </span>
  );
}

/** Says that what is shown is old, and how old; it goes on ageing without a word to screen readers each second. */
function Stale() {
  if (session.value === "out" || link.value !== "lost") return null;
  // Read, so that it is drawn again each second.
  const now = tick.value >= 0 ? performance.now() : 0;
  const age = receivedAt.value === null ? null : (now - receivedAt.value) / 1_000;
  return (
    <div class="stale" role="alert">
      The orchestrator does not answer.{" "}
      {age === null ? (
        "Trying again."
      ) : (
        <>
          What you see is <span aria-live="off">{duration(age)}</span> old. Trying again.
          {age > RUN_ENDED_S && (
            <span class="stale-more">
              If <code>groundswell run</code> started it, it ended with its test: <code>groundswell report</code> shows the result.
            </span>
          )}
        </>
      )}
    </div>
  );
}

function Bar({ help }: { help: () => void }) {
  const at = here.value.page;
  const isLoggedIn = session.value === "in" && letInBy.value === "cookie";
  const mode = theme.value;
  return (
    <header class="bar">
      <div class="bar-in">
        <a class="brand" href="/">
          <img src={icon} alt="" /> Groundswell
        </a>
        <nav aria-label="Pages">
          {NAV.map(({ route, name }) => (
            <a key={name} href={address(route)} aria-current={route.page === at ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <div class="bar-end">
          <LinkState />
          <button type="button" class="icon-button" onClick={nextTheme} title={`Colours: ${mode}`} aria-label={`Colours: ${mode}. Change`}>
            <span aria-hidden="true">{{ system: "◐", light: "☀", dark: "☾" }[mode]}</span>
          </button>
          <button type="button" class="icon-button" onClick={help} aria-label="Help and shortcuts" title="Help and shortcuts">
            <span aria-hidden="true">?</span>
          </button>
          {isLoggedIn && (
            <button type="button" class="icon-button" onClick={() => void logOut()}>
              Log out
            </button>
          )}
        </div>
      </div>
      <Stale />
    </header>
  );
}

function Help({ close }: { close: () => void }) {
  return (
    <Dialog title="Shortcuts" close={close}>
      <dl class="keys">
        {shortcuts().map(({ keys, does }) => (
          <>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </>
        ))}
      </dl>
      <p class="dim">A word with a dotted line has an explanation: point at it, or reach it with the Tab key.</p>
      <p>
        <a href="/docs">The documentation</a> is served here too, with a search.
      </p>
      <div class="row">
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

function Page() {
  const at = here.value.page;
  const [shown, setShown] = useState<{ at: Route["page"]; Content: ComponentType } | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (at === "unknown") return;
    let wanted = true;
    setFailed(null);
    PAGES[at]().then(
      ({ default: Content }) => wanted && setShown({ at, Content }),
      () => wanted && setFailed("A file of this page could not be loaded. Was the orchestrator replaced by another version? Then load the page again."),
    );
    return () => {
      wanted = false;
    };
  }, [at, attempt]);
  if (at === "unknown") {
    return (
      <Empty title="This address has no page">
        <p>
          <a href="/">All tests</a>
        </p>
      </Empty>
    );
  }
  if (failed) return <Failed what="The page was not loaded" why={failed} again={() => setAttempt(attempt + 1)} />;
  return shown?.at === at ? <shown.Content /> : <Loading what="the page" />;
}

export function App() {
  const [help, setHelp] = useState(false);
  const main = useRef<HTMLElement>(null);
  const at = here.value;
  const first = useRef(true);
  useEffect(() => followKeys(() => setHelp(true)), []);
  useEffect(() => {
    document.title = at.page === "test" ? "Test · Groundswell" : `${TITLES[at.page]} · Groundswell`;
    // A new page is announced by its heading; the first one by the browser.
    if (!first.current) main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [at.page, at.page === "test" ? at.id : ""]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Bar help={() => setHelp(true)} />
      <main class="page" id="main" ref={main} tabIndex={-1}>
        {session.value === "out" ? <LogIn /> : <Page />}
      </main>
      <Toast />
      {help && <Help close={() => setHelp(false)} />}
    </>
  );
}
