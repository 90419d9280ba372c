//! Every rule of interface.md, one caption each.

use common::counters::{Counters, ErrorKind};
use common::latency::{Latencies, LatencyKind};
use common::plan::{Plan, PlanFormat, Share, read};

use super::{DriverFacts, Facts, Judgement, Sample, judge};
use crate::model::{MissingWindows, Verdict};
use crate::tally::EndedBy;

const START: i64 = 1_795_477_200_000_000;

fn plan(load: &str, thresholds: &str) -> Plan {
    let text = format!(
        "name = \"p\"\n[target]\nurl = \"http://127.0.0.1:8081/ping\"\n[load]\nduration = \"30s\"\n{load}\n\
         [thresholds]\n{thresholds}\n"
    );
    read(&text, PlanFormat::Toml).unwrap()
}

const OPEN: &str = "mode = \"tsunami\"\nrate = 1000\nmax_in_flight = 1024";
const CLOSED: &str = "mode = \"avalanche\"\nconnections = 64";

/// One driver of a case: it sent 10,000 requests, answered in 2 ms each, on time, and ended well.
struct Driver {
    name: &'static str,
    counters: Counters,
    latencies: Latencies,
    coverage: Option<f64>,
    throughput: Option<f64>,
    windows: (u64, u64),
    ended_by: Option<EndedBy>,
    cut_short: Option<&'static str>,
    classic: bool,
    partial: bool,
    unresolved: u64,
    share: Share,
}

impl Driver {
    fn well(name: &'static str) -> Self {
        let counters = Counters {
            scheduled: 10_000,
            sent: 10_000,
            completed: 10_000,
            completed_in_schedule: 10_000,
            status_codes: [(200, 10_000)].into(),
            ..Counters::default()
        };
        let mut latencies = Latencies::new();
        for (kind, us) in [
            (LatencyKind::Response, 2_000),
            (LatencyKind::Service, 2_000),
            (LatencyKind::Lag, 50),
            (LatencyKind::Turn, 20),
        ] {
            latencies.of_mut(kind).record_n_us(us, 10_000);
        }
        let share = Share {
            index: 0,
            of: 1,
            rate_per_s: None,
            target_throughput: None,
            requests: None,
            connections: None,
            max_in_flight: None,
        };
        Self {
            name,
            counters,
            latencies,
            coverage: Some(1.0),
            throughput: Some(1_000.0),
            windows: (30, 0),
            ended_by: Some(EndedBy::FinalWindow),
            cut_short: None,
            classic: false,
            partial: false,
            unresolved: 0,
            share,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// `n` of its requests met the in-flight bound.
    fn dropping(self, n: u64) -> Self {
        self.with(|driver| {
            driver.counters.scheduled += n;
            driver.counters.dropped_in_flight += n;
        })
    }

    /// `n` of its requests were late by so many µs.
    fn late(self, n: u64, us: u64) -> Self {
        self.with(|driver| {
            let lag = driver.latencies.of_mut(LatencyKind::Lag);
            lag.clear();
            lag.record_n_us(50, 10_000 - n);
            lag.record_n_us(us, n);
        })
    }

    /// All its answers took so many µs.
    fn slow(self, us: u64) -> Self {
        self.with(|driver| {
            let response = driver.latencies.of_mut(LatencyKind::Response);
            response.clear();
            response.record_n_us(us, 10_000);
        })
    }

    fn failing(self, n: u64, kind: ErrorKind) -> Self {
        self.with(|driver| {
            driver.counters.completed -= n;
            driver.counters.failed += n;
            driver.counters.errors.insert(kind, n);
            driver.counters.status_codes.insert(200, 10_000 - n);
        })
    }

    fn sample(&self) -> Sample<'_> {
        Sample {
            counters: self.counters.clone(),
            partial: self.partial,
            failures_unsaid: false,
            latencies: &self.latencies,
            coverage: self.coverage,
            throughput_per_s: self.throughput,
            schedule_s: Some(10.0),
            windows: self.windows.0,
            busy_windows: self.windows.1,
        }
    }
}

struct Case<'c> {
    plan: Plan,
    drivers: &'c [Driver],
    stopped_by: Option<&'static str>,
    started: bool,
    missing: Vec<MissingWindows>,
}

fn case<'c>(plan: Plan, drivers: &'c [Driver]) -> Case<'c> {
    Case { plan, drivers, stopped_by: None, started: true, missing: Vec::new() }
}

