// The page of a new test: a form or TOML, what the orchestrator answers to it, and the same plan as commands.
import { useEffect, useMemo, useState } from "preact/hooks";

import { get, letInBy, path, sentence } from "../../api/client";
import type { KeyProblem, Test } from "../../api/types";
import { Copyable } from "../../parts/copy";
import { Failed, Loading } from "../../parts/notice";
import { done, failed } from "../../parts/toast";
import { address, go, here } from "../../routes";
import { create, createAndStart } from "../../state/actions";
import { curlCommands, runCommand } from "./commands";
import { begin, beginWith, check, checked, draft, failedWith, given, tomlOf, turnTo, uncheck } from "./draft";
import { Fields, idOf } from "./fields";
import { emptyForm, fieldOf, isMasked, planOf } from "./form";

/** How long after the last key the orchestrator is asked. */
const TYPING_MS = 350;

export default function New() {
  const at = here.value;
  const from = at.page === "new" ? at.from : null;
  const [failure, setFailure] = useState<string | null>(null);
  const [loading, setLoading] = useState(false);
  const load = async (id: string) => {
    setLoading(true);
    setFailure(null);
    try {
      const test = await get<Test>(path(["api", "v1", "tests", id]));
      beginWith(test.plan, id);
    } catch (error) {
      setFailure(sentence(error));
    } finally {
      setLoading(false);
    }
  };
  useEffect(() => {
    const url = new URLSearchParams(location.search).get("url");
    if (url !== null) {
      const form = emptyForm();
      form.values["target.url"] = url;
      begin({ form });
      go("/new", true);
    } else if (from !== null && draft.value.from !== from) void load(from);
    else if (from === null && draft.value.from !== null) begin({});
  }, [from]);
  const isFailed = failure !== null && from !== null;
  if (!loading && !isFailed) return <Editor />;
  return (
    <>
      <div class="title">
        <h1>New test</h1>
      </div>
      {loading ? <Loading what="the plan" /> : <Failed what="The plan was not loaded" why={failure ?? ""} again={() => void load(from ?? "")} />}
    </>
  );
}

function Editor() {
  const now = draft.value;
  const said = checked.value;
  const [busy, setBusy] = useState(false);
  const [tried, setTried] = useState(false);
  const hasMasked = useMemo(() => isMasked(now.by === "toml" ? { toml: now.toml } : planOf(now.form).plan), [now]);
  const hasSomething = now.by === "toml" ? now.toml.trim() !== "" : (now.form.values["target.url"] ?? "") !== "";

  useEffect(() => {
    if (!hasSomething) {
      uncheck();
      return;
    }
    const timer = setTimeout(() => void check(), TYPING_MS);
    return () => clearTimeout(timer);
  }, [now]);

  const faults = useMemo(() => byField(said?.faults ?? [], now.by === "form"), [said, now.by]);
  const submit = async (starts: boolean) => {
    setBusy(true);
    setTried(true);
    const { body, faults: seen } = given(draft.value);
    try {
      if (seen.length > 0) {
        // What the page sees by itself; the orchestrator adds what it finds.
        const all = await check();
        toFirstFault(all.faults);
        return;
      }
      const made = () => create(body);
      const test = starts ? await createAndStart(made) : await made();
      begin({});
      if (!starts) done(`${test.name} is created. Start it when you like.`);
      go(starts ? { page: "test", id: test.test_id } : { page: "tests" });
    } catch (error) {
      const result = failedWith(error);
      if (result.faults.length > 0) {
        checked.value = result;
        toFirstFault(result.faults);
      } else failed(starts ? "The test was not started" : "The test was not created", error);
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      <div class="title">
        <h1>New test</h1>
        <div class="segments" role="group" aria-label="How to write the plan">
          <button type="button" aria-pressed={now.by === "form"} onClick={() => turn("form")}>
            As a form
          </button>
          <button type="button" aria-pressed={now.by === "toml"} onClick={() => turn("toml")}>
            As TOML
          </button>
        </div>
        <span class="push" />
        <button type="button" class="quiet" onClick={() => begin({ by: now.by })}>
          Clear
        </button>
      </div>
      {now.from !== null && (
        <p class="note">
          This is the plan of test <a href={address({ page: "test", id: now.from })}>{now.from}</a>.
          {hasMasked && (
            <>
              {" "}
              Its secrets are masked: type them again, or <b>run the test again</b> from the list, which keeps them.
            </>
          )}
        </p>
      )}
      <form
        class="new"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit(true);
        }}
      >
        <div class="stack">
          {now.by === "form" ? (
            <Fields form={now.form} faults={faults.of} change={(form) => (draft.value = { ...draft.value, form })} />
          ) : (
            <section class="card">
              <label for="toml">
                <h2>The plan in TOML</h2>
              </label>
              <p class="hint" id="toml-hint">
                Any plan, with several requests too. Files that it names must be at the orchestrator already (PUT /api/v1/data); the command line brings them by itself.
              </p>
              <textarea
                id="toml"
                class="toml"
                rows={24}
                spellcheck={false}
                aria-describedby="toml-hint"
                aria-invalid={(said?.faults.length ?? 0) > 0}
                placeholder={'[target]\nurl = "http://127.0.0.1:8081/ping"\n\n[load]\nrate = 100\nduration = "30s"\n'}
                value={now.toml}
                onInput={(event) => (draft.value = { ...draft.value, toml: event.currentTarget.value })}
              />
            </section>
          )}
        </div>
        <aside class="stack side" aria-label="The plan, and what comes of it">
          <section class="card" aria-labelledby="say-title">
            <h2 id="say-title">{said?.right ? "This plan" : "Not ready yet"}</h2>
            <div aria-live="polite">
              {!hasSomething && <p class="dim">{now.by === "toml" ? "Paste or write a plan." : "Enter the address to send requests to: nothing else is missing."}</p>}
              {said?.right && (
                <ul class="summary">
                  {said.right.summary.map((line) => (
                    <li key={line}>{line}</li>
                  ))}
                </ul>
              )}
              {said?.error && <p class="fault">{said.error}</p>}
              {said && said.faults.length > 0 && (
                <>
                  <p class="fault">{said.faults.length === 1 ? "One thing is wrong:" : `${said.faults.length} things are wrong:`}</p>
                  <ul class="summary">
                    {said.faults.map(({ path: key, reason }) => (
                      <li key={key + reason} class="wrap">
                        <FaultLink path={key} byForm={now.by === "form"} /> {reason}
                      </li>
                    ))}
                  </ul>
                </>
              )}
              {tried && faults.general.length > 0 && now.by === "form" && <p class="fault">Not all of it belongs to a field above.</p>}
            </div>
            <div class="row">
              <button class="primary" disabled={busy || !hasSomething}>
                {busy ? "Asking the drivers…" : "Start now"}
              </button>
              <button type="button" disabled={busy || !hasSomething} onClick={() => void submit(false)}>
                Only create
              </button>
            </div>
          </section>
          <Same />
        </aside>
      </form>
    </>
  );
}

