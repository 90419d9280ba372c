// The page of all drivers: who is there, what they are, what they carry. A thousand of them stay usable: rows are drawn
// where they can be seen, and each on its own when its driver changes.
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Driver } from "../../api/types";
import { count, duration, instant, rate } from "../../parts/format";
import { Copyable } from "../../parts/copy";
import { shortcut } from "../../parts/keys";
import { Empty, Loading } from "../../parts/notice";
import { SortButton } from "../../parts/sortable";
import { Word } from "../../parts/word";
import { address } from "../../routes";
import { driver, driverIds, isKnown, liveTest, tick } from "../../state/live";
import { driverCommand } from "../tests/empty";
import { age, type Column, listed, type Order, type Seen, slice, tally } from "./rows";

/** Height of a row, px: all are equal, so that those out of sight need not be drawn. */
const ROW_PX = 44;
/** From so many rows on, those out of sight are left out. */
const MANY = 120;

/** Column, head, the word that explains it, whether it is of numbers. */
const COLUMNS: [Column, string, string, boolean][] = [
  ["node_id", "Driver", "driver", false],
  ["liveness", "State", "liveness", false],
  ["age", "Last seen", "liveness", true],
  ["requests_sent", "Sent", "sent", true],
  ["cores", "Cores", "cores", true],
  ["clock_offset_ms", "Clock offset", "clock offset", true],
  ["calibration", "Calibrated", "calibration", true],
  ["max_rate", "Highest rate", "highest rate", true],
];

function all(): Seen[] {
  const now = performance.now();
  return driverIds.value.flatMap((id) => {
    // Not read as a signal: a row draws itself, and the order is looked at each second.
    const seen = driver(id)?.peek();
    return seen ? [{ driver: seen.driver, since: now - seen.at }] : [];
  });
}

export default function Drivers() {
  const [q, setQ] = useState("");
  const [onlyAlive, setOnlyAlive] = useState(false);
  const [order, setOrder] = useState<Order>({ by: "node_id", descending: false });
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => shortcut("/", "Search the drivers", () => search.current?.focus()), []);
  // Read, so that the order and the tally follow once a second.
  const second = tick.value;
  const everyone = second >= 0 ? all() : [];
  const rows = listed(everyone, q, onlyAlive, order);
  const sort = (by: Column) => setOrder({ by, descending: order.by === by ? !order.descending : false });
  if (everyone.length === 0) {
    return (
      <>
        <div class="title">
          <h1>Drivers</h1>
        </div>
        {!isKnown.value ? (
          <Loading what="the drivers" />
        ) : (
          <Empty title="No driver yet">
            <p>A driver is the node that sends requests. Start one, here or on another machine, and it appears by itself:</p>
            <Copyable text={driverCommand()} label="the command that starts a driver" />
          </Empty>
        )}
      </>
    );
  }
  return (
    <>
      <div class="title">
        <h1>Drivers</h1>
        {tally(everyone).map(([liveness, n]) => (
          <span key={liveness} class={`badge ${KIND[liveness] ?? "idle"}`}>
            {count(n)} {liveness}
          </span>
        ))}
      </div>
      <section class="card" aria-label="All drivers">
        <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
          <label>
            <span class="sr-only">Search by name, address, label or test</span>
            <input
              ref={search}
              type="search"
              placeholder="Search by name, address, label or test"
              value={q}
              onInput={(event) => setQ(event.currentTarget.value)}
            />
          </label>
          <label class="check">
            <input type="checkbox" checked={onlyAlive} onChange={(event) => setOnlyAlive(event.currentTarget.checked)} />
            Alive only
          </label>
        </form>
        {rows.length === 0 ? <Empty title="No driver matches" /> : <List rows={rows} order={order} sort={sort} />}
      </section>
    </>
  );
}

const KIND: Record<string, string> = { alive: "good", suspect: "warn", lost: "bad", deaf: "bad", stale: "warn", left: "idle" };

