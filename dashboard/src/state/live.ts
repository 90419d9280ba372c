// What the orchestrator sends by itself, for all pages of this tab: drivers, tests and seconds, by one stream. On the page of
// a test it is the stream of that test and of drivers, elsewhere that of everything.
//
// Each driver and each test has a signal of its own, so that only what changed is drawn again. A fleet of a thousand
// drivers changes a thousand times a second: changes are collected, and shown at most every `SHOW_EVERY_MS`.
import { batch, effect, type ReadonlySignal, signal, type Signal, untracked } from "@preact/signals";

import { get, path, session } from "../api/client";
import { EventStream, type Link } from "../api/events";
import type { Driver, Health, Second, Test } from "../api/types";
import { here } from "../routes";
import { underWayAfter } from "./underway";

const SHOW_EVERY_MS = 250;
/** A tab that is hidden this long gives up its connection, since a browser has six of them for a server. */
const HIDDEN_MS = 60_000;
/** After so long every driver that is alive has sent a heartbeat to an orchestrator that has just started. */
const DRIVERS_WITHIN_MS = 10_000;

/** A driver and when this page received its row, by `performance.now()`: it ages on screen from there. */
export interface SeenDriver {
  driver: Driver;
  at: number;
}

export const link = signal<Link>("connecting");
/** When the last byte of the stream arrived, by `performance.now()`; null before the first. */
export const receivedAt = signal<number | null>(null);
/** Whether the present state has arrived once: before that, an empty list of drivers says nothing. */
export const isKnown = signal(false);
/** Counts up when a stream has caught up: what was missed between two streams can be asked for now. */
export const caughtUp = signal(0);
/** Which orchestrator this is; null before it has answered. `/healthz` needs no token. */
export const health = signal<Health | null>(null);
/** Counts up once a second, for what ages on screen. */
export const tick = signal(0);

const drivers = new Map<string, Signal<SeenDriver>>();
/** The ids of all known drivers, in order. */
export const driverIds = signal<string[]>([]);
const tests = new Map<string, Signal<Test>>();
/** The test that is under way (starting, running, draining); null where none is. */
export const underWay = signal<Test | null>(null);
/** Counts up when the list of tests may look different: one was created, changed its state, or was deleted. */
export const listVersion = signal(0);

/** A driver's row; undefined where there is none of this id. */
export function driver(id: string): ReadonlySignal<SeenDriver> | undefined {
  return drivers.get(id);
}

/** A test as the stream has it; undefined before an event of it. */
export function liveTest(id: string): Test | undefined {
  return tests.get(id)?.value;
}

const secondListeners = new Set<(second: Second) => void>();
const testListeners = new Set<(test: Test) => void>();

/** Calls back for every second of every test (of the fleet: `node_id` null); returns what ends it. */
export function onSecond(listener: (second: Second) => void): () => void {
  secondListeners.add(listener);
  return () => secondListeners.delete(listener);
}

/** Calls back for every change of a test; returns what ends it. */
export function onTest(listener: (test: Test) => void): () => void {
  testListeners.add(listener);
  return () => testListeners.delete(listener);
}

const waiting = { drivers: new Map<string, SeenDriver>(), tests: new Map<string, Test>(), timer: 0 };

function show(): void {
  waiting.timer = 0;
  batch(() => {
    let isNew = false;
    for (const [id, seen] of waiting.drivers) {
      const known = drivers.get(id);
      if (known) known.value = seen;
      else {
        drivers.set(id, signal(seen));
        isNew = true;
      }
    }
    if (isNew) nameDrivers();
    for (const [id, test] of waiting.tests) {
      const known = tests.get(id);
      if (known?.value.state !== test.state || known.value.verdict !== test.verdict || known.value.name !== test.name) {
        listVersion.value += 1;
      }
      if (known) known.value = test;
      else tests.set(id, signal(test));
      underWay.value = underWayAfter(underWay.value, test);
    }
  });
  waiting.drivers.clear();
  waiting.tests.clear();
}

function nameDrivers(): void {
  driverIds.value = [...drivers.keys()].sort((a, b) => (a < b ? -1 : 1));
}

/** What a connection has brought. */
class Brought {
  readonly drivers = new Set<string>();
  readonly tests = new Set<string>();
}

/** The present state is complete: what an earlier connection brought of other tests may be out of date, and is forgotten. */
function keepTests(of: ReadonlySet<string>): void {
  batch(() => {
    for (const id of tests.keys()) if (!of.has(id)) tests.delete(id);
    if (underWay.value && !of.has(underWay.value.test_id)) underWay.value = null;
  });
}

/** Forgets drivers that this connection has not brought: the orchestrator does not know them, or does not any more. */
function keepDrivers(of: ReadonlySet<string>): void {
  const before = drivers.size;
  for (const id of drivers.keys()) if (!of.has(id)) drivers.delete(id);
  if (drivers.size !== before) nameDrivers();
}

