//! The texts of reasons beside their figure: what explains it, and what to do.

use super::*;

/// A driver whose share is so many requests a second, and which sent `sent` of them in its 10 s.
fn driver(name: &'static str, rate: f64, sent: u64) -> Driver {
    Driver::well(name).late(sent / 10, 40_000).with(|driver| {
        driver.share.rate_per_s = Some(rate);
        driver.counters.scheduled = (rate * 10.0) as u64;
        driver.counters.sent = sent;
        driver.counters.completed = sent;
        driver.counters.dropped_late = driver.counters.scheduled - sent;
    })
}

#[test]
fn the_rate_that_it_could_have_kept_is_what_it_sent_rounded_down() {
    let of_two = |driver: Driver| driver.with(|driver| driver.share.of = 2);
    let table = [
        ("alone", "driver", vec![driver("a", 1_000.0, 8_765)], "lower the rate to 870/s"),
        (
            "all sent, though late",
            "driver",
            vec![driver("a", 1_000.0, 9_990)],
            "lower the rate below 1,000/s",
        ),
        (
            "one of two, each its own rate",
            "driver",
            vec![of_two(driver("a", 1_000.0, 5_000)), of_two(Driver::well("b"))],
            "lower the rate to 500/s each",
        ),
        (
            "one of two that share one rate",
            "fleet",
            vec![of_two(driver("a", 1_000.0, 5_000)), of_two(Driver::well("b"))],
            "lower the rate to 1,000/s in all",
        ),
    ];
    for (caption, per, drivers, expected) in table {
        let mut plan = plan(OPEN, "");
        plan.per = if per == "fleet" { common::plan::Per::Fleet } else { common::plan::Per::Driver };
        let judgement = check(caption, &case(plan, &drivers), Verdict::Invalid, "driver a");
        assert!(
            reasons(&judgement).iter().all(|reason| reason.ends_with(expected)),
            "{caption}: {judgement:#?}"
        );
    }
}

#[test]
fn what_explains_a_late_generator_stands_beside_its_figure() {
    let on = |cpu_max, steal_mean, steal_max| {
        let machine = GeneratorLoad { cpu_max, steal_mean, steal_max, ..GeneratorLoad::default() };
        [Driver::well("a").late(5_000, 40_000).with(|driver| driver.machine = machine)]
    };
    let table = [
        ("not reported", on(None, None, None), "and p95 too): give it another core"),
        (
            "its own CPU",
            on(Some(0.97), Some(0.0), Some(0.004)),
            "and p95 too): it used its whole core (CPU up to 97 %). Give it another core, or lower the rate",
        ),
        (
            "its host",
            on(Some(0.4), Some(0.04), Some(0.12)),
            "and p95 too): the host of its machine gave up to 12 % of its CPU time to other machines (steal). Give it a \
             machine whose cores are not shared, or lower the rate",
        ),
    ];
    for (caption, drivers, expected) in table {
        check(caption, &case(plan(OPEN, ""), &drivers), Verdict::Invalid, expected);
    }
    let judgement = case(plan(CLOSED, ""), &on(None, Some(0.04), Some(0.12))).judge();
    assert_eq!(judgement.verdict, Verdict::Passed, "a closed loop knows no lag");
    warns(
        &judgement,
        "the host of driver a gave 4 % of its machine's CPU time to other machines (steal; up to 12 % in a second)",
    );
}

#[test]
fn the_host_is_blamed_only_where_it_took_more_than_anything_else() {
    let on = |cpu, waited, mean, max| {
        let machine = GeneratorLoad {
            cpu_max: Some(cpu),
            waited_max: Some(waited),
            steal_mean: Some(mean),
            steal_max: Some(max),
            ..GeneratorLoad::default()
        };
        [Driver::well("a").late(5_000, 40_000).with(|driver| driver.machine = machine)]
    };
    let held = "something else on its machine held the cores (its threads waited for one in up to";
    let host = "the host of its machine gave up to";
    let table = [
        ("four programs on its core, a little steal", on(0.24, 0.78, 0.031, 0.0419), held),
        ("the same without steal", on(0.24, 0.78, 0.0, 0.0), held),
        ("threads that wait as long as the host takes", on(0.4, 0.12, 0.04, 0.12), host),
        ("one core of four stolen", on(0.4, 0.45, 0.11, 0.12), host),
        (
            "its own CPU, a little steal",
            on(0.96, 0.01, 0.021, 0.04),
            "it used its whole core (CPU up to 96 %)",
        ),
        ("its own CPU, as much steal", on(0.83, 0.01, 0.1, 0.17), host),
        ("steal below what is blamed", on(0.4, 0.3, 0.019, 0.4), held),
    ];
    for (caption, drivers, expected) in table {
        check(caption, &case(plan(OPEN, ""), &drivers), Verdict::Invalid, expected);
        let judgement = case(plan(OPEN, ""), &drivers).judge();
        let others =
            [held, host, "it used its whole core"].into_iter().filter(|other| !expected.starts_with(other));
        for other in others {
            assert!(
                reasons(&judgement).iter().all(|reason| !reason.contains(other)),
                "{caption}: {judgement:#?}"
            );
        }
    }
}

#[test]
fn a_slow_response_says_where_its_time_went() {
    let slow = [Driver::well("a").slow(312_000)];
    let reason = "response.p99 < 250ms is not met: it was 312 ms (service 2.00 ms, lag 50 µs)";
    check("open loop", &case(plan(OPEN, "\"response.p99\" = \"< 250ms\""), &slow), Verdict::Failed, reason);
    let closed = case(plan(CLOSED, "\"response.p99\" = \"< 250ms\""), &slow);
    assert!(reasons(&closed.judge())[0].ends_with("it was 312 ms"), "its response is its service");
}

#[test]
fn a_throughput_that_the_plan_cannot_reach_is_explained() {
    let drivers = [Driver::well("a").with(|driver| driver.share.rate_per_s = Some(1_000.0))];
    let beyond = plan(OPEN, "\"throughput\" = \">= 1980/s\"");
    let reason = "throughput >= 1980/s is not met: it was 1,000/s; the plan sends at most 1,000/s";
    check("beyond", &case(beyond, &drivers), Verdict::Failed, reason);
    let drivers = [Driver::well("a").with(|driver| driver.share.rate_per_s = Some(2_000.0))];
    let within = case(plan(OPEN, "\"throughput\" = \">= 1980/s\""), &drivers);
    assert!(reasons(&within.judge())[0].ends_with("it was 1,000/s"));
}

#[test]
fn a_closed_loop_says_what_it_cannot_see_and_an_open_one_does_not() {
    let drivers = [Driver::well("a")];
    let closed = case(plan(CLOSED, ""), &drivers).judge();
    let notes = sentences(&closed, FindingLevel::Note);
    assert!(
        notes.len() == 1 && notes[0].contains("does not see") && notes[0].contains("upper bounds"),
        "{notes:?}"
    );
    let open = case(plan(OPEN, ""), &drivers).judge();
    assert_eq!(sentences(&open, FindingLevel::Note), [""; 0]);
}

#[test]
fn a_classic_driver_does_not_report_whether_it_was_the_limit() {
    let drivers = [Driver::well("a"), Driver::well("c").with(|driver| driver.classic = true)];
    let judgement = case(plan(OPEN, ""), &drivers).judge();
    warns(&judgement, "driver c reports neither lag nor idle time");
}
