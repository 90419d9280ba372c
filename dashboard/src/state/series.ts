// The columns of one test, in order, without gaps that overlap. New seconds come live; older ones are replaced by steps of
// 10 s and 60 s that the server makes from the same histograms (percentiles cannot be merged here), so that a test of any
// length keeps within a bound.

import { type Column, endOf, lastOf } from "./columns";

/** Most columns that are kept: two weeks of minutes, about 30 MB with their heatmap. */
export const MOST = 20_160;

/** Most windows of one answer. */
export const PAGE = 3600;

/** How many columns of a step may stand before the older ones are asked for in the next step. */
const BOUNDS = [
  { step: 1, next: 10, most: 900, block: 300 },
  { step: 10, next: 60, most: 1500, block: 360 },
] as const;

/** Room for the columns of shorter steps beside those of 60 s. */
const SHORTER = 2400;

/** Seconds to ask for again, in a longer step: `from` and `to` are seconds, both included. */
export interface Coarser {
  from: number;
  to: number;
  step: 10 | 60;
}

export class Series {
  private list: Column[] = [];

  /** The columns, oldest first. The array is the store's own: read it, and never keep it. */
  get columns(): readonly Column[] {
    return this.list;
  }

  /** The last second that is known, or -1. */
  get last(): number {
    const newest = this.list[this.list.length - 1];
    return newest ? lastOf(newest) : -1;
  }

  /** When the newest column ended, in whole seconds; 0 without one. */
  get end(): number {
    const newest = this.list[this.list.length - 1];
    return newest ? endOf(newest) : 0;
  }

  /**
   * Adds a column. It replaces those whose seconds it covers entirely; where an older column covers more seconds than it
   * does, that one stays, because it holds this one's figures already. Returns whether anything changed.
   */
  put(added: Column): boolean {
    const newest = this.list[this.list.length - 1];
    if (!newest || added.seq > lastOf(newest)) {
      this.list.push(added);
      this.trim();
      return true;
    }
    const from = this.firstFrom(added.seq);
    let to = from;
    for (let at = from; at < this.list.length; at += 1) {
      const old = this.list[at] as Column;
      if (old.seq > lastOf(added)) break;
      if (old.seq < added.seq || lastOf(old) > lastOf(added)) return false;
      to = at + 1;
    }
    this.list.splice(from, to - from, added);
    this.trim();
    return true;
  }

  putAll(columns: Iterable<Column>): void {
    for (const one of columns) this.put(one);
  }

  /** The columns that touch the seconds from..=to. */
  within(from: number, to: number): Column[] {
    const start = this.firstFrom(from);
    const found: Column[] = [];
    for (let at = start; at < this.list.length; at += 1) {
      const one = this.list[at] as Column;
      if (one.seq > to) break;
      found.push(one);
    }
    return found;
  }

  /** The column that covers a second. */
  at(second: number): Column | null {
    const one = this.list[this.firstFrom(second)];
    return one && one.seq <= second && second <= lastOf(one) ? one : null;
  }

  /** The first second that is missing before the newest one; null where none is. */
  gap(): { from: number; to: number } | null {
    let expected = this.list[0]?.seq ?? 0;
    for (const one of this.list) {
      if (one.seq > expected) return { from: expected, to: one.seq - 1 };
      expected = lastOf(one) + 1;
    }
    return null;
  }

  /** What to ask for in a longer step, so that the columns stay few; null where nothing has to be. */
  coarser(): Coarser | null {
    for (const { step, next, most, block } of BOUNDS) {
      const fine = this.list.filter((one) => one.seconds === step);
      const oldest = fine[0];
      if (!oldest || fine.length <= most) continue;
      const from = Math.floor(oldest.seq / next) * next;
      // Only whole steps, and the newest seconds stay as they are.
      const to = Math.floor((from + block * step) / next) * next - 1;
      return { from, to, step: next };
    }
    return null;
  }

  /** The index of the first column that ends at or after a second. */
  private firstFrom(second: number): number {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (lastOf(this.list[middle] as Column) < second) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private trim(): void {
    if (this.list.length > MOST) this.list.splice(0, this.list.length - MOST);
  }
}

/** A part of the series that is asked for; both seconds are included. */
export interface Asked {
  from: number;
  to: number;
  step: 1 | 10 | 60;
}

/** Which windows to ask for first, where the newest second of a test is known: the newest 300 singly, the others in steps. */
export function firstRequests(newest: number, over: boolean): Asked[] {
  return parts(newest, over).flatMap(paged);
}

/** A part in as many requests as it takes. */
export function paged({ from, to, step }: Asked): Asked[] {
  const pages: Asked[] = [];
  for (let start = from; start <= to; start += PAGE * step) pages.push({ from: start, to: Math.min(to, start + PAGE * step - 1), step });
  return pages;
}

function parts(newest: number, over: boolean): Asked[] {
  const auto = newest < 300 ? 1 : newest < 3600 ? 10 : 60;
  // What is older than the columns that are kept has no place.
  const oldest = Math.max(0, Math.ceil((newest + 1) / 60) * 60 - MOST * 60);
  if (over || auto === 1) return [{ from: oldest, to: Math.max(0, newest), step: auto }];
  const border = Math.floor((newest - 300) / auto) * auto;
  // Between the long steps and the newest seconds a test of hours has its steps of 10 s.
  if (auto === 60 && border > 3600) {
    const middle = Math.floor((newest - 3600) / 60) * 60;
    const near = Math.floor((newest - 300) / 10) * 10;
    return [
      { from: Math.max(0, middle - (MOST - SHORTER) * 60), to: middle - 1, step: 60 },
      { from: middle, to: near - 1, step: 10 },
      { from: near, to: newest, step: 1 },
    ];
  }
  const asked: Asked[] = [];
  if (border > 0) asked.push({ from: 0, to: border - 1, step: auto });
  asked.push({ from: Math.max(0, border), to: newest, step: 1 });
  return asked;
}
