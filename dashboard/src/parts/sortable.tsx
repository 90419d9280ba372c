// A table of figures: sorted by any column, wide ones scroll inside themselves, and the first column stays.

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { type Key, next, type Order, sorted } from "./sort";
import { Word } from "./word";

export interface TableColumn<Row> {
  id: string;
  head: string;
  /** The word that explains the head. */
  word?: string;
  /** Text is set to the left and sorted from A; numbers to the right and from high. */
  text?: boolean;
  key: (row: Row) => Key;
  cell: (row: Row) => ComponentChildren;
  alarm?: (row: Row) => boolean;
  /** Left out on paper, which is narrow. */
  minor?: boolean;
}

interface Props<Row> {
  label: string;
  caption?: ComponentChildren;
  columns: readonly TableColumn<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** Rows that are part of the one above them: they are not sorted apart from it. */
  fixed?: boolean;
}

type Now = "ascending" | "descending" | "none";

/** Sorts a table by a column: beside the column's head, which is a word with its explanation. */
export function SortButton({ of, now, click }: { of: string; now: Now; click: () => void }) {
  return (
    <button type="button" class={`sort ${now} no-print`} onClick={click} aria-label={`Sort by ${of}`}>
      <span aria-hidden="true">{now === "descending" ? "▾" : now === "ascending" ? "▴" : "▿"}</span>
    </button>
  );
}

/** Rows that are drawn at first: a fleet may have a thousand drivers. */
const FIRST_ROWS = 100;

export function SortableTable<Row>({ label, caption, columns, rows, rowKey, fixed = false }: Props<Row>) {
  const [order, setOrder] = useState<Order | null>(null);
  const by = new Map(columns.map((column) => [column.id, column]));
  const [all, setAll] = useState(false);
  const ordered = sorted(rows, order, (row, column) => by.get(column)?.key(row));
  const shown = all ? ordered : ordered.slice(0, FIRST_ROWS);
  return (
    <>
      <div class="scroll figures-table" tabIndex={0} role="region" aria-label={label}>
        <table>
          {caption && <caption>{caption}</caption>}
          <thead>
            <tr>
              {columns.map((column) => {
                const now = order?.column === column.id ? (order.descending ? "descending" : "ascending") : "none";
                const head = column.word ? <Word of={column.word}>{column.head}</Word> : column.head;
                return (
                  <th key={column.id} scope="col" class={`${column.text ? "" : "n"}${column.minor ? " no-print" : ""}`} {...(fixed ? {} : { "aria-sort": now })}>
                    {head}
                    {!fixed && <SortButton of={column.head} now={now} click={() => setOrder(next(order, column.id, !column.text))} />}
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={rowKey(row)}>
                {columns.map((column, index) =>
                  index === 0 ? (
                    <th key={column.id} scope="row" class={column.text ? "" : "n"}>
                      {column.cell(row)}
                    </th>
                  ) : (
                    <td key={column.id} class={`${column.text ? "" : "n"}${column.alarm?.(row) ? " alarm" : ""}${column.minor ? " no-print" : ""}`}>
                      {column.cell(row)}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.length < rows.length && (
        <p class="small">
          The first {shown.length} of {rows.length.toLocaleString("en-US")} in this order.{" "}
          <button type="button" class="quiet small no-print" onClick={() => setAll(true)}>
            Show all
          </button>
        </p>
      )}
    </>
  );
}