impl Case<'_> {
    fn judge(&self) -> Judgement {
        let mut counters = Counters::default();
        let mut latencies = Latencies::new();
        for driver in self.drivers.iter().filter(|driver| !driver.partial) {
            counters.add(&driver.counters);
            latencies.merge(&driver.latencies);
        }
        let least = |values: Vec<Option<f64>>| values.into_iter().collect::<Option<Vec<f64>>>();
        let coverage = least(self.drivers.iter().map(|driver| driver.coverage).collect());
        let fleet = Sample {
            counters,
            partial: self.drivers.iter().any(|driver| driver.partial),
            failures_unsaid: false,
            latencies: &latencies,
            coverage: coverage.map(|all| all.into_iter().fold(1.0, f64::min)),
            throughput_per_s: self.drivers.iter().map(|driver| driver.throughput).sum(),
            schedule_s: Some(10.0),
            windows: self.drivers.iter().map(|driver| driver.windows.0).sum(),
            busy_windows: self.drivers.iter().map(|driver| driver.windows.1).sum(),
        };
        let drivers = self.drivers.iter().map(|driver| DriverFacts {
            name: driver.name.to_owned(),
            classic: driver.classic,
            other_life: false,
            ended_by: driver.ended_by,
            heard_at: Some(START + 12_000_000),
            unresolved: driver.unresolved,
            cut_short: driver.cut_short.map(str::to_owned),
            share: Some(&driver.share),
            implausible: false,
            sample: driver.sample(),
        });
        judge(&Facts {
            plan: &self.plan,
            stopped_by: self.stopped_by.map(str::to_owned),
            started_at: self.started.then_some(START),
            fleet,
            drivers: drivers.collect(),
            missing: self.missing.clone(),
            foreign: Vec::new(),
        })
    }
}

/// Judges, and expects the verdict and a first reason that holds the text (or none, for `passed`).
#[track_caller]
fn check(caption: &str, case: &Case<'_>, verdict: Verdict, reason: &str) -> Judgement {
    let judgement = case.judge();
    assert_eq!(judgement.verdict, verdict, "{caption}: {judgement:#?}");
    match judgement.reasons.first() {
        Some(first) => assert!(first.contains(reason) && !reason.is_empty(), "{caption}: {first}"),
        None => assert!(reason.is_empty(), "{caption}: no reason"),
    }
    judgement
}

#[track_caller]
fn warns(judgement: &Judgement, text: &str) {
    assert!(judgement.warnings.iter().any(|warning| warning.contains(text)), "{:#?}", judgement.warnings);
}

