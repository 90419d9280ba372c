//! Passed and failed: what had to hold.

use super::*;

#[test]
fn a_test_that_went_well_passes() {
    let drivers = [Driver::well("a"), Driver::well("b")];
    let thresholds = "\"response.p99\" = \"< 250ms\"\n\"driver.throughput\" = \">= 990/s\"";
    let judgement = check("well", &case(plan(OPEN, thresholds), &drivers), Verdict::Passed, "");
    assert_eq!(warnings(&judgement), [""; 0]);
    let shown: Vec<_> = judgement
        .thresholds
        .iter()
        .map(|one| (one.expression.as_str(), one.driver.as_deref(), one.value, one.ok, one.given))
        .collect();
    assert_eq!(
        shown,
        [
            ("driver.throughput >= 990/s", Some("a"), Some(1_000.0), Some(true), true),
            ("driver.throughput >= 990/s", Some("b"), Some(1_000.0), Some(true), true),
            ("response.p99 < 250ms", None, Some(2.0), Some(true), true),
            ("errors.ratio < 1%", None, Some(0.0), Some(true), false),
            ("dropped.ratio < 0.1%", None, Some(0.0), Some(true), false),
        ]
    );
}

#[test]
fn a_broken_threshold_fails() {
    let slow = [Driver::well("a").slow(312_000)];
    let given = plan(OPEN, "\"response.p99\" = \"< 250ms\"");
    check("too slow", &case(given, &slow), Verdict::Failed, "response.p99 < 250ms is not met: it was 312 ms");
    let each = plan(OPEN, "\"driver.response.mean\" = \"< 250ms\"");
    let two = [Driver::well("a"), Driver::well("b").slow(312_000)];
    check(
        "for each driver",
        &case(each, &two),
        Verdict::Failed,
        "driver b: driver.response.mean < 250ms is not met: it was 312 ms",
    );
    let errors = [Driver::well("a").failing(231, ErrorKind::Timeout)];
    let reason = "errors.ratio < 1% is not met: 231 of 10,000 requests failed (2.31 %; timeout: 231)";
    check("errors, by default", &case(plan(OPEN, ""), &errors), Verdict::Failed, reason);
    let lenient = plan(OPEN, "\"driver.errors.ratio\" = \"< 5%\"");
    check("errors, as given", &case(lenient, &errors), Verdict::Passed, "");
    let slow = plan(OPEN, "\"throughput\" = \">= 1980/s\"");
    check(
        "throughput",
        &case(slow, &[Driver::well("a")]),
        Verdict::Failed,
        "throughput >= 1980/s is not met: it was 1,000/s",
    );
    let cancelled = [Driver::well("a").failing(9_000, ErrorKind::Cancelled)];
    check("cancelled requests are not errors", &case(plan(OPEN, ""), &cancelled), Verdict::Passed, "");
}

#[test]
fn a_target_that_does_not_keep_up_fails_and_is_never_invalid() {
    // The worker was on time and reached the in-flight bound: the target caused that, whatever the response times are.
    let drivers = [Driver::well("a").slow(900_000).dropping(1_364)];
    let reason = "the target did not keep up: 1,364 of 11,364 requests (12 %) were not sent because 1,024 were still in \
                  flight (--max-in-flight); figures with ≥ are lower bounds";
    let judgement = check("overloaded", &case(plan(OPEN, ""), &drivers), Verdict::Failed, reason);
    assert_eq!(judgement.thresholds[1].value, Some(1_364.0 / 11_364.0));
    let given = plan(
        OPEN,
        "\"response.p99\" = \"< 2s\"\n\"dropped.ratio\" = \"< 50%\"\n\"response.median\" = \"< 1s\"",
    );
    let reason = "response.p99 < 2s is not met: 12 % of the requests were never sent, so p99 is above 900 ms, how far is unknown";
    let judgement =
        check("dropped ticks are slower than any answer", &case(given, &drivers), Verdict::Failed, reason);
    let ok: Vec<_> = judgement.thresholds.iter().map(|one| (one.expression.as_str(), one.ok)).collect();
    assert!(ok.contains(&("response.median < 1s", Some(true))), "{ok:?}");
}

#[test]
fn nothing_completed_fails() {
    let refused = [Driver::well("a").failing(10_000, ErrorKind::Refused)];
    let reason = "no request succeeded: all 10,000 connections to 127.0.0.1:8081 were refused. Start the server, or check the port";
    check(
        "all refused",
        &case(plan(OPEN, "\"errors.ratio\" = \"<= 100%\""), &refused),
        Verdict::Failed,
        reason,
    );
    let nothing = [Driver::well("a").with(|driver| {
        driver.counters = Counters::default();
        driver.latencies.clear();
        driver.throughput = None;
    })];
    let given = plan(OPEN, "\"response.p99\" = \"< 250ms\"");
    check(
        "nothing due: failed, not undecided",
        &case(given, &nothing),
        Verdict::Failed,
        "no request was due",
    );
}
