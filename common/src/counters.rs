//! The counters of requests, the same for a worker, a driver and a fleet. Merging two sets is adding them.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Deserializer, Serialize};

use crate::tls_cause::TlsCause;

crate::named! {
    /// Why a request failed, other than by its status. A closed list (interface.md).
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    pub enum ErrorKind {
        /// The host name did not resolve.
        Resolve = "resolve",
        /// The connection was refused.
        Refused = "refused",
        /// No route to the host or network.
        Unreachable = "unreachable",
        /// No connection within the request's timeout.
        ConnectTimeout = "connect_timeout",
        /// The TLS handshake failed.
        Tls = "tls",
        /// Writing the request failed other than by a reset.
        Write = "write",
        /// The peer reset the connection.
        Reset = "reset",
        /// The peer closed before the answer was whole.
        Closed = "closed",
        /// No whole answer within the timeout, or by the end of the drain.
        Timeout = "timeout",
        /// The answer was not HTTP that we understand.
        Protocol = "protocol",
        /// The answer was larger than the engine's limits.
        TooLarge = "too_large",
        /// This machine had no source port, descriptor or buffer space: ours, never the target's.
        LocalLimit = "local_limit",
        /// Abandoned because the test was stopped or the driver was asked to shut down.
        Cancelled = "cancelled",
        /// An answer with an expected status that failed a `check`. It counts under its status, too.
        Check = "check",
        /// An answer with an expected status that lacked a value to extract. It counts under its status, too.
        Extract = "extract",
        /// A request that could not be rendered, and was not sent: a value does not fit its place.
        Template = "template",
        /// An address from an answer that is on no declared host: not sent.
        Target = "target",
    }
}

impl ErrorKind {
    /// Failures by kind, from counts by name. Those of a kind that this version does not know stay in `failed` alone.
    pub fn known(by_name: BTreeMap<String, u64>) -> BTreeMap<Self, u64> {
        by_name.into_iter().filter_map(|(name, n)| Some((Self::from_name(&name)?, n))).collect()
    }
}

/// The part of the counters whose requests were due during the warm-up. Included in [`Counters`], and
/// taken out of ratios, throughput and percentiles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WarmupCounters {
    /// Ticks that fell due.
    pub scheduled: u64,
    /// Attempts begun.
    pub sent: u64,
    /// Answers with an expected status.
    pub completed: u64,
    /// Everything else that ended.
    pub failed: u64,
    /// Ticks not sent, because the in-flight bound was reached.
    pub dropped_in_flight: u64,
    /// Ticks not sent, because the generator was late.
    pub dropped_late: u64,
    /// Of `failed`: given up on a stop. The same as `errors` has under that kind; senders before protocol 2 have only this.
    pub cancelled: u64,
    /// See [`Counters::closed_on_reuse`].
    pub closed_on_reuse: u64,
    /// See [`Counters::short_gaps`].
    pub short_gaps: u64,
    /// Failures that have no status, by kind.
    #[serde(deserialize_with = "known_kinds", skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<ErrorKind, u64>,
    /// Answers by status, expected or not.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub status_codes: BTreeMap<u16, u64>,
}

/// As [`ErrorKind::known`].
pub(crate) fn known_kinds<'de, D: Deserializer<'de>>(
    errors: D,
) -> Result<BTreeMap<ErrorKind, u64>, D::Error> {
    BTreeMap::deserialize(errors).map(ErrorKind::known)
}

/// As [`TlsCause::known`].
fn known_causes<'de, D: Deserializer<'de>>(causes: D) -> Result<BTreeMap<TlsCause, u64>, D::Error> {
    BTreeMap::deserialize(causes).map(TlsCause::known)
}

fn add_each<K: Ord + Copy>(to: &mut BTreeMap<K, u64>, more: &BTreeMap<K, u64>) {
    for (key, n) in more {
        *to.entry(*key).or_default() += n;
    }
}

/// Each count minus the count in the part; zeros are left out.
fn less_each<K: Ord + Copy>(whole: &BTreeMap<K, u64>, part: &BTreeMap<K, u64>) -> BTreeMap<K, u64> {
    let left = |(key, n): (&K, &u64)| (*key, n.saturating_sub(part.get(key).copied().unwrap_or(0)));
    whole.iter().map(left).filter(|(_, n)| *n > 0).collect()
}

impl WarmupCounters {
    /// Adds another part of the same test.
    pub fn add(&mut self, other: &Self) {
        self.scheduled += other.scheduled;
        self.sent += other.sent;
        self.completed += other.completed;
        self.failed += other.failed;
        self.dropped_in_flight += other.dropped_in_flight;
        self.dropped_late += other.dropped_late;
        self.cancelled += other.cancelled;
        self.closed_on_reuse += other.closed_on_reuse;
        self.short_gaps += other.short_gaps;
        add_each(&mut self.errors, &other.errors);
        add_each(&mut self.status_codes, &other.status_codes);
    }

