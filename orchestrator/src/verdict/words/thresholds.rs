//! Thresholds that are not met or cannot be decided: the sentences for `failed`, and for `incomplete` where a figure is
//! not known.

use common::plan::ThresholdOf;

use super::Gaps;
use super::failures::by_kind;
use super::the_driver;
use crate::human::{count, ms, percent, rate};
use crate::model::FindingKind;
use crate::verdict::failures::Failures;

/// A threshold that was not met or cannot be decided.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdFinding {
    /// As in `response.p99 < 250ms`.
    pub expression: String,
    /// How it was missed, or why it cannot be decided.
    pub missed: Missed,
    /// What the figure leaves out, where it is incomplete.
    pub gaps: Option<Gaps>,
    /// The share of the seconds in which the drivers had no idle time, where the figure therefore shows nothing about
    /// the target.
    pub used_up: Option<f64>,
}

/// What a threshold counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Request,
    Session,
    /// A pass of a group.
    Pass,
    Poll,
}

impl Unit {
    /// Of what a threshold looks at.
    pub fn of(of: &ThresholdOf) -> Self {
        match of {
            ThresholdOf::All | ThresholdOf::Request(_) => Self::Request,
            ThresholdOf::Sessions(_) => Self::Session,
            ThresholdOf::Group(_) => Self::Pass,
            ThresholdOf::Poll(_) => Self::Poll,
        }
    }

    /// As in `1 request`, `2,000 requests`.
    fn counted(self, n: u64) -> String {
        match (self, n) {
            (Self::Request, _) => crate::human::counted(n, "request"),
            (Self::Session, _) => crate::human::counted(n, "session"),
            (Self::Pass, 1) => "1 pass".to_owned(),
            (Self::Pass, _) => format!("{} passes", count(n)),
            (Self::Poll, _) => crate::human::counted(n, "poll"),
        }
    }

    /// Several of them, and how they fail to happen at all.
    fn many(self) -> (&'static str, &'static str) {
        match self {
            Self::Request => ("requests", "were never sent"),
            Self::Session => ("sessions", "never began"),
            Self::Pass => ("passes", "never began"),
            Self::Poll => ("polls", "never began"),
        }
    }
}

/// How a threshold was missed.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the fields are named for the figures of interface.md
pub enum Missed {
    /// A latency; of an open loop's response, the service and the lag at the same figure.
    Latency {
        was_ms: f64,
        parts: Option<(f64, f64)>,
    },
    /// A latency that falls among requests without an answer: `figure` as in `p99`, and what is known of them.
    Unbounded {
        figure: String,
        slowest_ms: Option<f64>,
        dropped: u64,
        failed: u64,
        of: u64,
        unit: Unit,
    },
    Errors {
        failed: u64,
        of: u64,
        ratio: f64,
        kinds: Failures,
        unit: Unit,
    },
    /// Requests that were not sent, because so many (of each driver, where there are several) were in flight; or sessions
    /// that did not begin, because so many were under way.
    Dropped {
        dropped: u64,
        of: u64,
        ratio: f64,
        max_in_flight: u64,
        many: bool,
        given: bool,
        unit: Unit,
    },
    /// The same of a figure that has no such bound.
    DroppedRatio {
        ratio: f64,
    },
    /// Completed per second, and the highest rate of the plan where that is below the bound.
    Throughput {
        per_s: f64,
        most: Option<f64>,
        unit: Unit,
    },
    /// Why it cannot be decided.
    Undecided {
        why: String,
    },
}

impl ThresholdFinding {
    pub fn kind(&self) -> FindingKind {
        match self.missed {
            Missed::Latency { .. } | Missed::Unbounded { .. } => FindingKind::LatencyThreshold,
            Missed::Errors { .. } => FindingKind::ErrorsThreshold,
            Missed::Dropped { .. } | Missed::DroppedRatio { .. } => FindingKind::DroppedThreshold,
            Missed::Throughput { .. } => FindingKind::ThroughputThreshold,
            Missed::Undecided { .. } => FindingKind::ThresholdUndecided,
        }
    }

