//! What people see while a test runs, on stderr: two lines that are written over on a terminal, a plain line every
//! five seconds elsewhere.

mod line;
mod screen;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{IsTerminal, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

use orchestrator::model::{TestState, TestView};

use self::line::{Line, line};
use self::screen::{Screen, fit};
use crate::colour::{self, Colour};
use crate::say;

/// How often a plain line is written.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// How far a test is, and how to show it. Clones show the same.
#[derive(Clone)]
pub struct ProgressView(Rc<RefCell<Shown>>);

struct Shown {
    how: How,
    goal: Goal,
    rate: Rate,
    /// Since when it runs, and the last line, to be drawn again below what is said.
    running_since: Option<Instant>,
    latest: Option<Line>,
}

enum How {
    Quiet,
    Terminal { screen: Screen, colour: bool },
    Plain { last: Option<Instant> },
}

/// What the end of a test is measured in, from its plan.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Goal {
    /// Length of warm-up and schedule.
    pub length: Option<Duration>,
    /// Requests of the whole fleet, after the warm-up; sessions where the plan has several requests.
    pub requests: Option<u64>,
}

impl ProgressView {
    /// The progress of a test; `quiet` shows none.
    pub fn new(quiet: bool) -> Self {
        let stderr = std::io::stderr();
        let how = if quiet {
            How::Quiet
        } else if stderr.is_terminal() && !is_dumb() {
            How::Terminal { screen: Screen::default(), colour: colour::wanted(&stderr) }
        } else {
            How::Plain { last: None }
        };
        let shown =
            Shown { how, goal: Goal::default(), rate: Rate::default(), running_since: None, latest: None };
        Self(Rc::new(RefCell::new(shown)))
    }

    /// Says when the test will be over.
    pub fn expect(&self, goal: Goal) {
        self.0.borrow_mut().goal = goal;
    }

    /// Prints a sentence above the progress; prints nothing with --quiet.
    pub fn print(&self, sentence: &str) {
        if !matches!(self.0.borrow().how, How::Quiet) {
            self.print_always(sentence);
        }
    }

    /// Prints a sentence above the progress, with --quiet as well: for what went wrong.
    pub fn print_always(&self, sentence: &str) {
        let mut shown = self.0.borrow_mut();
        shown.clear();
        say::aside(sentence);
        shown.draw();
    }

    /// Shows where the test is now.
    pub fn show(&self, test: &TestView) {
        let mut shown = self.0.borrow_mut();
        let now = Instant::now();
        if test.state == TestState::Running && shown.running_since.is_none() {
            shown.running_since = Some(now);
        }
        let running = shown.running_since.map_or(Duration::ZERO, |since| now.duration_since(since));
        let rate = shown.rate.of(test.totals.sent.unwrap_or(0), now);
        let line = line(test, shown.goal, rate, running);
        if let How::Plain { last } = &mut shown.how {
            let due = last.is_none_or(|last| now.duration_since(last) >= PLAIN_EVERY);
            if due && test.state != TestState::Finished {
                *last = Some(now);
                say::aside(line.whole());
            }
        }
        shown.latest = Some(line);
        shown.draw();
    }

    /// Takes the progress away until it is shown again: someone else writes to the terminal.
    pub fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    /// Takes the progress away: the summary follows.
    pub fn finish(&self) {
        let mut shown = self.0.borrow_mut();
        shown.clear();
        shown.latest = None;
    }
}

impl Shown {
    fn clear(&mut self) {
        if let How::Terminal { screen, .. } = &mut self.how {
            write(&screen.erase(columns()));
        }
    }

    fn draw(&mut self) {
        let (How::Terminal { screen, colour }, Some(line)) = (&mut self.how, &self.latest) else { return };
        let columns = columns();
        let room = columns.saturating_sub(1);
        let paint: fn(&str) -> String = match (&line.failing, *colour) {
            (_, false) => plain,
            (None, true) => |text| Colour::Green.paint(text),
            (Some((Colour::Yellow, _)), true) => |text| Colour::Yellow.paint(text),
            (Some(_), true) => |text| Colour::Red.paint(text),
        };
        let mut lines = vec![(fit(&line.parts, room), paint)];
        lines.extend(line.failing.clone().map(|(_, failing)| (failing, paint)));
        write(&screen.draw(columns, &lines));
    }
}

/// Whether the terminal takes no control sequences, as that of an editor.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

fn plain(text: &str) -> String {
    text.to_owned()
}

/// Writes and flushes, so that a line is never half drawn. Errors are ignored: the reader may have closed the pipe.
fn write(text: &str) {
    let mut stderr = std::io::stderr();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// Columns of the terminal now: it may have been resized since the last line.
fn columns() -> usize {
    say::columns(std::io::stderr())
}

/// Requests per second over about the last second.
#[derive(Debug, Default)]
struct Rate {
    samples: VecDeque<(Instant, u64)>,
}

impl Rate {
    fn of(&mut self, sent: u64, now: Instant) -> f64 {
        self.samples.push_back((now, sent));
        while self.samples.len() > 2
            && self.samples.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= Duration::from_secs(1))
        {
            self.samples.pop_front();
        }
        match self.samples.front() {
            Some((at, earlier)) if now > *at => {
                sent.saturating_sub(*earlier) as f64 / now.duration_since(*at).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_second() {
        let mut rate = Rate::default();
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        assert_eq!(rate.of(0, at(0)), 0.0);
        assert_eq!(rate.of(500, at(500)), 1_000.0);
        assert_eq!(rate.of(1_000, at(1_000)), 1_000.0);
        assert_eq!(rate.of(1_000, at(2_000)), 0.0, "nothing was sent for a second");
    }
}
