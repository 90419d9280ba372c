//! Other people's drivers beside ours: figures that they do not report are unknown. Unknown figures alone do not change
//! the verdict, and they do not hide the figures of the other drivers.

use super::*;
use crate::model::Standing;

const COUNTS: Reported = Reported { sent: true, completed: true, failed: false };
const REQUESTS: Reported = Reported { sent: true, completed: false, failed: false };

fn theirs(name: &'static str, reported: Reported) -> Driver {
    Driver::well(name).classic(reported)
}

/// Ours, of which so many of 10,000 fail with a refused connection.
fn ours(failed: u64) -> Driver {
    Driver::well("a").failing(failed, ErrorKind::Refused)
}

#[test]
fn what_is_known_of_the_others_is_judged() {
    let given = "\"errors.ratio\" = \"< 5%\"";
    let unknown = "what c sent is not known";
    let failed_unknown = "how many requests of c failed is not known";
    let table: [(&str, &str, Driver, Driver, Verdict, &str); 10] = [
        (
            "all of ours fail, by default",
            "",
            ours(10_000),
            theirs("c", Reported::NONE),
            Verdict::Failed,
            "no request succeeded (how requests of c ended is not known): all 10,000 connections",
        ),
        (
            "some of ours fail",
            "",
            ours(700),
            theirs("c", Reported::NONE),
            Verdict::Failed,
            "errors.ratio < 1% is not met: 700 of 10,000 requests failed (7 %; refused: 700); what c sent is not known, \
             and not counted here",
        ),
        (
            "answers that may be failures do not lower the ratio",
            "",
            ours(10_000),
            theirs("c", COUNTS).with(|driver| {
                (driver.counters.sent, driver.counters.completed) = (3_000_000, 3_000_000);
            }),
            Verdict::Failed,
            "errors.ratio < 1% is not met: 10,000 of 10,000 requests failed (100 %; refused: 10,000); how many requests \
             of c failed is not known",
        ),
        ("few of ours fail, by default", "", ours(60), theirs("c", Reported::NONE), Verdict::Passed, ""),
        (
            "few of ours fail, given",
            given,
            ours(60),
            theirs("c", Reported::NONE),
            Verdict::Incomplete,
            unknown,
        ),
        (
            "the same, failures not reported",
            given,
            ours(60),
            theirs("c", COUNTS),
            Verdict::Incomplete,
            failed_unknown,
        ),
        (
            "it drops nothing, whatever it sent",
            "\"dropped.ratio\" = \"< 2%\"\n\"errors.ratio\" = \"<= 100%\"",
            Driver::well("a").dropping(90),
            theirs("c", REQUESTS),
            Verdict::Incomplete,
            "errors.ratio <= 100% cannot be decided",
        ),
        (
            "ours drop too many",
            "",
            Driver::well("a").dropping(2_500),
            theirs("c", Reported::NONE),
            Verdict::Failed,
            "the target did not keep up: 2,500 of 12,500 requests (20 %)",
        ),
        (
            "the slowest of ours is too slow whatever the others were",
            "\"response.max\" = \"< 250ms\"",
            Driver::well("a").slow(312_000),
            theirs("c", Reported::NONE),
            Verdict::Failed,
            "response.max < 250ms is not met: it was 312 ms; how many requests of c completed is not known",
        ),
        (
            "the slowest of ours is not the slowest of all",
            "\"response.max\" = \"< 250ms\"",
            Driver::well("a"),
            theirs("c", Reported::NONE),
            Verdict::Incomplete,
            "response.max < 250ms cannot be decided: how many requests of c completed is not known",
        ),
    ];
    for (caption, thresholds, ours, theirs, verdict, reason) in table {
        let drivers = [ours, theirs];
        check(caption, &case(plan(OPEN, thresholds), &drivers), verdict, reason);
    }
}

#[test]
fn one_side_of_a_minimum_is_known() {
    let drivers = [Driver::well("a"), theirs("c", Reported::NONE)];
    let judged = |threshold: &str| {
        let given = plan(OPEN, &format!("\"response.min\" = \"{threshold}\""));
        case(given, &drivers).judge().thresholds[0].ok
    };
    // The fastest of ours took 2 ms.
    assert_eq!(judged("> 3ms"), Some(false), "what is not known can only be faster still");
    assert_eq!((judged("> 1ms"), judged("< 3ms")), (None, Some(true)));
}

