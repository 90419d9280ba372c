// The frame of a chart: its title, the figures under the cursor, a sentence that says what it shows, and the same data as a
// table. Drawings are hidden from screen readers; these three are what they read.

import type { ComponentChildren } from "preact";
import { useComputed } from "@preact/signals";
import { useId, useState } from "preact/hooks";

import { Word } from "../parts/word";
import type { Column } from "../state/columns";
import { clock } from "./format";
import type { ChartGroup } from "./group";

/** A line of a chart, as its legend and its table have it. */
export interface Line {
  name: string;
  /** The word that explains it. */
  word?: string;
  /** A variable of the style sheet, as `--c-1`. */
  colour: string;
  /** How it is drawn: a line, dashes, dots, or an area. */
  look?: "dash" | "dot" | "area";
  /** What it is in a column, as text. */
  value: (column: Column) => string;
}

interface Props {
  group: ChartGroup;
  title: string;
  word?: string;
  /** Of its values, as "a second" or "ms". */
  unit: string;
  lines: readonly Line[];
  /** What the chart shows, in a sentence. */
  summary: string;
  /** Further controls in its head. */
  controls?: ComponentChildren;
  /** Stands in the place of the drawing, where there is nothing to draw. */
  nothing?: string | null;
  wide?: boolean;
  children: ComponentChildren;
}

/** Most rows of a table beside a chart. */
const MOST_ROWS = 400;

/** The place of a chart, with its frame. */
export function Chart({ group, title, word, unit, lines, summary, controls, nothing, wide, children }: Props) {
  const [asTable, setAsTable] = useState(false);
  const id = useId();
  return (
    <figure class={`card chart${wide ? " wide" : ""}`} aria-labelledby={id}>
      <div class="chart-head">
        <h3 id={id}>
          {word ? <Word of={word}>{title}</Word> : title} <span class="dim unit">{unit}</span>
        </h3>
        <div class="chart-controls">
          {controls}
          {!nothing && (
            <button type="button" class="quiet small no-print" aria-pressed={asTable} onClick={() => setAsTable(!asTable)} aria-label={`${title} as ${asTable ? "a chart" : "a table"}`}>
              {asTable ? "Chart" : "Table"}
            </button>
          )}
        </div>
      </div>
      <figcaption class="sr-only">{summary}</figcaption>
      {nothing ? (
        <p class="chart-nothing dim">{nothing}</p>
      ) : (
        <>
          <Legend group={group} lines={lines} />
          {asTable ? <DataTable group={group} title={title} unit={unit} lines={lines} /> : children}
        </>
      )}
    </figure>
  );
}

function Legend({ group, lines }: { group: ChartGroup; lines: readonly Line[] }) {
  const column = group.current.value;
  return (
    <ul class="legend">
      {lines.map((line) => (
        <li key={line.name}>
          <span class={`swatch ${line.look ?? "line"}`} style={{ color: `var(${line.colour})` }} aria-hidden="true" />
          <span class="legend-name">{line.word ? <Word of={line.word}>{line.name}</Word> : line.name}</span>
          <b>{column ? line.value(column) : ""}</b>
        </li>
      ))}
    </ul>
  );
}

function DataTable({ group, title, unit, lines }: { group: ChartGroup; title: string; unit: string; lines: readonly Line[] }) {
  const shown = useComputed(() => group.columns.value);
  const columns = shown.value;
  const rows = columns.slice(-MOST_ROWS);
  return (
    <div class="scroll chart-table" tabIndex={0} role="region" aria-label={`${title}, table`}>
      <table>
        <caption>
          {title}, {unit}
          {columns.length > rows.length ? `: the last ${rows.length} of ${columns.length} rows; zoom in for the others` : ""}
        </caption>
        <thead>
          <tr>
            <th scope="col">from</th>
            {lines.map((line) => (
              <th key={line.name} scope="col" class="n">
                {line.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((column) => (
            <tr key={column.seq}>
              <th scope="row">{clock(column.seq)}</th>
              {lines.map((line) => (
                <td key={line.name} class="n">
                  {line.value(column)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A choice between a few, as a row of buttons. */
export function Choice<Value extends string>({ label, values, now, choose }: { label: string; values: readonly (readonly [Value, string])[]; now: Value; choose: (value: Value) => void }) {
  return (
    <span class="choice no-print" role="group" aria-label={label}>
      {values.map(([value, text]) => (
        <button key={value} type="button" class="small" aria-pressed={value === now} onClick={() => choose(value)}>
          {text}
        </button>
      ))}
    </span>
  );
}
