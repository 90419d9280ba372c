//! Sessions, groups, polls and requests by name: their sums, their figures, and what a verdict makes of them.

use common::figures::Figures;
use common::ids::RequestName;
use common::plan::{Naming, StatisticsNames, Threshold};
use common::session_figures::{AllSessions, SessionCounters};
use serde_json::json;

use super::*;
use crate::fixtures::{plan_of_sessions, request_name, sessions_of};
use crate::model::{FindingKind, ThresholdView, Verdict};
use crate::verdict::{Judgement, judge};

const DONE: SessionCounters =
    SessionCounters { started: 100, completed: 100, failed: 0, abandoned: 0, dropped: 0 };

/// A plan of sessions with these thresholds.
fn plan_with(thresholds: &[(&str, &str)]) -> Plan {
    let mut plan = plan_of_sessions(Some(7));
    let names = StatisticsNames::of(plan.program.as_ref().unwrap());
    let given = thresholds
        .iter()
        .map(|(key, condition)| Threshold::parse_in(key, condition, Naming::Known(&names)).unwrap());
    plan.thresholds = given.collect();
    plan
}

/// Requests of one name, `failed` of them by a check of an answer with status 200.
fn of_a_name(completed: u64, failed: u64, dropped: u64, us: u64) -> Figures {
    let mut latencies = Latencies::new();
    (0..completed).for_each(|_| latencies.ended(us, us, true));
    (0..failed).for_each(|_| latencies.ended(us / 2, us / 2, false));
    let ended = completed + failed;
    let counters = Counters {
        scheduled: ended + dropped,
        sent: ended,
        completed,
        failed,
        dropped_in_flight: dropped,
        completed_in_schedule: completed,
        errors: [(ErrorKind::Check, failed)].into_iter().filter(|(_, n)| *n > 0).collect(),
        status_codes: [(200, ended)].into(),
        ..Counters::default()
    };
    Figures { counters, latencies }
}

/// What a driver measures in one second of `plan_of_sessions`: a session that fails does so at its second request, and one
/// that is abandoned after its first; each answer takes 10 ms. As samples of that second, and counts of that second.
fn second(sessions: SessionCounters) -> (ByRequestFigures, AllSessions) {
    let SessionCounters { started, completed, failed, dropped, .. } = sessions;
    let named = [
        ("create", of_a_name(started, 0, dropped, 10_000)),
        ("confirm", of_a_name(completed, failed, 0, 10_000)),
        ("status", of_a_name(completed, 0, 0, 10_000)),
    ];
    let mut figures = ByRequestFigures::default();
    for (name, of) in named {
        figures.all += &of;
        figures.named.insert(request_name(name), of);
    }
    (figures, sessions_of(sessions, 30_000))
}

type ByRequestFigures = common::figures::ByRequest<Figures>;

/// A driver's windows, the last of them final.
pub(super) fn windows_of(name: &str, seconds: &[SessionCounters]) -> Vec<Metrics> {
    let mut so_far = ByRequestFigures::default();
    let mut all = Vec::new();
    for (seq, sessions) in (0_u64..).zip(seconds) {
        let (mut figures, sessions) = second(*sessions);
        so_far += &figures;
        figures.set_counters(&so_far.counters());
        let last = seq + 1 == seconds.len() as u64;
        let mut window = fixtures::window(seq, START + seq as i64 * 1_000_000, Counters::default());
        (window.figures, window.sessions, window.is_final) = (figures, sessions, last);
        window.ending = last.then(|| ending(START, START + 2_000_000));
        all.push(metrics(name, "t1", window));
    }
    all
}

