//! The search for the highest rate at which an objective holds (`[capacity]`). It is pure: it is fed one summary of the
//! fleet for each second, and says which rate it wants next and when it is through. It has no access to Kafka, actors or a
//! clock. Fed the same seconds again, after a restart, it comes to the same.
//!
//! What is sought is a rate, not a percentile. "p99 below 100 ms" says that at most 1 % of the requests are slow, failed or
//! dropped, and that share is counted second by second (`objective`, `share`); of the requests of a name, of a group or of
//! sessions in the same way. A *level* is one rate that is measured until
//! the interval of that share is on one side of the limit (`level`), not for a fixed time. The *ladder* has the rates that
//! were tried, and chooses the next one: it doubles until a level fails, bisects on the log scale, and at last repeats both
//! ends of the bracket over the whole horizon (`ladder`). The *search* leads from level to level (`search`).
//!
//! An overloaded target is not measured on the way down: its queues would be taken for its capacity. A level that runs away
//! is stopped at once, the rate falls to half of what is known to hold, and the next level begins when the target looks as
//! it did there.

mod ladder;
mod level;
mod objective;
mod outcome;
mod search;
mod searching;
mod share;
#[cfg(test)]
mod simulated;
mod usl;

pub use self::search::Want;
pub use self::searching::Searching;
use self::share::Count;

/// Why the generator was the limit in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Requests came too late to be sent.
    LateDrops,
    /// Requests began later than allowed.
    Lag,
    /// Workers had no idle time.
    Busy,
    /// A driver ran out of source ports, descriptors or buffer space.
    LocalLimit,
    /// Less fell due than the rate asks for: a driver is missing.
    Behind,
    /// As many requests were in flight as the plan allows, and the objective allows more.
    InFlightBound,
}

/// One second of the fleet, as the search sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Look {
    /// Which second since the start.
    pub seq: u64,
    /// What counts against each condition of the objective, in their order.
    pub counts: Vec<Count>,
    pub completed: u64,
    pub failed: u64,
    pub dropped: u64,
    /// Requests under way at the end of the second.
    pub in_flight: f64,
    /// Those of them that `Rules::pile_s` bounds.
    pub pile: f64,
    /// The median of what completed, µs.
    pub median_us: Option<u64>,
    /// Whether the generator was the limit in it.
    pub sign: Option<Sign>,
}

/// Seconds at a new rate that are not measured, at least and at most: the most where the target still gets better.
const SETTLE: (usize, usize) = (2, 8);

/// Fewest seconds that decide for a rate, at first.
const LEAST_FOR: usize = 5;

/// The limit of one condition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// The highest share of bad requests.
    pub share: f64,
    /// Whether it is of a latency; the others are of errors or drops.
    pub is_latency: bool,
}

/// What a search goes by.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Of each condition.
    pub limits: Vec<Limit>,
    /// How many requests may be under way for each unit of the rate, s; `None` where the objective does not say it.
    pub pile_s: Option<f64>,
    /// How far apart the ends of the bracket may be, as a share.
    pub within: f64,
    /// Over how many seconds the objective is to hold.
    pub horizon_s: usize,
    /// Most seconds of a level.
    pub level_s: usize,
    /// Seconds at a new rate that are not measured, at least and at most.
    pub settle: (usize, usize),
    pub start: f64,
    pub max: Option<f64>,
    /// The first second after the warm-up.
    pub first: u64,
    /// Fewest seconds that decide for a rate. They grow where bad seconds are seen to come at longer distances.
    pub least_for: usize,
}

/// Fewest requests that are a pile, however low the rate.
const LEAST_PILE: f64 = 10.0;

impl Rules {
    /// Most requests under way at a rate, at so many times what the objective allows; infinite where it does not say it.
    fn most_under_way(&self, rate: f64, times: f64) -> f64 {
        self.pile_s.map_or(f64::INFINITY, |pile_s| (times * rate * pile_s).max(LEAST_PILE))
    }

    /// Whether far more requests are bad in a second than the objective allows.
    fn is_overloaded(&self, look: &Look) -> bool {
        let far = |(count, limit): (&Count, &Limit)| {
            count.part().is_some_and(|share| share > limit.share + (1.0 - limit.share) / 2.0)
        };
        look.counts.iter().zip(&self.limits).any(far)
    }

    /// How many such seconds in a row end a level: so many that the objective cannot hold over the horizon any more.
    fn most_overloaded(&self) -> usize {
        let latency = self.limits.iter().filter(|limit| limit.is_latency).map(|limit| limit.share);
        let share = latency.fold(0.0, f64::max);
        let seconds = self.horizon_s as f64 * share / (share + (1.0 - share) / 2.0);
        (seconds.ceil() as usize).clamp(3, 10)
    }

    /// The lowest rate that is tried: ten requests in a horizon.
    fn floor(&self) -> f64 {
        10.0 / self.horizon_s.max(1) as f64
    }
}
