//! Why a driver cannot take part in a test: the facts, and the only place that makes sentences of them.

use std::fmt;
use std::time::Duration;

use common::ids::TestId;
use common::wire::{PROTOCOL, Unit};

use crate::model::Liveness;

/// Why a driver cannot take part in a test. As text it goes on from the driver's name: `is lost`.
#[derive(Debug, Clone, PartialEq)]
pub enum Blocker {
    /// The plan names it, and no record of it has arrived.
    NotKnown,
    /// Too few of its records arrive.
    NotAlive(Liveness),
    /// It was known when it was chosen, and is not any more.
    Gone,
    /// Its process was started again since it was chosen.
    StartedAgain,
    /// It speaks another protocol than this orchestrator; `None`: one without a number.
    OtherProtocol(Option<u32>),
    /// It does not read plans with several requests.
    OnlyOneRequest,
    /// Its share is above its own limit; both in requests per second.
    AboveMaxRate {
        /// `[safety] max_rate` of the driver.
        max_rate: f64,
        /// The rate of its share.
        rate: f64,
    },
    /// Its users begin sessions as fast as they are answered, and it has a limit of its own, in requests per second.
    NoPacing {
        /// `[safety] max_rate` of the driver.
        max_rate: f64,
    },
    /// It works on a test; `None`: it does not report which.
    Busy(Option<TestId>),
    /// It refused the config, in its own words; `None`: it gave no reason.
    Refused(Option<String>),
    /// It has not answered the config within this time.
    NotReady(Duration),
    /// It is a classic driver.
    Classic(ClassicBlocker),
}

/// Why a classic driver cannot take part. The classic config carries a type, a delay and a count only: no shares,
/// warm-up, rate ceiling or duration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ClassicBlocker {
    /// The plan has several requests.
    OneRequest,
    /// The plan's amounts are the fleet's.
    NoShares,
    /// The plan has a warm-up.
    NoWarmup,
    /// The plan's closed loop has a ceiling.
    NoCeiling,
    /// The plan's closed loop ends by its duration.
    NoDuration,
    /// The plan's open loop has a number of connections that requests wait for.
    NoConnections,
    /// The plan's delay is not a whole number in the unit of the classic wire.
    NoFractions {
        /// The delay in that unit.
        delay: f64,
        unit: Unit,
    },
    /// It registered just now, as others did before: the start would be put off for ever.
    JustAppeared,
    /// The plan leaves it out, and it would start on the trigger for the others.
    NotLeftOut,
}

impl Blocker {
    /// The sentence of a driver that is blocked.
    pub fn sentence(&self, driver: &str) -> String {
        match self {
            Self::OtherProtocol(_) => format!("driver {driver} {self}"),
            _ => format!("{driver}: {self}"),
        }
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotKnown => f.write_str("is not known here"),
            Self::NotAlive(liveness) => write!(f, "is {}", liveness.as_str()),
            Self::Gone => f.write_str("is gone"),
            Self::StartedAgain => f.write_str("was started again"),
            Self::OtherProtocol(theirs) => {
                f.write_str("speaks ")?;
                match theirs {
                    Some(number) => write!(f, "protocol {number}")?,
                    None => f.write_str("no numbered protocol")?,
                }
                write!(f, ", this orchestrator {PROTOCOL}: install the same version on both")
            }
            Self::OnlyOneRequest => {
                f.write_str("does not read plans with [requests]: install this orchestrator's version on it")
            }
            Self::AboveMaxRate { max_rate, rate } => {
                write!(f, "safety.max_rate = {max_rate} is below the {rate} requests/s of its share")
            }
            Self::NoPacing { max_rate } => {
                write!(
                    f,
                    "safety.max_rate = {max_rate} may be passed by users without load.pacing: with a pacing their rate is known"
                )
            }
            Self::Busy(None) => f.write_str("is busy with test"),
            Self::Busy(Some(test_id)) => write!(f, "is busy with test {test_id}"),
            Self::Refused(None) => f.write_str("refused without a reason"),
            Self::Refused(Some(why)) => f.write_str(why),
            Self::NotReady(within) => write!(f, "did not become ready within {within:?}"),
            Self::Classic(why) => write!(f, "is a classic driver, {why}"),
        }
    }
}

