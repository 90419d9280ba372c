//! When a test will be over, and for how long it has run, from what the orchestrator shows of it. Pure.

use std::time::Duration;

use common::plan::parse_duration;
use orchestrator::model::TestView;
use serde_json::Value;

/// What the end of a test is measured in.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Goal {
    /// Length of warm-up and schedule.
    pub length: Option<Duration>,
    /// Requests of the whole fleet, after the warm-up; sessions where the plan has several requests.
    pub requests: Option<u64>,
}

impl Goal {
    /// That of a test, by its plan and its drivers.
    pub fn of(test: &TestView) -> Self {
        let load = &test.plan["load"];
        let of_each = load["requests"].as_u64().or_else(|| load["sessions"].as_u64());
        Self {
            length: length(load),
            requests: of_each.zip(n_shares(test)).map(|(n, shares)| n.saturating_mul(shares)),
        }
    }
}

/// How often the amounts of the plan are sent; `None` before that is known.
fn n_shares(test: &TestView) -> Option<u64> {
    if test.plan["per"] == "fleet" {
        return Some(1);
    }
    let n_drivers = test.drivers.len() as u64;
    (n_drivers > 0).then_some(n_drivers)
}

/// Length of warm-up and schedule: the warm-up is the first part of stages.
fn length(load: &Value) -> Option<Duration> {
    let time = |value: &Value| parse_duration(value.as_str()?).ok();
    match load["stages"].as_array().filter(|stages| !stages.is_empty()) {
        Some(stages) => {
            let parts = stages.iter().flat_map(|stage| [time(&stage["ramp"]), time(&stage["hold"])]);
            Some(parts.flatten().sum())
        }
        None => Some(time(&load["duration"])? + time(&load["warmup"]).unwrap_or_default()),
    }
}

/// For how long a test has run by its windows: each driver sends one a second.
pub fn elapsed(test: &TestView) -> Duration {
    let n_drivers = test.drivers.iter().filter(|driver| !driver.approximate).count() as u64;
    let windows = test.completeness.windows_received.checked_div(n_drivers).unwrap_or(0);
    Duration::from_secs(windows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A test as REST answers it.
    const TEST: &str = include_str!("../../../orchestrator/src/http/examples/test.json");

    /// The same by two drivers.
    fn by_two() -> TestView {
        let mut test: TestView = serde_json::from_str(TEST).unwrap();
        test.drivers = vec![test.drivers[0].clone(), test.drivers[0].clone()];
        test
    }

    #[track_caller]
    fn check(per: &str, load: Value, length_s: Option<u64>, requests: Option<u64>) {
        let mut test = by_two();
        test.plan["per"] = per.into();
        test.plan["load"] = load.clone();
        let expected = Goal { length: length_s.map(Duration::from_secs), requests };
        assert_eq!(Goal::of(&test), expected, "{load}");
    }

    #[test]
    fn the_end_is_that_of_the_plan() {
        check("driver", json!({ "duration": "30s", "warmup": "5s" }), Some(35), None);
        check("driver", json!({ "requests": 70, "warmup": "0s" }), None, Some(140));
        check("fleet", json!({ "requests": 70, "duration": "2m" }), Some(120), Some(70));
        check("driver", json!({ "sessions": 9 }), None, Some(18));
        let stages = json!([{ "ramp": "10s", "rate": 5 }, { "ramp": "1s", "hold": "20s", "rate": 9 }]);
        check("driver", json!({ "stages": stages, "warmup": "10s" }), Some(31), None);
        check("driver", json!({}), None, None);
    }

    #[test]
    fn a_test_without_drivers_has_no_amount_yet() {
        let mut test = by_two();
        test.plan["load"] = json!({ "requests": 70 });
        test.drivers.clear();
        assert_eq!(Goal::of(&test), Goal::default());
        assert_eq!(elapsed(&test), Duration::ZERO);
    }

    #[test]
    fn a_test_has_run_for_as_long_as_its_windows_say() {
        let mut test = by_two();
        test.completeness.windows_received = 25;
        assert_eq!(elapsed(&test), Duration::from_secs(12));
    }
}
