// The page that lays tests over each other: which, how their figures differ by the orchestrator's statistics, and their
// curves.
import { useCallback, useEffect, useState } from "preact/hooks";

import { ApiError, get, path, sentence } from "../../api/client";
import type { Comparison, TestPage, TestSummary } from "../../api/types";
import { instant } from "../../parts/format";
import { Empty, Failed, Loading } from "../../parts/notice";
import { VerdictBadge } from "../../parts/verdict";
import { Word } from "../../parts/word";
import { address, go, here } from "../../routes";
import { differs, type Figure, OUTCOMES, placeOf, scaleOf, valueOf } from "./comparison";
import { TestsOver } from "./over";

/** Finished tests to choose from. */
const MOST = 200;

type Side = "a" | "b";

export default function Compare() {
  const at = here.value;
  const sides = at.page === "compare" ? { a: at.a, b: at.b } : { a: [], b: [] };
  const [tests, setTests] = useState<TestSummary[] | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const load = async () => {
    setFailure(null);
    try {
      const page = await get<TestPage>(path(["api", "v1", "tests"], { limit: MOST, state: "finished" }));
      setTests(page.tests);
    } catch (error) {
      setFailure(sentence(error));
    }
  };
  useEffect(() => void load(), []);
  const isReady = sides.a.length > 0 && sides.b.length > 0;
  const set = (side: Side, ids: string[]) => go({ page: "compare", ...sides, [side]: ids }, true);
  const nameOf = useCallback((id: string) => tests?.find((test) => test.test_id === id)?.name ?? id, [tests]);
  const isEmpty = tests !== null && tests.length < 2 && !isReady;
  return (
    <>
      <div class="title">
        <h1>Compare</h1>
        {isReady && (
          <button type="button" class="quiet" onClick={() => go({ page: "compare", a: sides.b, b: sides.a }, true)}>
            Swap the sides
          </button>
        )}
      </div>
      {failure !== null && <Failed what="The tests were not loaded" why={failure} again={() => void load()} />}
      {failure === null && tests === null && <Loading what="the tests" />}
      {isEmpty && <NothingYet n={tests.length} />}
      {tests !== null && !isEmpty && (
        <div class="stack">
          <div class="sides">
            <Picker side="a" title="A, before" tests={tests} chosen={sides.a} other={sides.b} set={(ids) => set("a", ids)} />
            <Picker side="b" title="B, after" tests={tests} chosen={sides.b} other={sides.a} set={(ids) => set("b", ids)} />
          </div>
          {isReady ? (
            <>
              <Result a={sides.a} b={sides.b} />
              <TestsOver a={sides.a} b={sides.b} nameOf={nameOf} />
            </>
          ) : (
            <p class="dim">Choose at least one test a side. With several a side the differences between tests count too.</p>
          )}
        </div>
      )}
    </>
  );
}

function NothingYet({ n }: { n: number }) {
  return (
    <Empty title="Nothing to compare yet">
      <p>{n === 0 ? "No test is finished yet." : "One test is finished; a comparison needs two."} Run the same plan before and after a change.</p>
      <p>
        <a class="button primary" href="/new">
          New test
        </a>
      </p>
    </Empty>
  );
}

interface PickerProps {
  side: Side;
  title: string;
  tests: TestSummary[];
  chosen: string[];
  other: string[];
  set: (ids: string[]) => void;
}

function Picker({ side, title, tests, chosen, other, set }: PickerProps) {
  const known = new Map(tests.map((test) => [test.test_id, test]));
  const free = tests.filter(({ test_id }) => !chosen.includes(test_id) && !other.includes(test_id));
  return (
    <section class="card" aria-labelledby={`side-${side}`}>
      <h2 id={`side-${side}`}>{title}</h2>
      <ul class="chosen-tests">
        {chosen.map((id) => {
          const test = known.get(id);
          return (
            <li key={id} class="row">
              {test && <VerdictBadge {...test} />}
              <a class="wrap" href={address({ page: "test", id })}>
                {test?.name ?? id}
              </a>
              {test && <span class="dim small nowrap">{instant(test.started_at ?? test.created_at, new Date())}</span>}
              <button type="button" class="quiet small push" onClick={() => set(chosen.filter((one) => one !== id))}>
                Remove<span class="sr-only"> {test?.name ?? id} from {side.toUpperCase()}</span>
              </button>
            </li>
          );
        })}
      </ul>
      <label class="sr-only" for={`add-${side}`}>
        Add a test to {side.toUpperCase()}
      </label>
      <select
        id={`add-${side}`}
        value=""
        onChange={(event) => {
          if (event.currentTarget.value !== "") set([...chosen, event.currentTarget.value]);
        }}
      >
        <option value="">{chosen.length === 0 ? "Choose a test" : "Add another test"}</option>
        {free.map((test) => (
          <option key={test.test_id} value={test.test_id}>
            {instant(test.started_at ?? test.created_at, new Date())} · {test.verdict ?? test.state} · {test.name}
          </option>
        ))}
      </select>
    </section>
  );
}