impl fmt::Display for ClassicBlocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneRequest => {
                f.write_str("which sends one request over and over: leave [requests] out, or end it")
            }
            Self::NoShares => f.write_str("which knows no shares: per = \"driver\""),
            Self::NoWarmup => f.write_str("which knows no warm-up: load.warmup = \"0s\""),
            Self::NoCeiling => f.write_str("which knows no ceiling: leave load.target_throughput out"),
            Self::NoDuration => f.write_str("which knows no duration: load.requests is needed"),
            Self::NoConnections => {
                f.write_str("which waits for no connection in an open loop: leave load.connections out")
            }
            Self::NoFractions { delay, unit } => {
                let unit = match unit {
                    Unit::Seconds => "s",
                    Unit::Milliseconds => "ms",
                };
                write!(f, "which may take a delay of {delay} {unit} for none: whole units are needed")
            }
            Self::JustAppeared => f.write_str("that appeared just now: its like keep appearing"),
            Self::NotLeftOut => f.write_str("which cannot be left out: drivers = \"all\", or end it"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(blocker: Blocker, expected: &str) {
        assert_eq!(blocker.sentence("a"), expected);
    }

    #[test]
    fn every_blocker_has_a_sentence() {
        let test_id = TestId::new("t").unwrap();
        let refusal = "target 10.0.0.1 is not allowed".to_owned();
        check(Blocker::NotKnown, "a: is not known here");
        check(Blocker::NotAlive(Liveness::Lost), "a: is lost");
        check(Blocker::Gone, "a: is gone");
        check(Blocker::StartedAgain, "a: was started again");
        check(
            Blocker::OtherProtocol(Some(1)),
            "driver a speaks protocol 1, this orchestrator 2: install the same version on both",
        );
        check(
            Blocker::OtherProtocol(None),
            "driver a speaks no numbered protocol, this orchestrator 2: install the same version on both",
        );
        check(
            Blocker::AboveMaxRate { max_rate: 1_000.0, rate: 2_000.5 },
            "a: safety.max_rate = 1000 is below the 2000.5 requests/s of its share",
        );
        check(
            Blocker::NoPacing { max_rate: 50.0 },
            "a: safety.max_rate = 50 may be passed by users without load.pacing: with a pacing their rate is known",
        );
        check(
            Blocker::OnlyOneRequest,
            "a: does not read plans with [requests]: install this orchestrator's version on it",
        );
        check(Blocker::Busy(Some(test_id)), "a: is busy with test t");
        check(Blocker::Busy(None), "a: is busy with test");
        check(Blocker::Refused(Some(refusal)), "a: target 10.0.0.1 is not allowed");
        check(Blocker::Refused(None), "a: refused without a reason");
        check(Blocker::NotReady(Duration::from_secs(10)), "a: did not become ready within 10s");
    }

    #[test]
    fn a_refusal_is_never_taken_for_another_protocol() {
        check(Blocker::Refused(Some("speaks too fast".to_owned())), "a: speaks too fast");
    }

    #[test]
    fn every_blocker_of_a_classic_driver_has_a_sentence() {
        let no_fractions = ClassicBlocker::NoFractions { delay: 0.1, unit: Unit::Seconds };
        for (why, expected) in [
            (
                ClassicBlocker::OneRequest,
                "which sends one request over and over: leave [requests] out, or end it",
            ),
            (ClassicBlocker::NoShares, "which knows no shares: per = \"driver\""),
            (ClassicBlocker::NoWarmup, "which knows no warm-up: load.warmup = \"0s\""),
            (ClassicBlocker::NoCeiling, "which knows no ceiling: leave load.target_throughput out"),
            (ClassicBlocker::NoDuration, "which knows no duration: load.requests is needed"),
            (
                ClassicBlocker::NoConnections,
                "which waits for no connection in an open loop: leave load.connections out",
            ),
            (no_fractions, "which may take a delay of 0.1 s for none: whole units are needed"),
            (ClassicBlocker::JustAppeared, "that appeared just now: its like keep appearing"),
            (ClassicBlocker::NotLeftOut, "which cannot be left out: drivers = \"all\", or end it"),
        ] {
            check(Blocker::Classic(why), &format!("a: is a classic driver, {expected}"));
        }
    }
}
