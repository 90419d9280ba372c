//! The input of a verdict: plain figures, filled by the tally.

use std::borrow::Cow;
use std::collections::BTreeMap;

use common::clock::UnixMicros;
use common::counters::{Counters, ErrorKind};
use common::ids::RequestName;
use common::latency::{Latencies, LatencyKind, LatencyStats, Outcome, Spread};
use common::plan::{Plan, RateChange, Share, ThresholdOf};
use common::session_figures::{SessionCounters, SharedCounters};
use common::wire::{RowsUsedUp, StepsOf};

use crate::model::{CapacityView, MissingWindows, StepsView};
use crate::participant::EndedBy;
use crate::participant::Reading;
use crate::stopped_by::StoppedBy;

/// The input of a verdict.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    pub plan: &'a Plan,
    /// Whether the test is over; while it runs, missing figures may still arrive.
    pub over: bool,
    /// Who or what stopped the test before its end.
    pub stopped_by: Option<StoppedBy>,
    /// Why the test was interrupted, where the orchestrator that led it ended first.
    pub interrupted: Option<String>,
    /// What setup and teardown came to, where they began.
    pub steps: BTreeMap<StepsOf, StepsView>,
    /// The common start of the trigger; `None`: the test was never started.
    pub started_at: Option<UnixMicros>,
    /// What the search of `[capacity]` found, or knows so far; `None`: the plan has none.
    pub capacity: Option<Box<CapacityView>>,
    /// How the rate was changed while the test ran.
    pub rate_changes: &'a [RateChange],
    pub fleet: Sample<'a>,
    /// Each of them, in the order of their shares.
    pub drivers: Vec<DriverFacts<'a>>,
    /// The same facts of what a threshold looks at other than all requests: those of one name, sessions, a group, a poll;
    /// empty in these.
    pub of: Vec<(ThresholdOf, Facts<'a>)>,
    /// The counters of the requests of each name, over the drivers' last windows; empty where the plan has one request.
    pub names: BTreeMap<RequestName, Counters>,
    /// What the drivers sent by themselves, by the key in `[shared]`.
    pub shared: BTreeMap<RequestName, SharedCounters>,
    /// Windows that did not arrive.
    pub missing: Vec<MissingWindows>,
    /// Nodes that sent reports although they take no part.
    pub foreign: Vec<String>,
}

/// The figures of a driver or of all.
#[derive(Debug, Clone)]
pub struct Sample<'a> {
    /// The counters; those that are not reported are 0 (see `reported`).
    pub counters: Counters,
    /// Which counters are reported; for the fleet, those that all its drivers report.
    pub reported: Reported,
    pub latencies: Cow<'a, Latencies>,
    /// What sessions add to the counters; nothing where the plan has one request.
    pub of_sessions: OfSessions,
    /// Share of the completed requests that the histograms cover; `None` where that is not known.
    pub coverage: Option<f64>,
    /// Completed within the schedule, per second.
    pub throughput_per_s: Option<f64>,
    /// Length of the schedule in seconds.
    pub schedule_s: Option<f64>,
    /// Windows that are long enough to judge their busy share.
    pub windows: u64,
    /// Windows without idle time among these.
    pub busy_windows: u64,
}

/// What a plan with several requests adds to the counters of a sample.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OfSessions {
    /// Requests that count as slower than any completed one, beyond those of the counters: what sessions that never began
    /// would have sent.
    pub unsent: u64,
    /// Sessions after the warm-up; `None`: the sample is not of all requests of a plan with sessions.
    pub sessions: Option<SessionCounters>,
    /// Answers whose status their request does not expect, those of the warm-up left out; `None`: the plan has one request.
    pub unexpected: Option<BTreeMap<u16, u64>>,
    /// In a sample of sessions: how many were abandoned of how many, where that leaves open what sessions take.
    pub abandoned: Option<(u64, u64)>,
}

/// Which counts a driver reports, without contradicting itself. What it does not report is 0 among its counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported {
    pub sent: bool,
    /// How many of these completed.
    pub completed: bool,
    /// How many of these failed.
    pub failed: bool,
}

impl Reported {
    pub const ALL: Self = Self { sent: true, completed: true, failed: true };
    pub const NONE: Self = Self { sent: false, completed: false, failed: false };

    /// What both report.
    pub fn and(self, other: Self) -> Self {
        Self {
            sent: self.sent && other.sent,
            completed: self.completed && other.completed,
            failed: self.failed && other.failed,
        }
    }
}

