//! What people see while a test runs: a bar on a terminal, a plain line every five seconds elsewhere, on
//! stderr both.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use orchestrator::model::{TestState, TestView};

use crate::say;

/// How often a plain line is written.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// How far a test is, and how to tell.
pub struct Progress {
    how: How,
    rate: Rate,
}

enum How {
    Quiet,
    Bar(ProgressBar),
    Plain { last: Option<Instant> },
}

/// What the end of a test is measured in, from its plan.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Goal {
    /// Length of warm-up and schedule.
    pub length: Option<Duration>,
    /// Requests of the whole fleet, after the warm-up.
    pub requests: Option<u64>,
}

impl Progress {
    /// Progress for a test; `quiet` shows none.
    pub fn new(goal: Goal, quiet: bool) -> Self {
        let how = if quiet {
            How::Quiet
        } else if std::io::stderr().is_terminal() {
            How::Bar(bar(goal))
        } else {
            How::Plain { last: None }
        };
        Self { how, rate: Rate::default() }
    }

    /// Says a sentence without breaking the bar.
    pub fn say(&self, sentence: &str) {
        match &self.how {
            How::Quiet => {}
            How::Bar(bar) => bar.suspend(|| say::aside(sentence)),
            How::Plain { .. } => say::aside(sentence),
        }
    }

    /// What may print beside the bar: logs of nodes.
    pub fn printer(&self) -> Option<ProgressBar> {
        match &self.how {
            How::Bar(bar) => Some(bar.clone()),
            How::Quiet | How::Plain { .. } => None,
        }
    }

    /// Shows where the test is now.
    pub fn show(&mut self, test: &TestView) {
        let now = Instant::now();
        let line = line(test, self.rate.of(test.totals.sent.unwrap_or(0), now));
        match &mut self.how {
            How::Quiet => {}
            How::Bar(bar) => {
                bar.set_position(position(test, bar.length()));
                bar.set_message(line);
            }
            How::Plain { last } => {
                let due = last.is_none_or(|last| now.duration_since(last) >= PLAIN_EVERY);
                if due && test.state != TestState::Finished {
                    *last = Some(now);
                    say::aside(line);
                }
            }
        }
    }

    /// Takes the bar away: the summary follows.
    pub fn finish(&mut self) {
        if let How::Bar(bar) = &self.how {
            bar.finish_and_clear();
        }
    }
}

fn bar(goal: Goal) -> ProgressBar {
    let length = goal.requests.or_else(|| goal.length.map(|length| length.as_secs().max(1)));
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr_with_hz(10));
    let template = "{elapsed_precise} [{bar:30}] {percent:>3} %\n{wide_msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// Where the bar stands: requests begun, or seconds since the start.
fn position(test: &TestView, length: Option<u64>) -> u64 {
    let requests = test.plan.pointer("/load/requests").and_then(serde_json::Value::as_u64);
    let position = if requests.is_some() {
        let totals = &test.totals;
        (totals.scheduled.unwrap_or(0)).saturating_sub(totals.warmup.scheduled)
    } else {
        seconds_running(test).unwrap_or(0)
    };
    length.map_or(position, |length| position.min(length))
}

fn seconds_running(test: &TestView) -> Option<u64> {
    let started: jiff::Timestamp = test.started_at.as_deref()?.parse().ok()?;
    let running = jiff::Timestamp::now().duration_since(started);
    u64::try_from(running.as_secs()).ok()
}

/// One line of progress, 80 columns at usual figures.
fn line(test: &TestView, rate_per_s: f64) -> String {
    let totals = &test.totals;
    let state = match test.state {
        TestState::Configured => "configured",
        TestState::Starting => "starting",
        TestState::Running => "running",
        TestState::Draining => "draining",
        TestState::Finished => "finished",
    };
    let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"));
    let response = &totals.latency_ms.response;
    format!(
        "{state}: {} sent, {rate_per_s:.0}/s, {} in flight, {} failed, p50 {}, p99 {}, {} drivers",
        totals.sent.unwrap_or(0),
        totals.in_flight.unwrap_or(0),
        totals.failed.unwrap_or(0),
        ms(response.median),
        ms(response.p99),
        test.drivers.len(),
    )
}

/// Requests per second over about the last second.
#[derive(Debug, Default)]
struct Rate {
    samples: std::collections::VecDeque<(Instant, u64)>,
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
