//! What of a second counts against an objective.

use std::collections::BTreeMap;

use common::counters::{Counters, ErrorKind};
use common::figures::ByRequest;
use common::ids::RequestName;
use common::latency::{Latencies, Latency};
use common::plan::read_value;
use common::session_figures::{AllSessions, PassFigures, SessionCounters, SessionFigures};
use serde_json::json;

use super::*;
use crate::capacity::Sign;
use crate::model::MachineShares;
use crate::tally::Step;

fn objective(slo: &[&str]) -> (Objective, Plan) {
    let plan = json!({ "target": { "url": "http://127.0.0.1:8081/ping" }, "capacity": { "slo": slo },
                       "load": { "rate": 10, "warmup": "1500ms", "max_in_flight": 100 } });
    let plan = read_value(&plan).unwrap();
    (Objective::of(&plan, 2).unwrap(), plan)
}

fn second(completed_ms: &[u64], failed: u64, dropped: u64) -> Second {
    let mut latencies = Latencies::new();
    completed_ms.iter().for_each(|ms| latencies.ended(ms * 1_000, ms * 1_000, true));
    (0..failed).for_each(|_| latencies.ended(1_000, 1_000, false));
    let n = completed_ms.len() as u64;
    let counters = Counters {
        scheduled: n + failed + dropped,
        sent: n + failed,
        completed: n,
        failed,
        dropped_in_flight: dropped,
        errors: BTreeMap::from([(ErrorKind::Timeout, failed)]),
        ..Counters::default()
    };
    Second {
        seq: 3,
        step: Step::Second,
        from_us: 0,
        to_us: 1_000_000,
        figures: ByRequest::unnamed(Figures { counters, latencies }),
        sessions: AllSessions::default(),
        users: None,
        busy: 0.1,
        in_flight: 7,
        machine: MachineShares::default(),
    }
}

#[test]
fn slow_failed_and_dropped_requests_count_against_a_percentile() {
    let (mut objective, plan) = objective(&["response.p99 < 100ms", "success.response.p50 <= 21ms"]);
    let rules = objective.rules(&plan);
    let limits: Vec<(f64, bool)> = rules.limits.iter().map(|limit| (limit.share, limit.is_latency)).collect();
    assert_eq!(limits, [(0.01, true), (0.5, true), (0.01, false), (0.001, false)]);
    assert_eq!((rules.start, rules.first, rules.pile_s), (10.0, 2, Some(0.021)));
    let look = objective.look(&second(&[10, 20, 99, 100, 300], 2, 1), Some(8.0));
    let counts: Vec<(u64, u64)> = look.counts.iter().map(|count| (count.bad, count.of)).collect();
    assert_eq!(counts, [(5, 8), (3, 5), (2, 7), (1, 8)]);
    assert_eq!((look.in_flight, look.sign, look.completed, look.failed), (7.0, None, 5, 2));
}

#[test]
fn what_the_generator_did_not_do_is_its_sign() {
    let (mut objective, _) = objective(&["response.p99 < 100ms"]);
    let mut late = second(&[10; 100], 0, 0);
    (0..100).for_each(|_| late.figures.all.latencies.of_mut(LatencyKind::Lag).record_us(6_000));
    assert_eq!(objective.look(&late, None).sign, Some(Sign::Lag));
    let busy = Second { busy: 0.97, ..second(&[10; 100], 0, 0) };
    assert_eq!(objective.look(&busy, None).sign, Some(Sign::Busy));
    assert_eq!(objective.look(&second(&[10; 90], 0, 0), Some(200.0)).sign, Some(Sign::Behind));
    // 3,000/s for 100 ms are 300 in flight, and two drivers may have 200.
    assert_eq!(objective.look(&second(&[10; 3_000], 0, 1), None).sign, Some(Sign::InFlightBound));
    assert_eq!(objective.look(&second(&[10; 1_000], 0, 1), None).sign, None, "the target holds too many");
}

/// A plan whose sessions send `home`, think for a second and send `pay` twice in the group `checkout`.
fn of_sessions(slo: &[&str]) -> (Objective, Plan) {
    let plan = json!({
        "target": { "url": "http://127.0.0.1:8081" }, "load": { "rate": 10 }, "capacity": { "slo": slo },
        "requests": { "home": { "path": "/" }, "pay": { "path": "/pay" } },
        "flows": { "buy": { "group": "checkout", "steps": ["pay", "pay"] } },
        "scenarios": { "visit": { "steps": ["home", { "think": "1s" }, "buy"] } },
    });
    let plan = read_value(&plan).unwrap();
    (Objective::of(&plan, 1).unwrap(), plan)
}

