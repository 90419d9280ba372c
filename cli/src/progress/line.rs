//! What a test's progress is in words. Pure: knows no terminal and no clock.

use std::time::Duration;

use orchestrator::human::{count, counted, ms, percent, rate};
use orchestrator::model::{
    CapacityDoing, CapacityStep, CapacityView, PartState, Standing, TestState, TestView,
};

use super::Goal;
use crate::colour::Colour;

/// The progress of a test.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Parts of the first line, each with its rank. If the line is too narrow, the part of the highest rank is left out
    /// first.
    pub parts: Vec<(u8, String)>,
    /// What speaks against the test so far, if anything does, and how grave that is.
    pub failing: Option<(Colour, String)>,
}

impl Line {
    /// All of it on one line, for a stream without columns.
    pub fn whole(&self) -> String {
        let parts: Vec<&str> = self.parts.iter().map(|(_, part)| part.as_str()).collect();
        let parts = parts.join(", ");
        match &self.failing {
            Some((_, failing)) => format!("{parts}; {failing}"),
            None => parts,
        }
    }
}

/// A test as it is now; `rate_per_s`: requests sent in the last second; `running`: since it runs.
pub fn line(test: &TestView, goal: Goal, rate_per_s: f64, running: Duration) -> Line {
    let lost = test.drivers.iter().filter(|driver| driver.state == PartState::Lost).count();
    if let Some(found) = test.capacity.as_deref().filter(|_| test.state == TestState::Running) {
        return Line { parts: search(found), failing: failing(test, lost) };
    }
    let totals = &test.totals;
    let drivers = test.drivers.len();
    let mut parts = vec![(0, state(test, goal, running))];
    match totals.sent {
        Some(sent) => parts.extend([(3, format!("{} sent", count(sent))), (2, rates(rate_per_s, drivers))]),
        None if test.state == TestState::Running => {
            parts.push((3, "what is sent is not reported".to_owned()))
        }
        None => {}
    }
    if let Some(sessions) = &totals.sessions {
        let failed = match sessions.counts.failed {
            0 => String::new(),
            n => format!(" ({} failed)", count(n)),
        };
        parts.push((3, format!("{}{failed}", counted(sessions.counts.started, "session"))));
    }
    // What no driver reports is not 0.
    let counted =
        [(5, totals.in_flight, "in flight"), (1, totals.failed, "failed"), (4, totals.dropped, "dropped")];
    let counted =
        counted.into_iter().filter_map(|(rank, n, what)| Some((rank, format!("{} {what}", count(n?)))));
    parts.extend(counted);
    if let Some(p99) = totals.latency_ms.response.p99 {
        let bound = if totals.latency_ms.response.lower_bounds.iter().any(|name| name == "p99") {
            "≥ "
        } else {
            ""
        };
        parts.push((6, format!("p99 {bound}{}", ms(p99))));
    }
    if drivers > 1 {
        parts.push((7, format!("{drivers} drivers")));
    }
    Line { parts, failing: failing(test, lost) }
}

/// How far a search is: the rate that it looks at, and what it knows of others.
fn search(found: &CapacityView) -> Vec<(u8, String)> {
    let mut parts = Vec::new();
    if let Some(CapacityDoing { rate: per_s, what, seconds }) = &found.doing {
        let at = rate(*per_s);
        parts.push((
            0,
            match what {
                CapacityStep::WarmUp => format!("warming up at {at}"),
                CapacityStep::Settle => format!("going to {at}"),
                CapacityStep::Measure => format!("measuring {at} for {seconds} s"),
                CapacityStep::Repeat => format!("measuring {at} again for {seconds} s"),
                CapacityStep::Recover => format!("waiting at {at} for the target to recover"),
            },
        ));
    }
    parts.extend(found.low_per_s.map(|low| (1, format!("holds {}", rate(low)))));
    parts.extend(found.high_per_s.map(|high| (2, format!("does not hold {}", rate(high)))));
    if let Some(last) = found.levels.last() {
        let share = last.share.map_or_else(String::new, |share| format!(" with {} bad", percent(share)));
        parts.push((3, format!("{} {}{share}", rate(last.rate), last.decided)));
        parts.extend(last.p99.map(|p99| (4, format!("p99 {}", ms(p99)))));
    }
    parts
}

