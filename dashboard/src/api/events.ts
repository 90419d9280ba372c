// The stream of events, read by `fetch` rather than `EventSource`: a 401 and a broken connection differ here, and the
// comments of a quiet stream show that it is alive.
import { ApiError, request, session } from "./client";
import { FrameReader } from "./sse";
import type { Events } from "./types";

/** How the stream is: `live`, on the way (`connecting`), or lost (`lost`: what is shown is as old as it says). */
export type Link = "connecting" | "live" | "lost";

/** The orchestrator sends a comment after 10 s without an event: after so long without a byte the connection is lost. */
const SILENT_MS = 25_000;
/** First and longest pause before another try. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;

export interface Listener {
  /** An event, in the order of the orchestrator. */
  event<Name extends keyof Events>(name: Name, data: Events[Name]): void;
  /** The link changed. */
  link(link: Link): void;
  /** Bytes arrived: what is shown is up to date as of now. */
  received(): void;
  /** The present state is complete (`isPresentState`), or what was missed since the last event is on its way. */
  caughtUp(isPresentState: boolean): void;
  /** The orchestrator does not have what was asked for (404): this stream has ended. */
  refused(): void;
}

const NAMES = new Set<string>(["driver", "test", "window"]);

/** One stream that resumes by itself. It is open until `close`. */
export class EventStream {
  private readonly abort = new AbortController();
  private lastId: string | null = null;
  private pause = FIRST_PAUSE_MS;

  constructor(
    private readonly path: string,
    private readonly listener: Listener,
  ) {
    void this.run();
  }

  close(): void {
    this.abort.abort();
  }

  private isClosed(): boolean {
    return this.abort.signal.aborted;
  }

  private async run(): Promise<void> {
    this.listener.link("connecting");
    while (!this.isClosed()) {
      try {
        await this.listen();
      } catch (error) {
        // After a log-in another stream is opened.
        if (error instanceof ApiError && error.status === 401) return;
        if (error instanceof ApiError && error.status === 404) {
          if (!this.isClosed()) this.listener.refused();
          return;
        }
      }
      if (this.isClosed()) return;
      this.listener.link("lost");
      await new Promise((wake) => setTimeout(wake, this.pause));
      this.pause = Math.min(2 * this.pause, LONGEST_PAUSE_MS);
    }
  }

  private async listen(): Promise<void> {
    const headers: Record<string, string> = this.lastId === null ? {} : { "last-event-id": this.lastId };
    const answer = await request("GET", this.path, { headers, signal: this.abort.signal });
    session.value = "in";
    const body = answer.body;
    if (!body) return;
    this.pause = FIRST_PAUSE_MS;
    this.listener.received();
    this.listener.link("live");
    const reader = body.getReader();
    const decoder = new TextDecoder();
    const frames = new FrameReader();
    let isCaughtUp = false;
    for (;;) {
      const silence = setTimeout(() => void reader.cancel(), SILENT_MS);
      const { value, done } = await reader.read().finally(() => clearTimeout(silence));
      if (done || this.isClosed()) return;
      this.listener.received();
      for (const { id, name, data } of frames.feed(decoder.decode(value, { stream: true }))) {
        if (NAMES.has(name) && data !== "") {
          this.listener.event(name as keyof Events, JSON.parse(data) as never);
        }
        if (id === null) continue;
        this.lastId = id;
        // Events of the present state have no id; the first id stands behind them, without an event.
        if (!isCaughtUp) this.listener.caughtUp(name === "");
        isCaughtUp = true;
      }
    }
  }
}
