// The fields of the form, each with its explanation and the faults that the orchestrator found in it.
import type { KeyProblem } from "../../api/types";
import { Word } from "../../parts/word";
import { driver, driverIds, isKnown } from "../../state/live";
import { counts, type Condition, type Field, FIGURES, type Form, type Section, SECTIONS } from "./form";

interface Props {
  form: Form;
  /** By the field's path. */
  faults: ReadonlyMap<string, KeyProblem[]>;
  change: (form: Form) => void;
}

/** The id of a field's element. */
export function idOf(path: string): string {
  return `field-${path.replaceAll(".", "-")}`;
}

export function Fields({ form, faults, change }: Props) {
  const set = (path: string, value: string) => change({ ...form, values: { ...form.values, [path]: value } });
  return (
    <>
      {SECTIONS.filter(({ more }) => !more).map((section) => (
        <Part key={section.id} section={section} form={form} faults={faults} set={set} />
      ))}
      <Conditions
        name="thresholds"
        title="What must hold"
        word="threshold"
        hint="A figure and its bound. Without thresholds of their own, errors.ratio < 1% and dropped.ratio < 0.1% must hold."
        example={{ figure: "response.p99", condition: "< 250ms" }}
        rows={form.thresholds}
        faults={faults.get("thresholds")}
        change={(thresholds) => change({ ...form, thresholds })}
      />
      <Conditions
        name="abort"
        title="What ends it early"
        word="abort"
        hint="A figure, its bound, and over how many of the last seconds it must be beyond it."
        example={{ figure: "errors.ratio", condition: "> 20% for 15s" }}
        rows={form.abort}
        faults={faults.get("abort")}
        change={(abort) => change({ ...form, abort })}
      />
      {SECTIONS.filter(({ more }) => more).map((section) => (
        <Part key={section.id} section={section} form={form} faults={faults} set={set} />
      ))}
    </>
  );
}

interface PartProps {
  section: Section;
  form: Form;
  faults: ReadonlyMap<string, KeyProblem[]>;
  set: (path: string, value: string) => void;
}

function Part({ section: { id, title, more, fields }, form, faults, set }: PartProps) {
  const shown = fields.filter((field) => counts(field, form));
  const content = (
    <>
      {id === "how" && <Mode value={form.values["load.mode"] ?? "tsunami"} change={(mode) => set("load.mode", mode)} />}
      <div class="fields">
        {shown.map((field) => (
          <Input key={field.path} field={field} value={form.values[field.path] ?? ""} faults={faults.get(field.path)} change={(value) => set(field.path, value)} />
        ))}
      </div>
    </>
  );
  if (more) {
    // A fault inside opens it; what a person opened or closed stays so otherwise.
    const open = shown.some((field) => faults.has(field.path)) ? { open: true } : {};
    return (
      <details class="card" {...open}>
        <summary>
          <h2>{title}</h2>
        </summary>
        {content}
      </details>
    );
  }
  return (
    <section class="card" aria-labelledby={`section-${id}`}>
      <h2 id={`section-${id}`}>{title}</h2>
      {content}
      {id === "who" && <Known />}
    </section>
  );
}