    /// As [`Counters::since`].
    fn since(&self, before: &Self) -> Self {
        Self {
            scheduled: self.scheduled.saturating_sub(before.scheduled),
            sent: self.sent.saturating_sub(before.sent),
            completed: self.completed.saturating_sub(before.completed),
            failed: self.failed.saturating_sub(before.failed),
            dropped_in_flight: self.dropped_in_flight.saturating_sub(before.dropped_in_flight),
            dropped_late: self.dropped_late.saturating_sub(before.dropped_late),
            cancelled: self.cancelled.saturating_sub(before.cancelled),
            closed_on_reuse: self.closed_on_reuse.saturating_sub(before.closed_on_reuse),
            short_gaps: self.short_gaps.saturating_sub(before.short_gaps),
            errors: less_each(&self.errors, &before.errors),
            status_codes: less_each(&self.status_codes, &before.status_codes),
        }
    }
}

/// What a worker, a driver or a fleet has done in a test, or in a part of it. The words are those of
/// interface.md. Always: `scheduled = sent + dropped()`, `sent = completed + failed + in_flight()`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counters {
    /// Ticks of the schedule that fell due; in a closed loop the same as `sent`.
    pub scheduled: u64,
    /// Attempts begun, before resolving and connecting.
    pub sent: u64,
    /// Answers with an expected status.
    pub completed: u64,
    /// Everything else that ended: see `errors` and `status_codes`.
    pub failed: u64,
    /// Ticks not sent because the in-flight bound was reached: the target was too slow.
    pub dropped_in_flight: u64,
    /// Ticks not sent because the generator was late: our own fault.
    pub dropped_late: u64,
    /// Of the errors `closed` and `reset`: how many happened on a reused connection.
    pub closed_on_reuse: u64,
    /// Bytes of answers, headers included.
    pub bytes_received: u64,
    /// Of `completed`: those that ended within the schedule and were due after the warm-up.
    pub completed_in_schedule: u64,
    /// Gaps between two sends of one worker that were shorter than half the delay.
    pub short_gaps: u64,
    /// Failures that have no status, by kind.
    #[serde(deserialize_with = "known_kinds")]
    pub errors: BTreeMap<ErrorKind, u64>,
    /// The error `tls` by its cause, the warm-up included; their sum is that of the kind, but for drivers that do not
    /// report causes.
    #[serde(deserialize_with = "known_causes")]
    pub tls_causes: BTreeMap<TlsCause, u64>,
    /// Answers by status, expected or not.
    pub status_codes: BTreeMap<u16, u64>,
    /// The part that was due during the warm-up.
    pub warmup: WarmupCounters,
}

impl AddAssign<&Self> for Counters {
    fn add_assign(&mut self, other: &Self) {
        self.add(other);
    }
}

impl Counters {
    /// Ticks not sent, for whichever reason.
    pub fn dropped(&self) -> u64 {
        self.dropped_in_flight + self.dropped_late
    }

    /// Attempts that have not ended.
    pub fn in_flight(&self) -> u64 {
        self.sent.saturating_sub(self.completed + self.failed)
    }

    /// Requests after the warm-up that count as slower than any completed one: those that failed, and those that were
    /// never sent. A cancelled request is neither: it was cut short from our side, so its latency is unknown.
    pub fn slower(&self) -> u64 {
        let warmup = &self.warmup;
        let failed = self.failed.saturating_sub(warmup.failed);
        let cancelled = self.errors_of(ErrorKind::Cancelled).saturating_sub(warmup.cancelled);
        let dropped = self.dropped().saturating_sub(warmup.dropped_in_flight + warmup.dropped_late);
        failed.saturating_sub(cancelled) + dropped
    }

    /// Failures of one kind.
    pub fn errors_of(&self, kind: ErrorKind) -> u64 {
        self.errors.get(&kind).copied().unwrap_or(0)
    }

    /// Adds another part of the same test.
    pub fn add(&mut self, other: &Self) {
        self.scheduled += other.scheduled;
        self.sent += other.sent;
        self.completed += other.completed;
        self.failed += other.failed;
        self.dropped_in_flight += other.dropped_in_flight;
        self.dropped_late += other.dropped_late;
        self.closed_on_reuse += other.closed_on_reuse;
        self.bytes_received += other.bytes_received;
        self.completed_in_schedule += other.completed_in_schedule;
        self.short_gaps += other.short_gaps;
        add_each(&mut self.errors, &other.errors);
        add_each(&mut self.tls_causes, &other.tls_causes);
        add_each(&mut self.status_codes, &other.status_codes);
        self.warmup.add(&other.warmup);
    }