/// What a classic driver reports of itself, beside its counters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClassicFacts {
    /// How its counts are read; `None`: it is a driver of ours.
    pub reading: Option<Reading>,
    /// The highest number of requests, or else of answers, that any of its reports names.
    pub at_least: Option<u64>,
    /// Its latencies, ms, as it sent them.
    pub response: LatencyStats,
}

/// The figures of one driver.
#[derive(Debug, Clone)]
pub struct DriverFacts<'a> {
    pub name: String,
    /// Whether it sends sums rather than windows.
    pub classic: bool,
    /// Whether this is another life of it than the one that was chosen.
    pub other_life: bool,
    /// Whether it took part without being chosen: a classic driver that became known after the trigger.
    pub joined: bool,
    /// How its part ended; `None`: its end was not reported.
    pub ended_by: Option<EndedBy>,
    /// When its last report or counters arrived.
    pub last_report_at: Option<UnixMicros>,
    /// Requests that it sent and whose end is not known.
    pub unresolved: u64,
    /// Why its load ended early, as it reports it.
    pub cut_short: Option<String>,
    /// Where the first redirect that it met points.
    pub redirected_to: Option<String>,
    /// Data that gives each row once and had none left for its users, as it reports it.
    pub rows_used_up: Option<RowsUsedUp>,
    /// Its share of the plan.
    pub share: Option<&'a Share>,
    /// Whether its figures contradict each other.
    pub implausible: bool,
    /// What it reports as a classic driver.
    pub as_classic: ClassicFacts,
    /// Whether it is a classic driver that sends heartbeats and has sent no report for longer than most need for one.
    pub silent: bool,
    /// Classic: how many requests it was to send and how many it reports, where that is more.
    pub sent_more: Option<SentMore>,
    /// What explains its lag.
    pub machine: GeneratorLoad,
    pub sample: Sample<'a>,
}

/// A classic driver that sent more requests than it was to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentMore {
    /// What it was to send.
    pub asked: u64,
    pub sent: u64,
}

/// Measurements of a driver's machine that can explain its lag; shares are from 0 to 1, `None` where not reported.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GeneratorLoad {
    /// CPU of its process as a share of its cores, in the second in which it was highest.
    pub cpu_max: Option<f64>,
    /// Share of CPU time that its machine's host gave to other machines (steal), over the whole test.
    pub steal_mean: Option<f64>,
    /// The same in the second in which it was highest.
    pub steal_max: Option<f64>,
    /// Share of a window that one of its threads waited for a core, in the window in which it was highest.
    pub waited_max: Option<f64>,
    /// When it did not run although no other program used its cores.
    pub stops: Vec<Stop>,
    /// Whether it gave up spinning before each request, because other threads needed its core.
    pub gave_up_spinning: bool,
}

/// A pause in which a driver did not run at all, in ms since the start of the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// When it last ran.
    pub from_ms: i64,
    /// When it ran again.
    pub to_ms: i64,
}

impl Stop {
    /// How long it was.
    pub fn length_ms(self) -> i64 {
        self.to_ms.saturating_sub(self.from_ms).max(0)
    }

    /// When it began, as in `12.3 s`.
    pub fn from_text(self) -> String {
        seconds(self.from_ms)
    }

    pub fn to_text(self) -> String {
        seconds(self.to_ms)
    }
}

fn seconds(ms: i64) -> String {
    format!("{:.1} s", ms as f64 / 1e3)
}

impl Facts<'_> {
    /// Whether a person or a program stopped the test.
    pub fn stopped_by_someone(&self) -> bool {
        matches!(self.stopped_by, Some(StoppedBy::Named(_)))
    }
}

