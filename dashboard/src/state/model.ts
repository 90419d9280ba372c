// One test as its page and its report show it: its figures, its columns, the figures of the span that is zoomed to. Where
// these come from is the source's business: REST and the stream on the page, the data inside the file in a report.

import { computed, effect, signal } from "@preact/signals";

import { ChartGroup } from "../charts/group";
import { column } from "./columns";
import { planned, seconds } from "./progress";
import { firstRequests, PAGE, paged, Series } from "./series";
import type { Span, Test, Window } from "./shapes";
import { marks } from "./timeline";
import { type Range, seriesStepOf } from "./zoom";

/** Where a test's data come from. */
export interface Source {
  /**
   * The windows of a driver, or of the fleet (null); null where there are no others than those that are known. Without `to` up
   * to the last one, and with `auto` in the step that fits the test's length.
   */
  windows(from: number, to: number | null, step: number | "auto", driver: string | null): Promise<Window[] | null>;
  /** Exact figures of a span, or of the whole test; null where they cannot be asked for. */
  span(range: { from: number; to: number } | null): Promise<Span | null>;
}

/** The figures of the span that is zoomed to. */
export type SpanState =
  | { is: "whole"; span: Span | null }
  | { is: "loading"; range: Range; last: Span | null }
  /** `newest`: the last second that was known when it was asked for. */
  | { is: "here"; range: Range; span: Span; newest: number }
  | { is: "failed"; range: Range; why: string }
  | { is: "unavailable"; range: Range };

/** A second that is this much older than the newest has been reported by every driver. */
const SETTLED_S = 10;

/** Spans that are kept, so that going back and forth asks once. */
const MOST_SPANS = 24;

export class TestModel {
  readonly test = signal<Test | null>(null);
  readonly series = new Series();
  readonly group = new ChartGroup(this.series);
  readonly span = signal<SpanState>({ is: "whole", span: null });
  /** Why the series could not be loaded; null where it was. */
  readonly fault = signal<string | null>(null);
  /** The driver whose charts are shown; null for the fleet. */
  readonly driver = signal<string | null>(null);
  private readonly spans = new Map<string, Span>();
  private readonly details = new Map<string, Series>();
  private coarsening = false;

  constructor(private readonly source: Source) {
    const zoom = computed(() => this.group.view.value.zoom);
    effect(() => {
      const now = zoom.value;
      void this.zoomed(now);
    });
  }

  /** A newer state of the test. */
  take(test: Test): void {
    const before = this.test.peek();
    // An answer that was on its way when the test ended: nothing would correct it later.
    if (before?.state === "finished" && test.state !== "finished") return;
    // The plan never changes: one object for all states, so that what depends on it alone is not made anew each second.
    this.test.value = before?.test_id === test.test_id ? { ...test, plan: before.plan } : test;
    this.group.over.value = test.state === "finished";
    this.group.warmup.value = seconds(test.plan.load?.warmup) ?? 0;
    const found = marks(test);
    if (JSON.stringify(found) !== JSON.stringify(this.group.marks.peek())) this.group.marks.value = found;
    this.settle();
  }

  /** Windows of the fleet, in any order. */
  add(windows: readonly Window[]): void {
    let changed = false;
    for (const window of windows) changed = this.series.put(column(window)) || changed;
    if (!changed) return;
    this.group.version.value += 1;
    this.settle();
    void this.coarsen(this.series, null);
  }

  /** Loads the series of a test whose newest second is about `newest`. */
  async load(newest: number, over: boolean): Promise<void> {
    this.group.loading.value = true;
    try {
      const windows = await this.ask(newest, over, null);
      this.fault.value = null;
      this.add(windows);
      this.group.version.value += 1;
    } finally {
      this.group.loading.value = false;
    }
  }

