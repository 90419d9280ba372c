//! What the user reads. Whoever reads may have gone (`| head`): then nothing more is said, what is being done goes on, and
//! the exit code tells how it ended.

use std::fmt::Display;
use std::io::Write;

use orchestrator::model::{TestView, Verdict};

use crate::colour::{self, Colour};

/// A line of the answer, on stdout.
pub fn line(what: impl Display) {
    let _ = writeln!(std::io::stdout(), "{what}");
}

/// Lines of the answer, which bring their own ends.
pub fn text(what: impl Display) {
    let _ = write!(std::io::stdout(), "{what}");
}

/// A line beside the answer, on stderr.
pub fn aside(what: impl Display) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// A report for people, on stdout; its verdict in colour on a terminal.
pub fn report(report: &TestView) {
    let plain = orchestrator::report::text(report);
    if colour::wanted(&std::io::stdout()) { text(coloured(&plain, report.verdict)) } else { text(plain) }
}

/// A report for people on stderr, where stdout is for a program.
pub fn report_aside(report: &TestView) {
    let plain = orchestrator::report::text(report);
    let shown = if colour::wanted(&std::io::stderr()) { coloured(&plain, report.verdict) } else { plain };
    let _ = write!(std::io::stderr(), "{shown}");
}

/// A report with its verdict in colour, where a line begins with it.
fn coloured(text: &str, verdict: Option<Verdict>) -> String {
    let Some(verdict) = verdict else { return text.to_owned() };
    let word = verdict.as_str().to_uppercase();
    let colour = match verdict {
        Verdict::Passed => Colour::Green,
        Verdict::Failed => Colour::Red,
        Verdict::Invalid | Verdict::Incomplete | Verdict::Aborted => Colour::Yellow,
    };
    let paint = |line: &str| match line.strip_prefix(&word) {
        Some(rest) => format!("{}{rest}", colour.paint(&word)),
        None => line.to_owned(),
    };
    text.split_inclusive('\n').map(paint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_coloured_where_it_begins_a_line() {
        let text = "FAILED  n\n  - it FAILED\n\nFAILED  why\n";
        let red = |text: &str| Colour::Red.paint(text);
        let expected = format!("{0}  n\n  - it FAILED\n\n{0}  why\n", red("FAILED"));
        assert_eq!(coloured(text, Some(Verdict::Failed)), expected);
        assert_eq!(coloured("RUNNING  n\n", None), "RUNNING  n\n");
    }
}
