//! Turns what happens to ticks and attempts into counters and samples, each in its window. It knows no
//! engine, no timer and no actor.

use common::counters::{Counters, ErrorKind};
use common::latency::{Latencies, LatencyKind};
use common::plan::Request;

use super::windows::Windows;
use crate::engine::{Exchange, Outcome};
use crate::load_job::Nanos;

/// One attempt, or one tick that is none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// When it was due; closed loop: when it began.
    pub at: Nanos,
    /// Whether that is in the warm-up.
    pub warmup: bool,
}

/// Why a tick was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// The in-flight bound.
    InFlight,
    /// The generator.
    Late,
}

/// A worker's counters and samples.
#[derive(Debug)]
pub struct Recorder {
    /// The windows they stand in.
    pub windows: Windows,
    expect_status: Vec<(u16, u16)>,
    /// When the schedule ends: what completes later is none of its throughput.
    schedule_to: Nanos,
}

/// To the nearest: cut off, a mean of 25 µs would be 2 % short, and Little's law would not hold.
fn us(nanos: Nanos) -> u64 {
    u64::try_from(nanos.saturating_add(500) / 1_000).unwrap_or(0)
}

impl Recorder {
    /// Nothing happened yet.
    pub fn new(request: &Request, schedule_to: Nanos) -> Self {
        Self { windows: Windows::new(), expect_status: request.expect_status.clone(), schedule_to }
    }

    /// The schedule ends now, earlier than it was to.
    pub fn cut(&mut self, at: Nanos) {
        self.schedule_to = self.schedule_to.min(at);
    }

    /// When the schedule ends.
    pub fn schedule_to(&self) -> Nanos {
        self.schedule_to
    }

    /// A tick is sent: its attempt began; `short_gap`: too soon after the one before.
    #[inline]
    pub fn sent(&mut self, due: Due, began: Nanos, short_gap: bool) {
        let (counters, latencies) = self.windows.at(due.at);
        counters.scheduled += 1;
        counters.sent += 1;
        counters.short_gaps += u64::from(short_gap);
        if due.warmup {
            counters.warmup.scheduled += 1;
            counters.warmup.sent += 1;
        } else {
            latencies.of_mut(LatencyKind::Lag).record_us(us(began - due.at));
        }
    }

    /// A tick is not sent.
    pub fn dropped(&mut self, due: Due, why: Dropped) {
        let (counters, _) = self.windows.at(due.at);
        counters.scheduled += 1;
        let warmup = &mut counters.warmup;
        warmup.scheduled += u64::from(due.warmup);
        match why {
            Dropped::InFlight => {
                warmup.dropped_in_flight += u64::from(due.warmup);
                counters.dropped_in_flight += 1;
            }
            Dropped::Late => {
                warmup.dropped_late += u64::from(due.warmup);
                counters.dropped_late += 1;
            }
        }
    }

    /// An attempt is over: its engine says how.
    #[inline]
    pub fn ended(&mut self, due: Due, began: Nanos, at: Nanos, exchange: &Exchange) {
        let (counters, latencies) = self.windows.at(at);
        counters.bytes_received += exchange.bytes_received;
        if let Some(turn) = exchange.turn {
            latencies.of_mut(LatencyKind::Turn).record_us(us(turn));
        }
        let completed = match exchange.outcome {
            Outcome::Status(status) => {
                *counters.status_codes.entry(status).or_default() += 1;
                self.expect_status.iter().any(|(low, high)| (*low..=*high).contains(&status))
            }
            Outcome::Failed(kind) => {
                *counters.errors.entry(kind).or_default() += 1;
                counters.closed_on_reuse += u64::from(kind == ErrorKind::Closed && exchange.reused);
                counters.warmup.cancelled += u64::from(kind == ErrorKind::Cancelled && due.warmup);
                false
            }
        };
        if completed {
            counters.completed += 1;
            counters.warmup.completed += u64::from(due.warmup);
            counters.completed_in_schedule += u64::from(!due.warmup && at <= self.schedule_to);
        } else {
            counters.failed += 1;
            counters.warmup.failed += u64::from(due.warmup);
        }
        // A cancelled attempt has no latency: nobody knows how long it would have taken.
        if exchange.outcome != Outcome::Failed(ErrorKind::Cancelled) {
            samples(latencies, due, us(at - began), us(at - due.at), completed);
        }
    }

    /// An attempt is given up, by us: with the time it took so far.
    pub fn given_up(&mut self, due: Due, began: Nanos, at: Nanos, kind: ErrorKind) {
        let exchange = Exchange {
            outcome: Outcome::Failed(kind),
            bytes_received: 0,
            reused: false,
            unconnected: false,
            turn: None,
        };
        self.ended(due, began, at, &exchange);
    }

    /// All counters since the start.
    pub fn total(&self) -> Counters {
        self.windows.total()
    }
}

fn samples(latencies: &mut Latencies, due: Due, service_us: u64, response_us: u64, completed: bool) {
    if due.warmup {
        latencies.of_mut(LatencyKind::WarmupService).record_us(service_us);
        latencies.of_mut(LatencyKind::WarmupResponse).record_us(response_us);
        return;
    }
    latencies.of_mut(LatencyKind::Service).record_us(service_us);
    latencies.of_mut(LatencyKind::Response).record_us(response_us);
    if !completed {
        latencies.of_mut(LatencyKind::FailedService).record_us(service_us);
        latencies.of_mut(LatencyKind::FailedResponse).record_us(response_us);
    }
}
