//! What people see while a test runs: a screen of its own on a terminal, or one or two lines on stderr that are written
//! over; a plain line every five seconds where stderr leads elsewhere.

mod goal;
mod line;
mod screen;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{IsTerminal, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

use orchestrator::model::{TestState, TestView, WindowView};
use rustix::process::{Signal, getpid, kill_process};

use self::goal::Goal;
pub use self::line::Line;
use self::line::line;
use self::screen::Screen;
pub use self::screen::{cut, fit};
use crate::args::ProgressArg;
use crate::colour::{self, Colour};
use crate::fullscreen::{Asked, FullScreen, Shown as OnScreen};
use crate::say;

/// How often a plain line is written.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// How long a test runs before it gets a screen of its own: one that is over at once would only flash.
const SCREEN_AFTER: Duration = Duration::from_secs(1);

/// How often keys are looked at while there is a screen.
const KEYS_EVERY: Duration = Duration::from_millis(50);

/// How often the newest seconds are asked for.
const SECONDS_EVERY: Duration = Duration::from_secs(1);

/// How far a test is, and how to show it. Clones show the same.
#[derive(Clone)]
pub struct ProgressView(Rc<RefCell<Shown>>);

struct Shown {
    how: How,
    rate: Rate,
    /// Since when it runs, and the last line, to be drawn again below what is said.
    running_since: Option<Instant>,
    latest: Option<Line>,
    /// When the newest seconds were last asked for.
    seconds_at: Option<Instant>,
}

enum How {
    Quiet,
    Terminal { screen: Screen, colour: bool, full: Full },
    Plain { last: Option<Instant> },
}

/// The screen of its own.
enum Full {
    /// Not wanted, left by a key, or not possible here.
    Never,
    /// Once the test has run for so long.
    After(Duration),
    Taken(Box<FullScreen>),
}

/// Why a rest ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rested {
    /// Its time was over.
    Through,
    /// A key asked to leave the screen.
    Left,
}

impl ProgressView {
    /// The progress of a test that is started here. A screen of its own comes up where the test lasts.
    pub fn new(quiet: bool, wanted: ProgressArg) -> Self {
        Self::with(quiet, wanted, SCREEN_AFTER)
    }

    /// The progress of a test that runs already: its screen comes up at once.
    pub fn of_running(wanted: ProgressArg) -> Self {
        Self::with(false, wanted, Duration::ZERO)
    }

    fn with(quiet: bool, wanted: ProgressArg, screen_after: Duration) -> Self {
        let stderr = std::io::stderr();
        let how = if quiet {
            How::Quiet
        } else if stderr.is_terminal() && !is_dumb() {
            let full = match wanted {
                ProgressArg::Screen => Full::After(screen_after),
                ProgressArg::Line => Full::Never,
            };
            How::Terminal { screen: Screen::default(), colour: colour::wanted(&stderr), full }
        } else {
            How::Plain { last: None }
        };
        let shown = Shown { how, rate: Rate::default(), running_since: None, latest: None, seconds_at: None };
        Self(Rc::new(RefCell::new(shown)))
    }

    /// Prints a sentence above the progress; prints nothing with --quiet.
    pub fn print(&self, sentence: &str) {
        if !matches!(self.0.borrow().how, How::Quiet) {
            self.print_always(sentence);
        }
    }

    /// Prints a sentence above the progress, with --quiet as well: for what went wrong. While there is a screen, the
    /// sentence stands at its foot, and is printed when it goes away.
    pub fn print_always(&self, sentence: &str) {
        let mut shown = self.0.borrow_mut();
        if let Some(full) = shown.full() {
            full.keep(sentence);
            return;
        }
        shown.clear();
        say::aside(sentence);
        shown.draw();
    }

    /// Shows where the test is now.
    pub fn show(&self, test: &TestView) {
        let mut shown = self.0.borrow_mut();
        let now = Instant::now();
        if test.state == TestState::Running && shown.running_since.is_none() {
            // A test that was followed late has run for as long as its newest second says.
            shown.running_since = now.checked_sub(goal::elapsed(test)).or(Some(now));
        }
        let running = shown.running_since.map_or(Duration::ZERO, |since| now.duration_since(since));
        let rate = shown.rate.of(test.totals.sent.unwrap_or(0), now);
        let goal = Goal::of(test);
        let line = line(test, goal, rate, running);
        if let How::Plain { last } = &mut shown.how {
            let due = last.is_none_or(|last| now.duration_since(last) >= PLAIN_EVERY);
            if due && test.state != TestState::Finished {
                *last = Some(now);
                say::aside(line.whole());
            }
        }
        shown.take_screen(test, running);
        match shown.full() {
            Some(full) => {
                full.show(OnScreen { test: test.clone(), line: line.clone(), running, length: goal.length });
                shown.latest = Some(line);
            }
            None => {
                shown.latest = Some(line);
                shown.draw();
            }
        }
    }

