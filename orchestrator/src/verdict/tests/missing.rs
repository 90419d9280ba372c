//! Aborted and incomplete: what was stopped, who was lost, what did not arrive or cannot be decided.

use super::*;

#[test]
fn aborted_is_the_worst_and_the_other_reasons_follow() {
    let lost =
        Driver::well("b").with(|driver| (driver.ended_by, driver.unresolved) = (Some(EndedBy::Lost), 3));
    let drivers = [Driver::well("a").late(5_000, 40_000), lost.failing(9_000, ErrorKind::Reset)];
    let mut stopped = case(plan(OPEN, ""), &drivers);
    stopped.stopped_by = Some("POST /stop");
    let judgement =
        check("stopped", &stopped, Verdict::Aborted, "the test was stopped before its end by POST /stop");
    let order: Vec<bool> = ["stopped", "was lost", "late (p99", "failed"]
        .iter()
        .zip(reasons(&judgement))
        .map(|(text, reason)| reason.contains(text))
        .collect();
    assert_eq!(order, [true; 4], "{judgement:#?}");
}

#[test]
fn a_stopped_drivers_short_load_is_no_reason_of_its_own() {
    let drivers = [Driver::well("a").with(|driver| driver.cut_short = Some("stopped"))];
    let mut stopped = case(plan(OPEN, ""), &drivers);
    stopped.stopped_by = Some("Ctrl-C");
    assert_eq!(reasons(&stopped.judge()), ["the test was stopped before its end by Ctrl-C"]);
}

#[test]
fn a_driver_that_ends_early_takes_the_numbers_and_rows_of_its_sessions_with_it() {
    let text = |data: &str, of: u32, by: EndedBy, why: Option<&'static str>| {
        let plan = fixtures::plan(&format!(
            "target.url = 'http://127.0.0.1:1/'\nrequests.page.path = '/{{{{int 1 9}}}}{}'\n{data}\n[load]\nrate = 10\n\
             duration = '30s'",
            if data.is_empty() { "" } else { "/{{users.name}}" }
        ));
        let early = Driver::well("b")
            .with(|driver| (driver.ended_by, driver.cut_short, driver.share) = (Some(by), why, share(1, of)));
        let judgement = case(plan, &[Driver::well("a"), early]).judge();
        reasons(&judgement).first().map(|reason| (*reason).to_owned()).unwrap_or_default()
    };
    let data = "data.users = { columns = ['name'], rows = [['x'], ['y']] }";
    let lost = text(data, 3, EndedBy::Lost, None);
    let its = "its sessions (numbers 1, 4, 7, …) and their rows of data were not sent from then on";
    assert_eq!(
        lost,
        format!(
            "driver b was lost 12 s into the test and did not come back; {its}: look at its log and its host, then run the test again"
        )
    );
    let left = text("", 2, EndedBy::FinalWindow, Some("leaving"));
    assert!(left.contains("12 s into the test; its sessions (numbers 1, 3, 5, …) were not sent"), "{left}");
    let silent = text("", 2, EndedBy::FinalWindow, Some("orchestrator silent"));
    assert!(
        silent.ends_with("silent; its sessions (numbers 1, 3, 5, …) were not sent from then on"),
        "{silent}"
    );
    assert!(!text(data, 1, EndedBy::Lost, None).contains("numbers"), "there was one driver");
}

