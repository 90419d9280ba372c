//! Turns what happens to ticks and attempts into counters and samples, each in its window. It knows no
//! engine, no timer and no actor.

use common::counters::{Counters, ErrorKind};
use common::ids::RequestName;
use common::latency::LatencyKind;
use common::plan::Request;
use common::tls_cause::TlsCause;

use super::tally::Tally;
use super::windows::Windows;
use crate::engine::{Exchange, Outcome, RequestIndex, Spans};
use crate::start_at::Nanos;

/// Which request was due, and when: of an attempt, or of a tick that may become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Which request of the plan.
    pub request: RequestIndex,
    /// When it was due; closed loop without sessions: when it began.
    pub at: Nanos,
    /// How long the target, or the wait for a connection, kept it after it was due: no lag of ours. It is scheduled at
    /// `at + held`, which decides its window. 0 without sessions.
    pub held: Nanos,
    /// Whether that is in the warm-up.
    pub warmup: bool,
}

/// Why a tick was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// All places were taken.
    InFlight,
    Late,
}

/// A worker's counters and samples.
#[derive(Debug)]
pub struct Recorder {
    /// The windows they stand in.
    pub windows: Windows,
    /// The statuses that each request expects, by its index.
    pub(super) expect_status: Box<[Vec<(u16, u16)>]>,
    /// When the schedule ends: what completes later does not count towards the throughput.
    pub(super) schedule_to: Nanos,
}

/// To the nearest: cut off, a mean of 25 µs would be 2 % short, and Little's law would not hold.
pub(super) fn us(nanos: Nanos) -> u64 {
    u64::try_from(nanos.saturating_add(500) / 1_000).unwrap_or(0)
}

impl Recorder {
    /// Nothing happened yet. The plan has one request.
    pub fn new(request: &Request, schedule_to: Nanos) -> Self {
        Self {
            windows: Windows::new(Box::default()),
            expect_status: [request.expect_status.clone()].into(),
            schedule_to,
        }
    }

    /// Nothing happened yet. The plan has several requests, which are counted apart, in this order.
    pub fn of_each(requests: &[(RequestName, &Request)], schedule_to: Nanos) -> Self {
        Self {
            windows: Windows::new(requests.iter().map(|(name, _)| name.clone()).collect()),
            expect_status: requests.iter().map(|(_, request)| request.expect_status.clone()).collect(),
            schedule_to,
        }
    }

    /// The schedule ends now, earlier than it was to.
    pub fn cut(&mut self, at: Nanos) {
        self.schedule_to = self.schedule_to.min(at);
    }

    /// The schedule ends then: earlier or later than it was to, because its rate has changed.
    pub fn ends_at(&mut self, at: Nanos) {
        self.schedule_to = at;
    }

    /// When the schedule ends.
    pub fn schedule_to(&self) -> Nanos {
        self.schedule_to
    }

    /// A tick is sent: its attempt began; `short_gap`: too soon after the one before.
    #[inline]
    pub fn sent(&mut self, due: Due, began: Nanos, short_gap: bool) {
        let tally = self.windows.at(due.at + due.held, due.request);
        let counters = &mut tally.counters;
        counters.scheduled += 1;
        counters.sent += 1;
        counters.short_gaps += u64::from(short_gap);
        if due.warmup {
            counters.warmup.scheduled += 1;
            counters.warmup.sent += 1;
            counters.warmup.short_gaps += u64::from(short_gap);
        } else {
            tally.record_us(LatencyKind::Lag, us(began - due.at - due.held));
        }
    }

