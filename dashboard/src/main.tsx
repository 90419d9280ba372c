// Starts the pages: colours, address, stream, then the drawing.
import { render } from "preact";

import { App } from "./app";
import { startTheme } from "./parts/theme";
import { loadWords } from "./parts/word";
import { follow } from "./routes";
import { askSession, session } from "./api/client";
import { listen } from "./state/live";

startTheme();
follow();
listen();
session.subscribe((now) => {
  if (now !== "in") return;
  void askSession();
  void loadWords();
});
const root = document.getElementById("app");
if (root) render(<App />, root);