impl Sample<'_> {
    /// Ticks that fell due after the warm-up.
    pub fn scheduled(&self) -> u64 {
        self.counters.scheduled.saturating_sub(self.counters.warmup.scheduled)
    }

    /// Attempts for those ticks.
    pub fn sent(&self) -> u64 {
        self.counters.sent.saturating_sub(self.counters.warmup.sent)
    }

    /// Expected answers to those attempts.
    pub fn completed(&self) -> u64 {
        self.counters.completed.saturating_sub(self.counters.warmup.completed)
    }

    /// Those attempts that ended in another way.
    pub fn failed(&self) -> u64 {
        self.counters.failed.saturating_sub(self.counters.warmup.failed)
    }

    /// Ticks after the warm-up that were dropped at the in-flight bound.
    pub fn dropped_in_flight(&self) -> u64 {
        self.counters.dropped_in_flight.saturating_sub(self.counters.warmup.dropped_in_flight)
    }

    /// Ticks after the warm-up that came too late to be sent.
    pub fn dropped_late(&self) -> u64 {
        self.counters.dropped_late.saturating_sub(self.counters.warmup.dropped_late)
    }

    /// Failed requests that were cancelled by a stop.
    pub fn cancelled(&self) -> u64 {
        let cancelled = self.counters.errors_of(ErrorKind::Cancelled);
        cancelled.saturating_sub(self.counters.warmup.cancelled)
    }

    /// Ticks after the warm-up that were never sent.
    pub fn dropped(&self) -> u64 {
        self.dropped_in_flight() + self.dropped_late()
    }

    /// (failed - cancelled) / (sent - cancelled); `None` where nothing was sent.
    pub fn errors_ratio(&self) -> Option<f64> {
        let cancelled = self.cancelled();
        ratio(self.failed_by_itself(), self.sent().saturating_sub(cancelled))
    }

    /// What fell due after the warm-up, and is sent or dropped as a whole: sessions where the plan has them, else
    /// requests. By requests, 10 % of sessions of 20 steps dropped would read 0.6 %.
    pub fn due(&self) -> u64 {
        self.of_sessions.sessions.map_or_else(|| self.scheduled(), |sessions| sessions.due())
    }

    /// How many of these were dropped at the bound: of requests in flight, or of sessions.
    pub fn due_and_dropped(&self) -> u64 {
        self.of_all_dropped(self.dropped_in_flight())
    }

    /// So many of the dropped ticks, in what fell due. Each dropped session is one dropped request; while a test runs, the
    /// counters of requests may be newer.
    fn of_all_dropped(&self, part: u64) -> u64 {
        let Some(sessions) = self.of_sessions.sessions else { return part };
        let all = self.dropped().max(1);
        u64::try_from(u128::from(sessions.dropped) * u128::from(part) / u128::from(all)).unwrap_or(part)
    }

    /// Dropped at the bound / due; `None` where nothing fell due.
    pub fn dropped_ratio(&self) -> Option<f64> {
        ratio(self.due_and_dropped(), self.due())
    }

    /// Dropped as late / due; `None` where nothing fell due.
    pub fn late_ratio(&self) -> Option<f64> {
        ratio(self.of_all_dropped(self.dropped_late()), self.due())
    }

    /// Failures after the warm-up that count: without what was cancelled.
    pub fn failed_by_itself(&self) -> u64 {
        self.failed().saturating_sub(self.cancelled())
    }

    /// A latency as reports show it: failed and dropped requests count as slower than any completed one, unless the
    /// completed or the failed ones alone are asked for.
    pub fn spread(&self, of: Outcome, kind: LatencyKind) -> Spread<'_> {
        self.latencies.spread(of, kind, self.counters.slower() + self.of_sessions.unsent)
    }

    /// A quantile in ms of all requests that ended; a failed request counts with the time it took. For response and
    /// service, dropped requests count as slower than any other; lag and turn exist only for requests that were sent.
    ///
    /// The generator's lateness is compared with this figure. It includes failed requests on purpose: where a target
    /// lets every request time out none completes, but lag is still small compared to the time that they took.
    pub fn quantile_ms(&self, kind: LatencyKind, quantile: f64) -> Option<Quantile> {
        let latency = self.latencies.of(kind);
        let highest = latency.max_us()?;
        let of_answers = matches!(kind, LatencyKind::Service | LatencyKind::Response);
        let slower = if of_answers { self.dropped() + self.of_sessions.unsent } else { 0 };
        Some(match latency.quantile_us(quantile, slower) {
            Some(us) => Quantile::Known(us as f64 / 1e3),
            None => Quantile::AtLeast(highest as f64 / 1e3),
        })
    }
}

/// A quantile, in ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quantile {
    Known(f64),
    /// The quantile falls among the dropped ticks; the slowest request that ended took so long.
    AtLeast(f64),
}

impl Quantile {
    /// The figure as shown.
    pub fn ms(self) -> f64 {
        match self {
            Self::Known(ms) | Self::AtLeast(ms) => ms,
        }
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
