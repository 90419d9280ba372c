// The page of all tests: what is under way, and the history.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { TestSummary } from "../../api/types";
import { Dialog } from "../../parts/dialog";
import { shortcut } from "../../parts/keys";
import { Empty, Failed, Loading } from "../../parts/notice";
import { failed } from "../../parts/toast";
import { Word } from "../../parts/word";
import { go, here } from "../../routes";
import { remove } from "../../state/actions";
import { listVersion } from "../../state/live";
import { NoTests } from "./empty";
import { type Filter, filterOf, History, isFiltered, NO_FILTER, sidesOf } from "./history";
import { Row, saidDeleted } from "./row";
import { Running } from "./running";

const STATES = ["configured", "starting", "running", "draining", "finished"];
const VERDICTS = ["passed", "failed", "invalid", "incomplete", "aborted"];

/** How long after the last key the orchestrator is asked. */
const TYPING_MS = 250;

export default function Tests() {
  const history = useMemo(() => new History(), []);
  const [filter, setFilter] = useState<Filter>(() => filterOf(location.search));
  // With what is known of them: a test that was chosen stays so while another part of the history is looked at.
  const [picked, setPicked] = useState<ReadonlyMap<string, TestSummary>>(new Map());
  const [deleting, setDeleting] = useState<TestSummary | null>(null);
  const search = useRef<HTMLInputElement>(null);
  const version = listVersion.value;
  const first = useRef(true);

  useEffect(() => {
    const ask = () => void history.look(filter);
    const timer = setTimeout(ask, first.current ? 0 : TYPING_MS);
    first.current = false;
    const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== "")).toString();
    globalThis.history.replaceState(null, "", query === "" ? "/" : `/?${query}`);
    return () => clearTimeout(timer);
  }, [filter]);
  // A link to this page, or the browser's buttons, bring another filter.
  const at = here.value;
  useEffect(() => {
    const asked = filterOf(location.search);
    if (at.page === "tests" && JSON.stringify(asked) !== JSON.stringify(filter)) setFilter(asked);
  }, [at]);
  useEffect(() => {
    if (version > 0 && history.rows.value !== null) void history.refresh();
  }, [version]);
  useEffect(() => {
    const ends = [
      shortcut("/", "Search the tests", () => search.current?.focus()),
      shortcut("x", "Compare the chosen tests", () => document.getElementById("compare")?.click()),
    ];
    return () => ends.forEach((end) => end());
  }, []);

  const rows = history.rows.value;
  const error = history.error.value;
  const set = (key: keyof Filter) => (event: { currentTarget: HTMLInputElement | HTMLSelectElement }) =>
    setFilter({ ...filter, [key]: event.currentTarget.value });
  const isEmpty = rows?.length === 0 && !isFiltered(filter);
  return (
    <>
      <div class="title">
        <h1>Tests</h1>
        <span class="push" />
        {picked.size > 0 && (
          <button type="button" class="quiet" onClick={() => setPicked(new Map())}>
            Choose none
          </button>
        )}
        {picked.size >= 2 && (
          <button type="button" id="compare" onClick={() => go({ page: "compare", ...sidesOf(picked.values()) })}>
            Compare {picked.size} tests
          </button>
        )}
        {!isEmpty && (
          <a class="button primary" href="/new">
            New test
          </a>
        )}
      </div>
      <div class="stack">
        <Running />
        {error !== null && <Failed what="The history was not loaded" why={error} again={() => void history.look(filter)} />}
        {rows === null && error === null && <Loading what="the history" />}
        {isEmpty && error === null && <NoTests />}
        {rows !== null && !isEmpty && (
          <section class="card" aria-label="History">
            <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
              <label>
                <span class="sr-only">Search by name or id</span>
                <input ref={search} type="search" placeholder="Search by name or id" maxLength={200} value={filter.q} onInput={set("q")} />
              </label>
              <Choice label="State" any="Any state" of={STATES} value={filter.state} change={set("state")} />
              <Choice label="Verdict" any="Any verdict" of={VERDICTS} value={filter.verdict} change={set("verdict")} />
            </form>
            {rows.length === 0 ? (
              <Empty title="No test matches">
                <p>
                  <button type="button" onClick={() => setFilter(NO_FILTER)}>
                    Show all tests
                  </button>
                </p>
              </Empty>
            ) : (
              <div class="scroll">
                <table class="history" role="table">
                  <thead>
                    <tr>
                      <th scope="col">
                        <span class="sr-only">Compare</span>
                      </th>
                      <th scope="col">
                        <Word of="verdict">Verdict</Word>
                      </th>
                      <th scope="col">
                        <Word of="history">Test</Word>
                      </th>
                      <th scope="col">Started</th>
                      <th scope="col" class="n">
                        <Word of="took">Took</Word>
                      </th>
                      <th scope="col">
                        <span class="sr-only">Actions</span>
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {rows.map((test) => (
                      <Row
                        key={test.test_id}
                        test={test}
                        picked={picked.has(test.test_id)}
                        pick={(on) => setPicked(withOrWithout(picked, test, on))}
                        remove={() => setDeleting(test)}
                      />
                    ))}
                  </tbody>
                </table>
              </div>
            )}
            {history.hasMore.value && (
              <p class="more">
                <button type="button" disabled={history.busy.value} onClick={() => void history.more()}>
                  Older tests
                </button>
              </p>
            )}
          </section>
        )}
      </div>
      {deleting && (
        <Delete
          test={deleting}
          close={(gone) => {
            if (gone) setPicked(withOrWithout(picked, deleting, false));
            setDeleting(null);
          }}
        />
      )}
    </>
  );
}

function withOrWithout(picked: ReadonlyMap<string, TestSummary>, test: TestSummary, on: boolean): ReadonlyMap<string, TestSummary> {
  const next = new Map(picked);
  if (on) next.set(test.test_id, test);
  else next.delete(test.test_id);
  return next;
}

interface ChoiceProps {
  label: string;
  any: string;
  of: string[];
  value: string;
  change: (event: { currentTarget: HTMLSelectElement }) => void;
}

function Choice({ label, any, of, value, change }: ChoiceProps) {
  return (
    <label>
      <span class="sr-only">{label}</span>
      <select value={value} onChange={change}>
        <option value="">{any}</option>
        {of.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </label>
  );
}

function Delete({ test, close }: { test: TestSummary; close: (gone: boolean) => void }) {
  const [busy, setBusy] = useState(false);
  const click = async () => {
    setBusy(true);
    try {
      await remove(test.test_id);
      saidDeleted(test);
      close(true);
    } catch (error) {
      failed(`${test.name} was not deleted`, error);
      close(false);
    }
  };
  return (
    <Dialog title="Delete this test?" close={() => close(false)}>
      <p class="wrap">
        <b>{test.name}</b> with its plan, its series and its report. It cannot be brought back.
      </p>
      <div class="row">
        <button type="button" autofocus onClick={() => close(false)}>
          Keep it
        </button>
        <button type="button" class="danger" disabled={busy} onClick={() => void click()}>
          Delete
        </button>
      </div>
    </Dialog>
  );
}
