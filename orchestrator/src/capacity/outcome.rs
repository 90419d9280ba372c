//! What a search came to, as reports and clients see it.

use common::latency::{LatencyKind, Outcome, Quantile};

use super::level::Level;
use super::objective::{Objective, Samples};
use super::search::{End, LevelSeen, Search};
use super::usl::{self, Point};
use super::{Limit, Sign};
use crate::model::{
    CapacityDecided, CapacityKnee, CapacityLevelView, CapacityLimit, CapacityState, CapacityView,
};

/// A search and its objective; `over`: no further second comes.
pub fn view(objective: &Objective, search: &Search, over: bool) -> CapacityView {
    let rules = search.rules();
    let ladder = search.ladder();
    let low = ladder.low().map(|rung| rung.rate);
    let high = ladder.high().map(|rung| rung.rate);
    let out_of_reach = ladder.out_of_reach().map(|rung| rung.rate);
    let is_through = over || search.end() != End::Open;
    let (state, limit) = match (search.end(), low) {
        (End::Open, _) if !over => (CapacityState::Searching, None),
        (End::Nowhere, _) => (CapacityState::HoldsNowhere, Some(CapacityLimit::Target)),
        (End::NotRecovered, _) => (CapacityState::NotRecovered, Some(CapacityLimit::Target)),
        (_, None) if out_of_reach.is_some() => (CapacityState::Undecided, Some(CapacityLimit::Generator)),
        (_, None) => (CapacityState::Undecided, None),
        (end, Some(low)) => {
            let limit = match (out_of_reach, high) {
                (Some(_), _) => CapacityLimit::Generator,
                (None, Some(_)) => CapacityLimit::Target,
                (None, None) if end == End::Bracket || rules.max.is_some_and(|max| low >= max) => {
                    CapacityLimit::MaxRate
                }
                (None, None) => CapacityLimit::Time,
            };
            (CapacityState::Found, Some(limit))
        }
    };
    // Where the generator was the limit, a rate that failed far above says little.
    let high = high.filter(|_| limit != Some(CapacityLimit::Generator));
    let capacity = match (low, high) {
        (Some(low), Some(high)) => Some(super::ladder::round((low * high).sqrt())),
        (low, _) => low,
    };
    CapacityView {
        slo: objective.capacity.expression(),
        within: rules.within,
        horizon_s: rules.horizon_s as u64,
        state,
        doing: if is_through { None } else { search.doing() },
        capacity_per_s: capacity.filter(|_| is_through),
        low_per_s: low,
        high_per_s: high,
        limit,
        why: why(search).filter(|_| limit == Some(CapacityLimit::Generator)),
        repeated: ladder.is_repeated(),
        flat: ladder.is_flat(rules.within),
        levels: search.levels().iter().map(|seen| level(seen, &rules.limits)).collect(),
        knee: knee(objective, search, low, high),
        usl: usl::fit(&points(search)),
    }
}

/// Why the generator was the limit, as it last was.
fn why(search: &Search) -> Option<String> {
    if let Some(refused) = search.why_refused() {
        return Some(refused.to_owned());
    }
    let late = search.levels().iter().rev().find(|seen| seen.decided == CapacityDecided::Generator)?;
    let text = match late.sign? {
        Sign::LateDrops => "requests came too late to be sent",
        Sign::Lag => "requests began later than [honesty] allows",
        Sign::Busy => "workers had no idle time",
        Sign::LocalLimit => "a driver ran out of source ports, descriptors or buffer space",
        Sign::Behind => "less was sent than the rate asks for: a driver is missing",
        Sign::InFlightBound => {
            "the plan allows fewer requests in flight than the objective needs at this rate: raise load.max_in_flight"
        }
    };
    Some(text.to_owned())
}

fn level(seen: &LevelSeen, limits: &[Limit]) -> CapacityLevelView {
    let LevelSeen { level, decided, shares, .. } = seen;
    let known = shares.iter().zip(limits).filter_map(|(share, limit)| Some(((*share)?, *limit)));
    let part = |share: f64, limit: &Limit| share / limit.share.max(1e-12);
    // Of equals the one that was named first.
    let known: Vec<_> = known.collect();
    let nearest =
        known.into_iter().rev().max_by(|a, b| part(a.0.share, &a.1).total_cmp(&part(b.0.share, &b.1)));
    let at = |quantile: f64| percentile(level, quantile);
    CapacityLevelView {
        rate: level.rate,
        from_s: level.from,
        to_s: level.from.map(|_| level.to + 1),
        decided: *decided,
        repeat: level.is_full(),
        share: nearest.map(|(share, _)| share.share),
        share_low: nearest.map(|(share, _)| share.low),
        share_high: nearest.map(|(share, _)| share.high),
        share_limit: nearest.map(|(_, limit)| limit.share),
        p50: at(0.5),
        p90: at(0.9),
        p99: at(0.99),
        p999: at(0.999),
        throughput_per_s: level.throughput_per_s(),
        errors_ratio: level.errors_ratio(),
    }
}

/// A percentile of `response`, ms; what failed or was dropped is slower.
fn percentile(level: &Level, quantile: f64) -> Option<f64> {
    match level.latencies.spread(Outcome::All, LatencyKind::Response, level.slower()).quantile(quantile) {
        Quantile::Is(us) => Some(us as f64 / 1e3),
        Quantile::AtLeast(_) | Quantile::Nothing => None,
    }
}

fn knee(objective: &Objective, search: &Search, low: Option<f64>, high: Option<f64>) -> Option<CapacityKnee> {
    let (low, high, (quantile, name)) = (low?, high?, objective.quantile()?);
    // The longest look at each of them that decided it.
    let at = |rate: f64, holds: bool| {
        let decided = |decided: CapacityDecided| match decided {
            CapacityDecided::Holds => holds,
            CapacityDecided::Fails | CapacityDecided::Stopped => !holds,
            CapacityDecided::Undecided | CapacityDecided::Generator => false,
        };
        let of_rate = search.levels().iter().filter(|seen| seen.level.rate == rate && decided(seen.decided));
        of_rate.max_by_key(|seen| seen.level.seconds()).and_then(|seen| {
            let Samples { completed, slower } = &seen.level.samples;
            completed.quantile_us(quantile, *slower).map(|us| us as f64 / 1e3)
        })
    };
    Some(CapacityKnee {
        rate: low,
        above: high,
        percentile: name,
        at_ms: at(low, true),
        above_ms: at(high, false),
    })
}

/// The levels that the target kept: throughput, and what was under way for it. In an overload both depend on how long it
/// lasted.
fn points(search: &Search) -> Vec<Point> {
    let kept = |seen: &&LevelSeen| {
        matches!(seen.decided, CapacityDecided::Holds | CapacityDecided::Undecided | CapacityDecided::Fails)
    };
    let point = |seen: &LevelSeen| {
        let throughput_per_s = seen.level.throughput_per_s()?;
        let mean_us = seen.level.latencies.completed(LatencyKind::Service).mean_us()?;
        Some(Point { concurrency: throughput_per_s * mean_us / 1e6, throughput_per_s })
    };
    search.levels().iter().filter(kept).filter_map(point).collect()
}
