//! `[capacity]`: a test that looks for the highest rate at which an objective holds. The rate moves while it runs, so what
//! fixes it otherwise, or ends the test by figures over all rates, does not go with it.

use std::time::Duration;

use serde_json::{Value, json};

use super::load::{MAX_RATE_PER_S, MIN_RATE_PER_S};
use super::program::{Order, Program};
use super::threshold::{Comparison, Figure, LatencyFigure, Naming, Threshold, ThresholdError, ThresholdOf};
use super::{Load, Mode, Per, parse_rate};
use crate::latency::{LatencyKind, Outcome};
use crate::tree::{Kind, Node, Table, parse};

/// Where a search begins, requests or sessions a second, where the plan does not say; lower where its highest rate is.
const START_PER_S: u32 = 50;
/// How long a search lasts at most, where the plan does not say.
const LONGEST: &str = "10m";
/// How long a search warms up, where the plan does not say.
const WARMUP: &str = "5s";
/// Requests in flight of a driver: more than an objective needs at most rates of a driver, so that this bound is not what is
/// found.
const MAX_IN_FLIGHT: u32 = 3_000;

const DEFAULT_HORIZON: Duration = Duration::from_secs(30);
const DEFAULT_WITHIN: f64 = 0.05;
/// Below this range the noise of most targets would be measured; above it the answer would be too coarse to plan with.
const WITHIN: (f64, f64) = (0.005, 0.5);
const HORIZON: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));
const LONGEST_LEVEL: Duration = Duration::from_secs(3_600);
/// Most conditions of an objective.
const MAX_CONDITIONS: usize = 16;

/// What a search looks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Capacity {
    /// What must hold: quantiles of latencies, at least one, and limits of errors and drops where the plan has its own. A
    /// condition is of all requests, of those of a name, of a group, of a poll, or of sessions.
    pub slo: Vec<Threshold>,
    /// How far apart the ends of the bracket may be, as a share.
    pub within: f64,
    /// Over how long it must hold: whole seconds.
    pub horizon: Duration,
    /// The longest time at one rate: whole seconds, no less than the horizon.
    pub level_for: Duration,
    /// The highest rate that is tried.
    pub max_rate: Option<f64>,
}

impl Capacity {
    /// What must hold, the defaults included.
    pub fn conditions(&self) -> Vec<Threshold> {
        let mut all = self.slo.clone();
        for (figure, key, limit) in
            [(Figure::ErrorsRatio, "errors.ratio", "< 1%"), (Figure::DroppedRatio, "dropped.ratio", "< 0.1%")]
        {
            if !all.iter().any(|given| given.figure == figure && given.of == ThresholdOf::All) {
                all.extend(Threshold::parse(key, limit));
            }
        }
        all
    }

    /// The objective in one line.
    pub fn expression(&self) -> String {
        let expressions = self.slo.iter().map(|threshold| threshold.expression.as_str());
        expressions.collect::<Vec<_>>().join(" and ")
    }

    /// The table, so that reading it again makes the same.
    pub(super) fn to_json(&self) -> Value {
        let slo: Vec<&str> = self.slo.iter().map(|threshold| threshold.expression.as_str()).collect();
        let mut table = json!({
            "slo": slo,
            "within": super::write_ratio(self.within),
            "horizon": super::write_duration(self.horizon),
            "level_for": super::write_duration(self.level_for),
        });
        if let Some(rate) = self.max_rate {
            table["max_rate"] = json!(rate);
        }
        table
    }
}

/// Whether a tree has the table.
pub(super) fn is_asked(tree: &Value) -> bool {
    tree.get("capacity").is_some_and(|table| !table.is_null())
}

/// Puts in what a search needs and the plan leaves out: where the rate begins, how long it warms up and may last, and whose rate
/// it is.
pub(super) fn complete(tree: &mut Value) {
    let many = super::language::is_program(tree);
    let start = start(tree);
    let Some(root) = tree.as_object_mut() else { return };
    root.entry("per").or_insert_with(|| json!("fleet"));
    let Some(load) = root.entry("load").or_insert_with(|| json!({})).as_object_mut() else { return };
    let has = |load: &serde_json::Map<String, Value>, key: &str| {
        load.get(key).is_some_and(|value| !value.is_null())
    };
    if has(load, "mode") && load["mode"] != "tsunami" {
        return;
    }
    if !["rate", "delay", "target_throughput", "stages", "users"].iter().any(|key| has(load, key)) {
        load.insert("rate".to_owned(), start);
    }
    for (key, time) in [("duration", LONGEST), ("warmup", WARMUP)] {
        if !has(load, key) && !has(load, "stages") {
            load.insert(key.to_owned(), json!(time));
        }
    }
    if !many && !has(load, "max_in_flight") && !has(load, "connections") {
        load.insert("max_in_flight".to_owned(), json!(MAX_IN_FLIGHT));
    }
}

/// Where a search begins that does not say it. A highest rate that cannot be read has a fault of its own.
fn start(tree: &Value) -> Value {
    let most = match tree.pointer("/capacity/max_rate") {
        Some(Value::Number(rate)) => rate.as_f64(),
        Some(Value::String(text)) => parse_rate(text).ok(),
        _ => None,
    };
    let lower = most.filter(|most| (MIN_RATE_PER_S..f64::from(START_PER_S)).contains(most));
    lower.map_or_else(|| json!(START_PER_S), |most| json!(most))
}