    /// A tick is not sent.
    pub fn dropped(&mut self, due: Due, why: Dropped) {
        let counters = &mut self.windows.at(due.at, due.request).counters;
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

    /// An attempt is over, as its engine reports.
    #[inline]
    pub fn ended(&mut self, due: Due, began: Nanos, at: Nanos, exchange: &Exchange) {
        self.judged(due, began, at, exchange, None);
    }

    /// As [`Recorder::ended`], of an answer that was looked at: `fault` is `check` or `extract` where it failed in that,
    /// and then it counts under its status and under its kind.
    #[inline]
    pub fn judged(
        &mut self,
        due: Due,
        began: Nanos,
        at: Nanos,
        exchange: &Exchange,
        fault: Option<ErrorKind>,
    ) {
        let tally = self.windows.at(at, due.request);
        if let Some(turn) = exchange.turn {
            tally.record_us(LatencyKind::Turn, us(turn));
        }
        let counters = &mut tally.counters;
        counters.bytes_received += exchange.bytes_received;
        let completed = match exchange.outcome {
            Outcome::Status(status) => {
                *counters.status_codes.entry(status).or_default() += 1;
                if due.warmup {
                    *counters.warmup.status_codes.entry(status).or_default() += 1;
                }
                if let Some(kind) = fault {
                    *counters.errors.entry(kind).or_default() += 1;
                    if due.warmup {
                        *counters.warmup.errors.entry(kind).or_default() += 1;
                    }
                }
                fault.is_none()
                    && self.expect_status[usize::from(due.request)]
                        .iter()
                        .any(|(low, high)| (*low..=*high).contains(&status))
            }
            Outcome::Failed(kind) => {
                // A peer that closes a kept connection with something unread resets it: the same case.
                let on_reuse = matches!(kind, ErrorKind::Closed | ErrorKind::Reset) && exchange.reused;
                *counters.errors.entry(kind).or_default() += 1;
                if kind == ErrorKind::Tls {
                    let cause = exchange.tls_cause.unwrap_or(TlsCause::Other);
                    *counters.tls_causes.entry(cause).or_default() += 1;
                }
                counters.closed_on_reuse += u64::from(on_reuse);
                if due.warmup {
                    *counters.warmup.errors.entry(kind).or_default() += 1;
                    counters.warmup.closed_on_reuse += u64::from(on_reuse);
                    counters.warmup.cancelled += u64::from(kind == ErrorKind::Cancelled);
                }
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
        // A cancelled attempt has no latency: how long it would have taken is unknown.
        if exchange.outcome != Outcome::Failed(ErrorKind::Cancelled) {
            samples(tally, due, us(at - began), us(at - due.at), completed, exchange);
        }
    }

    /// An attempt is given up, by us: with the time that it and its parts took so far.
    pub fn given_up(&mut self, due: Due, began: Nanos, at: Nanos, kind: ErrorKind, so_far: Spans) {
        let Spans { connect, first_byte } = so_far;
        let exchange = Exchange { connect, first_byte, ..Exchange::of(Outcome::Failed(kind)) };
        self.ended(due, began, at, &exchange);
    }

    /// All counters since the start.
    pub fn total(&self) -> Counters {
        self.windows.total()
    }
}

fn samples(
    tally: &mut Tally,
    due: Due,
    service_us: u64,
    response_us: u64,
    completed: bool,
    exchange: &Exchange,
) {
    if due.warmup {
        tally.record_us(LatencyKind::WarmupService, service_us);
        tally.record_us(LatencyKind::WarmupResponse, response_us);
        return;
    }
    tally.ended(service_us, response_us, completed);
    if let Some(connect) = exchange.connect {
        tally.record_us(LatencyKind::Connect, us(connect));
    }
    if let Some(first_byte) = exchange.first_byte {
        tally.record_us(LatencyKind::FirstByte, us(first_byte));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = 1_000_000;

    fn recorder() -> Recorder {
        let plan = common::plan::read(
            "[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nmode = 'tsunami'\nrate = 10\nduration = '3s'\n",
            common::plan::PlanFormat::Toml,
        );
        Recorder::new(&plan.unwrap().request, 3_000 * MS)
    }

    fn exchange(outcome: Outcome) -> Exchange {
        Exchange { bytes_received: 10, ..Exchange::of(outcome) }
    }

    fn due(at: Nanos, warmup: bool) -> Due {
        Due { request: 0, at, held: 0, warmup }
    }

    #[test]
    fn the_warm_up_has_statuses_kinds_and_gaps_of_its_own() {
        let mut recorder = recorder();
        let reset = Exchange { reused: true, ..exchange(Outcome::Failed(ErrorKind::Reset)) };
        for (warmup, n) in [(true, 3), (false, 5)] {
            for outcome in [exchange(Outcome::Status(503)), exchange(Outcome::Status(200)), reset] {
                for _ in 0..n {
                    recorder.sent(due(MS, warmup), MS, true);
                    recorder.ended(due(MS, warmup), MS, 2 * MS, &outcome);
                }
            }
        }
        let total = recorder.total();
        assert_eq!(total.status_codes, [(200, 8), (503, 8)].into());
        assert_eq!(total.warmup.status_codes, [(200, 3), (503, 3)].into());
        assert_eq!((total.errors_of(ErrorKind::Reset), total.closed_on_reuse), (8, 8));
        assert_eq!(total.warmup.errors, [(ErrorKind::Reset, 3)].into());
        let after = total.after_warmup();
        assert_eq!((after.sent, after.completed, after.failed), (15, 5, 10));
        assert_eq!((after.closed_on_reuse, after.short_gaps), (5, 15));
        assert_eq!(after.failed, after.errors_of(ErrorKind::Reset) + after.status_codes[&503]);
    }

    #[test]
    fn a_close_counts_as_one_on_reuse_where_the_connection_had_served() {
        for (kind, reused, expected) in [
            (ErrorKind::Closed, true, 1),
            (ErrorKind::Reset, true, 1),
            (ErrorKind::Reset, false, 0),
            (ErrorKind::Closed, false, 0),
            (ErrorKind::Timeout, true, 0),
        ] {
            let mut recorder = recorder();
            let ended = Exchange { reused, ..exchange(Outcome::Failed(kind)) };
            recorder.sent(due(0, false), 0, false);
            recorder.ended(due(0, false), 0, MS, &ended);
            assert_eq!(recorder.total().closed_on_reuse, expected, "{kind:?} reused={reused}");
        }
    }

    #[test]
    fn connects_and_first_bytes_are_those_of_attempts_that_had_them() {
        let mut recorder = recorder();
        let opened = |connect, first_byte, outcome| Exchange { connect, first_byte, ..exchange(outcome) };
        let ok = Outcome::Status(200);
        for (warmup, ended) in [
            (false, opened(Some(2 * MS), Some(7 * MS), ok)),
            (false, opened(None, Some(4 * MS), Outcome::Status(503))),
            (false, opened(Some(3 * MS), None, Outcome::Failed(ErrorKind::Timeout))),
            (false, opened(Some(MS), Some(MS), Outcome::Failed(ErrorKind::Cancelled))),
            (true, opened(Some(MS), Some(MS), ok)),
        ] {
            recorder.sent(due(0, warmup), 0, false);
            recorder.ended(due(0, warmup), 0, 9 * MS, &ended);
        }
        let latencies = recorder.windows.close(false).figures.all.latencies;
        let ends = |kind| (latencies.of(kind).count(), latencies.of(kind).extremes().both());
        assert_eq!(ends(LatencyKind::Connect), (2, Some([2_000, 3_000])));
        assert_eq!(ends(LatencyKind::FirstByte), (2, Some([4_000, 7_000])));
        assert_eq!(latencies.completed(LatencyKind::Service).count(), 1);
    }
}