function later(): void {
  if (waiting.timer === 0) waiting.timer = window.setTimeout(show, SHOW_EVERY_MS);
}

/** A test as it is by the newest word. Nothing comes after its end: an answer that says otherwise was on its way before. */
function put(test: Test): void {
  const known = waiting.tests.get(test.test_id) ?? tests.get(test.test_id)?.peek();
  if (known?.state !== "finished" || test.state === "finished") waiting.tests.set(test.test_id, test);
}

/** A test as REST answered it, which may be newer than the stream's. */
export function learn(test: Test): void {
  put(test);
  show();
}

/** A test was deleted here. */
export function forget(id: string): void {
  tests.delete(id);
  if (underWay.value?.test_id === id) underWay.value = null;
  listVersion.value += 1;
}

let stream: EventStream | null = null;
/** The test whose events alone the stream has; null for the events of everything. */
let streamOf: string | null = null;

/** Counts the streams: what an earlier one still reports is passed over. */
let turn = 0;

/** Opens the stream, of one test and all drivers or of everything, in the place of the one before it. */
function open(of: string | null): void {
  // From one page to another the stream changes and the orchestrator does not: the link stays as it is shown.
  const isSwitch = stream !== null && link.peek() === "live";
  stream?.close();
  streamOf = of;
  turn += 1;
  const mine = turn;
  let brought = new Brought();
  stream = new EventStream(path(["api", "v1", "events"], { test: of }), {
    event(name, data) {
      if (name === "driver") {
        const driver = data as Driver;
        brought.drivers.add(driver.node_id);
        waiting.drivers.set(driver.node_id, { driver, at: performance.now() });
      } else if (name === "test") {
        const test = data as Test;
        brought.tests.add(test.test_id);
        put(test);
        for (const listener of testListeners) listener(test);
      } else {
        for (const listener of secondListeners) listener(data as Second);
      }
      later();
    },
    link(now) {
      if (mine !== turn || (now === "connecting" && isSwitch)) return;
      link.value = now;
      if (now === "lost") brought = new Brought();
      // What happened without a stream may have changed the list, and it may be another orchestrator by now.
      if (now === "live") {
        listVersion.value += 1;
        void askHealth();
        void askTime();
      }
    },
    received() {
      receivedAt.value = performance.now();
    },
    caughtUp(isPresentState) {
      show();
      if (isPresentState) {
        const of = brought;
        keepTests(of.tests);
        // An orchestrator that has just started receives their heartbeats within seconds.
        setTimeout(() => {
          if (mine === turn && brought === of) keepDrivers(of.drivers);
        }, DRIVERS_WITHIN_MS);
      }
      isKnown.value = true;
      caughtUp.value += 1;
    },
    refused() {
      // The test was deleted, or never was: its page says so. Drivers are shown all the same.
      if (mine === turn) open(null);
    },
  });
}

/** Which events the page that is shown has use for. */
function wanted(): string | null {
  const at = here.value;
  return at.page === "test" ? at.id : null;
}

/** The orchestrator's clock less `performance.now()`, ms since 1970. Elapsed time does not jump where the browser's clock is set. */
let originMs = performance.timeOrigin;

/** ms since 1970 by the orchestrator's clock, as well as this page knows it: tests have their instants by that one. */
export function orchestratorNow(): number {
  return originMs + performance.now();
}

async function askTime(): Promise<void> {
  try {
    const before = performance.now();
    const { unix_us: us } = await get<{ unix_us: number }>("/api/v1/time");
    const wayMs = (performance.now() - before) / 2;
    originMs = us / 1_000 + wayMs - performance.now();
  } catch {
    // The link shows that nothing answers; the last offset stays.
  }
}

async function askHealth(): Promise<void> {
  try {
    health.value = await get<Health>("/healthz");
  } catch {
    // The link shows that nothing answers.
  }
}

/** The deletion of a test sends no event: where this page is looked at again, another one may have deleted some. */
function changedElsewhere(): void {
  if (session.value !== "out") listVersion.value += 1;
}

/** Opens the stream, and opens it again after a log-in and when a hidden tab is looked at again. Called once. */
export function listen(): void {
  void askHealth();
  effect(() => {
    const of = wanted();
    untracked(() => {
      if (session.value !== "out" && (stream === null || of !== streamOf)) open(of);
    });
  });
  let loggedOut = false;
  session.subscribe((now) => {
    if (now === "out") {
      loggedOut = true;
      // Who is logged out receives no more, in a stream that began before either.
      stream?.close();
      stream = null;
    } else if (now === "in" && loggedOut) {
      loggedOut = false;
      open(wanted());
    }
  });
  setInterval(() => {
    if (!document.hidden) tick.value += 1;
  }, 1_000);
  let hidden = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden) {
      hidden = window.setTimeout(() => {
        stream?.close();
        stream = null;
      }, HIDDEN_MS);
      return;
    }
    if (!stream && session.value !== "out") open(wanted());
    else changedElsewhere();
  });
  addEventListener("focus", changedElsewhere);
}