/// What speaks against it: the worst reason so far. An orchestrator that gives none before the end still says
/// which thresholds and drivers are to blame.
fn failing(test: &TestView, lost: usize) -> Option<(Colour, String)> {
    let (colour, word) = match test.standing {
        Some(Standing::Invalid) => (Colour::Yellow, "invalid"),
        Some(Standing::Incomplete) => (Colour::Red, "incomplete"),
        _ => (Colour::Red, "failing"),
    };
    let against = test.standing.is_some_and(|standing| standing != Standing::Ok);
    let broken = test.thresholds.iter().find(|threshold| threshold.ok == Some(false));
    let why = match (test.reasons.first(), broken) {
        (Some(reason), _) if against => reason.clone(),
        _ if lost > 0 => format!("{lost} of {} lost", counted(test.drivers.len() as u64, "driver")),
        (_, Some(threshold)) => threshold.expression.clone(),
        _ if against => "see the report".to_owned(),
        _ => return None,
    };
    Some((colour, format!("{word} so far: {why}")))
}

/// As in `running 42 %`.
fn state(test: &TestView, goal: Goal, running: Duration) -> String {
    let state = match test.state {
        TestState::Configured => "configured",
        TestState::Starting => return "starting".to_owned(),
        TestState::Running => "running",
        TestState::Draining => "draining",
        TestState::Finished => "finished",
    };
    match share(test, goal, running) {
        Some(share) if test.state == TestState::Running => {
            format!("{state} {:.0} %", (share * 100.0).floor().clamp(0.0, 100.0))
        }
        _ => state.to_owned(),
    }
}

/// How much of it is done, 0 to 1: by requests or by time, whichever is nearer to its end.
fn share(test: &TestView, goal: Goal, running: Duration) -> Option<f64> {
    // A plan with several requests counts sessions.
    let begun = match &test.totals.sessions {
        Some(sessions) => {
            let warmup = sessions.warmup.unwrap_or_default();
            let due = sessions.counts.started + sessions.counts.dropped;
            due.saturating_sub(warmup.started + warmup.dropped)
        }
        None => test.totals.scheduled.unwrap_or(0).saturating_sub(test.totals.warmup.scheduled),
    };
    let by_requests = goal.requests.filter(|n| *n > 0).map(|n| begun as f64 / n as f64);
    let by_time = goal.length.filter(|length| !length.is_zero());
    let by_time = by_time.map(|length| running.as_secs_f64() / length.as_secs_f64());
    by_requests.into_iter().chain(by_time).reduce(f64::max)
}

/// With several drivers both figures, for the rate of a plan is usually each driver's.
fn rates(per_s: f64, drivers: usize) -> String {
    if drivers < 2 {
        return rate(per_s.round());
    }
    format!("{} each, {} in all", rate((per_s / drivers as f64).round()), rate(per_s.round()))
}

#[cfg(test)]
mod tests {
    use orchestrator::model::{DriverTotals, SessionCounts, SessionTotals, ThresholdView, Totals};
    use serde_json::json;

    use super::*;

    fn driver(node_id: &str, state: &str) -> DriverTotals {
        let mut value = json!({
            "node_id": node_id, "epoch": 1, "state": state, "age_ms": 0, "approximate": false, "ended_by": null,
            "engine": null, "busy_max": null, "cpu": null, "cpu_mean": null, "cpu_max": null, "steal_mean": null,
            "steal_max": null, "implausible": false,
        });
        let totals = serde_json::to_value(Totals::default()).unwrap();
        value.as_object_mut().unwrap().extend(totals.as_object().unwrap().clone());
        serde_json::from_value(value).unwrap()
    }

    fn test(drivers: Vec<DriverTotals>) -> TestView {
        let mut view: TestView = serde_json::from_value(json!({
            "test_id": "t", "name": "n", "state": "running", "verdict": null, "reasons": [], "warnings": [],
            "plan": {}, "created_at": "2026-01-01T00:00:00Z", "started_at": null, "ended_at": null,
            "totals": Totals::default(), "drivers": [], "thresholds": [],
            "completeness": { "windows_expected": 0, "windows_received": 0, "missing": [] }, "timeline": [],
        }))
        .unwrap();
        view.drivers = drivers;
        view.totals.sent = Some(1_234);
        view.totals.scheduled = Some(1_240);
        view.totals.failed = Some(9);
        view.totals.in_flight = Some(0);
        view.totals.dropped = Some(6);
        view
    }