#[test]
fn a_threshold_names_whom_its_value_leaves_out() {
    let drivers = [ours(60), theirs("c", Reported::NONE), theirs("d", COUNTS)];
    let judgement = case(plan(OPEN, ""), &drivers).judge();
    let [errors, dropped] = &judgement.thresholds[..] else { panic!("{judgement:#?}") };
    assert_eq!((errors.value, errors.ok, errors.lower_bound), (Some(0.006), None, false));
    assert_eq!(errors.without, ["c", "d"]);
    assert_eq!((dropped.value, dropped.ok), (Some(0.0), Some(true)));
    warns(
        &judgement,
        "errors.ratio < 1% cannot be decided: what c sent is not known, and how many requests of d failed is not known; \
         over the others it is 0.6 %",
    );
}

#[test]
fn unknown_alone_fails_nothing() {
    let deaf = theirs("d", Reported::NONE).with(|driver| driver.ended_by = Some(EndedBy::Deaf));
    let table: [(&str, Vec<Driver>); 4] = [
        ("requests alone", vec![theirs("c", REQUESTS)]),
        ("nothing at all", vec![theirs("c", Reported::NONE)]),
        ("requests alone beside ours", vec![Driver::well("a"), theirs("c", REQUESTS)]),
        (
            "ours had nothing to send",
            vec![
                Driver::well("a").with(|driver| driver.counters = Counters::default()),
                theirs("c", REQUESTS),
            ],
        ),
    ];
    for (caption, drivers) in &table {
        check(caption, &case(plan(OPEN, ""), drivers), Verdict::Passed, "");
    }
    check("deaf", &case(plan(OPEN, ""), &[deaf]), Verdict::Incomplete, "driver d sent no report");
    let answers = Reported { sent: false, completed: true, failed: false };
    let lenient = plan(OPEN, "\"errors.ratio\" = \"<= 100%\"");
    let drivers = [ours(10_000), theirs("c", answers)];
    let reason =
        "errors.ratio <= 100% cannot be decided: what c sent is not known; over the others it is 100 %";
    check("it names answers", &case(lenient, &drivers), Verdict::Incomplete, reason);
}

#[test]
fn drivers_of_others_that_report_all_are_counted() {
    let failing = |n| {
        theirs("c", Reported::ALL).with(|driver| {
            (driver.counters.completed, driver.counters.failed) = (10_000 - n, n);
        })
    };
    let reason = "errors.ratio < 1% is not met: 700 of 20,000 requests failed (3.5 %)";
    check("failures", &case(plan(OPEN, ""), &[Driver::well("a"), failing(700)]), Verdict::Failed, reason);
    check("few", &case(plan(OPEN, ""), &[Driver::well("a"), failing(70)]), Verdict::Passed, "");
    let nothing = [ours(10_000), failing(10_000)];
    let reason =
        "no request succeeded: all 20,000 requests failed (refused: 10,000, no reason reported: 10,000)";
    check("no request succeeded", &case(plan(OPEN, ""), &nothing), Verdict::Failed, reason);
}

#[test]
fn a_threshold_of_each_driver_is_decided_by_what_that_driver_reports() {
    let drivers = [ours(60), theirs("c", COUNTS), theirs("d", Reported::NONE)];
    let given = plan(OPEN, "\"driver.errors.ratio\" = \"< 5%\"");
    let judgement = case(given, &drivers).judge();
    let ok: Vec<_> = judgement.thresholds[..3].iter().map(|one| (one.driver.as_deref(), one.ok)).collect();
    assert_eq!(ok, [(Some("a"), Some(true)), (Some("c"), None), (Some("d"), None)]);
    let undecided = "driver d: driver.errors.ratio < 5% cannot be decided: what d sent is not known";
    assert!(reasons(&judgement).contains(&undecided), "{judgement:#?}");
}

#[test]
fn a_test_that_runs_stands_by_what_is_known() {
    let runs = |driver: Driver| {
        driver.with(|driver| {
            driver.ended_by = None;
            driver.share.rate_per_s = Some(1_000.0);
        })
    };
    let stands = |drivers: &[Driver]| {
        let judgement = Case { over: false, ..case(plan(OPEN, ""), drivers) }.judge();
        (judgement.standing(), judgement.thresholds[0].ok)
    };
    let c = || runs(theirs("c", Reported::NONE));
    assert_eq!(stands(&[runs(ours(60)), c()]), (Standing::Ok, None));
    assert_eq!(stands(&[runs(ours(200)), c()]), (Standing::Failing, None), "it may still mend");
    // Ours has 30,000 requests.
    assert_eq!(stands(&[runs(ours(400)), c()]), (Standing::Failing, Some(false)), "lost for good");
    assert_eq!(stands(&[runs(ours(10_000)), c()]).0, Standing::Failing, "nothing completed so far");
}

