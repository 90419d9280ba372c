//! Output for the user. The reader may have closed the pipe (`| head`): then output is discarded, the command goes on,
//! and the exit code reports its outcome.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;

use orchestrator::model::{TestView, Verdict};

use crate::colour::{self, Colour};

/// Columns if the width is unknown.
const USUAL_COLUMNS: usize = 80;

/// A line of the answer, on stdout.
pub fn line(what: impl Display) {
    let _ = writeln!(std::io::stdout(), "{what}");
}

/// Lines of the answer, which bring their own ends.
pub fn text(what: impl Display) {
    let _ = write!(std::io::stdout(), "{what}");
}

/// A piece of the answer, as it is.
pub fn bytes(what: &[u8]) {
    let _ = std::io::stdout().write_all(what);
}

/// A line beside the answer, on stderr.
pub fn aside(what: impl Display) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// A report for people, on stdout; on a terminal as wide as that is, and its verdict in colour.
pub fn report(report: &TestView) {
    text(for_people(report, &std::io::stdout()));
}

/// A report for people on stderr, where stdout is for a program.
pub fn report_aside(report: &TestView) {
    let _ = write!(std::io::stderr(), "{}", for_people(report, &std::io::stderr()));
}

fn for_people<S: IsTerminal + AsFd>(report: &TestView, stream: &S) -> String {
    let plain = orchestrator::report::text_in(report, columns(stream));
    if colour::wanted(stream) { coloured(&plain, report.verdict) } else { plain }
}

/// Columns of the terminal that a stream leads to, as it is now; 80 if it is not a terminal, or has no width.
pub fn columns(stream: impl AsFd) -> usize {
    let size = rustix::termios::tcgetwinsize(stream);
    size.map(|size| usize::from(size.ws_col)).ok().filter(|columns| *columns > 0).unwrap_or(USUAL_COLUMNS)
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