  private async ask(newest: number, over: boolean, driver: string | null): Promise<Window[]> {
    // Of a test that is over the orchestrator knows the last second; its end may have been stored as an earlier instant.
    if (over && newest < PAGE * 60) return (await this.source.windows(0, null, "auto", driver)) ?? [];
    const asked = firstRequests(newest, over).map(({ from, to, step }) => this.source.windows(from, to, step, driver));
    return (await Promise.all(asked)).flatMap((windows) => windows ?? []);
  }

  /**
   * Asks for the seconds since `from` again, up to about `newest`: after a break of the stream some may be missing, or may
   * have grown. More than one answer holds, as after a night in a tab that was hidden, are asked for in longer steps.
   */
  async refill(from: number, newest: number): Promise<void> {
    const start = Math.max(0, from);
    if (newest - start >= PAGE) {
      await this.load(newest, false);
      return;
    }
    const windows = await this.source.windows(start, start + PAGE - 1, 1, null);
    if (windows) this.add(windows);
  }

  /** The test was deleted. */
  gone(): void {
    this.test.value = null;
  }

  /** Shows the charts of a driver, or of the fleet again. */
  async show(driver: string | null): Promise<void> {
    this.driver.value = driver;
    this.details.clear();
    this.group.detail.value = null;
    this.fault.value = null;
    if (driver === null) this.group.base.value = this.series;
    else {
      const series = new Series();
      this.group.base.value = series;
      this.group.loading.value = true;
      const over = this.test.peek()?.state === "finished";
      try {
        series.putAll((await this.ask(Math.max(0, this.series.last), over, driver)).map(column));
      } catch (error) {
        if (this.driver.peek() === driver) this.fault.value = error instanceof Error ? error.message : String(error);
      } finally {
        this.group.loading.value = false;
      }
    }
    this.group.version.value += 1;
    const zoom = this.group.view.peek().zoom;
    if (zoom) await this.finer(zoom);
  }

  /** Asks for the newest seconds of the driver that is shown: the stream has its counts, and not how its responses are spread. */
  async refresh(): Promise<void> {
    const driver = this.driver.peek();
    if (driver === null) return;
    const series = this.group.base.peek();
    const from = Math.max(0, series.last - 2);
    const windows = await this.source.windows(from, from + PAGE - 1, 1, driver).catch(() => null);
    if (!windows || this.group.base.peek() !== series) return;
    series.putAll(windows.map(column));
    this.group.version.value += 1;
    await this.coarsen(series, driver);
  }

  /** How long a test that is over was, in seconds, before its series is here. */
  private lasted(): number {
    const { started_at: from, ended_at: to } = this.test.value ?? {};
    return from && to ? Math.max(1, Math.ceil((Date.parse(to) - Date.parse(from)) / 1000)) : 1;
  }

  /** The span of the test: what is known of it, and of a short test all that is planned. */
  private settle(): void {
    const last = Math.max(this.series.last + 1, 1);
    const test = this.test.value;
    const over = test?.state === "finished";
    const length = (test && planned(test.plan)) ?? 0;
    // Of a short test that runs, the whole schedule is shown, so that the axis stands still.
    const running = length <= 120 ? Math.max(last, Math.ceil(length)) : Math.max(last, 10);
    const end = over ? this.series.end || this.lasted() : running;
    const now = this.group.whole.peek();
    if (now[1] !== end) this.group.whole.value = [0, end];
  }

  /** Asks for longer steps where there are many short ones, of the fleet or of a driver. */
  private async coarsen(series: Series, driver: string | null): Promise<void> {
    const due = series.coarser();
    if (!due || this.coarsening) return;
    this.coarsening = true;
    try {
      const windows = await this.source.windows(due.from, due.to, due.step, driver);
      if (windows) {
        series.putAll(windows.map(column));
        this.group.version.value += 1;
      }
    } catch {
      // The next second asks again; the bound of the store holds meanwhile.
    } finally {
      this.coarsening = false;
    }
  }

