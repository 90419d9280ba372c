//! Completed, failed and dropped requests: how each of them counts in a threshold.

use super::*;

/// Of 10,000 requests 7,000 are rejected after 1 ms, the others are answered after 180 ms.
fn rejecting(name: &'static str) -> Driver {
    Driver::well(name).with(|driver| {
        driver.counters.completed = 3_000;
        driver.counters.failed = 7_000;
        driver.counters.status_codes = [(200, 3_000), (429, 7_000)].into();
        for (all, failed) in [
            (LatencyKind::Response, LatencyKind::FailedResponse),
            (LatencyKind::Service, LatencyKind::FailedService),
        ] {
            driver.latencies.of_mut(all).clear();
            driver.latencies.of_mut(all).record_n_us(1_000, 7_000);
            driver.latencies.of_mut(all).record_n_us(180_000, 3_000);
            driver.latencies.of_mut(failed).record_n_us(1_000, 7_000);
        }
    })
}

/// Expects of each threshold whether it held, and the value shown where there is one.
#[track_caller]
fn decided(driver: &Driver, expected: &[(&str, bool, Option<f64>, bool)]) -> Judgement {
    let keys = expected.iter().map(|(expression, ..)| {
        let (key, condition) = expression.split_once(' ').unwrap();
        format!("\"{key}\" = \"{condition}\"\n")
    });
    let judgement = case(plan(OPEN, &keys.collect::<String>()), std::slice::from_ref(driver)).judge();
    for (expression, ok, value, lower_bound) in expected {
        let view = judgement.thresholds.iter().find(|view| view.expression == *expression).unwrap();
        assert_eq!(view.ok, Some(*ok), "{expression}: {judgement:#?}");
        assert_eq!(view.lower_bound, *lower_bound, "{expression}");
        match (view.value, value) {
            (Some(shown), Some(value)) => {
                assert!((shown - value).abs() <= value * 0.001, "{expression}: {shown}");
            }
            (shown, value) => assert_eq!(shown, *value, "{expression}"),
        }
    }
    judgement
}

#[test]
fn a_quick_failure_does_not_make_the_response_quick() {
    let judgement = decided(
        &rejecting("a"),
        &[
            ("errors.ratio < 80%", true, Some(0.7), false),
            ("response.median < 40ms", false, Some(180.0), true),
            ("response.p25 < 200ms", true, Some(180.0), false),
            ("response.p97.5 > 1s", true, Some(180.0), true),
            ("response.max < 3s", false, Some(180.0), true),
            ("response.mean < 179ms", false, Some(180.0), false),
            ("response.min >= 179ms", true, Some(180.0), false),
            ("service.p75 < 40ms", false, Some(180.0), true),
            ("success.response.median < 200ms", true, Some(180.0), false),
            ("success.service.max < 179ms", false, Some(180.0), false),
            ("failed.response.p99.9 < 2ms", true, Some(1.0), false),
            ("failed.service.mean > 2ms", false, Some(1.0), false),
        ],
    );
    assert_eq!(judgement.verdict, Verdict::Failed);
    let reason = "response.median < 40ms is not met: 70 % of the requests failed, so median is above 180 ms, how far is \
                  unknown";
    assert!(reasons(&judgement).contains(&reason), "{judgement:#?}");
}

#[test]
fn failed_and_dropped_requests_count_alike_and_both_are_named() {
    let given = plan(
        OPEN,
        "\"response.p75\" = \"< 90ms\"\n\"errors.ratio\" = \"< 80%\"\n\"dropped.ratio\" = \"< 80%\"",
    );
    let drivers = [rejecting("a").dropping(10_000)];
    let reason = "response.p75 < 90ms is not met: 85 % of the requests failed or were never sent, so p75 is above \
                  180 ms, how far is unknown";
    check("both", &case(given, &drivers), Verdict::Failed, reason);
}