#[test]
fn redirects_and_late_answers_of_ours_are_warned_of() {
    let late = Driver::well("a").with(|driver| {
        driver.counters.completed_in_schedule = 7_000;
        driver.counters.status_codes = [(200, 9_000), (301, 1_000)].into();
    });
    let judgement = case(plan(OPEN, ""), &[late, theirs("c", Reported::NONE)]).judge();
    warns(&judgement, "1,000 of 10,000 answers (10 %) were redirects");
    warns(
        &judgement,
        "3,000 of 10,000 completed requests (30 %) completed after the end of the schedule: throughput counts only what \
         completed within it; when those of c completed is not known",
    );
}

/// The one warning about the unit of a driver's latencies.
#[track_caller]
fn check_unit(caption: &str, ours_us: Option<u64>, theirs: &[(f64, f64)], expected: Option<&str>) {
    let mut drivers: Vec<Driver> = ours_us.map(|us| Driver::well("a").slow(us)).into_iter().collect();
    for (name, (min, median)) in ["c", "d", "e"].into_iter().zip(theirs) {
        drivers.push(self::theirs(name, Reported::NONE).with(|driver| {
            let response = &mut driver.as_classic.response;
            (response.min, response.median) = (Some(*min), Some(*median));
        }));
    }
    let judgement = case(plan(OPEN, ""), &drivers).judge();
    let unit =
        judgement.findings.iter().filter(|one| one.kind == crate::model::FindingKind::DriverLatencyUnit);
    let texts: Vec<&str> = unit.map(|one| one.text.as_str()).collect();
    match expected {
        Some(text) => assert!(texts.len() == 1 && texts[0].contains(text), "{caption}: {texts:#?}"),
        None => assert_eq!(texts, [""; 0], "{caption}"),
    }
}

#[test]
fn latencies_in_another_unit_are_warned_of() {
    let seconds = "driver c reports latencies that are about 1,000 times smaller than those of the others (6 µs beside \
                   5.50 ms): if they are in seconds, set latency_unit = \"s\" under [classic.nodes.\"c\"]";
    check_unit("seconds beside ours", Some(5_500), &[(0.004, 0.006)], Some(seconds));
    let slow = "1,000 times smaller than those of the others (400 µs beside 350 ms)";
    check_unit("seconds of a slow target", Some(350_000), &[(0.2, 0.4)], Some(slow));
    let large =
        "1,000 times larger than those of the others (5.80 s beside 5.50 ms): if they are in milliseconds";
    check_unit("microseconds, or ms read as s", Some(5_500), &[(4_000.0, 5_800.0)], Some(large));
    check_unit("much alike", Some(5_500), &[(4.0, 6.1)], None);
    check_unit("a hundred times slower", Some(5_500), &[(300.0, 610.0)], None);
    let impossible =
        "driver c reports latencies of 4 µs, which no HTTP exchange can be: if they are in seconds, set";
    check_unit("alone, in seconds", None, &[(0.004, 0.006)], Some(impossible));
    check_unit("alone, 25 ms in seconds: it may be", None, &[(0.024, 0.025)], None);
    check_unit("before the first answer", None, &[(0.0, 0.0)], None);
    check_unit("one of three", None, &[(4.0, 6.0), (0.0024, 0.0061), (3.0, 6.2)], Some("driver d reports"));
}

#[test]
fn a_closed_loop_takes_as_long_as_its_longest_driver() {
    let drivers = [Driver::well("a"), theirs("c", COUNTS)];
    let reason = "throughput >= 500/s cannot be decided: when the requests of c completed is not known";
    let given = plan(CLOSED, "\"throughput\" = \">= 500/s\"");
    check("closed", &case(given, &drivers), Verdict::Incomplete, reason);
    let given = plan(OPEN, "\"throughput\" = \">= 500/s\"");
    check("open: it can only be more", &case(given, &drivers), Verdict::Passed, "");
}
