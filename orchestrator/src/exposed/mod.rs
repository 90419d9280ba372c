//! What `/metrics` shows of one test: plain data that the tally fills, and its text for Prometheus. It knows neither actors
//! nor HTTP.
//!
//! No sample has the test's id: each test would make every series anew (a plan with 20 requests and 8 drivers has some 2,300),
//! and Prometheus keeps them all for weeks. `test_info` alone has it, one series a test, to be joined where it matters. So
//! counters begin at 0 with each test, as those of a process that starts again do.

mod text;

use std::collections::BTreeMap;

use common::clock::UnixMicros;
use common::counters::Counters;
use common::latency::UpTo;
use common::named_counts::NamedCounts;

use crate::model::{Standing, TestState, Verdict};

/// Most drivers of a test that are shown each by itself; those after them, in the order of their shares, are shown together
/// as [`OTHERS`].
pub const MAX_DRIVERS: usize = 64;

/// The label of what is shown together, since there is a bound. No plan can have this as a name with samples of its own: a
/// request's name has no parentheses.
pub const OTHERS: &str = "(others)";

/// A test as `/metrics` shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Exposed {
    pub test_id: String,
    pub name: String,
    pub phase: Phase,
    /// `start_at` of the trigger, Unix µs.
    pub started_at: Option<UnixMicros>,
    /// What an open loop is to start each second by now.
    pub target: Option<TargetRate>,
    pub fleet: Counted,
    /// Requests by name and sessions by scenario.
    pub named: NamedCounts,
    /// By the name of a request; the only one of a plan without names is `None`.
    pub requests: Vec<(Option<String>, Times)>,
    /// Times of the fleet that are not kept by name.
    pub connect: UpTo,
    pub first_byte: UpTo,
    /// Drivers by what became of them.
    pub drivers_running: u64,
    pub drivers_ended: u64,
    pub drivers_lost: u64,
    /// Windows that must have been sent and have not arrived.
    pub windows_missing: u64,
    /// In the order of their shares, at most [`MAX_DRIVERS`] and one more.
    pub drivers: Vec<ExposedDriver>,
}

/// Where a test is, and how it does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phase {
    /// `None`: not known yet.
    pub state: Option<TestState>,
    /// While it runs.
    pub standing: Option<Standing>,
    /// Once it is over.
    pub verdict: Option<Verdict>,
}

/// What an open loop is to start each second, over all drivers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetRate {
    pub per_s: f64,
    /// `requests`, or `sessions` where the plan has several requests.
    pub unit: &'static str,
}

/// Counts of requests, those of the warm-up included. A figure that a driver does not report is left out of the sum.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counted {
    pub scheduled: u64,
    pub sent: u64,
    pub completed: u64,
    pub failed: u64,
    pub dropped_in_flight: u64,
    pub dropped_late: u64,
    pub in_flight: u64,
    pub unresolved: u64,
    /// Sent in the warm-up: a part of `sent`.
    pub warmup_sent: u64,
    pub bytes_received: u64,
    /// Answers by status, expected or not.
    pub status_codes: BTreeMap<String, u64>,
    /// Failures by kind.
    pub errors: BTreeMap<String, u64>,
}

/// Times of requests after the warm-up, by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Times {
    pub response: Outcomes,
    pub service: Outcomes,
}

/// Of completed and of failed requests.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outcomes {
    pub completed: UpTo,
    pub failed: UpTo,
}

/// One driver's part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExposedDriver {
    /// Its node id, or [`OTHERS`].
    pub node_id: String,
    pub counted: Counted,
    pub response: Outcomes,
    pub lag: UpTo,
    /// Its last second; `None` before the first and once its part is over.
    pub health: Option<Health>,
}

/// What a driver reported of itself for one second. Of several drivers the worst of each.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Health {
    /// Busiest worker's share of the second that was not idle.
    pub busy: f64,
    /// CPU of its process as a share of its cores.
    pub cpu: Option<f64>,
    /// Share of its machine's CPU time that the host gave to others.
    pub steal: Option<f64>,
    /// Share of the second that a worker waited for a core.
    pub wait: Option<f64>,
    /// The 99th percentile of lag, µs; `None` where nothing was sent.
    pub lag_p99_us: Option<u64>,
}

impl Counted {
    /// Counts from cumulative counters of a driver of ours. `over`: its part is over, so what is in flight is unresolved.
    pub fn of(counters: &Counters, over: bool) -> Self {
        let open = counters.in_flight();
        Self {
            scheduled: counters.scheduled,
            sent: counters.sent,
            completed: counters.completed,
            failed: counters.failed,
            dropped_in_flight: counters.dropped_in_flight,
            dropped_late: counters.dropped_late,
            in_flight: if over { 0 } else { open },
            unresolved: if over { open } else { 0 },
            warmup_sent: counters.warmup.sent,
            bytes_received: counters.bytes_received,
            status_codes: counters.status_codes.iter().map(|(code, n)| (code.to_string(), *n)).collect(),
            errors: counters.errors.iter().map(|(kind, n)| (kind.as_str().to_owned(), *n)).collect(),
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.scheduled += other.scheduled;
        self.sent += other.sent;
        self.completed += other.completed;
        self.failed += other.failed;
        self.dropped_in_flight += other.dropped_in_flight;
        self.dropped_late += other.dropped_late;
        self.in_flight += other.in_flight;
        self.unresolved += other.unresolved;
        self.warmup_sent += other.warmup_sent;
        self.bytes_received += other.bytes_received;
        add_each(&mut self.status_codes, &other.status_codes);
        add_each(&mut self.errors, &other.errors);
    }
}

fn add_each(sum: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>) {
    for (name, n) in more {
        *sum.entry(name.clone()).or_default() += n;
    }
}

impl Outcomes {
    pub fn add(&mut self, other: &Self) {
        self.completed += &other.completed;
        self.failed += &other.failed;
    }

    /// Takes requests away that are part of these.
    pub fn take_away(&mut self, part: &Self) {
        self.completed -= &part.completed;
        self.failed -= &part.failed;
    }

    pub fn count(&self) -> u64 {
        self.completed.count + self.failed.count
    }
}

impl ExposedDriver {
    /// Adds another life of the same node, or another driver that is shown together with this one.
    pub fn add(&mut self, other: &Self) {
        self.counted.add(&other.counted);
        self.response.add(&other.response);
        self.lag += &other.lag;
        self.health = match (self.health, other.health) {
            (Some(mine), Some(theirs)) => Some(mine.worst(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
    }
}

impl Health {
    fn worst(self, other: Self) -> Self {
        let higher = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::max);
        Self {
            busy: self.busy.max(other.busy),
            cpu: higher(self.cpu, other.cpu),
            steal: higher(self.steal, other.steal),
            wait: higher(self.wait, other.wait),
            lag_p99_us: self.lag_p99_us.max(other.lag_p99_us),
        }
    }
}
