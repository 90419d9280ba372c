//! `[abort]`: which windows of seconds are a breach, and which are not.

use common::plan::{Abort, Naming, StatisticsNames};
use common::session_figures::SessionCounters;

use super::sessions::windows_of;
use super::*;
use crate::fixtures::plan_of_sessions;

/// Seconds of ten requests each: so many of them fail.
fn failing(per_second: &[u64]) -> Vec<Own> {
    let own = |failed: &u64| Own {
        completed: 10 - failed,
        failed: *failed,
        latencies_us: vec![1_000],
        ..Own::default()
    };
    per_second.iter().map(own).collect()
}

/// A plan of a minute with this condition.
fn plan_with(load: &str, key: &str, condition: &str) -> Plan {
    let load = format!("mode = 'tsunami'\nrate = 1000\nmax_in_flight = 64\nduration = '60s'\n{load}");
    plan_of(&format!("{load}\n[abort]\n'{key}' = '{condition}'"))
}

fn of_one(plan: Plan) -> Tally {
    tally_of(plan, &[participant("a", Some(1), 0, 1)])
}

/// The breach after the windows but the last, which ends the load.
fn breach(mut tally: Tally, name: &str, seconds: &[Own]) -> (Tally, Option<String>) {
    let all = windows(name, 1, seconds);
    for (offset, window) in (0..).zip(&all[..all.len() - 1]) {
        assert_eq!(tally.arrived(window, at(0, offset), START), Arrived::New);
    }
    let breach = tally.breach().map(str::to_owned);
    (tally, breach)
}

#[track_caller]
fn check(caption: &str, load: &str, condition: &str, failed: &[u64], expected: Option<&str>) {
    let mut seconds = failing(failed);
    // The one that would end the load.
    seconds.extend(failing(&[0]));
    let (_, found) = breach(of_one(plan_with(load, "errors.ratio", condition)), "a", &seconds);
    match (&found, expected) {
        (Some(found), Some(expected)) => assert!(found.contains(expected), "{caption}: {found}"),
        _ => assert_eq!(found.as_deref(), expected, "{caption}"),
    }
}

#[test]
fn a_breach_is_of_the_whole_window_taken_together() {
    let up_to = |at| format!("over the 3 s up to {at}, and [abort] ends the test above 20 %");
    check("too few seconds so far", "", "> 20% for 3s", &[9, 9], None);
    check("at the window's end", "", "> 20% for 3s", &[0, 0, 0, 7], Some(&up_to("00:04")));
    check(
        "the first whole window",
        "",
        "> 20% for 3s",
        &[3, 3, 3],
        Some("errors.ratio was 30 % over the 3 s up to 00:03"),
    );
    check("at the bound", "", "> 20% for 3s", &[2, 2, 2, 2], None);
    check(
        "at the bound, which is a breach",
        "",
        ">= 20% for 3s",
        &[2, 2, 2],
        Some("ends the test at 20 % or above"),
    );
    check("a short burst", "", "> 20% for 3s", &[0, 0, 6, 0, 0, 0], None);
    check("a burst that has left the window", "", "> 20% for 3s", &[0, 5, 0, 0, 5, 0, 0], None);
    check("a window of one second", "", "> 20% for 1s", &[0, 0, 3], Some("over the 1 s up to 00:03"));
    check(
        "the first breach stays",
        "",
        "> 20% for 1s",
        &[0, 3, 9],
        Some("errors.ratio was 30 % over the 1 s up to 00:02"),
    );
    check(
        "too few errors",
        "",
        "< 5% for 2s",
        &[9, 1, 0, 0],
        Some("errors.ratio was 0 % over the 2 s up to 00:04"),
    );
}