fn tally_with(plan: Plan, drivers: &[(&str, &[SessionCounters])]) -> Tally {
    let n = drivers.len() as u32;
    let share = |index| Share { rate_per_s: Some(10.0), max_in_flight: Some(64), ..share(index, n) };
    let participants: Vec<Participant> = (0..n)
        .zip(drivers)
        .map(|(index, (name, _))| Participant {
            node_id: node(name),
            epoch: Some(Epoch(1)),
            share: share(index),
        })
        .collect();
    let mut tally = tally_of(plan, &participants);
    for (name, seconds) in drivers {
        for (offset, window) in (0..).zip(&windows_of(name, seconds)) {
            assert_eq!(tally.arrived(window, at(0, offset), START), Arrived::New);
            assert_eq!(tally.arrived(window, at(0, offset), START), Arrived::Duplicate);
        }
    }
    tally
}

fn judged(thresholds: &[(&str, &str)], seconds: &[SessionCounters]) -> Judgement {
    let mut tally = tally_with(plan_with(thresholds), &[("a", seconds)]);
    tally.finish();
    equations(&tally, START);
    judge(&tally.facts(None))
}

fn threshold<'j>(judgement: &'j Judgement, expression: &str) -> &'j ThresholdView {
    judgement.thresholds.iter().find(|view| view.expression == expression).unwrap()
}

#[test]
fn sessions_sum_up_by_driver_and_fleet_and_each_window_counts_once() {
    let more = SessionCounters { started: 50, completed: 40, failed: 7, abandoned: 1, dropped: 4 };
    let mut tally = tally_with(plan_with(&[]), &[("a", &[DONE, more]), ("b", &[DONE])]);
    let running = tally.totals();
    assert_eq!(running.sessions.as_ref().and_then(|sessions| sessions.under_way), Some(0), "both are over");
    tally.finish();
    let totals = serde_json::to_value(tally.totals()).unwrap();
    let sessions = &totals["sessions"];
    let counts = ["started", "completed", "failed", "abandoned", "dropped", "unresolved", "under_way"]
        .map(|key| sessions[key].as_u64().unwrap());
    assert_eq!(counts, [250, 240, 7, 1, 4, 2, 0]);
    assert_eq!(sessions["latency_ms"]["response"]["count"], 240);
    assert_eq!(sessions["latency_ms"]["response"]["max"], 30.0);
    assert_eq!(totals["scenarios"]["pay"]["ended_at"], json!({ "checkout.confirm": 7 }));
    assert_eq!(totals["scenarios"]["pay"]["started"], sessions["started"]);
    assert_eq!(totals["groups"]["checkout"]["completed"], 240);
    assert_eq!(totals["polls"]["status"]["latency_ms"]["response"]["count"], 240);
    assert_eq!(totals["requests"]["create"]["sent"], 250);
    let driver = serde_json::to_value(&tally.drivers(START)[0]).unwrap();
    assert_eq!(
        (&driver["sessions"]["started"], &driver["scenarios"]["pay"]["failed"]),
        (&json!(150), &json!(7))
    );
    assert_eq!(driver["requests"]["confirm"]["failed"], 7);
    equations(&tally, START);
    let seconds = tally.take_windows();
    let fleet = seconds.iter().find(|second| second.node_id.is_none() && second.seq == 0).unwrap();
    let sessions = fleet.sessions.as_ref().unwrap();
    assert_eq!((sessions.counts.started, sessions.under_way), (200, None), "of that second alone");
    assert_eq!(fleet.requests["status"].sent, 200);
    let later = seconds.iter().find(|second| second.node_id.is_some() && second.seq == 1).unwrap();
    assert_eq!(later.sessions.as_ref().map(|sessions| sessions.counts.dropped), Some(4));
}

#[test]
fn before_a_window_a_plan_of_sessions_shows_its_scenarios_and_a_plan_without_shows_none() {
    let totals = serde_json::to_value(tally_with(plan_with(&[]), &[("a", &[])]).totals()).unwrap();
    assert_eq!(totals["scenarios"]["pay"]["started"], 0);
    assert_eq!(totals["groups"]["checkout"]["completed"], 0);
    assert_eq!(totals["polls"]["status"]["failed"], 0);
    let plain = serde_json::to_value(tally(&[]).totals()).unwrap();
    for key in ["sessions", "scenarios", "groups", "polls", "requests"] {
        assert!(plain.get(key).is_none(), "{key}");
    }
}

