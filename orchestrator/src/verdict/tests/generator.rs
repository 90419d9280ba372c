//! Invalid, and the warnings beside it: the generator as the limit.

use super::*;

#[test]
fn a_late_generator_is_invalid_by_name() {
    let late = [Driver::well("a"), Driver::well("b").late(5_000, 40_000)];
    let reason = "driver b began requests up to 40.0 ms late (p99, 5.00 ms allowed; too late at p90 and p95 too): \
                  give it another core, or lower the rate";
    check("half of one driver", &case(plan(OPEN, ""), &late), Verdict::Invalid, reason);
    let at_p90 = [Driver::well("a").late(2_000, 5_200).slow(2_000)];
    check("at p90", &case(plan(OPEN, ""), &at_p90), Verdict::Invalid, "5.20 ms late (p99");
    let within_tenth = [Driver::well("a").late(2_000, 40_000).slow(500_000)];
    let judgement =
        check("a tenth of a slow response", &case(plan(OPEN, ""), &within_tenth), Verdict::Passed, "");
    warns(&judgement, "up to 40.0 ms of response p99 is delay of the generator");
    let closed = [Driver::well("a").late(5_000, 9_000)];
    check("closed loop: a permit may wait", &case(plan(CLOSED, ""), &closed), Verdict::Passed, "");
}

#[test]
fn lag_above_p99_counts_where_a_threshold_names_it() {
    let drivers = [Driver::well("a").late(5, 40_000)];
    let judgement = check("not named", &case(plan(OPEN, ""), &drivers), Verdict::Passed, "");
    warns(&judgement, "up to 40.0 ms of the figures above p99 is delay of the generator, not of the target");
    let named = plan(OPEN, "\"response.p99.99\" = \"< 1s\"");
    check("named", &case(named, &drivers), Verdict::Invalid, "40.0 ms late (p99.99");
    let max = plan(OPEN, "\"service.max\" = \"< 1s\"");
    check("max named", &case(max, &drivers), Verdict::Invalid, "40.0 ms late (max");
}

#[test]
fn one_late_driver_of_many_is_a_warning_unless_its_own_figure_is_asked_for() {
    let mut drivers: Vec<Driver> = ["a", "b", "c", "d", "e", "f", "g"].map(Driver::well).into();
    drivers.push(Driver::well("h").late(200, 40_000));
    let judgement = check("its p99, the fleet's p99.9", &case(plan(OPEN, ""), &drivers), Verdict::Passed, "");
    warns(&judgement, "driver h alone began requests up to 40.0 ms late");
    let asked = plan(OPEN, "\"driver.response.p99\" = \"< 1s\"");
    check(
        "asked for",
        &case(asked, &drivers),
        Verdict::Invalid,
        "driver h began requests up to 40.0 ms late (p99",
    );
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
    let reason = "1.96 % of the schedule came too late to be sent by driver a (0.1 % allowed): give it";
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
    let reason = "driver a read answers up to 9.00 ms late (p99 of turn, 5.00 ms allowed), and latencies contain that delay";
    check("late to read", &case(plan(OPEN, ""), &turning), Verdict::Invalid, reason);
    check("closed loop", &case(plan(CLOSED, ""), &turning), Verdict::Passed, "");

    let busy = |n| [Driver::well("a").with(move |driver| driver.windows = (100, n))];
    check("1 % of the windows busy", &case(plan(OPEN, ""), &busy(1)), Verdict::Passed, "");
    let reason = "driver a had no idle time in 2 % of the seconds";
    check("2 %", &case(plan(OPEN, ""), &busy(2)), Verdict::Invalid, reason);
}

#[test]
fn a_closed_loop_without_cpu_left_measures_itself() {
    let busy = |us| [Driver::well("a").slow(us).with(|driver| driver.windows = (30, 30))];
    let judgement = check("no threshold broke", &case(plan(CLOSED, ""), &busy(2_000)), Verdict::Passed, "");
    warns(&judgement, "driver a had no idle time in 100 % of the seconds: throughput is a lower bound");
    let given = plan(CLOSED, "\"response.p99\" = \"< 1ms\"\n\"throughput\" = \">= 1/s\"");
    let reason =
        "response.p99 < 1ms is not met: it was 2.00 ms; the drivers had no idle time in 100 % of the seconds";
    check("a latency broke", &case(given.clone(), &busy(2_000)), Verdict::Invalid, reason);
    check(
        "with CPU left",
        &case(given, &[Driver::well("a")]),
        Verdict::Failed,
        "response.p99 < 1ms is not met: it was 2.00 ms",
    );
    let failing = [Driver::well("a").failing(900, ErrorKind::Reset).with(|driver| driver.windows = (30, 30))];
    check(
        "errors are the target's",
        &case(plan(CLOSED, ""), &failing),
        Verdict::Failed,
        "errors.ratio < 1% is not met: 900 of 10,000 requests failed (9 %; reset: 900)",
    );
}

#[test]
fn a_ceiling_that_was_not_reached_is_a_warning() {
    let with =
        |ceiling| [Driver::well("a").with(move |driver| driver.share.target_throughput = Some(ceiling))];
    let judgement = check("half", &case(plan(CLOSED, ""), &with(2_000.0)), Verdict::Passed, "");
    warns(&judgement, "target_throughput of 2,000/s was not reached, only 1,000/s: with 64 connections");
    let judgement = check("reached", &case(plan(CLOSED, ""), &with(1_005.0)), Verdict::Passed, "");
    assert_eq!(warnings(&judgement), [""; 0]);
}
