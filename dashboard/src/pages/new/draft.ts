// What is being written, kept while other pages are looked at and through a log-in; and what the orchestrator answers to it.
import { signal } from "@preact/signals";

import { ApiError, json, send, sentence, toml } from "../../api/client";
import type { KeyProblem, PlanJson } from "../../api/types";
import { writeToml } from "../../parts/toml";
import { emptyForm, type Form, formOf, isMasked, planOf } from "./form";

export interface Draft {
  /** Which of the two counts. */
  by: "form" | "toml";
  form: Form;
  toml: string;
  /** The test whose plan it began as. */
  from: string | null;
}

const FRESH: Draft = { by: "form", form: emptyForm(), toml: "", from: null };

export const draft = signal<Draft>(FRESH);

/** What the orchestrator answers to the draft. */
export interface Checked {
  faults: KeyProblem[];
  /** Of a draft that is right: what it sends, and the plan with its defaults. */
  right: { plan: PlanJson; summary: string[] } | null;
  /** Why it could not be checked. */
  error: string | null;
}

export const checked = signal<Checked | null>(null);

/** Counts the questions, so that the answer to an earlier one is passed over. */
let asked = 0;

/** The draft as the body of a request: a plan, or TOML; and the faults that need no orchestrator. */
export function given(of: Draft): { body: PlanJson | string; faults: KeyProblem[] } {
  if (of.by === "toml") return { body: of.toml, faults: [] };
  const { plan, faults } = planOf(of.form);
  return { body: plan, faults };
}

/** The draft as TOML. */
export function tomlOf(of: Draft): string {
  return of.by === "toml" ? of.toml : writeToml(planOf(of.form).plan);
}

/** Forgets what was answered; what is still on its way comes too late. */
export function uncheck(): void {
  asked += 1;
  checked.value = null;
}

/** Begins anew: empty, for an address, or with the plan of a test. */
export function begin(next: Partial<Draft>): void {
  draft.value = { ...FRESH, form: emptyForm(), ...next };
  uncheck();
}

/** Begins with a plan as answers show it: in the form, or as TOML where the form has no place for it. */
export function beginWith(plan: PlanJson, from: string): void {
  const form = formOf(plan);
  begin(form ? { from, form } : { from, by: "toml", toml: writeToml(plan) });
}

/** From the form to TOML, and back where the form can hold the plan; false where it cannot. */
export function turnTo(by: "form" | "toml"): boolean {
  const now = draft.value;
  if (by === now.by) return true;
  if (by === "toml") {
    draft.value = { ...now, by, toml: tomlOf(now) };
    return true;
  }
  const plan = checked.value?.right?.plan;
  const form = plan && !isMasked(plan) ? formOf(plan) : null;
  if (!form) return false;
  draft.value = { ...now, by, form };
  return true;
}

/** Has the orchestrator check the draft. */
export async function check(): Promise<Checked> {
  asked += 1;
  const turn = asked;
  const { body, faults } = given(draft.value);
  const result = await askedFor(body, faults);
  if (turn === asked) checked.value = result;
  return result;
}

async function askedFor(body: PlanJson | string, faults: KeyProblem[]): Promise<Checked> {
  try {
    const right = await send<{ plan: PlanJson; summary: string[] }>("POST", "/api/v1/plans/check", typeof body === "string" ? toml(body) : json(body));
    return { faults, right: faults.length > 0 ? null : right, error: null };
  } catch (error) {
    return failedWith(error, faults);
  }
}

/** The faults of a refused plan; anything else is an error. */
export function failedWith(error: unknown, faults: KeyProblem[] = []): Checked {
  if (error instanceof ApiError && error.faults.length > 0) return { faults: [...faults, ...error.faults], right: null, error: null };
  return { faults, right: null, error: sentence(error) };
}