#[test]
fn sessions_of_a_lost_driver_are_unresolved() {
    let under_way = SessionCounters { started: 30, completed: 10, ..SessionCounters::default() };
    let plan = plan_with(&[]);
    let participants = [participant("a", Some(1), 0, 1)];
    let mut tally = tally_of(plan, &participants);
    let mut window = windows_of("a", &[under_way]).remove(0);
    if let Some(ours) = window.ours.as_mut() {
        (ours.is_final, ours.ending) = (false, None);
    }
    tally.arrived(&window, at(0, 0), START);
    let sessions = tally.totals().sessions.unwrap();
    assert_eq!((sessions.under_way, sessions.unresolved), (Some(20), 0));
    tally.ended(&node("a"), Some(Epoch(1)), EndedBy::Lost);
    tally.finish();
    let sessions = tally.totals().sessions.unwrap();
    assert_eq!((sessions.under_way, sessions.unresolved), (Some(0), 20));
}

#[test]
fn a_good_test_of_sessions_passes() {
    let judgement = judged(
        &[
            ("session.response.p95", "< 1s"),
            ("pay.session.throughput", ">= 50/s"),
            ("checkout.response.max", "<= 30ms"),
            ("status.poll.errors.ratio", "< 1%"),
            ("driver.session.response.median", "< 31ms"),
        ],
        &[DONE],
    );
    assert_eq!(judgement.verdict, Verdict::Passed, "{judgement:#?}");
    let value = |expression| threshold(&judgement, expression).value;
    assert_eq!(value("session.response.p95 < 1s"), Some(30.0));
    assert_eq!(value("pay.session.throughput >= 50/s"), Some(50.0), "100 sessions in 2 s");
    assert_eq!(value("checkout.response.max <= 30ms"), Some(30.0));
    assert_eq!(value("status.poll.errors.ratio < 1%"), Some(0.0));
    assert_eq!(value("session.errors.ratio < 1%"), Some(0.0), "a default");
}

#[test]
fn failed_sessions_break_the_default_and_the_finding_counts_sessions() {
    let failing = SessionCounters { completed: 95, failed: 5, ..DONE };
    let judgement =
        judged(&[("pay.session.response.p99", "< 1s"), ("checkout.errors.ratio", "< 1%")], &[failing]);
    assert_eq!(judgement.verdict, Verdict::Failed);
    let texts: Vec<&str> = judgement.findings.iter().map(|finding| finding.text.as_str()).collect();
    for expected in [
        "session.errors.ratio < 1% is not met: 5 of 100 sessions failed (5 %)",
        "checkout.errors.ratio < 1% is not met: 5 of 100 passes failed (5 %)",
        "pay.session.response.p99 < 1s is not met: 5 % of the sessions failed, so p99 is above 30.0 ms, how far is unknown",
        "most failures are answers that failed a check: 5 of 5 (confirm: 5); look at one of them, and at the plan's check \
         and extract",
    ] {
        assert!(texts.contains(&expected), "{expected}\nis not in {texts:#?}");
    }
    let unmet = judgement.findings.iter().any(|finding| finding.kind == FindingKind::AnswersUnmet);
    assert!(unmet, "a failed check counts under its status, too, and the status is expected");
}

