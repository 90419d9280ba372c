//! What is counted about requests, the same for a worker, a driver and a fleet: adding is all that
//! merging takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Why a request failed, where it was not for its status. A closed list (interface.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The host name did not resolve.
    Resolve,
    /// The connection was refused.
    Refused,
    /// No route to the host or network.
    Unreachable,
    /// No connection within the request's timeout.
    ConnectTimeout,
    /// The TLS handshake failed.
    Tls,
    /// Writing the request failed other than by a reset.
    Write,
    /// The peer reset the connection.
    Reset,
    /// The peer closed before the answer was whole.
    Closed,
    /// No whole answer within the timeout, or by the end of the drain.
    Timeout,
    /// The answer was no HTTP that we understand.
    Protocol,
    /// The answer was larger than the engine's limits.
    TooLarge,
    /// This machine had no source port, descriptor or buffer space: ours, never the target's.
    LocalLimit,
    /// Given up because the test was stopped or the driver told to leave.
    Cancelled,
}

impl ErrorKind {
    /// Every kind, in the order of the enum.
    pub const ALL: [ErrorKind; 13] = [
        Self::Resolve,
        Self::Refused,
        Self::Unreachable,
        Self::ConnectTimeout,
        Self::Tls,
        Self::Write,
        Self::Reset,
        Self::Closed,
        Self::Timeout,
        Self::Protocol,
        Self::TooLarge,
        Self::LocalLimit,
        Self::Cancelled,
    ];

    /// The name on the wire and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::ConnectTimeout => "connect_timeout",
            Self::Tls => "tls",
            Self::Write => "write",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::TooLarge => "too_large",
            Self::LocalLimit => "local_limit",
            Self::Cancelled => "cancelled",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
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
    /// Of `failed`: given up on a stop.
    pub cancelled: u64,
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
    /// Ticks not sent because the in-flight bound was reached: the target's doing.
    pub dropped_in_flight: u64,
    /// Ticks not sent because the generator was late: ours.
    pub dropped_late: u64,
    /// Of the error `closed`: how many met a connection that had served before.
    pub closed_on_reuse: u64,
    /// Bytes of answers, headers included.
    pub bytes_received: u64,
    /// Of `completed`: those that ended within the schedule and were due after the warm-up.
    pub completed_in_schedule: u64,
    /// Gaps between two sends of one worker that were shorter than half the delay.
    pub short_gaps: u64,
    /// Failures that have no status, by kind.
    pub errors: BTreeMap<ErrorKind, u64>,
    /// Answers by status, expected or not.
    pub status_codes: BTreeMap<u16, u64>,
    /// The part that was due during the warm-up.
    pub warmup: WarmupCounters,
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
        for (kind, n) in &other.errors {
            *self.errors.entry(*kind).or_default() += n;
        }
        for (status, n) in &other.status_codes {
            *self.status_codes.entry(*status).or_default() += n;
        }
        self.warmup.add(&other.warmup);
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
            status_codes: [(200, 5)].into(),
            ..Counters::default()
        };
        let mut whole = part.clone();
        whole.add(&part);
        assert_eq!((whole.scheduled, whole.dropped(), whole.in_flight()), (20, 4, 2));
        assert_eq!(whole.scheduled, whole.sent + whole.dropped());
        assert_eq!(whole.errors_of(ErrorKind::Reset), 4);
        assert_eq!(whole.status_codes[&200], 10);
    }
}
