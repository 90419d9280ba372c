//! Plans that search for a capacity: what they may leave out, what is refused, and that they are read as they were written.

use super::*;
use crate::plan::tests::{of_many, reads_again};
use crate::plan::{Pace, read_value};

fn with(capacity: Value) -> Value {
    json!({ "target": { "url": "http://127.0.0.1:8081/ping" }, "capacity": capacity })
}

#[test]
fn an_objective_alone_is_a_search_with_defaults() {
    let plan = reads_again(with(json!({ "slo": "response.p99 < 250ms" })));
    let capacity = plan.capacity.as_ref().unwrap();
    assert_eq!((capacity.within, capacity.horizon.as_secs(), capacity.level_for.as_secs()), (0.05, 30, 60));
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
    assert_eq!(capacity.expression(), "response.p99 < 250ms and service.p50 <= 20ms and errors.ratio < 5%");
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
    let searched = |slo: Value| of_many("capacity", json!({ "slo": slo }));
    let slo = [
        "checkout.response.p99 < 300ms",
        "home.service.p50 <= 20ms",
        "buy.session.response.p90 < 2s",
        "pay.errors.ratio < 0.1%",
    ];
    let capacity = reads_again(searched(json!(slo))).capacity.unwrap();
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
        wrong(searched(json!(slo)), "capacity.slo", reason);
    }
}

#[test]
fn a_plan_without_it_has_no_such_key() {
    let plan = json!({ "target": { "url": "http://127.0.0.1/" }, "load": { "rate": 1, "duration": "1s" } });
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
