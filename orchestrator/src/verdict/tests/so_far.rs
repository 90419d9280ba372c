//! A test while it runs: reasons against it so far, and thresholds that can no longer be met.

use super::*;
use crate::model::Standing;

/// Judges a test that runs, and expects how it stands and a first reason that holds the text (or none, for `ok`).
#[track_caller]
fn stands(caption: &str, plan: Plan, drivers: &[Driver], standing: Standing, reason: &str) -> Judgement {
    let judgement = Case { over: false, ..case(plan, drivers) }.judge();
    assert_eq!(judgement.standing(), standing, "{caption}: {judgement:#?}");
    match reasons(&judgement).first() {
        Some(first) => assert!(first.contains(reason) && !reason.is_empty(), "{caption}: {first}"),
        None => assert!(reason.is_empty(), "{caption}: no reason"),
    }
    judgement
}

fn runs(name: &'static str) -> Driver {
    Driver::well(name).with(|driver| {
        driver.ended_by = None;
        driver.share.rate_per_s = Some(1_000.0);
    })
}

#[test]
fn a_test_that_goes_well_is_ok_though_no_driver_has_ended() {
    let judgement = stands("well", plan(OPEN, ""), &[runs("a"), runs("b")], Standing::Ok, "");
    assert!(judgement.thresholds.iter().all(|one| one.ok == Some(true)), "{judgement:#?}");
}

#[test]
fn reasons_against_it_are_shown_while_it_runs() {
    let failing = [runs("a").failing(786, ErrorKind::Reset)];
    let reason = "errors.ratio < 1% is not met: 786 of 10,000 requests failed (7.86 %; reset: 786)";
    stands("failures", plan(OPEN, ""), &failing, Standing::Failing, reason);
    let all = [runs("a").failing(10_000, ErrorKind::Refused).with(|driver| driver.counters.sent += 40)];
    let reason = "all 10,000 connections to 127.0.0.1:8081 were refused";
    stands("nothing completed, some in flight", plan(OPEN, ""), &all, Standing::Failing, reason);
    let drops = [runs("a").dropping(600)];
    stands("drops", plan(OPEN, ""), &drops, Standing::Failing, "the target did not keep up: 600 of");
    let lost = runs("b").with(|driver| driver.ended_by = Some(EndedBy::Lost));
    stands("lost", plan(OPEN, ""), &[runs("a"), lost], Standing::Incomplete, "driver b was lost 12 s into");
    let late = [runs("a").late(5_000, 40_000)];
    stands("late", plan(OPEN, ""), &late, Standing::Invalid, "driver a began requests up to 40.0 ms late");
    let unanswered = [runs("a").with(|driver| {
        driver.counters = Counters { scheduled: 7, sent: 7, ..Counters::default() };
        driver.latencies.clear();
    })];
    stands("no answer yet", plan(OPEN, ""), &unanswered, Standing::Ok, "");
}

#[test]
fn a_threshold_is_lost_only_when_nothing_that_comes_can_mend_it() {
    let ok = |thresholds: &str, driver: Driver| {
        let drivers = [driver];
        let case = Case { over: false, ..case(plan(OPEN, thresholds), &drivers) };
        case.judge().thresholds[0].ok
    };
    let slow = || runs("a").slow(312_000);
    // The plan has 30,000 requests.
    let failing = |n| runs("a").failing(n, ErrorKind::Timeout);
    let early = |rate| runs("a").with(|driver| (driver.throughput, driver.schedule_s) = (Some(rate), 1.0));
    let table = [
        ("a percentile may mend", "\"response.p99\" = \"< 250ms\"", slow(), None),
        ("the slowest stays the slowest", "\"response.max\" = \"< 250ms\"", slow(), Some(false)),
        ("the fastest can only become faster", "\"response.min\" = \"> 400ms\"", slow(), Some(false)),
        ("a minimum below its bound", "\"response.min\" = \"< 100ms\"", slow(), None),
        ("299 of 30,000 at best", "\"errors.ratio\" = \"< 1%\"", failing(299), None),
        ("301 of 30,000 at best", "\"errors.ratio\" = \"< 1%\"", failing(301), Some(false)),
        ("it holds so far", "\"response.p99\" = \"< 400ms\"", slow(), Some(true)),
        ("a throughput may rise", "\"throughput\" = \">= 1980/s\"", early(900.0), None),
    ];
    for (caption, thresholds, driver, expected) in table {
        assert_eq!(ok(thresholds, driver), expected, "{caption}");
    }
    let judgement = stands(
        "a throughput of the first second says nothing",
        plan(OPEN, "\"throughput\" = \">= 1980/s\""),
        &[early(900.0)],
        Standing::Ok,
        "",
    );
    assert_eq!(judgement.thresholds[0].value, Some(900.0));
}
