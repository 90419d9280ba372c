// The list of tests: which rows are there, and how newer answers join them. The rules are pure; `History` asks.
import { signal } from "@preact/signals";

import { get, path, sentence } from "../../api/client";
import type { TestPage, TestSummary } from "../../api/types";

/** What is looked for. Empty texts: everything. */
export interface Filter {
  q: string;
  state: string;
  verdict: string;
}

export const NO_FILTER: Filter = { q: "", state: "", verdict: "" };

/** Rows of a page, and most rows of an answer. */
const PAGE = 50;
const MOST = 200;

/** The filter that an address holds, and the address of a filter. */
export function filterOf(search: string): Filter {
  const query = new URLSearchParams(search);
  const of = (name: string) => query.get(name) ?? "";
  return { q: of("q"), state: of("state"), verdict: of("verdict") };
}

export function isFiltered(filter: Filter): boolean {
  return filter.q !== "" || filter.state !== "" || filter.verdict !== "";
}

/**
 * The rows after a fresh answer of the newest ones: those that it covers are replaced, older ones stay. `known` and `fresh`
 * are newest first; where the answer was the whole history (`isAll`), nothing older is left.
 */
export function joined(known: TestSummary[], fresh: TestSummary[], isAll: boolean): TestSummary[] {
  const last = fresh[fresh.length - 1];
  if (isAll || !last) return fresh;
  const ids = new Set(fresh.map((test) => test.test_id));
  return [...fresh, ...known.filter((test) => !ids.has(test.test_id) && test.created_at < last.created_at)];
}

/** The two sides of a comparison of tests, in whatever order they were chosen: the oldest against the others, newest first. */
export function sidesOf(chosen: Iterable<TestSummary>): { a: string[]; b: string[] } {
  const ids = [...chosen].sort((one, other) => (one.created_at < other.created_at ? 1 : -1)).map((test) => test.test_id);
  return { a: ids.slice(-1), b: ids.slice(0, -1) };
}

/** The list, of one filter at a time. */
export class History {
  readonly rows = signal<TestSummary[] | null>(null);
  readonly error = signal<string | null>(null);
  readonly hasMore = signal(false);
  readonly busy = signal(false);
  private cursor: string | null = null;
  private filter: Filter = NO_FILTER;
  private asked = 0;

  /** Shows another part of the history, from the newest on. */
  async look(filter: Filter): Promise<void> {
    this.filter = filter;
    await this.ask(PAGE, null, (page) => page.tests);
  }

  /** Asks again for what is shown: something changed. */
  async refresh(): Promise<void> {
    const known = this.rows.value ?? [];
    await this.ask(Math.min(MOST, Math.max(PAGE, known.length)), null, (page) => {
      return joined(known, page.tests, page.next_cursor === null);
    });
  }

  /** Adds older tests. */
  async more(): Promise<void> {
    if (this.cursor === null) return;
    const known = this.rows.value ?? [];
    await this.ask(PAGE, this.cursor, (page) => [...known, ...page.tests]);
  }

  private async ask(limit: number, cursor: string | null, rows: (page: TestPage) => TestSummary[]): Promise<void> {
    this.asked += 1;
    const turn = this.asked;
    this.busy.value = true;
    try {
      const page = await get<TestPage>(path(["api", "v1", "tests"], { limit, cursor, ...this.filter }));
      // The answer to an earlier question comes too late.
      if (turn !== this.asked) return;
      const before = this.rows.value ?? [];
      this.rows.value = rows(page);
      this.error.value = null;
      const keepsOlder = cursor === null && this.rows.value.length > page.tests.length && before.length > 0;
      if (!keepsOlder) {
        this.cursor = page.next_cursor ?? null;
        this.hasMore.value = this.cursor !== null;
      }
    } catch (error) {
      if (turn === this.asked) this.error.value = sentence(error);
    } finally {
      if (turn === this.asked) this.busy.value = false;
    }
  }
}