#[test]
fn what_is_missing_makes_incomplete() {
    let given = "\"response.p99\" = \"< 250ms\"";
    let lost = |by| Driver::well("b").with(|driver| (driver.ended_by, driver.unresolved) = (by, 31));
    for by in [None, Some(EndedBy::Lost)] {
        let drivers = [Driver::well("a"), lost(by)];
        let reason = "driver b was lost 12 s into the test and did not come back; how 31 requests that it had sent ended";
        check("lost", &case(plan(OPEN, ""), &drivers), Verdict::Incomplete, reason);
    }
    let hangs = [Driver::well("a"), lost(Some(EndedBy::Overdue))];
    let reason =
        "driver b sends heartbeats, and has sent no window for a minute; how 31 requests that it had sent";
    check("it beats on", &case(plan(OPEN, ""), &hangs), Verdict::Incomplete, reason);
    let left = [Driver::well("a"), Driver::well("b").with(|driver| driver.cut_short = Some("leaving"))];
    check(
        "SIGTERM",
        &case(plan(OPEN, ""), &left),
        Verdict::Incomplete,
        "driver b was ended by a signal (SIGTERM) 12 s into the test",
    );
    let alone = [Driver::well("b").with(|driver| driver.cut_short = Some("orchestrator silent"))];
    check("silence", &case(plan(OPEN, ""), &alone), Verdict::Incomplete, "orchestrator silent");
    let deaf = [Driver::well("a"), lost(Some(EndedBy::Deaf))];
    check(
        "deaf",
        &case(plan(OPEN, ""), &deaf),
        Verdict::Incomplete,
        "driver b sent no report after the trigger",
    );

    let broke = lost(Some(EndedBy::Lost)).with(|driver| driver.classic = true);
    let drivers = [Driver::well("a"), broke];
    check("classic, and lost", &case(plan(OPEN, ""), &drivers), Verdict::Incomplete, "driver b was lost");

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
    let reason = "response.p99 < 250ms cannot be decided: histograms cover 90 % of the completed requests";
    check("coverage below 1", &case(plan(OPEN, given), &partly), Verdict::Incomplete, reason);
    let unreported = [Driver::well("a").with(|driver| {
        driver.coverage = None;
        driver.reported.completed = false;
    })];
    check(
        "coverage null",
        &case(plan(OPEN, given), &unreported),
        Verdict::Incomplete,
        "how many requests of a completed is not known",
    );
    check("no latency asked for", &case(plan(OPEN, ""), &unreported), Verdict::Passed, "");

    let mut never = case(plan(OPEN, ""), &drivers);
    never.started = false;
    check("never started", &never, Verdict::Incomplete, "the load was never started");
}

#[test]
fn an_interrupted_test_names_its_orchestrator_and_no_driver() {
    let drivers = ["a", "b"].map(|name| {
        let driver = Driver::well(name).with(|driver| driver.ended_by = Some(EndedBy::Interrupted));
        driver.with(|driver| driver.unresolved = 9)
    });
    let mut interrupted = case(plan(OPEN, ""), &drivers);
    interrupted.interrupted = Some("the orchestrator was killed");
    interrupted.missing = vec![MissingWindows {
        node_id: "a".to_owned(),
        from_seq: 4,
        to_seq: 4,
        from: "2026-11-23T23:40:04.000000Z".to_owned(),
        to: "2026-11-23T23:40:05.000000Z".to_owned(),
    }];
    let judgement = interrupted.judge();
    assert_eq!(judgement.verdict, Verdict::Incomplete);
    assert_eq!(reasons(&judgement), ["the orchestrator was killed"]);
}

#[test]
fn a_default_that_cannot_be_decided_is_a_warning_and_a_given_one_a_reason() {
    let unknown = Driver::well("c").classic(Reported::NONE);
    let drivers = [Driver::well("a"), unknown];
    let judgement = check("default", &case(plan(OPEN, ""), &drivers), Verdict::Passed, "");
    warns(&judgement, "errors.ratio < 1% cannot be decided: what c sent is not known");
    assert_eq!(judgement.thresholds[0].ok, None);
    let given = plan(OPEN, "\"errors.ratio\" = \"< 1%\"");
    check("given", &case(given, &drivers), Verdict::Incomplete, "cannot be decided");
    // The others alone reach the bound.
    let enough = plan(OPEN, "\"throughput\" = \">= 950/s\"");
    check("a lower bound above", &case(enough, &drivers), Verdict::Passed, "");
    let short = plan(OPEN, "\"throughput\" = \">= 2500/s\"");
    check(
        "a lower bound below",
        &case(short, &drivers),
        Verdict::Incomplete,
        "when the requests of c completed is not known",
    );
}

#[test]
fn what_the_plan_ends_is_failed_or_worse_and_never_aborted() {
    let by_plan = Some("stopped by [abort]: errors.ratio was 34 %");
    let well = [Driver { cut_short: Some("stopped"), ..Driver::well("a") }];
    let mut ended = case(plan(OPEN, ""), &well);
    ended.stopped_by = by_plan;
    check("ended by the plan", &ended, Verdict::Failed, "errors.ratio was 34 %");
    let lost = [Driver { ended_by: Some(EndedBy::Lost), ..Driver::well("a") }];
    let mut ended = case(plan(OPEN, ""), &lost);
    ended.stopped_by = by_plan;
    let judgement = check("and a driver was lost", &ended, Verdict::Incomplete, "was lost");
    assert!(reasons(&judgement).contains(&"errors.ratio was 34 %"), "{judgement:#?}");
}