  /** Asks for the figures of the whole test, as far as it is. */
  async whole(): Promise<void> {
    const span = await this.source.span(null).catch(() => null);
    if (this.span.value.is === "whole" && span) this.span.value = { is: "whole", span };
    if (span) this.spans.set("whole", span);
  }

  /** Another span is zoomed to: asks for its figures, and for its columns in a finer step. */
  private async zoomed(zoom: Range | null): Promise<void> {
    if (!zoom) {
      this.group.detail.value = null;
      this.span.value = { is: "whole", span: this.spans.get("whole") ?? null };
      return;
    }
    await Promise.all([this.figures(zoom), this.finer(zoom)]);
  }

  /**
   * Asks once more for the figures of the span that is zoomed to, where some of its seconds had not come when they were
   * computed, and of a test that has ended in any case.
   */
  async again(): Promise<void> {
    const now = this.span.peek();
    if (now.is !== "here") return;
    const over = this.test.peek()?.state === "finished";
    if (!over && now.span.to + SETTLED_S < now.newest) return;
    const { range } = now;
    const newest = this.series.last;
    const span = await this.source.span({ from: range[0], to: range[1] - 1 }).catch(() => null);
    if (span && this.isWanted(range)) this.span.value = { is: "here", range, span, newest };
  }

  private isWanted(zoom: Range): boolean {
    const now = this.group.view.peek().zoom;
    return now !== null && now[0] === zoom[0] && now[1] === zoom[1];
  }

  private async figures(zoom: Range): Promise<void> {
    const [from, to] = [zoom[0], zoom[1] - 1];
    const key = `${from}-${to}`;
    const over = this.test.peek()?.state === "finished";
    const known = over ? this.spans.get(key) : undefined;
    if (known) {
      this.span.value = { is: "here", range: zoom, span: known, newest: this.series.last };
      return;
    }
    const before = this.span.peek();
    const newest = this.series.last;
    this.span.value = { is: "loading", range: zoom, last: before.is === "here" ? before.span : null };
    try {
      const span = await this.source.span({ from, to });
      if (span && over) this.keep(key, span);
      if (!this.isWanted(zoom)) return;
      this.span.value = span ? { is: "here", range: zoom, span, newest } : { is: "unavailable", range: zoom };
    } catch (error) {
      if (this.isWanted(zoom)) this.span.value = { is: "failed", range: zoom, why: error instanceof Error ? error.message : String(error) };
    }
  }

  private keep(key: string, span: Span): void {
    this.spans.set(key, span);
    for (const old of this.spans.keys()) {
      if (this.spans.size <= MOST_SPANS) break;
      if (old !== "whole") this.spans.delete(old);
    }
  }

  private async finer(zoom: Range): Promise<void> {
    const step = seriesStepOf(zoom[1] - zoom[0]);
    const known = this.group.base.peek();
    // Of a test of many days the oldest part is not kept: it is asked for when it is zoomed to.
    const isOlder = zoom[0] < (known.columns[0]?.seq ?? 0);
    if (!isOlder && !known.within(zoom[0], zoom[1] - 1).some((one) => one.seconds > step)) {
      this.group.detail.value = null;
      return;
    }
    const driver = this.driver.peek();
    const key = `${zoom[0]}-${zoom[1]}`;
    let series = this.details.get(key);
    if (!series) {
      const parts = paged({ from: zoom[0], to: zoom[1] - 1, step }).map(({ from, to }) => this.source.windows(from, to, step, driver));
      const windows = (await Promise.all(parts).catch(() => [])).flatMap((part) => part ?? []);
      if (windows.length === 0 || this.driver.peek() !== driver) return;
      series = new Series();
      series.putAll(windows.map(column));
      this.details.set(key, series);
      for (const old of this.details.keys()) if (this.details.size > 4) this.details.delete(old);
    }
    if (this.isWanted(zoom)) this.group.detail.value = { range: zoom, series };
  }
}
