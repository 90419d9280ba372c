//! What a search for the capacity found, level by level: `capacity` of a test.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a search found, or knows so far. Rates are of the whole fleet: requests a second, or sessions where the plan has
/// several requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Capacity)]
pub struct CapacityView {
    /// The objective, as in `response.p99 < 250ms`.
    pub slo: String,
    /// How far apart `low_per_s` and `high_per_s` were to be at most, as a share.
    pub within: f64,
    /// Over how many seconds the objective was to hold.
    pub horizon_s: u64,
    /// How far the search is.
    pub state: CapacityState,
    /// What it does now; null once it is over.
    pub doing: Option<CapacityDoing>,
    /// The middle (geometric) of `low_per_s` and `high_per_s`; where nothing failed, `low_per_s`. Null where nothing held.
    pub capacity_per_s: Option<f64>,
    /// The highest rate at which the objective held.
    pub low_per_s: Option<f64>,
    /// The lowest rate at which it did not; null where none failed.
    pub high_per_s: Option<f64>,
    /// What was the limit; null while that is not known.
    pub limit: Option<CapacityLimit>,
    /// Why the generator was the limit, where it was.
    pub why: Option<String>,
    /// Whether both ends of the bracket were measured a second time, over the whole horizon.
    pub repeated: bool,
    /// Whether rates between the ends decided nothing, so that the bracket is wider than was asked for.
    pub flat: bool,
    /// Each level, in the order in which they were measured.
    pub levels: Vec<CapacityLevelView>,
    /// What happens beyond the highest rate that held; null where that is not known.
    pub knee: Option<CapacityKnee>,
    /// The universal scalability law through the levels; null where it does not fit.
    pub usl: Option<UslView>,
}

common::named! {
    /// How far a search is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
    pub enum CapacityState {
        /// It goes on.
        Searching = "searching",
        /// A rate that holds is known, and what comes beyond it (`limit`).
        Found = "found",
        /// The objective does not hold at any rate that was tried, down to ten requests in a horizon.
        HoldsNowhere = "holds_nowhere",
        /// The time was over, or the test was stopped, before any rate held.
        Undecided = "undecided",
        /// The target did not recover from a rate that was too high, though the rate fell to a small part of it.
        NotRecovered = "not_recovered",
    }
}

common::named! {
    /// What was the limit.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
    pub enum CapacityLimit {
        /// The target: a higher rate was tried, and the objective did not hold.
        Target = "target",
        /// The drivers: they did not reach a higher rate, or were too late to blame the target.
        Generator = "generator",
        /// `capacity.max_rate`: the objective held up to it.
        MaxRate = "max_rate",
        /// The time of the search: the objective held up to the highest rate that was tried by then.
        Time = "time",
    }
}

/// What a search does now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CapacityDoing {
    /// The rate that it wants, or has.
    pub rate: f64,
    /// What for.
    pub what: CapacityStep,
    /// Seconds measured of this level so far.
    pub seconds: u64,
}

common::named! {
    /// What a rate is for.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
    pub enum CapacityStep {
        /// The warm-up.
        WarmUp = "warm_up",
        /// The rate is new: it is not measured yet.
        Settle = "settle",
        /// It is measured until it is decided.
        Measure = "measure",
        /// It is measured again, over the whole horizon.
        Repeat = "repeat",
        /// The rate is low until the target looks as it did before it was overloaded.
        Recover = "recover",
    }
}

/// A level: what was measured at one rate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = CapacityLevel)]
pub struct CapacityLevelView {
    /// Its rate.
    pub rate: f64,
    /// The measured seconds, from the start of the test; both null where it ended before any was measured.
    pub from_s: Option<u64>,
    /// The end of the last one.
    pub to_s: Option<u64>,
    /// What it decided.
    pub decided: CapacityDecided,
    /// Whether it was measured over the whole horizon, to repeat an earlier one.
    pub repeat: bool,
    /// Share of the requests (passes of a group, sessions) that count against the objective, of the condition that is nearest
    /// to its limit, or furthest beyond it; null where nothing was counted.
    pub share: Option<f64>,
    /// Lower end of its interval at 95 %, widened for windows that depend on each other.
    pub share_low: Option<f64>,
    /// Upper end of it.
    pub share_high: Option<f64>,
    /// The highest share that the condition allows.
    pub share_limit: Option<f64>,
    /// Percentiles of `response` of all requests, ms; null where they fall among failed or dropped requests.
    pub p50: Option<f64>,
    pub p90: Option<f64>,
    pub p99: Option<f64>,
    #[serde(rename = "p99.9")]
    pub p999: Option<f64>,
    /// Completed a second.
    pub throughput_per_s: Option<f64>,
    /// Share of what ended that failed.
    pub errors_ratio: Option<f64>,
}

common::named! {
    /// What a level decided.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
    pub enum CapacityDecided {
        /// The objective holds at this rate.
        Holds = "holds",
        /// It does not.
        Fails = "fails",
        /// It does not, and the level was ended at once because the target was overloaded.
        Stopped = "stopped",
        /// Neither in the time of a level, or it was left early because no request was bad.
        Undecided = "undecided",
        /// The generator did not keep the rate, or was too late to blame the target.
        Generator = "generator",
    }
}

/// What happens between the highest rate that held and the lowest that did not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CapacityKnee {
    /// The highest rate that held.
    pub rate: f64,
    /// The lowest rate that did not.
    pub above: f64,
    /// The percentile of the objective, as in `p99`; where it is of anything but `response` of all requests with its key, as
    /// in `checkout.response.p99`.
    pub percentile: String,
    /// It at the highest rate that held, ms.
    pub at_ms: Option<f64>,
    /// It at the lowest rate that did not, ms; where it was stopped at once, of what had ended by then. Null where it falls
    /// among failed or dropped requests.
    pub above_ms: Option<f64>,
}

/// The universal scalability law: X(n) = n·λ / (1 + σ(n - 1) + κ·n(n - 1)), n requests at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Usl)]
pub struct UslView {
    /// λ: requests a second of one at a time.
    pub lambda_per_s: f64,
    /// σ: the share that waits for the others (contention).
    pub sigma: f64,
    /// κ: what each pair of requests costs beyond it (coherency).
    pub kappa: f64,
    /// The highest throughput by it; null where it only grows.
    pub peak_per_s: Option<f64>,
    /// How many requests at a time there are then.
    pub peak_concurrency: Option<f64>,
    /// How far the levels are from it: the root of the mean square of the relative differences of throughput.
    pub error: f64,
    /// How many levels it was fitted to.
    pub levels: u64,
}