#[test]
fn a_long_window_is_looked_at_in_steps_and_is_as_long_as_it_says() {
    let load = plan_with("", "errors.ratio", "> 20% for 91s");
    let plan = || {
        let mut plan = load.clone();
        plan.load.duration = Some(std::time::Duration::from_secs(600));
        plan
    };
    // Looked at after 91 s and then every 2 s. 19 s of failures are more than a fifth of 91 s, and 18 s are not.
    for (quiet, expected) in
        [(72, "20.9 % over the 91 s up to 01:31"), (73, "22 % over the 91 s up to 01:33")]
    {
        let seconds: Vec<u64> = (0..120).map(|second| if second < quiet { 0 } else { 10 }).collect();
        let (_, found) = breach(of_one(plan()), "a", &failing(&seconds));
        assert!(found.as_ref().is_some_and(|found| found.contains(expected)), "{quiet}: {found:?}");
    }
}

#[test]
fn neither_the_warm_up_nor_the_end_of_the_load_is_looked_at() {
    let warm = "warmup = '1500ms'";
    check("seconds of the warm-up", warm, "> 20% for 2s", &[9, 9, 0, 0], None);
    check("a window that begins in it", warm, "> 20% for 2s", &[9, 9, 4], None);
    check(
        "one after it",
        warm,
        "> 20% for 2s",
        &[9, 9, 4, 4],
        Some("errors.ratio was 40 % over the 2 s up to 00:04"),
    );
    let seconds: Vec<u64> = (0..60).map(|second| if second < 59 { 0 } else { 9 }).collect();
    check("the last second of the load", "", "> 20% for 1s", &seconds, None);
    let seconds: Vec<u64> = (0..60).map(|second| if second < 58 { 0 } else { 9 }).collect();
    check("the one before", "", "> 20% for 1s", &seconds, Some("up to 00:59"));
}

#[test]
fn a_second_counts_once_all_live_drivers_have_sent_it() {
    let plan = plan_with("", "errors.ratio", "> 40% for 2s");
    let drivers = [participant("a", Some(1), 0, 2), participant("b", Some(1), 1, 2)];
    let tally = tally_of(plan, &drivers);
    // All of a's requests fail; of both drivers' it is more than 40 % as long as b's complete.
    let (tally, alone) = breach(tally, "a", &failing(&[10, 10, 10, 10, 0]));
    assert_eq!(alone, None, "b has sent nothing yet");
    let (mut tally, first) = breach(tally, "b", &failing(&[0, 0]));
    assert_eq!(first, None, "one second of both");
    // b is lost: what it sent counts, and it is not waited for.
    tally.ended(&node("b"), Some(Epoch(1)), EndedBy::Lost);
    assert_eq!(
        tally.breach(),
        Some("errors.ratio was 66.7 % over the 2 s up to 00:02, and [abort] ends the test above 40 %")
    );
}

#[test]
fn a_test_that_is_counted_again_finds_the_same_breach() {
    let seconds = failing(&[0, 0, 5, 5, 0, 0, 9, 9, 9, 0]);
    let tally = || of_one(plan_with("", "errors.ratio", "> 40% for 2s"));
    let (_, first) = breach(tally(), "a", &seconds);
    assert!(first.as_ref().is_some_and(|first| first.contains("up to 00:04")), "{first:?}");
    assert_eq!(breach(tally(), "a", &seconds).1, first);
}

#[track_caller]
fn figure(key: &str, condition: &str, second: &Own, expected: Option<&str>) {
    let seconds = vec![second.clone(); 4];
    let (_, found) = breach(of_one(plan_with("", key, condition)), "a", &seconds);
    assert_eq!(found.as_deref(), expected, "{key} {condition}");
}