#[test]
fn a_test_that_went_well_passes() {
    let drivers = [Driver::well("a"), Driver::well("b")];
    let thresholds = "\"response.p99\" = \"< 250ms\"\n\"driver.throughput\" = \">= 990/s\"";
    let judgement = check("well", &case(plan(OPEN, thresholds), &drivers), Verdict::Passed, "");
    assert_eq!(judgement.warnings, Vec::<String>::new());
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
fn aborted_is_the_worst_and_the_other_reasons_follow() {
    let lost =
        Driver::well("b").with(|driver| (driver.ended_by, driver.unresolved) = (Some(EndedBy::Lost), 3));
    let drivers = [Driver::well("a").late(5_000, 40_000), lost.failing(9_000, ErrorKind::Reset)];
    let mut stopped = case(plan(OPEN, ""), &drivers);
    stopped.stopped_by = Some("POST /stop");
    let judgement = check("stopped", &stopped, Verdict::Aborted, "it was stopped before its end: POST /stop");
    let order: Vec<bool> = ["stopped", "was lost", "late at", "failed"]
        .iter()
        .zip(&judgement.reasons)
        .map(|(text, reason)| reason.contains(text))
        .collect();
    assert_eq!(order, [true; 4], "{:#?}", judgement.reasons);
}

#[test]
fn a_stopped_drivers_short_load_is_no_reason_of_its_own() {
    let drivers = [Driver::well("a").with(|driver| driver.cut_short = Some("stopped"))];
    let mut stopped = case(plan(OPEN, ""), &drivers);
    stopped.stopped_by = Some("Ctrl-C");
    assert_eq!(stopped.judge().reasons, ["it was stopped before its end: Ctrl-C"]);
}

#[test]
fn what_is_missing_makes_incomplete() {
    let given = "\"response.p99\" = \"< 250ms\"";
    let lost = |by| Driver::well("b").with(|driver| (driver.ended_by, driver.unresolved) = (by, 31));
    for by in [None, Some(EndedBy::Lost)] {
        let drivers = [Driver::well("a"), lost(by)];
        let reason = "driver b was lost 12 s into the test and did not come back; 31 requests it had sent are unresolved";
        check("lost", &case(plan(OPEN, ""), &drivers), Verdict::Incomplete, reason);
    }
    let left = [Driver::well("a"), Driver::well("b").with(|driver| driver.cut_short = Some("leaving"))];
    check(
        "SIGTERM",
        &case(plan(OPEN, ""), &left),
        Verdict::Incomplete,
        "driver b was told to leave (SIGTERM)",
    );
    let alone = [Driver::well("b").with(|driver| driver.cut_short = Some("orchestrator silent"))];
    check("silence", &case(plan(OPEN, ""), &alone), Verdict::Incomplete, "orchestrator silent");
    let deaf = [Driver::well("a"), lost(Some(EndedBy::Deaf))];
    check(
        "deaf",
        &case(plan(OPEN, ""), &deaf),
        Verdict::Incomplete,
        "driver b showed nothing after the trigger",
    );

    let drivers = [Driver::well("a")];
    let mut windows = case(plan(OPEN, ""), &drivers);
    windows.missing = vec![MissingWindows {
        node_id: "a".to_owned(),
        from_seq: 3,
        to_seq: 5,
        from: "2026-11-23T23:40:03.000000Z".to_owned(),
        to: "2026-11-23T23:40:06.000000Z".to_owned(),
    }];
    let reason = "windows 3 to 5 of driver a are missing, from 23:40:03 to 23:40:06 UTC";
    check("windows", &windows, Verdict::Incomplete, reason);

    let partly = [Driver::well("a").with(|driver| driver.coverage = Some(0.9))];
    let reason = "response.p99 < 250ms cannot be decided: histograms cover 90 % of the answers";
    check("coverage below 1", &case(plan(OPEN, given), &partly), Verdict::Incomplete, reason);
    let untold = [Driver::well("a").with(|driver| driver.coverage = None)];
    check("coverage null", &case(plan(OPEN, given), &untold), Verdict::Incomplete, "how many answers");
    check("no latency asked for", &case(plan(OPEN, ""), &untold), Verdict::Passed, "");

    let mut never = case(plan(OPEN, ""), &drivers);
    never.started = false;
    check("never started", &never, Verdict::Incomplete, "never told to start");
}

#[test]
fn a_default_that_cannot_be_decided_is_a_warning_and_a_given_one_a_reason() {
    let unknown = Driver::well("c")
        .with(|driver| (driver.classic, driver.partial, driver.coverage) = (true, true, None));
    let drivers = [Driver::well("a"), unknown];
    let judgement = check("default", &case(plan(OPEN, ""), &drivers), Verdict::Passed, "");
    warns(&judgement, "errors.ratio < 1% cannot be decided: what c sent is not known");
    assert_eq!(judgement.thresholds[0].ok, None);
    let given = plan(OPEN, "\"errors.ratio\" = \"< 1%\"");
    check("given", &case(given, &drivers), Verdict::Incomplete, "cannot be decided");
    // What the others reached already is enough.
    let enough = plan(OPEN, "\"throughput\" = \">= 1500/s\"");
    check("a lower bound above", &case(enough, &drivers), Verdict::Passed, "");
    let short = plan(OPEN, "\"throughput\" = \">= 2500/s\"");
    check("a lower bound below", &case(short, &drivers), Verdict::Incomplete, "not everyone tells");
}

#[test]
fn a_late_generator_is_invalid_by_name() {
    let late = [Driver::well("a"), Driver::well("b").late(5_000, 40_000)];
    let reason = "driver b was 40.0 ms late at p99 (allowed 5.00 ms, and too late at p90 and p95 too): give it \
                  another core, or lower the rate";
    check("half of one driver", &case(plan(OPEN, ""), &late), Verdict::Invalid, reason);
    let at_p90 = [Driver::well("a").late(2_000, 5_200).slow(2_000)];
    check("at p90", &case(plan(OPEN, ""), &at_p90), Verdict::Invalid, "late at p99");
    let within_tenth = [Driver::well("a").late(2_000, 40_000).slow(500_000)];
    let judgement =
        check("a tenth of a slow response", &case(plan(OPEN, ""), &within_tenth), Verdict::Passed, "");
    warns(&judgement, "lag was 40.0 ms at p99");
    let closed = [Driver::well("a").late(5_000, 9_000)];
    check("closed loop: a permit may wait", &case(plan(CLOSED, ""), &closed), Verdict::Passed, "");
}

#[test]
fn lag_above_p99_counts_where_a_threshold_names_it() {
    let drivers = [Driver::well("a").late(5, 40_000)];
    let judgement = check("not named", &case(plan(OPEN, ""), &drivers), Verdict::Passed, "");
    warns(&judgement, "the generator itself was 40.0 ms late at p99.99 (allowed 5.00 ms)");
    let named = plan(OPEN, "\"response.p99.99\" = \"< 1s\"");
    check("named", &case(named, &drivers), Verdict::Invalid, "40.0 ms late at p99.99");
    let max = plan(OPEN, "\"service.max\" = \"< 1s\"");
    check("max named", &case(max, &drivers), Verdict::Invalid, "late at max");
}

#[test]
fn one_late_driver_of_many_is_a_warning_unless_its_own_figure_is_asked_for() {
    let mut drivers: Vec<Driver> = ["a", "b", "c", "d", "e", "f", "g"].map(Driver::well).into();
    drivers.push(Driver::well("h").late(200, 40_000));
    let judgement = check("its p99, the fleet's p99.9", &case(plan(OPEN, ""), &drivers), Verdict::Passed, "");
    warns(&judgement, "h alone would be too late");
    let asked = plan(OPEN, "\"driver.response.p99\" = \"< 1s\"");
    check("asked for", &case(asked, &drivers), Verdict::Invalid, "driver h was 40.0 ms late at p99");
}

#[test]
fn late_drops_make_invalid_and_lag_leaves_them_out() {
    let dropping = |n| {
        [Driver::well("a").with(|driver| {
            driver.counters.scheduled += n;
            driver.counters.dropped_late += n;
        })]
    };
    check("at the limit", &case(plan(OPEN, ""), &dropping(10)), Verdict::Passed, "");
    let reason = "1.96 % of the schedule came too late to be sent (allowed 0.1 %) by driver a";
    check("above it", &case(plan(OPEN, ""), &dropping(200)), Verdict::Invalid, reason);
}

#[test]
fn other_limits_of_the_generator_make_invalid() {
    let limited = [Driver::well("a").failing(1, ErrorKind::LocalLimit)];
    let reason = "1 request found no source port, descriptor or buffer space on a";
    check("local_limit", &case(plan(OPEN, ""), &limited), Verdict::Invalid, reason);
    check("local_limit, closed", &case(plan(CLOSED, ""), &limited), Verdict::Invalid, reason);

    let turning =
        [Driver::well("a").with(|driver| driver.latencies.of_mut(LatencyKind::Turn).record_n_us(9_000, 200))];
    let reason = "driver a read answers 9.01 ms late at p99 (turn; allowed 5.00 ms)";
    check("late to read", &case(plan(OPEN, ""), &turning), Verdict::Invalid, reason);
    check("closed loop", &case(plan(CLOSED, ""), &turning), Verdict::Passed, "");

    let busy = |n| [Driver::well("a").with(move |driver| driver.windows = (100, n))];
    check("1 % of the windows busy", &case(plan(OPEN, ""), &busy(1)), Verdict::Passed, "");
    let reason = "driver a had no idle time in 2 % of the seconds";
    check("2 %", &case(plan(OPEN, ""), &busy(2)), Verdict::Invalid, reason);
}

#[test]
fn a_broken_threshold_fails() {
    let slow = [Driver::well("a").slow(312_000)];
    let given = plan(OPEN, "\"response.p99\" = \"< 250ms\"");
    check("too slow", &case(given, &slow), Verdict::Failed, "response.p99 was 312 ms (must be < 250ms)");
    let each = plan(OPEN, "\"driver.response.mean\" = \"< 250ms\"");
    let two = [Driver::well("a"), Driver::well("b").slow(312_000)];
    check("for each driver", &case(each, &two), Verdict::Failed, "driver b: response.mean was 312 ms");
    let errors = [Driver::well("a").failing(231, ErrorKind::Timeout)];
    let reason = "2.31 % of the requests failed (errors.ratio must be < 1%), by kind: timeout 231";
    check("errors, by default", &case(plan(OPEN, ""), &errors), Verdict::Failed, reason);
    let lenient = plan(OPEN, "\"driver.errors.ratio\" = \"< 5%\"");
    check("errors, as given", &case(lenient, &errors), Verdict::Passed, "");
    let slow = plan(OPEN, "\"throughput\" = \">= 1980/s\"");
    check(
        "throughput",
        &case(slow, &[Driver::well("a")]),
        Verdict::Failed,
        "throughput was 1,000/s (must be >= 1980/s)",
    );
    let cancelled = [Driver::well("a").failing(9_000, ErrorKind::Cancelled)];
    check("cancelled is no error", &case(plan(OPEN, ""), &cancelled), Verdict::Passed, "");
}

#[test]
fn a_target_that_does_not_keep_up_fails_and_is_never_invalid() {
    // The bound was met by a worker that was on time: the target's doing, whatever response became.
    let drivers = [Driver::well("a").slow(900_000).dropping(1_364)];
    let reason = "it did not keep up: 12 % of the schedule met 1,024 requests in flight (dropped.ratio must be \
                  < 0.1%); the percentiles leave those out and are lower bounds";
    let judgement = check("overloaded", &case(plan(OPEN, ""), &drivers), Verdict::Failed, reason);
    assert_eq!(judgement.thresholds[1].value, Some(1_364.0 / 11_364.0));
    let given = plan(
        OPEN,
        "\"response.p99\" = \"< 2s\"\n\"dropped.ratio\" = \"< 50%\"\n\"response.median\" = \"< 1s\"",
    );
    let reason =
        "response.p99 was beyond 900 ms, the slowest answer (must be < 2s): dropped requests count as slower";
    let judgement =
        check("dropped ticks are slower than any answer", &case(given, &drivers), Verdict::Failed, reason);
    let ok: Vec<_> = judgement.thresholds.iter().map(|one| (one.expression.as_str(), one.ok)).collect();
    assert!(ok.contains(&("response.median < 1s", Some(true))), "{ok:?}");
}

#[test]
fn nothing_completed_fails() {
    let refused = [Driver::well("a").failing(10_000, ErrorKind::Refused)];
    let reason =
        "nothing completed: of 10,000 requests all failed, by kind: refused 10,000: check the target's";
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
        "no request fell due",
    );
}

