// What the charts of several tests over each other share: the tests, the span, the one cursor. Times are seconds since each
// test's own start.

import { computed, type ReadonlySignal, signal } from "@preact/signals";

import { type Column, endOf, lastOf } from "../state/columns";
import type { Mark } from "../state/timeline";
import { type Action, next, type Range, shown, type View, WHOLE } from "../state/zoom";
import type { Drawn, Steered } from "./group";
import { columnAt } from "./overlay";
import { eachInWords } from "./spoken";

/** A test among others. */
export interface OverTest {
  id: string;
  /** Unlike that of any other test here. */
  name: string;
  /** A variable of the style sheet. */
  colour: string;
  /** Lengths of dashes and gaps; without, a plain line. */
  dash?: readonly number[];
  columns: readonly Column[];
}

/** Columns of a span in a finer step than those of whole tests, by the id of the test. */
export interface OverDetail {
  range: Range;
  columns: ReadonlyMap<string, readonly Column[]>;
}

export class OverGroup implements Drawn, Steered {
  readonly view = signal<View>(WHOLE);
  readonly detail = signal<OverDetail | null>(null);
  /** Marks and warm-ups are those of one test: here they would be taken for those of all. */
  readonly marks: ReadonlySignal<readonly Mark[]> = signal<readonly Mark[]>([]);
  readonly warmup: ReadonlySignal<number> = signal(0);
  /** The span of the longest test. */
  readonly whole: ReadonlySignal<Range>;
  readonly range: ReadonlySignal<Range> = computed(() => shown(this.view.value, this.whole.value));
  /** The span that was zoomed to; unlike `view` it stays while the cursor moves. */
  readonly zoom: ReadonlySignal<Range | null> = computed(() => this.view.value.zoom);

  constructor(private readonly tests: readonly OverTest[]) {
    const ends = tests.flatMap(({ columns }) => columns.slice(-1).map(endOf));
    this.whole = signal<Range>([0, Math.max(1, ...ends)]);
  }

  /** The tests with the columns of the span that is shown. */
  readonly shown: ReadonlySignal<readonly OverTest[]> = computed(() => {
    const [from, to] = this.range.value;
    const detail = this.detail.value;
    const finer = detail && detail.range[0] <= from && detail.range[1] >= to ? detail.columns : null;
    return this.tests.map((test) => {
      const columns = finer?.get(test.id) ?? test.columns;
      return { ...test, columns: columns.filter((column) => column.seq < to && lastOf(column) >= from) };
    });
  });

  private readonly found: ReadonlySignal<readonly { name: string; column: Column | null }[]> = computed(() => {
    const at = this.view.value.cursor;
    return this.shown.value.map(({ name, columns }) => ({ name, column: at === null ? null : columnAt(columns, at) }));
  });

  readonly under: ReadonlySignal<Column | null> = computed(() => this.found.value.find(({ column }) => column)?.column ?? null);

  readonly spoken: ReadonlySignal<string> = computed(() => eachInWords(this.found.value));

  /** Whether columns of the span are of more than so many seconds. */
  isCoarser([from, to]: Range, step: number): boolean {
    return this.tests.some(({ columns }) => columns.some((column) => column.seconds > step && column.seq < to && lastOf(column) >= from));
  }

  secondAt(time: number): number {
    const second = Math.floor(time);
    for (const { columns } of this.shown.value) {
      const column = columnAt(columns, second);
      if (column) return column.seq;
    }
    return second;
  }

  do(action: Action): void {
    const columns = this.shown.value.find((test) => test.columns.length > 0)?.columns;
    this.view.value = next(this.view.value, action, this.whole.value, this.under.value?.seconds ?? columns?.[0]?.seconds ?? 1);
  }
}