    #[test]
    fn several_drivers_show_both_rates() {
        let goal = Goal { length: Some(Duration::from_secs(40)), requests: None };
        let two = test(vec![driver("a", "running"), driver("b", "running")]);
        let text = line(&two, goal, 601.0, Duration::from_secs(13)).whole();
        assert_eq!(
            text,
            "running 32 %, 1,234 sent, 301/s each, 601/s in all, 0 in flight, 9 failed, 6 dropped, 2 drivers"
        );
        let mut unknown = test(vec![driver("c", "running")]);
        unknown.totals = Totals::default();
        let text = line(&unknown, goal, 0.0, Duration::from_secs(13)).whole();
        assert_eq!(text, "running 32 %, what is sent is not reported");
        let one = test(vec![driver("a", "running")]);
        let text = line(&one, Goal::default(), 601.0, Duration::ZERO).whole();
        assert_eq!(text, "running, 1,234 sent, 601/s, 0 in flight, 9 failed, 6 dropped");
    }

    #[test]
    fn a_search_shows_its_rate_what_it_knows_and_a_driver_that_is_lost() {
        let mut view = test(vec![driver("a", "running"), driver("b", "lost")]);
        let found = json!({
            "slo": "response.p99 < 1s", "within": 0.05, "horizon_s": 30, "state": "searching", "low_per_s": 400.0,
            "high_per_s": 420.0, "repeated": false, "flat": false, "levels": [],
            "doing": { "rate": 410.0, "what": "measure", "seconds": 7 },
        });
        view.capacity = Some(serde_json::from_value(found).unwrap());
        assert_eq!(
            line(&view, Goal::default(), 0.0, Duration::ZERO).whole(),
            "measuring 410/s for 7 s, holds 400/s, does not hold 420/s; failing so far: 1 of 2 drivers lost"
        );
    }

    /// A test without drivers and without figures, in this state.
    fn in_state(state: TestState) -> TestView {
        let mut view = test(Vec::new());
        (view.state, view.totals) = (state, Totals::default());
        view
    }

    #[test]
    fn each_state_has_its_word_and_a_running_test_its_share() {
        let goal =
            |seconds: Option<u64>, requests| Goal { length: seconds.map(Duration::from_secs), requests };
        for (caption, state, goal, running_ms, expected) in [
            ("stored", TestState::Configured, goal(Some(10), None), 0, "configured"),
            ("waits for drivers", TestState::Starting, goal(Some(10), None), 5_000, "starting"),
            ("half", TestState::Running, goal(Some(10), None), 5_000, "running 50 %"),
            ("not rounded up", TestState::Running, goal(Some(10), None), 9_999, "running 99 %"),
            ("never above 100", TestState::Running, goal(Some(10), None), 25_000, "running 100 %"),
            ("no known end", TestState::Running, goal(None, None), 5_000, "running"),
            ("an end after no time", TestState::Running, goal(Some(0), None), 5_000, "running"),
            ("an end after no request", TestState::Running, goal(None, Some(0)), 5_000, "running"),
            (
                "the time is nearer to its end",
                TestState::Running,
                goal(Some(10), Some(100)),
                7_000,
                "running 70 %",
            ),
            ("drivers send no more", TestState::Draining, goal(Some(10), None), 5_000, "draining"),
            ("over", TestState::Finished, goal(Some(10), None), 10_000, "finished"),
        ] {
            let line = line(&in_state(state), goal, 0.0, Duration::from_millis(running_ms));
            assert_eq!(line.parts[0], (0, expected.to_owned()), "{caption}");
            assert_eq!(line.failing, None, "{caption}");
        }
    }

    #[test]
    fn requests_of_the_warm_up_are_no_part_of_the_share() {
        let mut view = in_state(TestState::Running);
        let goal = Goal { length: None, requests: Some(100) };
        for (scheduled, warmup, expected) in
            [(None, 0, "running 0 %"), (Some(40), 40, "running 0 %"), (Some(65), 40, "running 25 %")]
        {
            (view.totals.scheduled, view.totals.warmup.scheduled) = (scheduled, warmup);
            assert_eq!(line(&view, goal, 0.0, Duration::ZERO).parts[0].1, expected, "{scheduled:?} {warmup}");
        }
    }

