// The report of one test as a file of its own: the data stand inside, nothing is asked for.

import { render } from "preact";

import { instant } from "./parts/format";
import { startPrinting } from "./parts/printing";
import { nextTheme, startTheme, theme } from "./parts/theme";
import { type Explained, takeWords } from "./parts/word";
import { TestView } from "./pages/test/view";
import { TestModel } from "./state/model";
import type { Span, Test, Window } from "./state/shapes";
import "./style/charts.css";

/** What the orchestrator puts into the file. */
interface Data {
  report: Test;
  /** The windows of the fleet, or the answer that holds them. */
  series: Window[] | { windows: Window[] } | null;
  /** Of the whole test. */
  span: Span | null;
  words: { words: Explained[] } | Explained[] | null;
}

function read(): Data | null {
  try {
    return JSON.parse(document.getElementById("data")?.textContent ?? "") as Data;
  } catch {
    return null;
  }
}

function Report({ model, test }: { model: TestModel; test: Test }) {
  return (
    <main class="page" id="main">
      <p class="report-head">
        <b>Groundswell report</b> <span class="mono wrap">{test.test_id}</span>
        {test.ended_at && <span>{new Date(test.ended_at).toISOString().replace(/\.\d+Z$/, "Z")}</span>}
        <button type="button" class="quiet small push no-print" onClick={nextTheme} aria-label={`Colours: ${theme.value}. Change`}>
          Colours: {theme.value}
        </button>
        <button type="button" class="small no-print" onClick={() => print()}>
          Print
        </button>
      </p>
      <TestView model={model} test={test} now={Date.parse(test.ended_at ?? test.created_at)} plan={<Plan test={test} />} />
    </main>
  );
}

function Plan({ test }: { test: Test }) {
  return (
    <section class="card">
      <details>
        <summary>
          <h2>Plan</h2> <span class="dim small">with every default; secrets are masked</span>
        </summary>
        <pre class="report-plan" tabIndex={0} role="group" aria-label="The plan">
          <code>{JSON.stringify(test.plan, null, 2)}</code>
        </pre>
      </details>
    </section>
  );
}

startTheme();
startPrinting();
const root = document.getElementById("app");
const data = read();
if (root && data) {
  const { report, series, span, words } = data;
  takeWords(Array.isArray(words) ? words : (words?.words ?? []));
  const model = new TestModel({ windows: () => Promise.resolve(null), span: (range) => Promise.resolve(range ? null : span) });
  model.take(report);
  model.add(Array.isArray(series) ? series : (series?.windows ?? []));
  void model.whole();
  document.title = `${report.verdict ?? report.state}: ${report.name} · ${report.ended_at ? instant(report.ended_at, new Date(0)) : "Groundswell"}`;
  render(<Report model={model} test={report} />, root);
} else if (root) {
  render(<p>This file holds no report: it is the template that the orchestrator fills.</p>, root);
}
