//! Ends of classic parts: by an end word, removed by a later report, revised by what comes after the test.

use super::*;
use crate::model::PartState;

/// Classic drivers that were each to send 7 requests.
fn seven(names: &[&str]) -> Tally {
    let participants: Vec<_> = names.iter().map(|name| participant(name, None, 0, 1)).collect();
    tally_of(plan_of("mode = 'avalanche'\nconnections = 1\nrequests = 7"), &participants)
}

/// Lets a driver report so often; the last report has this count.
fn reports(tally: &mut Tally, name: &str, n: i64, sent: Option<u64>) {
    let from = tally.parts.iter().map(|part| part.reports.taken()).sum::<u64>();
    for k in 0..n {
        let offset = i64::try_from(from).unwrap() + k;
        let count = sent.filter(|_| k + 1 == n);
        assert_eq!(tally.arrived(&classic(name, count, count, false), at(0, offset), START), Arrived::New);
    }
}

fn end(tally: &Tally, name: &str) -> Option<EndedBy> {
    tally.ended_by(&node(name), None)
}

#[test]
fn a_bare_word_ends_the_part_that_it_must_be_of() {
    let word = Some(EndedBy::Word);
    let check = |what: &str, a: (i64, Option<u64>), b: (i64, Option<u64>), words: usize, expected: [_; 2]| {
        let mut tally = seven(&["a", "b"]);
        reports(&mut tally, "a", a.0, a.1);
        reports(&mut tally, "b", b.0, b.1);
        (0..words).for_each(|_| tally.end_word());
        assert_eq!([end(&tally, "a"), end(&tally, "b")], expected, "{what}");
    };
    check("b counts and has all: a's", (0, None), (7, Some(7)), 1, [word, None]);
    check("b counts and has some: a's", (0, None), (3, Some(3)), 1, [word, None]);
    check("b reports each answer, and has all", (1, None), (7, None), 1, [word, None]);
    check("neither shows how far it is", (0, None), (1, None), 1, [None, None]);
    check("a word of each", (0, None), (1, None), 2, [word, word]);
    check("both count", (3, Some(3)), (7, Some(7)), 2, [None, None]);
}

#[test]
fn an_early_end_word_is_assigned_to_the_driver_that_is_left_when_the_other_reaches_its_count() {
    let mut tally = seven(&["a", "b"]);
    reports(&mut tally, "a", 1, None);
    tally.end_word();
    assert_eq!((end(&tally, "a"), end(&tally, "b")), (None, None), "it may be of either");
    tally.ended(&node("a"), None, EndedBy::Count);
    assert_eq!(end(&tally, "b"), Some(EndedBy::Word));
    let mut tally = seven(&["only"]);
    reports(&mut tally, "only", 3, Some(3));
    tally.end_word();
    assert_eq!(end(&tally, "only"), Some(EndedBy::Word), "the only one means its own end");
}

#[test]
fn a_report_takes_back_an_end_that_it_contradicts() {
    let check = |by: EndedBy, before: (i64, Option<u64>), after: (i64, Option<u64>), opens: bool| {
        let mut tally = seven(&["a"]);
        reports(&mut tally, "a", before.0, before.1);
        tally.ended(&node("a"), None, by);
        reports(&mut tally, "a", after.0, after.1);
        assert_eq!(end(&tally, "a"), Some(by).filter(|_| !opens), "{by:?} {before:?} {after:?}");
    };
    check(EndedBy::Deaf, (0, None), (1, None), true);
    check(EndedBy::Silence, (2, None), (1, None), true);
    check(EndedBy::Lost, (2, Some(2)), (1, Some(3)), true);
    check(EndedBy::Word, (2, Some(2)), (1, Some(3)), true);
    check(EndedBy::Word, (6, Some(6)), (1, Some(7)), false);
    check(EndedBy::Count, (7, Some(7)), (1, Some(7)), false);
    check(EndedBy::Count, (7, Some(7)), (1, Some(8)), true);
    check(EndedBy::RunsOn, (9, Some(9)), (1, Some(12)), false);
}

#[test]
fn a_silent_driver_is_shown_as_silent_until_it_reports() {
    let mut tally = seven(&["a"]);
    tally.silent(&node("a"));
    assert_eq!(tally.drivers(START)[0].state, PartState::Silent);
    assert!(tally.parts_seen()[0].silent && tally.facts_so_far().drivers[0].silent);
    reports(&mut tally, "a", 1, Some(2));
    assert_eq!(tally.drivers(START)[0].state, PartState::Running);
    tally.silent(&node("a"));
    assert_eq!(tally.drivers(START)[0].state, PartState::Running, "that was decided before its report");
}

#[test]
fn reports_after_the_test_revise_what_was_concluded_without_them() {
    let check = |by, before: (i64, Option<u64>), after: (i64, Option<u64>), expected| {
        let mut tally = seven(&["a"]);
        reports(&mut tally, "a", before.0, before.1);
        tally.ended(&node("a"), None, by);
        let closing = tally.closing(None);
        let mut again = seven(&["a"]);
        reports(&mut again, "a", before.0, before.1);
        reports(&mut again, "a", after.0, after.1);
        again.close(&closing);
        assert_eq!(end(&again, "a"), Some(expected), "{by:?} {before:?} {after:?}");
    };
    check(EndedBy::Deaf, (0, None), (0, None), EndedBy::Deaf);
    check(EndedBy::Deaf, (0, None), (1, None), EndedBy::Silence);
    check(EndedBy::Deaf, (0, None), (1, Some(7)), EndedBy::Count);
    check(EndedBy::Lost, (2, Some(2)), (0, None), EndedBy::Lost);
    check(EndedBy::Lost, (2, Some(2)), (1, Some(7)), EndedBy::Count);
    check(EndedBy::RunsOn, (9, Some(9)), (2, Some(12)), EndedBy::RunsOn);
}

#[test]
fn a_driver_that_sent_more_than_it_was_to_send_is_named_with_both_numbers() {
    let mut tally = seven(&["a", "b"]);
    reports(&mut tally, "a", 1, Some(7));
    reports(&mut tally, "b", 1, Some(23));
    let facts = tally.facts(None);
    assert_eq!(facts.drivers[0].sent_more, None);
    let more = facts.drivers[1].sent_more.unwrap();
    assert_eq!((more.asked, more.sent), (7, 23));
}