#[test]
fn every_figure_that_a_window_has_can_end_a_test() {
    let own = Own { completed: 8, failed: 2, dropped: 10, opened: 5, latencies_us: vec![500_000] };
    let ends =
        |was: &str, bound: &str| format!("{was} over the 2 s up to 00:02, and [abort] ends the test {bound}");
    let slow = Own { failed: 0, dropped: 0, ..own.clone() };
    figure("response.p50", "> 400ms for 2s", &slow, Some(&ends("response.p50 was 500 ms", "above 400 ms")));
    figure("service.mean", "> 600ms for 2s", &slow, None);
    figure(
        "response.max",
        "> 10m for 2s",
        &own,
        Some(&ends("response.max fell among what failed or was dropped", "above 600 s")),
    );
    figure(
        "success.response.max",
        "> 400ms for 2s",
        &own,
        Some(&ends("success.response.max was 500 ms", "above 400 ms")),
    );
    figure("failed.response.max", "> 1ms for 2s", &slow, None);
    figure("dropped.ratio", ">= 40% for 2s", &own, Some(&ends("dropped.ratio was 40 %", "at 40 % or above")));
    figure("throughput", "< 9/s for 2s", &own, Some(&ends("throughput was 8/s", "below 9/s")));
    figure("throughput", "> 9/s for 2s", &own, None);
    // Of the ten that ended, not of the fifteen that were sent.
    figure("errors.ratio", ">= 20% for 2s", &own, Some(&ends("errors.ratio was 20 %", "at 20 % or above")));
}

#[track_caller]
fn of_sessions(key: &str, condition: &str, seconds: &[SessionCounters], expected: Option<&str>) {
    let mut plan = plan_of_sessions(Some(7));
    plan.load.duration = Some(std::time::Duration::from_secs(60));
    let names = StatisticsNames::of(plan.program.as_ref().unwrap());
    plan.abort = vec![Abort::parse_in(key, condition, Naming::Known(&names)).unwrap()];
    let mut tally = of_one(plan);
    for (offset, window) in (0..).zip(&windows_of("a", seconds)[..seconds.len() - 1]) {
        assert_eq!(tally.arrived(window, at(0, offset), START), Arrived::New);
    }
    let found = tally.breach();
    assert_eq!(found.is_some(), expected.is_some(), "{key} {condition}: {found:?}");
    assert!(found.is_none_or(|found| found.starts_with(expected.unwrap())), "{key} {condition}: {found:?}");
}

#[test]
fn sessions_groups_polls_and_names_can_end_a_test() {
    let done = SessionCounters { started: 10, completed: 10, failed: 0, abandoned: 0, dropped: 0 };
    let bad = SessionCounters { completed: 5, failed: 5, ..done };
    let bad = [done, bad, bad, done];
    of_sessions(
        "session.errors.ratio",
        ">= 50% for 2s",
        &bad,
        Some("session.errors.ratio was 50 % over the 2 s up to 00:03"),
    );
    of_sessions("pay.session.errors.ratio", ">= 50% for 2s", &bad, Some("pay.session.errors.ratio was 50 %"));
    of_sessions("confirm.errors.ratio", ">= 50% for 2s", &bad, Some("confirm.errors.ratio was 50 %"));
    of_sessions("create.errors.ratio", "> 0% for 2s", &bad, None);
    of_sessions("checkout.errors.ratio", ">= 50% for 2s", &bad, Some("checkout.errors.ratio was 50 %"));
    of_sessions("status.poll.throughput", "< 6/s for 2s", &bad, Some("status.poll.throughput was 5/s"));
    of_sessions("session.throughput", "< 6/s for 2s", &bad, Some("session.throughput was 5/s"));
    let dropped =
        [done, SessionCounters { dropped: 30, ..done }, SessionCounters { dropped: 30, ..done }, done];
    of_sessions("dropped.ratio", ">= 75% for 2s", &dropped, Some("dropped.ratio was 75 %"));
    let good = [done; 4];
    of_sessions(
        "session.response.p50",
        "> 1ms for 2s",
        &good,
        Some("session.response.p50 was 30.0 ms over the 2 s up to 00:02"),
    );
    of_sessions("create.response.p50", "> 1ms for 2s", &good, Some("create.response.p50 was 10.0 ms"));
    of_sessions("checkout.response.p50", "> 1s for 2s", &good, None);
}
