//! Why tests cannot be compared.

use std::collections::BTreeSet;

use serde_json::Value;

use super::plans::{Differs, addresses, differences};
use super::{MAX_TESTS, label, labelled};
use crate::model::{TestState, TestView};

/// Most keys that are named of two plans that differ.
const MAX_NAMED: usize = 8;

/// The reasons against a comparison of these tests, empty where there are none: a test has not ended, or says nothing a
/// second, or the tests differ in request, load or drivers. The two sides may have two addresses, the tests of one side may
/// not. `b` may be empty: then only the tests of `a` are looked at.
pub fn refusals(a: &[TestView], b: &[TestView]) -> Vec<String> {
    let mut reasons = Vec::new();
    for (side, tests) in [('A', a), ('B', b)] {
        if tests.len() > MAX_TESTS {
            reasons.push(format!("side {side} has {} tests: {MAX_TESTS} at most", tests.len()));
        }
    }
    let mut seen = BTreeSet::new();
    for (called, test) in labelled(a, b) {
        if !seen.insert(&test.test_id) {
            reasons.push(format!("test {} is named twice", test.test_id));
        }
        reasons.extend(of_test(test).map(|reason| format!("{called} ({}) {reason}", test.test_id)));
    }
    let Some(first) = a.first() else { return reasons };
    let name_of_first = label('A', 0, a.len());
    for (called, test) in labelled(a, b).skip(1) {
        reasons.extend(between(&name_of_first, first, &called, test));
    }
    reasons.extend(one_target('A', a));
    reasons.extend(one_target('B', b));
    reasons
}

/// Where the tests of a side were sent to two addresses: what they have in common is of neither.
fn one_target(side: char, tests: &[TestView]) -> Vec<String> {
    let Some((first, others)) = tests.split_first() else { return Vec::new() };
    let differing = others.iter().enumerate().flat_map(|(at, test)| {
        let names = (label(side, 0, tests.len()), label(side, at + 1, tests.len()));
        addresses(&first.plan, &test.plan).map(move |differs| differs.sentence(&names.0, &names.1))
    });
    differing.map(|sentence| format!("{sentence}: the tests of one side have one target")).collect()
}

/// Why a test cannot be compared with any.
fn of_test(test: &TestView) -> Option<String> {
    if test.state != TestState::Finished {
        return Some("has not ended: wait for it".to_owned());
    }
    if test.started_at.is_none() {
        return Some("never started".to_owned());
    }
    if test.plan.get("capacity").is_some() {
        return Some(
            "is a search for the capacity, whose rate moves: it has no one load to compare".to_owned(),
        );
    }
    if !test.rate_changes.is_empty() {
        return Some("had its rate changed while it ran: run it again at one rate".to_owned());
    }
    let classic = test.drivers.iter().find(|driver| driver.approximate)?;
    Some(format!("has the classic driver {}, which sends no histograms", classic.node_id))
}

/// How a test differs from the first one.
fn between(a_is: &str, a: &TestView, b_is: &str, b: &TestView) -> Vec<String> {
    let mut reasons = plan_reasons((a_is, &a.plan), (b_is, &b.plan));
    if a.drivers.len() != b.drivers.len() {
        reasons.push(format!("{a_is} had {}, {b_is} {}", drivers(a.drivers.len()), drivers(b.drivers.len())));
    }
    reasons
}

/// How two plans differ in what is sent, and when; each plan with what a sentence calls it. Another address is left out.
pub fn plan_reasons((a_is, a): (&str, &Value), (b_is, b): (&str, &Value)) -> Vec<String> {
    let differing: Vec<Differs> = differences(a, b).into_iter().filter(|key| !key.is_address).collect();
    let sentence = |key: &Differs| key.sentence(a_is, b_is);
    let mut reasons: Vec<String> = differing.iter().take(MAX_NAMED).map(sentence).collect();
    if differing.len() > MAX_NAMED {
        reasons.push(format!("{} more keys differ between {a_is} and {b_is}", differing.len() - MAX_NAMED));
    }
    reasons
}

fn drivers(n: usize) -> String {
    crate::human::counted(n as u64, "driver")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::test_view;

    fn finished(id: &str) -> TestView {
        TestView {
            state: TestState::Finished,
            started_at: Some("2026-11-24T00:00:00.000000Z".to_owned()),
            plan: json!({ "target": { "url": "http://a/" }, "load": { "rate": 100 } }),
            ..test_view(id, "ping")
        }
    }

    #[test]
    fn tests_of_one_plan_that_ended_are_compared() {
        let named = TestView { name: "other".to_owned(), ..finished("2") };
        assert_eq!(refusals(&[finished("1")], &[named, finished("3")]), [""; 0]);
        assert_eq!(refusals(&[finished("1")], &[]), [""; 0]);
    }

    #[test]
    fn two_sides_may_have_two_addresses_and_one_side_has_one() {
        let green = |id: &str| {
            let mut test = finished(id);
            test.plan["target"]["url"] = json!("http://b:81/");
            test
        };
        assert_eq!(refusals(&[finished("1")], &[green("2")]), [""; 0]);
        assert_eq!(
            refusals(&[finished("1"), finished("2")], &[green("3"), finished("4")]),
            ["target.url is http://b:81/ in B1 and http://a/ in B2: the tests of one side have one target"]
        );
    }

    #[test]
    fn each_reason_is_named() {
        let running = TestView { state: TestState::Running, ..finished("2") };
        let searched = TestView { plan: json!({ "capacity": {} }), ..finished("2") };
        let mut slower = finished("2");
        slower.plan["load"]["rate"] = json!(50);
        slower.plan["target"]["url"] = json!("http://b/v2");
        for (b, expected) in [
            (finished("1"), vec!["test 1 is named twice"]),
            (running, vec!["B (2) has not ended: wait for it"]),
            (TestView { started_at: None, ..finished("2") }, vec!["B (2) never started"]),
            (
                slower,
                vec![
                    "target.url is http://a/ in A and http://b/v2 in B",
                    "load.rate is 100 in A and 50 in B",
                ],
            ),
        ] {
            assert_eq!(refusals(&[finished("1")], &[b]), expected);
        }
        let reasons = refusals(&[finished("1")], &[searched]);
        assert!(reasons[0].contains("search for the capacity"), "{reasons:?}");
        let many: Vec<TestView> = (0..17).map(|n| finished(&format!("b{n}"))).collect();
        assert_eq!(refusals(&[finished("1")], &many), ["side B has 17 tests: 16 at most"]);
        let mut other = finished("3");
        other.plan["load"]["rate"] = json!(50);
        let reasons = refusals(&[finished("1"), finished("2")], &[other]);
        assert_eq!(reasons, ["load.rate is 100 in A1 and 50 in B"]);
    }
}