#[test]
fn a_closed_loop_without_cpu_left_measures_itself() {
    let busy = |us| [Driver::well("a").slow(us).with(|driver| driver.windows = (30, 30))];
    let judgement = check("no threshold broke", &case(plan(CLOSED, ""), &busy(2_000)), Verdict::Passed, "");
    warns(
        &judgement,
        "driver a used up the CPU (100 % of the seconds without idle time): throughput is a lower bound",
    );
    let given = plan(CLOSED, "\"response.p99\" = \"< 1ms\"\n\"throughput\" = \">= 1/s\"");
    let reason = "response.p99 was 2.00 ms (must be < 1ms); the drivers' CPU was used up";
    check("a latency broke", &case(given.clone(), &busy(2_000)), Verdict::Invalid, reason);
    check("with CPU left", &case(given, &[Driver::well("a")]), Verdict::Failed, "response.p99 was 2.00 ms");
    let failing = [Driver::well("a").failing(900, ErrorKind::Reset).with(|driver| driver.windows = (30, 30))];
    check(
        "errors are the target's",
        &case(plan(CLOSED, ""), &failing),
        Verdict::Failed,
        "9 % of the requests failed",
    );
}

#[test]
fn a_ceiling_that_was_not_reached_is_said() {
    let with =
        |ceiling| [Driver::well("a").with(move |driver| driver.share.target_throughput = Some(ceiling))];
    let judgement = check("half", &case(plan(CLOSED, ""), &with(2_000.0)), Verdict::Passed, "");
    warns(&judgement, "the ceiling of 2,000/s was not reached, only 1,000/s: with 64 connections");
    let judgement = check("reached", &case(plan(CLOSED, ""), &with(1_005.0)), Verdict::Passed, "");
    assert_eq!(judgement.warnings, Vec::<String>::new());
}
