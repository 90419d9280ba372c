//! Tests that look for the capacity: what was found decides, and nothing else of the generator or the totals does.

use super::*;
use crate::model::{
    CapacityDecided, CapacityKnee, CapacityLevelView, CapacityLimit, CapacityState, CapacityView, FindingKind,
};

fn level(rate: f64, decided: CapacityDecided, share: f64) -> CapacityLevelView {
    CapacityLevelView {
        rate,
        from_s: Some(3),
        to_s: Some(9),
        decided,
        repeat: false,
        share: Some(share),
        share_low: Some(share / 2.0),
        share_high: Some(share),
        share_limit: Some(0.01),
        p50: Some(10.0),
        p90: Some(20.0),
        p99: Some(80.0),
        p999: Some(90.0),
        throughput_per_s: Some(rate),
        errors_ratio: Some(0.0),
    }
}

fn found() -> CapacityView {
    CapacityView {
        slo: "response.p99 < 250ms".to_owned(),
        within: 0.05,
        horizon_s: 30,
        state: CapacityState::Found,
        doing: None,
        capacity_per_s: Some(4_139.0),
        low_per_s: Some(4_050.0),
        high_per_s: Some(4_230.0),
        limit: Some(CapacityLimit::Target),
        why: None,
        repeated: true,
        flat: false,
        levels: vec![
            level(4_050.0, CapacityDecided::Holds, 0.002),
            level(4_230.0, CapacityDecided::Stopped, 0.6),
        ],
        knee: Some(CapacityKnee {
            rate: 4_050.0,
            above: 4_230.0,
            percentile: "p99".to_owned(),
            at_ms: Some(80.0),
            above_ms: Some(900.0),
        }),
        usl: None,
    }
}

fn judged(found: CapacityView) -> Judgement {
    // All of it would make another test failed and invalid.
    let drivers = [Driver::well("a").with(|driver| {
        driver.counters.completed = 0;
        driver.counters.dropped_late = driver.counters.scheduled;
    })];
    let mut case = case(plan(OPEN, ""), &drivers);
    case.stopped_by = Some("ended by [capacity]: the search is through");
    case.capacity = Some(Box::new(found));
    case.judge()
}

fn generator(low: Option<f64>) -> CapacityView {
    let why = Some("workers had no idle time".to_owned());
    let limit = Some(CapacityLimit::Generator);
    let state = if low.is_some() { CapacityState::Found } else { CapacityState::Undecided };
    CapacityView { state, low_per_s: low, high_per_s: None, knee: None, limit, why, ..found() }
}

/// A search in which no rate failed.
fn up_to(limit: CapacityLimit) -> CapacityView {
    CapacityView { high_per_s: None, knee: None, limit: Some(limit), ..found() }
}

