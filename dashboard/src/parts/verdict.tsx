// How a test ended, or stands: a word and a sign, so that it can be read without colours.
import type { Standing, TestState, Verdict } from "../api/types";
import { Word } from "./word";

type Kind = "good" | "bad" | "warn" | "idle" | "live";

const OF_VERDICT: Record<Verdict, [Kind, string]> = {
  passed: ["good", "✓"],
  failed: ["bad", "✕"],
  incomplete: ["bad", "◌"],
  invalid: ["warn", "!"],
  aborted: ["warn", "■"],
};

const OF_STATE: Record<TestState, [Kind, string]> = {
  configured: ["idle", "○"],
  starting: ["live", "◐"],
  running: ["live", "▶"],
  draining: ["live", "▷"],
  finished: ["idle", "●"],
};

const OF_STANDING: Record<Standing, [Kind, string]> = {
  ok: ["live", "▶"],
  failing: ["bad", "✕"],
  incomplete: ["bad", "◌"],
  invalid: ["warn", "!"],
};

interface Shown {
  state: TestState;
  verdict?: Verdict | null | undefined;
  standing?: Standing | null | undefined;
  explains?: boolean;
}

/** The badge of a test: its verdict, or while it runs how it stands, or its state. `explains`: it has its explanation. */
export function VerdictBadge({ state, verdict, standing, explains = false }: Shown) {
  const troubled = standing && standing !== "ok" ? standing : null;
  const [kind, sign] = verdict ? OF_VERDICT[verdict] : troubled ? OF_STANDING[troubled] : OF_STATE[state];
  const text = verdict ?? (troubled ? `${troubled} so far` : state);
  const word = verdict === "failed" ? "failed verdict" : (verdict ?? (troubled ? "standing" : state));
  return (
    <span class={`badge ${kind}`}>
      <span aria-hidden="true">{sign}</span> {explains ? <Word of={word}>{text}</Word> : text}
    </span>
  );
}