function List({ rows, order, sort }: { rows: Seen[]; order: Order; sort: (by: Column) => void }) {
  const body = useRef<HTMLTableSectionElement>(null);
  const isMany = rows.length > MANY;
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    if (!isMany) return;
    const look = () => setTop(-(body.current?.getBoundingClientRect().top ?? 0));
    look();
    addEventListener("scroll", look, { passive: true });
    addEventListener("resize", look);
    return () => {
      removeEventListener("scroll", look);
      removeEventListener("resize", look);
    };
  }, [isMany]);
  const part = isMany ? slice(rows.length, ROW_PX, top, innerHeight) : { from: 0, to: rows.length, above: 0, below: 0 };
  const room = (px: number) => px > 0 && <tr aria-hidden="true" class="room" style={{ height: `${px}px` }} />;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Drivers">
      <table class="drivers" aria-rowcount={rows.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            {COLUMNS.map(([by, name, word, isNumber]) => {
              const now = order.by !== by ? "none" : order.descending ? "descending" : "ascending";
              return (
                <th key={by} scope="col" class={isNumber ? "n" : ""} aria-sort={now}>
                  <Word of={word}>{name}</Word>
                  <SortButton of={name} now={now} click={() => sort(by)} />
                </th>
              );
            })}
            <th scope="col">
              <Word of="tests">Test</Word>
            </th>
            <th scope="col">Version</th>
          </tr>
        </thead>
        <tbody ref={body}>
          {room(part.above)}
          {rows.slice(part.from, part.to).map((seen, at) => (
            <Row key={seen.driver.node_id} id={seen.driver.node_id} index={part.from + at + 2} />
          ))}
          {room(part.below)}
        </tbody>
      </table>
    </div>
  );
}

function Row({ id, index }: { id: string; index: number }) {
  const seen = driver(id)?.value;
  if (!seen) return null;
  const of = seen.driver;
  const labels = Object.entries(of.labels).map(([key, value]) => `${key}=${value}`).join(" ");
  const state = of.liveness === "alive" ? of.state : of.liveness;
  return (
    <tr aria-rowindex={index}>
      <th scope="row" class="node">
        <span class="cut" title={id}>
          {id}
        </span>
        <span class="dim small cut">
          {of.address ?? "no address"}
          {labels === "" ? "" : ` · ${labels}`}
        </span>
      </th>
      <td>
        <span class={`badge ${of.liveness === "alive" && of.state !== "idle" ? "live" : (KIND[of.liveness] ?? "idle")}`}>{state}</span>
        {of.classic && (
          <>
            {" "}
            <span class="badge">
              <Word of="classic">classic</Word>
            </span>
          </>
        )}
        {of.reason && <span class="small dim cut reason">{of.reason}</span>}
      </td>
      <td class="n">
        <Age id={id} />
      </td>
      <td class="n">{count(of.requests_sent)}</td>
      <td class="n">{count(of.cores)}</td>
      <td class="n">{of.clock_offset_ms === null || of.clock_offset_ms === undefined ? "–" : `${of.clock_offset_ms.toFixed(3)} ms`}</td>
      <td class="n">
        <Ceilings of={of.calibration} />
      </td>
      <td class="n">{of.max_rate === null || of.max_rate === undefined ? "none" : `${rate(of.max_rate)}/s`}</td>
      <td>
        {of.test_id ? (
          <a href={address({ page: "test", id: of.test_id })} class="cut" title={of.test_id}>
            {liveTest(of.test_id)?.name ?? of.test_id}
          </a>
        ) : (
          <span class="dim">–</span>
        )}
      </td>
      <td class="nowrap dim small">{of.version ?? "–"}</td>
    </tr>
  );
}

/** What the driver could send when it was calibrated: in an open loop, and below in a closed one. */
function Ceilings({ of }: { of: Driver["calibration"] }) {
  if (!of) return <span class="dim">not yet</span>;
  return (
    <span title={`Calibrated ${instant(of.at, new Date())}`}>
      {of.open_per_s === null || of.open_per_s === undefined ? "none kept" : `${rate(of.open_per_s)}/s open`}
      <span class="dim small below">{rate(of.closed_per_s)}/s closed</span>
    </span>
  );
}

/** Drawn each second by itself. */
function Age({ id }: { id: string }) {
  const seen = driver(id)?.value;
  const now = tick.value >= 0 ? performance.now() : 0;
  if (!seen) return null;
  const ms = age({ driver: seen.driver, since: Math.max(0, now - seen.at) });
  return <span class={seen.driver.alive && seen.driver.liveness === "alive" ? "" : "alarm"}>{duration(ms / 1_000)} ago</span>;
}