    pub fn text(&self, driver: Option<&str>) -> String {
        let expression = &self.expression;
        let said = match &self.missed {
            Missed::Latency { was_ms, parts } => {
                let parts = parts.map_or_else(String::new, |(service, lag)| {
                    format!(" (service {}, lag {})", ms(service), ms(lag))
                });
                format!("{expression} is not met: it was {}{parts}", ms(*was_ms))
            }
            Missed::Unbounded { figure, slowest_ms, dropped, failed, of, unit } => {
                let why = unbounded(figure, *slowest_ms, *dropped, *failed, *of, *unit);
                format!("{expression} is not met: {why}")
            }
            Missed::Errors { failed, of, ratio, kinds, unit } => format!(
                "{expression} is not met: {} of {} failed ({}{})",
                count(*failed),
                unit.counted(*of),
                percent(*ratio),
                by_kind(kinds).map_or_else(String::new, |kinds| format!("; {kinds}"))
            ),
            Missed::Dropped { dropped, of, ratio, max_in_flight, many, given, unit } => format!(
                "the target did not keep up: {} of {} ({}) {} because {}{} still {}; figures with ≥ are lower bounds{}",
                count(*dropped),
                unit.counted(*of),
                percent(*ratio),
                match (unit, *dropped) {
                    (Unit::Request, 1) => "was not sent",
                    (Unit::Request, _) => "were not sent",
                    _ => "did not begin",
                },
                count(*max_in_flight),
                match (*many, *max_in_flight) {
                    (true, 1) => " per driver was",
                    (true, _) => " per driver were",
                    (false, 1) => " was",
                    (false, _) => " were",
                },
                match unit {
                    Unit::Request => "in flight (--max-in-flight)",
                    _ => "under way (load.max_sessions)",
                },
                if *given { format!("; {expression} is not met") } else { String::new() }
            ),
            Missed::DroppedRatio { ratio } => format!("{expression} is not met: it was {}", percent(*ratio)),
            Missed::Throughput { per_s, most, unit } => {
                let most = most.map_or_else(String::new, |most| {
                    let does = if *unit == Unit::Request { "sends" } else { "starts" };
                    format!(
                        "; the plan {does} at most {}: raise the rate, or lower the threshold",
                        rate(most)
                    )
                });
                format!("{expression} is not met: it was {}{most}", rate(*per_s))
            }
            Missed::Undecided { why } => format!("{expression} cannot be decided: {why}"),
        };
        let whose = driver.map_or_else(String::new, |driver| format!("{}: ", the_driver(Some(driver))));
        let used_up = self.used_up.map_or_else(String::new, |share| {
            format!(
                "; the drivers had no idle time in {} of the seconds, so this says nothing about the target: use more \
                 drivers",
                percent(share)
            )
        });
        let gaps = self.gaps.as_ref().map_or_else(String::new, |gaps| {
            let not_counted = if gaps.drivers().is_empty() { "" } else { ", and not counted here" };
            format!("; {}{not_counted}", gaps.text())
        });
        format!("{whose}{said}{gaps}{used_up}")
    }
}

/// As in `60 % of the requests were never sent, so p99 is above 108 ms, how far is unknown`.
fn unbounded(
    figure: &str,
    slowest_ms: Option<f64>,
    dropped: u64,
    failed: u64,
    of: u64,
    unit: Unit,
) -> String {
    let (many, never) = unit.many();
    let share = |n: u64| percent(if of == 0 { 1.0 } else { n as f64 / of as f64 });
    let what = match (dropped, failed) {
        (dropped, 0) => format!("{} of the {many} {never}", share(dropped)),
        (0, failed) => format!("{} of the {many} failed", share(failed)),
        _ => format!("{} of the {many} failed or {never}", share(dropped + failed)),
    };
    match slowest_ms {
        Some(slowest) => format!("{what}, so {figure} is above {}, how far is unknown", ms(slowest)),
        None => format!("{what}, and none completed, so {figure} is unknown"),
    }
}
