//! One condition of an objective, and what of a second counts against it. A percentile below a limit is a share:
//! `response.p99 < 100ms` says that at most 1 % took 100 ms or longer, failed or were dropped. So no percentile is estimated,
//! and shares of seconds add up. What it looks at is all requests, those of a name, the passes of a group, polls, or sessions.

use std::borrow::Cow;

use common::counters::{Counters, ErrorKind};
use common::figures::Figures;
use common::latency::{Latency, LatencyKind, Outcome};
use common::plan::{Comparison, Figure, LatencyFigure, Threshold, ThresholdOf, quantile_name};
use common::session_figures::{PassFigures, SessionCounters};

use crate::capacity::Limit;
use crate::capacity::share::Count;
use crate::tally::{Second, Unstarted};

/// What must hold, as a share that may be bad.
#[derive(Debug, Clone)]
pub struct Condition {
    pub threshold: Threshold,
    pub limit: Limit,
}

/// A part of a second: some of its requests, the passes of a group, polls, or sessions.
enum Part<'s> {
    Requests(&'s Figures),
    Passes(&'s PassFigures),
    Sessions { counters: SessionCounters, response: Cow<'s, Latency> },
}

/// What a percentile is of: the times of completed ones, and how many count as slower than any of them.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    pub completed: Latency,
    pub slower: u64,
}

impl Condition {
    pub fn of(threshold: Threshold) -> Self {
        let limit = match threshold.figure {
            Figure::Latency { figure: LatencyFigure::Quantile(quantile), .. } => {
                // Without the noise of the last binary digits.
                Limit { share: ((1.0 - quantile) * 1e9).round() / 1e9, is_latency: true }
            }
            _ => Limit { share: threshold.bound, is_latency: false },
        };
        Self { threshold, limit }
    }

    /// The bound of a latency, seconds.
    pub fn limit_s(&self) -> Option<f64> {
        self.limit.is_latency.then(|| self.threshold.bound / 1e3)
    }

    /// The quantile that is bounded, and what people call it: `p99`, or with what it is of, as in `checkout.response.p99`.
    pub fn quantile(&self) -> Option<(f64, String)> {
        let Figure::Latency { of, kind, figure: LatencyFigure::Quantile(quantile) } = self.threshold.figure
        else {
            return None;
        };
        let is_plain =
            of == Outcome::All && kind == LatencyKind::Response && self.threshold.of == ThresholdOf::All;
        let name = if is_plain { quantile_name(quantile) } else { self.threshold.key().to_owned() };
        Some((quantile, name))
    }

    /// What of a second counts against it.
    pub fn count(&self, second: &Second) -> Count {
        match self.threshold.figure {
            Figure::Latency { .. } => {
                let Samples { completed, slower } = self.samples(second);
                let slow = no_faster(&completed, self.threshold.bound, self.threshold.comparison);
                Count { bad: slow + slower, of: completed.count() + slower }
            }
            Figure::ErrorsRatio => {
                let (completed, failed) = self.ended(second);
                Count { bad: failed, of: completed + failed }
            }
            _ => {
                let measured = second.figures.all.counters.after_warmup();
                Count { bad: measured.dropped(), of: measured.scheduled }
            }
        }
    }

    /// The times of a second that its percentile is of; nothing where it is of a ratio.
    pub fn samples(&self, second: &Second) -> Samples {
        let (Figure::Latency { of, kind, .. }, Some(part)) = (self.threshold.figure, self.part(second))
        else {
            return Samples::default();
        };
        let unstarted = Unstarted::of(&second.sessions.counters());
        match part {
            Part::Requests(figures) => {
                let measured = figures.counters.after_warmup();
                let unsent = unstarted.beyond(&figures.counters);
                let slower = match of {
                    Outcome::All => failed(&measured) + measured.dropped() + unsent,
                    Outcome::Success | Outcome::Failed => 0,
                };
                Samples { completed: figures.latencies.completed(kind), slower }
            }
            Part::Passes(passes) => Samples {
                completed: passes.response.clone(),
                slower: passes.failed + unstarted.would_have(passes.completed + passes.failed),
            },
            Part::Sessions { counters, response } => {
                Samples { completed: response.into_owned(), slower: counters.slower() }
            }
        }
    }

    /// How many completed and failed in a second.
    fn ended(&self, second: &Second) -> (u64, u64) {
        match self.part(second) {
            None => (0, 0),
            Some(Part::Requests(figures)) => {
                let measured = figures.counters.after_warmup();
                (measured.completed, failed(&measured))
            }
            Some(Part::Passes(passes)) => (passes.completed, passes.failed),
            Some(Part::Sessions { counters, .. }) => (counters.completed, counters.failed),
        }
    }

    /// The part of a second that it looks at; `None` where the second has no such name.
    fn part<'s>(&self, second: &'s Second) -> Option<Part<'s>> {
        let sessions = &second.sessions;
        match &self.threshold.of {
            ThresholdOf::All => Some(Part::Requests(&second.figures.all)),
            ThresholdOf::Request(name) => second.figures.named.get(name).map(Part::Requests),
            ThresholdOf::Group(name) => sessions.groups.get(name).map(Part::Passes),
            ThresholdOf::Poll(name) => sessions.polls.get(name).map(Part::Passes),
            ThresholdOf::Sessions(None) => {
                let all = sessions.of_all();
                Some(Part::Sessions { counters: all.counters, response: Cow::Owned(all.response) })
            }
            ThresholdOf::Sessions(Some(scenario)) => {
                let of = sessions.scenarios.get(scenario)?;
                Some(Part::Sessions { counters: of.counters, response: Cow::Borrowed(&of.response) })
            }
        }
    }
}

/// Failed requests, those left out that a stop cancelled.
pub fn failed(measured: &Counters) -> u64 {
    measured.failed.saturating_sub(measured.errors_of(ErrorKind::Cancelled))
}

/// How many samples are not below a bound, ms.
fn no_faster(latency: &Latency, bound_ms: f64, comparison: Comparison) -> u64 {
    let bound = bound_ms * 1e3;
    let is_slow = |us: u64| match comparison {
        Comparison::Less => us as f64 >= bound,
        _ => us as f64 > bound,
    };
    // A bucket that holds the bound is counted by its upper end, as a percentile is shown.
    latency.buckets().filter(|(us, _)| is_slow(*us)).map(|(_, n)| n).sum()
}