function Result({ a, b }: { a: string[]; b: string[] }) {
  const [result, setResult] = useState<Comparison | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [attempt, setAttempt] = useState(0);
  const asked = path(["api", "v1", "compare"], { a: a.join(","), b: b.join(",") });
  useEffect(() => {
    const abort = new AbortController();
    setResult(null);
    setError(null);
    get<Comparison>(asked, { signal: abort.signal }).then(setResult, (failure: unknown) => {
      if (!abort.signal.aborted) setError(failure);
    });
    return () => abort.abort();
  }, [asked, attempt]);
  if (error !== null) {
    if (error instanceof ApiError && error.status === 422) return <Refused error={error} />;
    return <Failed what="They were not compared" why={sentence(error)} again={() => setAttempt(attempt + 1)} />;
  }
  if (!result) return <Loading what="the comparison" />;
  const notes = [...result.refused, ...result.warnings, ...result.trend];
  return (
    <section class="card" aria-label="What differs">
      {notes.length > 0 && (
        <ul class="notes">
          {notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      <p class="about">The answer is {result.about}.</p>
      <Table figures={result.figures} />
      <p class="hint">The intervals hold for all figures together at 95 %. The line across each bar is where nothing differs.</p>
    </section>
  );
}

/** Why the tests cannot be compared, each reason by itself. */
function Refused({ error }: { error: ApiError }) {
  return (
    <section class="card" role="alert" aria-labelledby="refused-title">
      <h2 id="refused-title">These tests cannot be compared</h2>
      {error.faults.length === 0 ? (
        <p>{error.message}</p>
      ) : (
        <ul class="refused">
          {error.faults.map(({ reason }) => (
            <li key={reason} class="wrap">
              {reason}
            </li>
          ))}
        </ul>
      )}
      <p class="hint">Their curves are below.</p>
    </section>
  );
}

function Table({ figures }: { figures: Figure[] }) {
  const most = scaleOf(figures);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="The figures">
      <table class="comparison">
        <thead>
          <tr>
            <th scope="col">Figure</th>
            <th scope="col" class="n">
              A
            </th>
            <th scope="col" class="n">
              B
            </th>
            <th scope="col" class="n">
              <Word of="interval">Change</Word>
            </th>
            <th scope="col">
              <span class="sr-only">Interval</span>
            </th>
            <th scope="col">
              <Word of="comparison">In words</Word>
            </th>
          </tr>
        </thead>
        <tbody>
          {figures.map((figure) => {
            const outcome = OUTCOMES[figure.outcome];
            return (
              <tr key={figure.figure}>
                <th scope="row" class="nowrap">
                  <Word of={figure.figure}>{figure.figure}</Word>
                </th>
                <td class="n">{valueOf(figure.a, figure.unit)}</td>
                <td class="n">{valueOf(figure.b, figure.unit)}</td>
                <td class="n">
                  <Change figure={figure} />
                </td>
                <td class="bar-cell">
                  <Interval figure={figure} most={most} />
                </td>
                <td>
                  <span class={`badge ${outcome.kind}`}>
                    <span aria-hidden="true">{outcome.sign}</span> {outcome.text}
                  </span>{" "}
                  {figure.sentence}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Change({ figure }: { figure: Figure }) {
  const { by, from, to } = differs(figure);
  return (
    <>
      <b>{by}</b>
      <span class="small dim interval">
        {from} to {to}
      </span>
    </>
  );
}

/** The interval around no change. It says nothing that the row does not say in words. */
function Interval({ figure, most }: { figure: Figure; most: number }) {
  const place = placeOf(figure, most);
  if (!place) return null;
  const x = (share: number) => 2 + 156 * share;
  return (
    <svg viewBox="0 0 160 20" width="160" height="20" aria-hidden="true" class={`interval-bar ${OUTCOMES[figure.outcome].kind}`}>
      <line class="none" x1={x(0.5)} x2={x(0.5)} y1="1" y2="19" />
      <rect x={x(place.low)} width={Math.max(2, x(place.high) - x(place.low))} y="6" height="8" rx="4" />
      <circle cx={x(place.at)} cy="10" r="3.2" />
    </svg>
  );
}