function Mode({ value, change }: { value: string; change: (mode: string) => void }) {
  const modes: [string, string, string][] = [
    ["tsunami", "Open loop", "Requests leave on a schedule, whether answers come or not: as independent visitors do. A slow server shows in the response times."],
    ["avalanche", "Closed loop", "Each connection waits for its answer before it sends again: it finds the highest throughput, and hides waiting."],
  ];
  return (
    <fieldset class="modes">
      <legend>Mode</legend>
      {modes.map(([mode, title, hint]) => (
        <label key={mode} class={value === mode ? "chosen" : ""}>
          <input type="radio" name="mode" value={mode} checked={value === mode} onChange={() => change(mode)} />
          <span>
            <b>{title}</b> <span class="dim">({mode})</span>
            <span class="hint">{hint}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

interface InputProps {
  field: Field;
  value: string;
  faults: KeyProblem[] | undefined;
  change: (value: string) => void;
}

function Input({ field, value, faults, change }: InputProps) {
  const id = idOf(field.path);
  const about = {
    id,
    "aria-describedby": faults ? `${id}-fault ${id}-hint` : `${id}-hint`,
    "aria-invalid": faults !== undefined,
  };
  const typed = (event: { currentTarget: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement }) => change(event.currentTarget.value);
  const isRequired = field.path === "target.url";
  const label = (
    <>
      {field.label} <span class="mono dim small">{field.path}</span>
    </>
  );
  const notes = (
    <>
      {faults && (
        <div id={`${id}-fault`}>
          {faults.map(({ reason, path }) => (
            <p class="fault" key={reason}>
              {path === field.path ? "" : `${path} `}
              {reason}
            </p>
          ))}
        </div>
      )}
      <p class="hint" id={`${id}-hint`}>
        {field.hint}
      </p>
    </>
  );
  if (field.kind === "check") {
    return (
      <div class="field">
        <label class="check">
          <input type="checkbox" {...about} checked={value === "true"} onChange={(event) => change(event.currentTarget.checked ? "true" : "")} />
          <span>{label}</span>
        </label>
        {notes}
      </div>
    );
  }
  return (
    <div class={`field ${field.kind === "area" || isRequired ? "wide" : ""}`}>
      <label for={id}>{label}</label>
      {field.kind === "area" ? (
        <textarea {...about} rows={field.path === "request.body" ? 4 : 3} spellcheck={false} placeholder={field.placeholder ?? ""} value={value} onInput={typed} />
      ) : field.kind === "choice" ? (
        <select {...about} value={value} onChange={typed}>
          {(field.choices ?? []).map(([choice, text]) => (
            <option key={choice} value={choice}>
              {text}
            </option>
          ))}
        </select>
      ) : (
        <input
          {...about}
          type="text"
          inputMode={field.kind === "number" ? "numeric" : isRequired ? "url" : "text"}
          required={isRequired}
          autocomplete="off"
          spellcheck={false}
          placeholder={field.placeholder ?? ""}
          value={value}
          onInput={typed}
        />
      )}
      {notes}
    </div>
  );
}

/** The drivers that could take part. */
function Known() {
  const alive = driverIds.value.filter((id) => driver(id)?.value.driver.alive);
  const names = alive.slice(0, 8).join(", ");
  if (!isKnown.value) return null;
  return (
    <p class="hint">
      {alive.length === 0 ? (
        <>
          No driver is here yet: the <a href="/drivers">drivers page</a> says how to start one.
        </>
      ) : (
        <>
          {alive.length === 1 ? "One is here: " : `${alive.length} are here: `}
          <span class="wrap">
            {names}
            {alive.length > 8 ? " and more" : ""}
          </span>
          .
        </>
      )}
    </p>
  );
}

interface ConditionsProps {
  name: "thresholds" | "abort";
  title: string;
  word: string;
  hint: string;
  example: Condition;
  rows: Condition[];
  faults: KeyProblem[] | undefined;
  change: (rows: Condition[]) => void;
}

function Conditions({ name, title, word, hint, example, rows, faults, change }: ConditionsProps) {
  const id = idOf(name);
  const set = (at: number, key: keyof Condition) => (event: { currentTarget: HTMLInputElement }) =>
    change(rows.map((row, index) => (index === at ? { ...row, [key]: event.currentTarget.value } : row)));
  const of = (row: Condition) => (faults ?? []).filter(({ path }) => path === `${name}.${row.figure.trim()}` || path.startsWith(`${name}.${row.figure.trim()}[`));
  const others = (faults ?? []).filter((fault) => !rows.some((row) => of(row).includes(fault)));
  return (
    <section class="card" aria-labelledby={`section-${name}`} id={id}>
      <h2 id={`section-${name}`}>
        <Word of={word}>{title}</Word>
      </h2>
      <p class="hint">{hint}</p>
      <datalist id={`${id}-figures`}>
        {FIGURES.map((figure) => (
          <option key={figure} value={figure} />
        ))}
      </datalist>
      {rows.map((row, at) => (
        <div class="condition" key={at}>
          <input
            aria-label={`Figure ${at + 1}`}
            list={`${id}-figures`}
            autocomplete="off"
            placeholder={example.figure}
            aria-invalid={of(row).length > 0}
            value={row.figure}
            onInput={set(at, "figure")}
          />
          <input
            aria-label={`Condition ${at + 1}`}
            autocomplete="off"
            placeholder={example.condition}
            aria-invalid={of(row).length > 0}
            value={row.condition}
            onInput={set(at, "condition")}
          />
          <button type="button" class="quiet" aria-label={`Remove condition ${at + 1}`} onClick={() => change(rows.filter((_, index) => index !== at))}>
            Remove
          </button>
          {of(row).map(({ reason }) => (
            <p class="fault" key={reason} role="alert">
              {reason}
            </p>
          ))}
        </div>
      ))}
      {others.map(({ path, reason }) => (
        <p class="fault" key={path + reason} role="alert">
          {path} {reason}
        </p>
      ))}
      <button type="button" class="small" onClick={() => change([...rows, rows.length === 0 ? example : { figure: "", condition: "" }])}>
        Add {name === "abort" ? "a condition" : "a threshold"}
      </button>
    </section>
  );
}
