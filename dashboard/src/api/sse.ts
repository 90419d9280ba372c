// Server-sent events as text becomes them: the part of the format that the orchestrator sends. Pure.

/** One event; `id` is null where the frame had none (of the present state, at the beginning). */
export interface Frame {
  id: string | null;
  name: string;
  data: string;
}

/** Cuts a stream of text into frames. Feed it what arrives, in pieces of any length. */
export class FrameReader {
  private rest = "";

  /** The frames that are complete with this piece. A comment is a frame without data. */
  feed(piece: string): Frame[] {
    this.rest += piece;
    const parts = this.rest.split("\n\n");
    this.rest = parts.pop() ?? "";
    return parts.map(frame);
  }
}

function frame(text: string): Frame {
  const found: Frame = { id: null, name: "", data: "" };
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, "");
    switch (line.slice(0, colon)) {
      case "id":
        found.id = value;
        break;
      case "event":
        found.name = value;
        break;
      case "data":
        found.data += (found.data === "" ? "" : "\n") + value;
        break;
    }
  }
  return found;
}
