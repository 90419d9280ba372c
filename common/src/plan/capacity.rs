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
        for (figure, text) in [(Figure::ErrorsRatio, "< 1%"), (Figure::DroppedRatio, "< 0.1%")] {
            let key = if figure == Figure::ErrorsRatio { "errors.ratio" } else { "dropped.ratio" };
            if !all.iter().any(|given| given.figure == figure && given.of == ThresholdOf::All) {
                all.extend(Threshold::parse(key, text));
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
mod tests {
    use super::*;
    use crate::plan::{Pace, Plan, read_value};

    fn with(capacity: Value) -> Value {
        json!({ "target": { "url": "http://127.0.0.1:8081/ping" }, "capacity": capacity })
    }

    #[track_caller]
    fn reads_again(plan: Value) -> Plan {
        let plan = read_value(&plan).unwrap();
        assert_eq!(read_value(&plan.to_json()).unwrap(), plan, "as written again");
        plan
    }

    #[test]
    fn an_objective_alone_is_a_search_with_defaults() {
        let plan = reads_again(with(json!({ "slo": "response.p99 < 250ms" })));
        let capacity = plan.capacity.as_ref().unwrap();
        assert_eq!(
            (capacity.within, capacity.horizon.as_secs(), capacity.level_for.as_secs()),
            (0.05, 30, 60)
        );
        assert_eq!(
            (capacity.max_rate, plan.per, plan.load.duration, plan.load.warmup.as_secs()),
            (None, Per::Fleet, Some(Duration::from_secs(600)), 5)
        );
        assert!(matches!(
            plan.load.mode,
            Mode::Tsunami { pace: Some(Pace::Rate(rate)), max_in_flight: MAX_IN_FLIGHT } if rate == f64::from(START_PER_S)
        ));
        let conditions: Vec<String> = capacity.conditions().into_iter().map(|one| one.expression).collect();
        assert_eq!(conditions, ["response.p99 < 250ms", "errors.ratio < 1%", "dropped.ratio < 0.1%"]);
    }

    #[test]
    fn every_key_is_read_and_written() {
        let mut plan = with(json!({
            "slo": ["response.p99 < 250ms", "service.p50 <= 20ms", "errors.ratio < 5%"],
            "within": "2%", "horizon": "10s", "level_for": "40s", "max_rate": "5k/s",
        }));
        plan["load"] = json!({ "rate": 200, "duration": "5m", "warmup": "5s", "max_in_flight": 64 });
        let plan = reads_again(plan);
        let capacity = plan.capacity.as_ref().unwrap();
        assert_eq!((capacity.slo.len(), capacity.conditions().len()), (3, 4));
        assert_eq!((capacity.within, capacity.max_rate), (0.02, Some(5_000.0)));
        assert_eq!(
            capacity.expression(),
            "response.p99 < 250ms and service.p50 <= 20ms and errors.ratio < 5%"
        );
    }

    #[test]
    fn a_search_begins_no_higher_than_its_highest_rate() {
        let start = |max_rate: Value| {
            let plan = reads_again(with(json!({ "slo": "response.p99 < 250ms", "max_rate": max_rate })));
            plan.load.open_loop_rate_per_s()
        };
        assert_eq!(start(json!(20)), Some(20.0));
        assert_eq!(start(json!("30/m")), Some(0.5));
        assert_eq!(start(json!(50)), Some(50.0));
        assert_eq!(start(json!("5k/s")), Some(50.0));
        let mut plan = with(json!({ "slo": "response.p99 < 250ms", "max_rate": 100 }));
        plan["load"] = json!({ "rate": 100 });
        assert!(read_value(&plan).is_ok());
        plan["load"] = json!({ "rate": 101 });
        wrong(plan.clone(), "capacity.max_rate", "is below the rate at which the search begins, 101/s");
        plan["load"] = json!({ "delay": "1ms" });
        wrong(plan, "capacity.max_rate", "1000/s (load.rate)");
        let unreadable = with(json!({ "slo": "response.p99 < 250ms", "max_rate": "fast" }));
        assert_eq!(read_value(&unreadable).unwrap_err().len(), 1);
    }

    #[test]
    fn a_plan_with_several_requests_can_be_searched() {
        let mut plan = with(json!({ "slo": "response.p99 < 250ms" }));
        plan["target"]["url"] = json!("http://127.0.0.1:8081");
        plan["requests"] = json!({ "home": { "path": "/" } });
        plan["scenarios"] = json!({ "visit": { "steps": ["home"] } });
        let plan = reads_again(plan);
        assert!(plan.capacity.is_some() && plan.program.is_some());
        assert_eq!(plan.per, Per::Fleet);
    }

    #[test]
    fn conditions_may_be_of_a_name_a_group_and_sessions() {
        let of_many = |slo: Value| {
            let mut plan = with(json!({ "slo": slo }));
            plan["target"]["url"] = json!("http://127.0.0.1:8081");
            plan["requests"] = json!({ "home": { "path": "/" }, "pay": { "path": "/pay" } });
            plan["flows"] = json!({ "g": { "group": "checkout", "steps": ["pay"] } });
            plan["scenarios"] = json!({ "buy": { "steps": ["home", "g"] } });
            plan
        };
        let slo = [
            "checkout.response.p99 < 300ms",
            "home.service.p50 <= 20ms",
            "buy.session.response.p90 < 2s",
            "pay.errors.ratio < 0.1%",
        ];
        let capacity = reads_again(of_many(json!(slo))).capacity.unwrap();
        let of: Vec<ThresholdOf> = capacity.slo.iter().map(|one| one.of.clone()).collect();
        let name = |text| crate::ids::RequestName::new(text).unwrap();
        assert_eq!(
            of,
            [
                ThresholdOf::Group(name("checkout")),
                ThresholdOf::Request(name("home")),
                ThresholdOf::Sessions(Some("buy".to_owned())),
                ThresholdOf::Request(name("pay")),
            ]
        );
        // A limit of a name's errors leaves that of all of them as it is.
        let conditions: Vec<String> = capacity.conditions().into_iter().map(|one| one.expression).collect();
        assert_eq!(conditions[4..], ["errors.ratio < 1%", "dropped.ratio < 0.1%"]);
        for (slo, reason) in [
            ("chekout.response.p99 < 1s", "did you mean checkout?"),
            ("checkout.service.p99 < 1s", "a group has response"),
            ("home.throughput < 1/s", "an objective is a percentile"),
            ("pay.errors.ratio < 1%", "one of them is a percentile"),
        ] {
            wrong(of_many(json!(slo)), "capacity.slo", reason);
        }
    }

    #[test]
    fn a_plan_without_it_has_no_such_key() {
        let plan =
            json!({ "target": { "url": "http://127.0.0.1/" }, "load": { "rate": 1, "duration": "1s" } });
        let plan = reads_again(plan);
        assert_eq!((plan.capacity.is_none(), plan.to_json().get("capacity")), (true, None));
    }

    #[track_caller]
    fn wrong(plan: Value, path: &str, reason: &str) {
        let faults = read_value(&plan).unwrap_err();
        let found = faults.iter().any(|fault| fault.path == path && fault.reason.contains(reason));
        assert!(found, "{path}: {reason}: {faults:#?}");
    }

    #[test]
    fn what_is_no_objective_says_what_would_be() {
        for (slo, reason) in [
            (json!("response.max < 1s"), "a percentile below p100"),
            (json!("response.p100 < 1s"), "a percentile below p100"),
            (json!("response.p99 > 1s"), "with < or <="),
            (json!("lag.p99 < 1ms"), "a percentile below p100"),
            (json!("throughput > 5/s"), "a percentile below p100"),
            (json!("driver.response.p99 < 1s"), "leave out \"driver.\""),
            (json!("errors.ratio < 1%"), "one of them is a percentile"),
            (json!("p99 < 1s"), "did you mean response.p99?"),
            (json!(250), "expected a condition"),
        ] {
            wrong(with(json!({ "slo": slo })), "capacity.slo", reason);
        }
        wrong(with(json!({})), "capacity.slo", "is missing");
        let slo = "response.p99 < 1s";
        wrong(with(json!({ "slo": slo, "within": "60%" })), "capacity.within", "from 0.5% to 50%");
        wrong(with(json!({ "slo": slo, "horizon": "5500ms" })), "capacity.horizon", "whole number");
        wrong(with(json!({ "slo": slo, "level_for": "10s" })), "capacity.level_for", "30s");
        wrong(with(json!({ "slo": slo, "levels": 3 })), "capacity.levels", "unknown");
    }

    #[test]
    fn what_fixes_the_rate_or_judges_all_rates_does_not_go_with_it() {
        let base = || with(json!({ "slo": "response.p99 < 1s" }));
        let loads = [
            (
                json!({ "mode": "avalanche", "connections": 4, "duration": "1m" }),
                "load.mode",
                "no rate to look for",
            ),
            (json!({ "rate": 10, "requests": 100 }), "load.requests", "moves the rate itself"),
            (json!({ "target_throughput": 10 }), "load.target_throughput", "moves the rate itself"),
        ];
        for (load, path, reason) in loads {
            let mut plan = base();
            plan["load"] = load;
            wrong(plan, path, reason);
        }
        let mut plan = base();
        plan["per"] = json!("driver");
        wrong(plan, "per", "the whole fleet");
        let mut plan = base();
        plan["thresholds"] = json!({ "response.p99": "< 1s" });
        wrong(plan, "thresholds", "capacity.slo");
        let mut plan = base();
        plan["abort"] = json!({ "errors.ratio": "> 20% for 15s" });
        wrong(plan, "abort", "at a lower rate");
    }
}
