// What all charts of a test share: the span they show, the one cursor, the marks, the columns.

import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";

import type { Column } from "../state/columns";
import { follows } from "../state/follows";
import type { Series } from "../state/series";
import type { Mark } from "../state/timeline";
import { type Action, next, type Range, shown, type View, WHOLE } from "../state/zoom";
import { inWords } from "./spoken";

/** What a drawing over time needs to know of its group. */
export interface Drawn {
  readonly view: ReadonlySignal<View>;
  readonly range: ReadonlySignal<Range>;
  readonly marks: ReadonlySignal<readonly Mark[]>;
  /** Seconds of warm-up. */
  readonly warmup: ReadonlySignal<number>;
  /** The seconds under the cursor; null where none are known. */
  readonly under: ReadonlySignal<Pick<Column, "seq" | "seconds"> | null>;
  /** The first second of the column at a time; where no column is, the second of that time. */
  secondAt(time: number): number;
  do(action: Action): void;
}

/** What the toolbar and the keys need to know of charts. */
export interface Steered {
  readonly view: ReadonlySignal<View>;
  readonly whole: ReadonlySignal<Range>;
  readonly range: ReadonlySignal<Range>;
  /** What stands under the cursor, in words. */
  readonly spoken: ReadonlySignal<string>;
  do(action: Action): void;
}

/** Columns of a span in a finer step than those of the whole test. */
export interface Detail {
  range: Range;
  series: Series;
}

export class ChartGroup implements Drawn, Steered {
  readonly view = signal<View>(WHOLE);
  /** The span of the test so far, in seconds. */
  readonly whole = signal<Range>([0, 1]);
  readonly marks = signal<readonly Mark[]>([]);
  readonly warmup = signal(0);
  /** Counts up when columns changed. */
  readonly version = signal(0);
  readonly detail = signal<Detail | null>(null);
  /** The span that is shown. */
  readonly range: ReadonlySignal<Range> = computed(() => shown(this.view.value, this.whole.value), { name: "range" });

  /** The columns of the whole test: of the fleet, or of the driver that the charts show. */
  readonly base: Signal<Series>;

  constructor(series: Series) {
    this.base = signal(series);
  }

  private readonly source: ReadonlySignal<Series> = computed(() => {
    const detail = this.detail.value;
    const [from, to] = this.range.value;
    return detail && detail.range[0] <= from && detail.range[1] >= to ? detail.series : this.base.value;
  });

  /** The columns that are shown, oldest first. */
  readonly columns: ReadonlySignal<readonly Column[]> = computed(() => {
    // The stores change in place: the version says when.
    follows(this.version);
    const [from, to] = this.range.value;
    return this.source.value.within(from, to - 1);
  });

  /** The column under the cursor; null where there is none. */
  readonly under: ReadonlySignal<Column | null> = computed(() => {
    follows(this.version);
    const at = this.view.value.cursor;
    return at === null ? null : this.source.value.at(at);
  });

  readonly spoken: ReadonlySignal<string> = computed(() => inWords(this.under.value));

  /** The series is on its way. */
  readonly loading = signal(false);
  /** The test is over: its last second is where it ran out, and stands for nothing. */
  readonly over = signal(false);

  /** The column whose figures are shown beside a chart: that under the cursor, else the newest one of a test that runs. */
  readonly current: ReadonlySignal<Column | null> = computed(() => {
    if (this.under.value || this.over.value) return this.under.value;
    const columns = this.columns.value;
    return columns[columns.length - 1] ?? null;
  });

  secondAt(time: number): number {
    return this.source.value.at(Math.floor(time))?.seq ?? Math.floor(time);
  }

  do(action: Action): void {
    const columns = this.columns.value;
    const width = this.under.value?.seconds ?? columns[0]?.seconds ?? 1;
    const view = next(this.view.value, action, this.whole.value, width);
    // A running test has planned seconds ahead of it: the keys stop at the newest one that there is.
    const newest = columns[columns.length - 1]?.seq;
    const ahead = (action.do === "step" || action.do === "last") && newest !== undefined && view.cursor !== null && view.cursor > newest;
    this.view.value = ahead ? { ...view, cursor: newest } : view;
  }
}