/// Reads `[capacity]`; `None` where there is none, or it cannot be read. The faults are in the table.
pub(super) fn read(root: &mut Table, naming: Naming<'_>) -> Option<Capacity> {
    let is_given = root.has("capacity");
    let capacity = root.table("capacity", |table| {
        if is_given && !table.has("slo") {
            table.missing("slo", "is missing; it says what must hold, as in \"response.p99 < 250ms\"");
        }
        let slo = table.get_list("slo", |node: &Node| read_condition(node, naming));
        let within = table.get("within", read_within).unwrap_or(DEFAULT_WITHIN);
        let horizon = table.get("horizon", whole(HORIZON.0, HORIZON.1)).unwrap_or(DEFAULT_HORIZON);
        let level_for = table.get("level_for", whole(horizon, LONGEST_LEVEL)).unwrap_or(2 * horizon);
        let max_rate = table.get("max_rate", parse::rate(MIN_RATE_PER_S..=MAX_RATE_PER_S));
        let slo = slo?;
        let is_quantile = |one: &Threshold| matches!(one.figure, Figure::Latency { .. });
        if table.is_faulty("slo") {
            return None;
        }
        if slo.len() > MAX_CONDITIONS || !slo.iter().any(is_quantile) {
            let shown = slo.iter().map(|one| one.expression.as_str()).collect::<Vec<_>>().join(", ");
            let reason = format!(
                "has from 1 to {MAX_CONDITIONS} conditions, and one of them is a percentile, as in \"response.p99 < 250ms\""
            );
            table.contradiction("slo", format!("{shown:?}"), reason);
            return None;
        }
        Some(Capacity { slo, within, horizon, level_for, max_rate })
    });
    capacity.filter(|_| is_given)
}

/// A condition of the objective: a percentile of a latency below a limit, or a limit of errors or drops. The key says which
/// figures a name has.
fn read_condition(node: &Node, naming: Naming<'_>) -> Result<Threshold, String> {
    let Kind::Text(text) = &node.kind else {
        return Err(format!(
            "expected a condition, as in \"response.p99 < 250ms\", found {}",
            node.kind.name()
        ));
    };
    let parsed = Threshold::split_expression(text)
        .and_then(|(key, condition)| Threshold::parse_in(key, condition, naming));
    let threshold = parsed.map_err(|error: ThresholdError| error.to_string())?;
    let is_limit = matches!(threshold.comparison, Comparison::Less | Comparison::LessOrEqual);
    let fits = match threshold.figure {
        Figure::Latency { of, kind, figure: LatencyFigure::Quantile(quantile) } => {
            of != Outcome::Failed
                && matches!(kind, LatencyKind::Response | LatencyKind::Service)
                && quantile < 1.0
        }
        Figure::ErrorsRatio | Figure::DroppedRatio => true,
        _ => false,
    };
    if threshold.each_driver {
        return Err("is of each driver, and the search looks at all of them together: leave out \"driver.\""
            .to_owned());
    }
    if !is_limit || !fits {
        return Err("an objective is a percentile below p100 of response, service, success.response or success.service, \
                    errors.ratio or dropped.ratio, with < or <=; a name may stand before response, service and errors.ratio"
            .to_owned());
    }
    Ok(threshold)
}

fn read_within(node: &Node) -> Result<f64, String> {
    let within = parse::ratio(node)?;
    if (WITHIN.0..=WITHIN.1).contains(&within) {
        return Ok(within);
    }
    Err("is from 0.5% to 50%: it is how far apart the rate that holds and the rate that does not may be"
        .to_owned())
}

/// A whole number of seconds.
fn whole(least: Duration, most: Duration) -> impl Fn(&Node) -> Result<Duration, String> {
    move |node| {
        let time = parse::duration(least..=most)(node)?;
        if time.subsec_nanos() == 0 { Ok(time) } else { Err("is a whole number of seconds".to_owned()) }
    }
}

/// Reports what does not go with a search.
pub(super) fn check(
    capacity: &Capacity,
    root: &Table,
    load: Option<&Load>,
    program: Option<&Program>,
    per: Per,
    (thresholds, aborts): (usize, usize),
) {
    let refuse = |path: &str, shown: &str, reason: &str| root.contradiction(path, shown, reason);
    if per == Per::Driver {
        refuse(
            "per",
            "\"driver\"",
            "with [capacity] the rate is that of the whole fleet: per = \"fleet\", or leave it out",
        );
    }
    if thresholds > 0 {
        refuse(
            "thresholds",
            "…",
            "are of the whole test, and [capacity] looks at each rate by itself: say it in capacity.slo",
        );
    }
    if aborts > 0 {
        refuse("abort", "…", "ends a test, and [capacity] goes on at a lower rate: leave it out");
    }
    let once = program.and_then(|program| program.data.iter().find(|data| data.order == Order::Once));
    if let Some(data) = once {
        let reason = "gives each row once, and how many a search needs is not known";
        refuse(&format!("data.{}.order", data.name), "\"once\"", reason);
    }
    let Some(load) = load else { return };
    if matches!(load.mode, Mode::Avalanche { .. }) {
        let reason = "is a closed loop, which has no rate to look for: [capacity] wants mode = \"tsunami\"";
        refuse("load.mode", "\"avalanche\"", reason);
    }
    let beyond = load.open_loop_rate_per_s().zip(capacity.max_rate).filter(|(start, most)| start > most);
    if let Some((start, most)) = beyond {
        let reason =
            format!("is below the rate at which the search begins, {start}/s (load.rate): begin lower");
        refuse("capacity.max_rate", &most.to_string(), &reason);
    }
    for (given, key) in [
        (!load.stages.is_empty(), "load.stages"),
        (load.target_throughput.is_some(), "load.target_throughput"),
        (load.requests.is_some(), "load.requests"),
    ] {
        if given {
            let reason = "does not go with [capacity], which moves the rate itself: load.rate says where it begins, load.duration \
                          how long it lasts at most, capacity.max_rate how high it goes";
            refuse(key, "…", reason);
        }
    }
}

#[cfg(test)]
mod tests;