function turn(to: "form" | "toml"): void {
  if (turnTo(to)) return;
  const plan = checked.value?.right?.plan;
  const why = !plan
    ? "the TOML has to be right first"
    : isMasked(plan)
      ? "the plan has secrets, which come back masked"
      : "the form has no place for all of it, as for several requests, stages, a search for the capacity or bytes";
  failed("The form cannot show this plan", why);
}

/** The faults by field, and those of none. */
function byField(faults: KeyProblem[], byForm: boolean): { of: Map<string, KeyProblem[]>; general: KeyProblem[] } {
  const of = new Map<string, KeyProblem[]>();
  const general: KeyProblem[] = [];
  for (const fault of faults) {
    const field = byForm ? fieldOf(fault.path) : null;
    if (field === null) general.push(fault);
    else of.set(field, [...(of.get(field) ?? []), fault]);
  }
  return { of, general };
}

function toFirstFault(faults: KeyProblem[]): void {
  const fields = faults.map(({ path: key }) => fieldOf(key)).filter((field) => field !== null);
  // The fields are drawn with their faults first.
  setTimeout(() => {
    const first = fields.map((field) => document.getElementById(idOf(field))).find((element) => element !== null);
    first?.scrollIntoView({ block: "center" });
    if (first instanceof HTMLElement) first.focus();
  }, 50);
}

function FaultLink({ path: key, byForm }: { path: string; byForm: boolean }) {
  const field = byForm ? fieldOf(key) : null;
  if (field === null) return key === "" ? null : <b class="mono">{key}</b>;
  return (
    <a
      href={`#${idOf(field)}`}
      class="mono"
      onClick={(event) => {
        event.preventDefault();
        document.getElementById(idOf(field))?.focus();
      }}
    >
      {key}
    </a>
  );
}

/** The same plan for other tools. */
function Same() {
  const now = draft.value;
  const [shown, setShown] = useState<"toml" | "run" | "curl">("toml");
  const { body } = given(now);
  const where = { origin: location.origin, hasToken: letInBy.value === "cookie" };
  const text = {
    toml: () => tomlOf(now),
    run: () => (typeof body === "string" ? `groundswell run plan.toml --orchestrator ${where.origin}` : runCommand(body, where)),
    curl: () => curlCommands(body, where),
  }[shown]();
  const names = { toml: "TOML", run: "groundswell", curl: "curl" };
  return (
    <section class="card" aria-labelledby="same-title">
      <div class="row">
        <h2 id="same-title">The same as</h2>
        <div class="segments" role="group" aria-label="The same plan as">
          {(["toml", "run", "curl"] as const).map((one) => (
            <button key={one} type="button" class="small" aria-pressed={shown === one} onClick={() => setShown(one)}>
              {names[one]}
            </button>
          ))}
        </div>
      </div>
      <Copyable text={text} label={`the plan as ${names[shown]}`} />
    </section>
  );
}