/// A kind of finding, how much it weighs, its sentence, and a test that has it.
pub fn rows() -> Vec<(FindingKind, FindingLevel, &'static str, Judgement)> {
    let (reason, warning, note) = (FindingLevel::Reason, FindingLevel::Warning, FindingLevel::Note);
    let nothing = CapacityView { low_per_s: None, high_per_s: None, knee: None, limit: None, ..found() };
    let nowhere = CapacityView {
        state: CapacityState::HoldsNowhere,
        limit: Some(CapacityLimit::Target),
        levels: vec![level(50.0, CapacityDecided::Fails, 1.0), level(3.1, CapacityDecided::Fails, 0.97)],
        ..nothing.clone()
    };
    vec![
        (
            FindingKind::CapacityFound,
            note,
            "holds 4,050/s, does not hold 4,230/s, each at 95 % (response.p99 < 250ms); above it p99 rises from 80.0 ms to \
             900 ms within 4.44 %; the limit was the target",
            judged(found()),
        ),
        (
            FindingKind::CapacityFound,
            note,
            "holds 4,050/s (response.p99 < 250ms), the highest rate that was to be tried (capacity.max_rate)",
            judged(CapacityView {
                levels: vec![level(4_050.0, CapacityDecided::Holds, 0.002)],
                ..up_to(CapacityLimit::MaxRate)
            }),
        ),
        (
            FindingKind::CapacityFound,
            note,
            "holds 4,050/s (response.p99 < 250ms); higher rates, up to 4,200/s, could not be decided, and none above it was \
             to be tried (capacity.max_rate)",
            judged(CapacityView {
                levels: vec![
                    level(4_050.0, CapacityDecided::Holds, 0.002),
                    level(4_200.0, CapacityDecided::Undecided, 0.009),
                ],
                ..up_to(CapacityLimit::MaxRate)
            }),
        ),
        (
            FindingKind::CapacityFound,
            note,
            "holds 4,050/s (response.p99 < 250ms); the search ended before a higher rate failed: give it longer \
             (load.duration)",
            judged(up_to(CapacityLimit::Time)),
        ),
        (
            FindingKind::CapacityNowhere,
            reason,
            "response.p99 < 250ms does not hold at any rate: at 3.1/s 97 % were too slow, failed or dropped, and 1 % \
             may be",
            judged(nowhere),
        ),
        (
            FindingKind::CapacityNotRecovered,
            reason,
            "holds 4,050/s; the target did not recover from a rate that was too high, though the rate fell to a small part of \
             it: restart it before the next search",
            judged(CapacityView { state: CapacityState::NotRecovered, ..found() }),
        ),
        (
            FindingKind::CapacityGenerator,
            reason,
            "holds at least 38,000/s (response.p99 < 250ms); the generator was the limit: workers had no idle time",
            judged(generator(Some(38_000.0))),
        ),
        (
            FindingKind::CapacityGenerator,
            reason,
            "the generator was the limit before response.p99 < 250ms held at any rate: workers had no idle time",
            judged(generator(None)),
        ),
        (
            FindingKind::CapacityUndecided,
            reason,
            "no rate could be decided in its time (response.p99 < 250ms): give each rate longer (capacity.level_for), and \
             the search too (load.duration), or begin at a higher rate (load.rate), which gives more requests to go by",
            judged(CapacityView { state: CapacityState::Undecided, ..nothing }),
        ),
        (
            FindingKind::CapacityWide,
            warning,
            "the two rates are 20 % apart, and 5 % was asked for: between them the share that is bad is too close to its \
             limit to decide; longer levels (capacity.level_for) may",
            judged(CapacityView { high_per_s: Some(4_860.0), flat: true, ..found() }),
        ),
        (
            FindingKind::CapacityWide,
            warning,
            "the two rates are 20 % apart, and 5 % was asked for: the search ended before it was through; give it longer \
             (load.duration)",
            judged(CapacityView { high_per_s: Some(4_860.0), ..found() }),
        ),
        (
            FindingKind::CapacityNotRepeated,
            warning,
            "the two rates were not measured again over 30 s: give the search longer (load.duration), and look whether its \
             drivers were late",
            judged(CapacityView { repeated: false, ..found() }),
        ),
    ]
}

#[test]
fn what_was_found_decides_the_verdict() {
    let verdict = |found: CapacityView| judged(found).verdict;
    assert_eq!(verdict(found()), Verdict::Passed);
    assert_eq!(verdict(generator(Some(1.0))), Verdict::Invalid);
    assert_eq!(verdict(CapacityView { state: CapacityState::HoldsNowhere, ..found() }), Verdict::Failed);
    let undecided = CapacityView { state: CapacityState::Undecided, low_per_s: None, limit: None, ..found() };
    assert_eq!(verdict(undecided), Verdict::Incomplete);
    assert!(judged(found()).thresholds.is_empty(), "the defaults are not of a search");
    let not_recovered = CapacityView { state: CapacityState::NotRecovered, repeated: false, ..found() };
    let findings = judged(not_recovered).findings;
    let advice = [FindingKind::CapacityWide, FindingKind::CapacityNotRepeated];
    assert!(
        findings.iter().all(|finding| !advice.contains(&finding.kind)),
        "more time would not have helped: {findings:?}"
    );
}

#[test]
fn a_search_that_goes_on_says_nothing_yet_and_one_that_is_stopped_is_aborted() {
    let drivers = [Driver::well("a")];
    let mut case = case(plan(OPEN, ""), &drivers);
    case.over = false;
    case.capacity = Some(Box::new(CapacityView { state: CapacityState::Searching, ..found() }));
    assert_eq!(case.judge().standing(), crate::model::Standing::Ok);
    case.over = true;
    case.stopped_by = Some("the user");
    case.capacity = Some(Box::new(found()));
    let judgement = case.judge();
    assert_eq!(judgement.verdict, Verdict::Aborted);
    assert!(
        judgement.findings.iter().any(|finding| finding.kind == FindingKind::CapacityFound),
        "it is said all the same"
    );
}