    #[test]
    fn a_plan_with_sessions_is_measured_in_sessions() {
        let mut view = test(vec![driver("a", "running")]);
        let warmup = SessionCounts { started: 10, ..SessionCounts::default() };
        let counts = SessionCounts { started: 55, failed: 2, dropped: 5, ..warmup };
        view.totals.sessions =
            Some(SessionTotals { counts, warmup: Some(warmup), ..SessionTotals::default() });
        let goal = Goal { length: None, requests: Some(100) };
        let text = line(&view, goal, 601.0, Duration::ZERO).whole();
        assert_eq!(
            text,
            "running 50 %, 1,234 sent, 601/s, 55 sessions (2 failed), 0 in flight, 9 failed, 6 dropped"
        );
    }

    #[test]
    fn a_percentile_that_is_only_a_lower_bound_is_marked() {
        let mut view = in_state(TestState::Running);
        let last = |view: &TestView| line(view, Goal::default(), 0.0, Duration::ZERO).parts.pop().unwrap();
        assert_eq!(last(&view).0, 3, "no p99 without a sample");
        view.totals.latency_ms.response.p99 = Some(12.0);
        assert_eq!(last(&view), (6, "p99 12.0 ms".to_owned()));
        view.totals.latency_ms.response.lower_bounds = vec!["p50".to_owned()];
        assert_eq!(last(&view), (6, "p99 12.0 ms".to_owned()));
        view.totals.latency_ms.response.lower_bounds.push("p99".to_owned());
        assert_eq!(last(&view), (6, "p99 ≥ 12.0 ms".to_owned()));
    }

    #[test]
    fn a_bad_standing_without_a_reason_points_to_the_report() {
        let mut view = in_state(TestState::Running);
        for (standing, expected) in [
            (None, None),
            (Some(Standing::Ok), None),
            (Some(Standing::Failing), Some((Colour::Red, "failing so far: see the report"))),
            (Some(Standing::Invalid), Some((Colour::Yellow, "invalid so far: see the report"))),
            (Some(Standing::Incomplete), Some((Colour::Red, "incomplete so far: see the report"))),
        ] {
            view.standing = standing;
            let line = line(&view, Goal::default(), 0.0, Duration::ZERO);
            let failing = line.failing.as_ref().map(|(colour, text)| (*colour, text.as_str()));
            assert_eq!(failing, expected, "{standing:?}");
            let sent = "running, what is sent is not reported";
            let whole = expected.map_or_else(|| sent.to_owned(), |(_, text)| format!("{sent}; {text}"));
            assert_eq!(line.whole(), whole);
        }
        (view.standing, view.reasons) = (Some(Standing::Ok), vec!["a reason".to_owned()]);
        assert_eq!(
            line(&view, Goal::default(), 0.0, Duration::ZERO).failing,
            None,
            "a reason of a test that is well"
        );
    }

    #[test]
    fn lost_drivers_and_broken_thresholds_are_failing() {
        let mut view = test(vec![driver("a", "running"), driver("b", "lost")]);
        let threshold = |expression: &str, ok| ThresholdView {
            expression: expression.to_owned(),
            value: None,
            lower_bound: false,
            ok,
            given: true,
            driver: None,
            without: Vec::new(),
        };
        view.thresholds = vec![
            threshold("response.p90 < 7ms", Some(false)),
            threshold("throughput >= 3/s", Some(true)),
            threshold("errors.ratio < 2%", None),
        ];
        let goal = Goal { length: None, requests: Some(2_480) };
        let failing = |view: &TestView| line(view, goal, 0.0, Duration::ZERO).failing;
        assert_eq!(failing(&view), Some((Colour::Red, "failing so far: 1 of 2 drivers lost".to_owned())));
        assert_eq!(
            line(&view, goal, 0.0, Duration::ZERO).parts[0].1,
            "running 50 %",
            "half of the requests are begun"
        );
        view.drivers[1].state = PartState::Running;
        assert_eq!(failing(&view), Some((Colour::Red, "failing so far: response.p90 < 7ms".to_owned())));
        view.standing = Some(Standing::Invalid);
        view.reasons = vec!["b was late".to_owned(), "and more".to_owned()];
        assert_eq!(failing(&view), Some((Colour::Yellow, "invalid so far: b was late".to_owned())));
        (view.thresholds, view.standing) = (Vec::new(), Some(Standing::Ok));
        assert_eq!(failing(&view), None);
    }
}