#[test]
fn a_dropped_session_counts_as_slow_as_often_as_a_started_one_sends() {
    // 20 of 120 sessions never began: each would have sent three requests.
    let dropping = SessionCounters { dropped: 20, ..DONE };
    let mut tally = tally_with(plan_with(&[]), &[("a", &[dropping])]);
    tally.finish();
    let totals = tally.totals();
    assert_eq!(
        (totals.sent, totals.dropped),
        (Some(300), Some(20)),
        "a dropped session is one dropped request"
    );
    let bounds = |stats: &common::latency::LatencyStats| stats.lower_bounds.first().cloned();
    // 300 answers and 60 that count as slower: p83 is the last that is known.
    assert_eq!(bounds(&totals.latency_ms.response).as_deref(), Some("p90"));
    assert_eq!(bounds(&totals.requests["create"].latency_ms.response).as_deref(), Some("p90"));
    assert_eq!(bounds(&totals.requests["status"].latency_ms.service).as_deref(), Some("p90"));
    assert_eq!(bounds(&totals.sessions.unwrap().latency_ms.response).as_deref(), Some("p90"));
    assert_eq!(bounds(&totals.groups["checkout"].latency_ms.response).as_deref(), Some("p90"));
    let judgement = judged(&[("status.response.p90", "< 1s")], &[dropping]);
    let expected = "the target did not keep up: 20 of 120 sessions (16.7 %) did not begin because 1,024 were still under \
                    way (load.max_sessions); figures with ≥ are lower bounds";
    let texts: Vec<&str> = judgement.findings.iter().map(|finding| finding.text.as_str()).collect();
    assert!(texts.contains(&expected), "{texts:#?}");
    assert_eq!(
        threshold(&judgement, "dropped.ratio < 0.1%").value,
        Some(20.0 / 120.0),
        "a share of sessions"
    );
    assert_eq!(threshold(&judgement, "status.response.p90 < 1s").ok, Some(false));
}

#[test]
fn abandoned_sessions_leave_open_what_they_would_have_taken() {
    let few = SessionCounters { started: 200, completed: 199, abandoned: 1, ..DONE };
    assert_eq!(judged(&[("session.response.p95", "< 1s")], &[few]).verdict, Verdict::Passed);
    let many = SessionCounters { started: 200, completed: 190, abandoned: 10, ..DONE };
    let judgement = judged(
        &[
            ("session.response.p95", "< 1s"),
            ("session.response.mean", "> 20ms"),
            ("session.response.min", "< 1s"),
        ],
        &[many],
    );
    assert_eq!(judgement.verdict, Verdict::Incomplete, "{judgement:#?}");
    let open = threshold(&judgement, "session.response.p95 < 1s");
    assert_eq!((open.value, open.ok, open.lower_bound), (Some(30.0), None, true));
    assert_eq!(threshold(&judgement, "session.response.mean > 20ms").ok, Some(true), "it can only be higher");
    assert_eq!(threshold(&judgement, "session.response.min < 1s").ok, Some(true));
    let texts: Vec<&str> = judgement.findings.iter().map(|finding| finding.text.as_str()).collect();
    for expected in [
        "session.response.p95 < 1s cannot be decided: 10 of 200 sessions (5 %) were abandoned between two steps, and how \
         long they would have taken is not known",
        "10 of 200 sessions (5 %) were abandoned between two steps when drain_timeout was over: figures of sessions are of \
         the others, and with ≥ they are lower bounds; let it run longer than one session takes, or raise \
         load.drain_timeout",
    ] {
        assert!(texts.contains(&expected), "{expected}\nis not in {texts:#?}");
    }
    let mut tally = tally_with(plan_with(&[]), &[("a", &[many])]);
    tally.finish();
    let response = tally.totals().sessions.unwrap().latency_ms.response;
    assert!(
        response.lower_bounds.contains(&"median".to_owned())
            && !response.lower_bounds.contains(&"min".to_owned())
    );
}

