// Requests to the orchestrator's REST, and what becomes of their failures: every one is an `ApiError` with a sentence.
import { signal } from "@preact/signals";

import type { KeyProblem, Problem } from "./types";

/** Whether this browser may ask: unknown until the first answer; `out` after a 401, when the page asks for the token. */
export const session = signal<"unknown" | "in" | "out">("unknown");

/** What lets this browser in: the cookie of a log-in, or an orchestrator without a token; null until it is known. */
export const letInBy = signal<"anyone" | "token" | "cookie" | null>(null);

/** Asks what lets this browser in. */
export async function askSession(): Promise<void> {
  try {
    letInBy.value = (await get<{ by: "anyone" | "token" | "cookie" }>("/api/v1/session")).by;
  } catch {
    // A 401 shows the log-in; anything else shows on the link.
  }
}

/** A request that failed: refused by the orchestrator (`status`), or not answered at all (`status` 0). */
export class ApiError extends Error {
  readonly status: number;
  /** Each key or parameter that is wrong, where the orchestrator named them. */
  readonly faults: KeyProblem[];
  /** By node id, why a driver cannot take part. */
  readonly drivers: Record<string, string>;

  constructor(status: number, detail: string, problem?: Partial<Problem>) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.faults = problem?.errors ?? [];
    this.drivers = problem?.drivers ?? {};
  }
}

/** What went wrong, as a sentence for people. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What went wrong with each driver that cannot take part, a line each. */
export function ofDrivers(error: unknown): string[] {
  return error instanceof ApiError ? Object.entries(error.drivers).map(([node, why]) => `${node}: ${why}`) : [];
}

interface Body {
  /** The media type. */
  type: string;
  text: string;
}

/** A body of JSON. */
export function json(value: unknown): Body {
  return { type: "application/json", text: JSON.stringify(value) };
}

/** A body of TOML. */
export function toml(text: string): Body {
  return { type: "application/toml", text };
}

interface Options {
  body?: Body;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The problem that an answer holds, or a sentence about its status where something else answered (a proxy). */
async function refused(answer: Response): Promise<ApiError> {
  const type = answer.headers.get("content-type") ?? "";
  if (type.startsWith("application/problem+json")) {
    const problem = (await answer.json()) as Problem;
    return new ApiError(answer.status, problem.detail, problem);
  }
  return new ApiError(answer.status, `the server answered ${answer.status} ${answer.statusText}`.trim());
}

/**
 * Sends a request and returns its answer, which is a success. The log-in cookie goes with it by itself.
 *
 * Throws an `ApiError`; a 401 also sets `session` to `out`.
 */
export async function request(method: string, path: string, options: Options = {}): Promise<Response> {
  const { body, headers = {}, signal: abort } = options;
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      cache: "no-store",
      credentials: "same-origin",
      headers: { ...(body ? { "content-type": body.type } : {}), ...headers },
      ...(body ? { body: body.text } : {}),
      ...(abort ? { signal: abort } : {}),
    });
  } catch (error) {
    if (abort?.aborted) throw error;
    throw new ApiError(0, "the orchestrator does not answer: is it running, and is the network there?");
  }
  if (answer.status === 401) session.value = "out";
  else if (answer.ok && path.startsWith("/api/")) session.value = "in";
  if (!answer.ok) throw await refused(answer);
  return answer;
}

/** `GET` of JSON. */
export async function get<T>(path: string, options: Options = {}): Promise<T> {
  const answer = await request("GET", path, { ...options, headers: { accept: "application/json", ...options.headers } });
  return (await answer.json()) as T;
}

/** `POST`, `PATCH`, `PUT` or `DELETE`; the JSON of the answer, or undefined where it has none. */
export async function send<T>(method: string, path: string, body?: Body): Promise<T> {
  const answer = await request(method, path, body ? { body } : {});
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

/** Logs in; the orchestrator sets a cookie that no script can read. */
export async function logIn(token: string): Promise<void> {
  await send("POST", "/api/v1/session", json({ token }));
  session.value = "in";
}

/** Logs out: the cookie is removed. */
export async function logOut(): Promise<void> {
  await send("DELETE", "/api/v1/session");
  session.value = "out";
}

/** A path with its parts and its query written as a URL wants them; parameters without a value are left out. */
export function path(parts: string[], query: Record<string, string | number | null | undefined> = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return `/${parts.map(encodeURIComponent).join("/")}${text === "" ? "" : `?${text}`}`;
}