    /// The first second of the fleet that is wanted of this test, where it is time to ask for the newest ones.
    pub fn wants_seconds(&self, test: &TestView) -> Option<u64> {
        let mut shown = self.0.borrow_mut();
        let now = Instant::now();
        if shown.seconds_at.is_some_and(|at| now.duration_since(at) < SECONDS_EVERY) {
            return None;
        }
        let next = shown.full()?.next_second(goal::elapsed(test));
        shown.seconds_at = Some(now);
        Some(next)
    }

    /// Takes seconds of the fleet, in order.
    pub fn take_seconds(&self, windows: &[WindowView]) {
        if let Some(full) = self.0.borrow_mut().full() {
            full.take_seconds(windows);
        }
    }

    /// Waits so long, and acts on keys meanwhile. A key that leaves the screen ends the wait: the progress is one line
    /// from then on.
    pub async fn rest(&self, length: Duration) -> Rested {
        let until = tokio::time::Instant::now() + length;
        while let Some(leaves) = self.keys() {
            if leaves {
                return Rested::Left;
            }
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                return Rested::Through;
            }
            tokio::time::sleep(left.min(KEYS_EVERY)).await;
        }
        tokio::time::sleep_until(until).await;
        Rested::Through
    }

    /// Acts on keys. Returns whether one of them left the screen, or `None` while progress is shown as lines.
    fn keys(&self) -> Option<bool> {
        let mut shown = self.0.borrow_mut();
        let asked = shown.full()?.keys();
        match asked {
            Some(Asked::Leave) => {
                shown.leave_screen(Full::Never);
                shown.draw();
            }
            Some(Asked::Pause) => {
                drop(shown);
                self.pause();
                // What the terminal sends where no program takes its keys.
                let _ = kill_process(getpid(), Signal::TSTP);
            }
            Some(Asked::Draw) | None => {}
        }
        Some(asked == Some(Asked::Leave))
    }

    /// Takes the progress away until it is shown again: this process is about to be stopped, and the shell writes to the
    /// terminal next.
    pub fn pause(&self) {
        let mut shown = self.0.borrow_mut();
        if shown.full().is_some() {
            shown.leave_screen(Full::After(Duration::ZERO));
        }
        shown.clear();
    }

    /// Takes the progress away: the summary follows.
    pub fn finish(&self) {
        let mut shown = self.0.borrow_mut();
        shown.leave_screen(Full::Never);
        shown.clear();
        shown.latest = None;
    }
}

impl Shown {
    fn full(&mut self) -> Option<&mut FullScreen> {
        match &mut self.how {
            How::Terminal { full: Full::Taken(full), .. } => Some(full),
            _ => None,
        }
    }

    /// Takes a screen of its own, once the test runs for long enough.
    fn take_screen(&mut self, test: &TestView, running: Duration) {
        let How::Terminal { screen, colour, full } = &mut self.how else { return };
        let Full::After(after) = *full else { return };
        let is_due = match test.state {
            TestState::Running => running >= after,
            TestState::Finished => false,
            _ => after.is_zero(),
        };
        if !is_due {
            return;
        }
        write(&screen.erase(columns()));
        // The line stays where the terminal is too small, or does not belong to this process.
        *full = FullScreen::take(*colour).map_or(Full::Never, |taken| Full::Taken(Box::new(taken)));
    }

    /// Gives the screen back, and prints what was said meanwhile. `next`: whether it is taken again.
    fn leave_screen(&mut self, next: Full) {
        let How::Terminal { full, .. } = &mut self.how else { return };
        if let Full::Taken(taken) = std::mem::replace(full, next) {
            taken.leave().iter().for_each(say::aside);
        }
    }

    fn clear(&mut self) {
        if self.full().is_some() {
            return;
        }
        if let How::Terminal { screen, .. } = &mut self.how {
            write(&screen.erase(columns()));
        }
    }

    fn draw(&mut self) {
        if self.full().is_some() {
            return;
        }
        let (How::Terminal { screen, colour, .. }, Some(line)) = (&mut self.how, &self.latest) else {
            return;
        };
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