    /// What was counted since an earlier look at the same counters, which never fall.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            scheduled: self.scheduled.saturating_sub(before.scheduled),
            sent: self.sent.saturating_sub(before.sent),
            completed: self.completed.saturating_sub(before.completed),
            failed: self.failed.saturating_sub(before.failed),
            dropped_in_flight: self.dropped_in_flight.saturating_sub(before.dropped_in_flight),
            dropped_late: self.dropped_late.saturating_sub(before.dropped_late),
            closed_on_reuse: self.closed_on_reuse.saturating_sub(before.closed_on_reuse),
            bytes_received: self.bytes_received.saturating_sub(before.bytes_received),
            completed_in_schedule: self.completed_in_schedule.saturating_sub(before.completed_in_schedule),
            short_gaps: self.short_gaps.saturating_sub(before.short_gaps),
            errors: less_each(&self.errors, &before.errors),
            tls_causes: less_each(&self.tls_causes, &before.tls_causes),
            status_codes: less_each(&self.status_codes, &before.status_codes),
            warmup: self.warmup.since(&before.warmup),
        }
    }

    /// The part whose requests were due after the warm-up. Bytes and causes of TLS failures are those of all
    /// requests: they are not counted apart.
    pub fn after_warmup(&self) -> Self {
        let Self { warmup, .. } = self;
        Self {
            scheduled: self.scheduled.saturating_sub(warmup.scheduled),
            sent: self.sent.saturating_sub(warmup.sent),
            completed: self.completed.saturating_sub(warmup.completed),
            failed: self.failed.saturating_sub(warmup.failed),
            dropped_in_flight: self.dropped_in_flight.saturating_sub(warmup.dropped_in_flight),
            dropped_late: self.dropped_late.saturating_sub(warmup.dropped_late),
            closed_on_reuse: self.closed_on_reuse.saturating_sub(warmup.closed_on_reuse),
            bytes_received: self.bytes_received,
            completed_in_schedule: self.completed_in_schedule,
            short_gaps: self.short_gaps.saturating_sub(warmup.short_gaps),
            errors: less_each(&self.errors, &warmup.errors),
            tls_causes: self.tls_causes.clone(),
            status_codes: less_each(&self.status_codes, &warmup.status_codes),
            warmup: WarmupCounters::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_on_the_wire_are_the_closed_list() {
        for kind in ErrorKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(ErrorKind::from_name(kind.as_str()), Some(kind));
        }
        assert_eq!(ErrorKind::from_name("lost"), None);
    }

    #[test]
    fn adding_parts_keeps_the_equations() {
        let part = Counters {
            scheduled: 10,
            sent: 8,
            completed: 5,
            failed: 2,
            dropped_in_flight: 1,
            dropped_late: 1,
            errors: [(ErrorKind::Reset, 2)].into(),
            tls_causes: [(TlsCause::Expired, 1)].into(),
            status_codes: [(200, 5)].into(),
            ..Counters::default()
        };
        let mut whole = part.clone();
        whole.add(&part);
        assert_eq!((whole.scheduled, whole.dropped(), whole.in_flight()), (20, 4, 2));
        assert_eq!(whole.scheduled, whole.sent + whole.dropped());
        assert_eq!(whole.errors_of(ErrorKind::Reset), 4);
        assert_eq!(whole.tls_causes[&TlsCause::Expired], 2);
        assert_eq!(whole.status_codes[&200], 10);
    }

    #[test]
    fn what_is_left_after_the_warm_up_adds_up_as_the_whole_does() {
        let warmup = WarmupCounters {
            scheduled: 30,
            sent: 27,
            completed: 9,
            failed: 17,
            dropped_in_flight: 1,
            dropped_late: 2,
            cancelled: 0,
            closed_on_reuse: 3,
            short_gaps: 4,
            errors: [(ErrorKind::Reset, 12)].into(),
            status_codes: [(200, 9), (503, 5)].into(),
        };
        let after = Counters {
            scheduled: 70,
            sent: 69,
            completed: 60,
            failed: 8,
            dropped_in_flight: 1,
            closed_on_reuse: 1,
            completed_in_schedule: 60,
            short_gaps: 2,
            errors: [(ErrorKind::Timeout, 1), (ErrorKind::Reset, 1)].into(),
            status_codes: [(200, 60), (404, 6)].into(),
            ..Counters::default()
        };
        let mut whole = Counters { warmup: warmup.clone(), ..after.clone() };
        whole.add(&Counters {
            scheduled: warmup.scheduled,
            sent: warmup.sent,
            completed: warmup.completed,
            failed: warmup.failed,
            dropped_in_flight: warmup.dropped_in_flight,
            dropped_late: warmup.dropped_late,
            closed_on_reuse: warmup.closed_on_reuse,
            short_gaps: warmup.short_gaps,
            errors: warmup.errors.clone(),
            status_codes: warmup.status_codes.clone(),
            ..Counters::default()
        });
        assert_eq!(whole.after_warmup(), after);
        let both = {
            let mut both = whole.clone();
            both.add(&after);
            both
        };
        assert_eq!((both.since(&whole), both.since(&after)), (after.clone(), whole.clone()));
        assert_eq!((whole.since(&whole), whole.since(&Counters::default())), (Counters::default(), whole));
        assert_eq!(after.after_warmup(), after, "without a warm-up it is the whole");
    }

    #[test]
    fn a_kind_of_a_later_version_is_left_out_wherever_it_stands() {
        let json = serde_json::json!({
            "failed": 9, "errors": { "later": 4, "reset": 5 }, "warmup": { "errors": { "later": 1, "tls": 2 } },
        });
        let read: Counters = serde_json::from_value(json).unwrap();
        assert_eq!(read.errors, [(ErrorKind::Reset, 5)].into());
        assert_eq!(read.warmup.errors, [(ErrorKind::Tls, 2)].into());
    }
}