#[test]
fn a_driver_that_is_rejected_breaks_what_must_hold_for_each() {
    let given = plan(OPEN, "\"driver.response.p50\" = \"< 90ms\"\n\"errors.ratio\" = \"< 80%\"");
    let drivers = [Driver::well("a"), rejecting("b")];
    let reason = "driver b: driver.response.p50 < 90ms is not met: 70 % of the requests failed";
    check("one of two", &case(given, &drivers), Verdict::Failed, reason);
}

#[test]
fn without_failures_one_on_failed_requests_holds_and_without_completions_one_on_completed_breaks() {
    decided(
        &Driver::well("a"),
        &[
            ("failed.response.p99 < 1ms", true, None, false),
            ("failed.service.min > 1h", true, None, false),
            ("success.response.p99 < 3ms", true, Some(2.0), false),
        ],
    );
    decided(
        &Driver::well("a").failing(10_000, ErrorKind::Reset),
        &[
            ("response.p99 < 1h", false, None, true),
            ("response.p98 > 1s", true, None, true),
            ("success.response.p99 < 1h", false, None, false),
            ("success.service.min > 1us", false, None, false),
            ("failed.response.median < 3ms", true, Some(2.0), false),
        ],
    );
}

#[test]
fn what_was_cancelled_is_neither_slower_nor_failed() {
    decided(
        &Driver::well("a").failing(6_000, ErrorKind::Cancelled),
        &[("response.p99 < 3ms", true, Some(2.0), false), ("failed.response.max < 1ms", true, None, false)],
    );
}

#[test]
fn the_time_of_failed_requests_must_be_known_to_be_judged() {
    let unknown = [Driver::well("a").failing(40, ErrorKind::Reset).with(|driver| {
        driver.latencies.of_mut(LatencyKind::FailedResponse).clear();
        driver.latencies.of_mut(LatencyKind::FailedResponse).record_n_us(2_000, 33);
    })];
    let given = plan(OPEN, "\"failed.response.p99\" = \"< 3ms\"");
    let reason = "failed.response.p99 < 3ms cannot be decided: the time of 7 failed requests is not known";
    check("7 of 40", &case(given, &unknown), Verdict::Incomplete, reason);
}

#[test]
fn a_target_that_lets_every_request_time_out_is_not_the_generators_fault() {
    // Each took its whole timeout of 5 s, and lag is small beside that; no request completed to compare it with.
    let silent = |us| [Driver::well("a").late(4_000, us).slow(5_000_000).failing(10_000, ErrorKind::Timeout)];
    let judgement = case(plan(OPEN, "\"response.p99\" = \"< 1s\""), &silent(120_000)).judge();
    assert_eq!(judgement.verdict, Verdict::Failed, "{judgement:#?}");
    let judgement = case(plan(OPEN, ""), &silent(620_000)).judge();
    assert_eq!(judgement.verdict, Verdict::Invalid, "and more than a tenth of it is: {judgement:#?}");
}

#[test]
fn the_warm_up_is_in_no_count_of_a_reason() {
    let all_failed = [Driver::well("a").with(|driver| {
        let counters = &mut driver.counters;
        (counters.scheduled, counters.sent, counters.completed) = (130, 130, 0);
        (counters.failed, counters.completed_in_schedule) = (130, 0);
        counters.status_codes = [(503, 100)].into();
        counters.errors = [(ErrorKind::Reset, 30)].into();
        let warmup = &mut counters.warmup;
        (warmup.scheduled, warmup.sent, warmup.failed) = (50, 50, 50);
        warmup.status_codes = [(503, 45)].into();
        warmup.errors = [(ErrorKind::Reset, 5)].into();
    })];
    let judgement = case(plan(OPEN, ""), &all_failed).judge();
    let reasons = reasons(&judgement).join("\n");
    assert!(["80", "55", "25"].iter().all(|n| reasons.contains(n)), "80 after the warm-up: {reasons}");
    assert!(
        ["130", "100,", ": 100", ": 30"].iter().all(|n| !reasons.contains(n)),
        "none of all 130: {reasons}"
    );
}