fn name(text: &str) -> RequestName {
    RequestName::new(text).unwrap()
}

/// A second in which `home` had these responses, a pass of `checkout` and a session these, and one session never began.
fn second_of_sessions(home_ms: &[u64], checkout_ms: &[u64], session_ms: &[u64]) -> Second {
    let mut second = second(home_ms, 1, 0);
    second.figures.named.insert(name("home"), second.figures.all.clone());
    second.figures.named.get_mut(&name("home")).unwrap().counters.sent += 2;
    let response = |ms: &[u64]| {
        let mut latency = Latency::new();
        ms.iter().for_each(|ms| latency.record_us(ms * 1_000));
        latency
    };
    let n = |ms: &[u64]| ms.len() as u64;
    let passes = PassFigures { completed: n(checkout_ms), failed: 1, response: response(checkout_ms) };
    second.sessions.groups.insert(name("checkout"), passes);
    let counters = SessionCounters {
        started: 10,
        completed: n(session_ms),
        failed: 2,
        dropped: 1,
        ..SessionCounters::default()
    };
    let sessions = SessionFigures { counters, response: response(session_ms), ..SessionFigures::default() };
    second.sessions.scenarios.insert("visit".to_owned(), sessions);
    second
}

#[test]
fn a_name_a_group_and_sessions_have_shares_of_their_own() {
    let slo = [
        "checkout.response.p90 < 300ms",
        "home.response.p90 < 30ms",
        "home.errors.ratio < 1%",
        "visit.session.response.p50 < 2s",
        "session.errors.ratio < 5%",
        "checkout.errors.ratio < 5%",
    ];
    let (mut objective, _) = of_sessions(&slo);
    let second = second_of_sessions(&[10, 20, 30], &[100, 400], &[1_000, 2_500, 2_600]);
    let look = objective.look(&second, None);
    let counts: Vec<(u64, u64)> = look.counts.iter().map(|count| (count.bad, count.of)).collect();
    // One pass is slow and one failed; of the session that never began a tenth of 3 would have come, rounded up.
    assert_eq!(counts[0], (3, 4));
    // One is at the limit, one failed, and one of the session that never began.
    assert_eq!(counts[1], (3, 5));
    assert_eq!(counts[2], (1, 4));
    // Two slow sessions, two failed, one dropped.
    assert_eq!(counts[3], (5, 6));
    assert_eq!(counts[4], (2, 5));
    assert_eq!(counts[5], (1, 3));
    assert_eq!(objective.quantile(), Some((0.9, "checkout.response.p90".to_owned())));
    let samples = objective.samples(&second);
    assert_eq!((samples.completed.count(), samples.slower), (2, 2));
    // What a second lacks counts for nothing.
    let empty = objective.look(&self::second(&[10], 0, 0), None);
    assert_eq!((empty.counts[0].of, empty.counts[3].of), (0, 0));
}

#[test]
fn how_much_may_be_under_way_is_of_what_the_objective_looks_at() {
    let pile = |slo: &str| {
        let (mut objective, plan) = of_sessions(&[slo]);
        let second = second_of_sessions(&[10, 20, 30], &[], &[]);
        let piles = [objective.look(&second, None).pile, objective.look(&second, None).pile];
        (objective.rules(&plan).pile_s, piles)
    };
    assert_eq!(pile("response.p90 < 100ms"), (Some(3.0 * 0.1), [7.0, 7.0]));
    assert_eq!(pile("session.response.p90 < 2s"), (Some(2.0), [7.0, 7.0]));
    // Each second sends six requests named home, and four end.
    assert_eq!(pile("home.response.p90 < 100ms"), (Some(0.1), [2.0, 4.0]));
    assert_eq!(pile("pay.response.p90 < 100ms"), (Some(0.2), [0.0, 0.0]));
    assert_eq!(pile("checkout.response.p90 < 100ms"), (None, [0.0, 0.0]));
}

#[test]
fn sessions_that_think_take_as_long_to_settle() {
    let (objective, plan) = of_sessions(&["session.response.p90 < 2s"]);
    assert_eq!(objective.rules(&plan).settle, SETTLE, "a second is less than the least");
    let mut expect = Expect::of(plan.program.as_deref().unwrap());
    let seconds = std::time::Duration::from_secs;
    (expect.thinking, expect.longest_thinking) = (seconds(10), seconds(12));
    assert_eq!(thinks_s(&expect), 12);
    (expect.thinking, expect.longest_thinking) = (seconds(10), seconds(100));
    assert_eq!(thinks_s(&expect), 20, "a few think ten times as long as most");
}