#[test]
fn redirects_that_a_request_did_not_ask_for_are_named() {
    let redirected = |change: fn(&mut common::plan::program::NamedRequest)| {
        let mut plan = plan_with(&[]);
        let program = std::sync::Arc::make_mut(plan.program.as_mut().unwrap());
        change(&mut program.requests[1]);
        let mut tally = tally_of(plan, &[participant("a", Some(1), 0, 1)]);
        let mut window = windows_of("a", &[DONE]).remove(0);
        let confirm: RequestName = request_name("confirm");
        let ours = window.ours.as_mut().unwrap();
        let statuses = [(200, 40), (302, 60)].into();
        ours.figures.named.get_mut(&confirm).unwrap().counters.status_codes = statuses;
        tally.arrived(&window, at(0, 0), START);
        tally.finish();
        let findings = judge(&tally.facts(None)).findings;
        let of_kind = findings.into_iter().filter(|finding| finding.kind == FindingKind::Redirects);
        of_kind.map(|finding| finding.text).collect::<Vec<_>>()
    };
    assert_eq!(
        redirected(|_| {}),
        [
            "60 of 100 answers of confirm (60 %) were redirects (302: 60), which neither its follow nor its expect_status \
             asks for: set follow = 1 for it, or list the status in its expect_status; as it is they count as success"
        ]
    );
    assert!(redirected(|confirm| confirm.follow = 1).is_empty());
    assert!(redirected(|confirm| confirm.expect_status = vec![(200, 200), (302, 302)]).is_empty());
    let failed = redirected(|confirm| confirm.expect_status = vec![(200, 299)]);
    assert!(failed.iter().all(|text| !text.contains("success")) && failed.len() == 1, "{failed:?}");
}

#[test]
fn a_threshold_of_the_load_knows_which_statuses_each_request_expects() {
    let mut plan = plan_with(&[]);
    let program = std::sync::Arc::make_mut(plan.program.as_mut().unwrap());
    program.requests[0].expect_status = vec![(404, 404)];
    let mut tally = tally_of(plan, &[participant("a", Some(1), 0, 1)]);
    let mut window = windows_of("a", &[DONE]).remove(0);
    let ours = window.ours.as_mut().unwrap();
    let named = ours.figures.named.values_mut().map(|of| &mut of.counters);
    for (counters, statuses) in
        named.zip([[(200, 70), (503, 30)], [(404, 70), (503, 30)], [(200, 70), (503, 30)]])
    {
        // confirm, create, status: in the order of their names.
        (counters.completed, counters.failed) = (70, 30);
        counters.completed_in_schedule = 70;
        counters.status_codes = statuses.into();
    }
    let mut all = Counters::default();
    ours.figures.named.values().for_each(|of| all += &of.counters);
    ours.figures.all.counters = all;
    tally.arrived(&window, at(0, 0), START);
    tally.finish();
    let findings = judge(&tally.facts(None)).findings;
    let expected = "errors.ratio < 1% is not met: 90 of 300 requests failed (30 %; 503: 90)";
    assert!(findings.iter().any(|finding| finding.text == expected), "{findings:#?}");
}

#[test]
fn a_threshold_on_a_name_counts_its_values_once() {
    let mut plan = plan_with(&[("create.response.max", "< 20ms"), ("create.throughput", ">= 50/s")]);
    std::sync::Arc::make_mut(plan.program.as_mut().unwrap()).requests.truncate(1);
    let mut tally = tally_of(plan, &[participant("a", Some(1), 0, 1)]);
    let mut window = windows_of("a", &[DONE]).remove(0);
    let named = &mut window.ours.as_mut().unwrap().figures.named;
    named.clear();
    // A driver counts the requests of a value in the name as well.
    let (one, other) = (of_a_name(60, 0, 0, 10_000), of_a_name(40, 0, 0, 12_000));
    let mut both = one.clone();
    both += &other;
    named.insert(request_name("create"), both);
    named.insert(request_name("create/one"), one);
    named.insert(request_name("create/other"), other);
    tally.arrived(&window, at(0, 0), START);
    tally.finish();
    let judgement = judge(&tally.facts(None));
    let value = |expression| threshold(&judgement, expression).value;
    assert_eq!(value("create.response.max < 20ms"), Some(12.0));
    assert_eq!(value("create.throughput >= 50/s"), Some(50.0));
}
