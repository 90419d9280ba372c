//! Sessions by a clock of the test's own.

mod drawn;

use std::time::Duration;

use common::plan::program::{
    Choice, Condition, NamedRequest, OnFail, Program, SlotValue, Step as PlanStep, Template, Think,
};
use proptest::prelude::*;

use super::*;
use crate::scenario::fixtures::{program, request, scenario, script};

const MS: Nanos = 1_000_000;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn send(request: usize) -> PlanStep {
    PlanStep::Request { request, at: None }
}

fn at(request: usize, at: u64) -> PlanStep {
    PlanStep::Request { request, at: Some(ms(at)) }
}

fn think(n: u64) -> PlanStep {
    PlanStep::Think(Think::Fixed(ms(n)))
}

fn group(group: usize, steps: Vec<PlanStep>) -> PlanStep {
    PlanStep::Group { group, steps }
}

fn is(variable: usize, value: &str) -> Condition {
    Condition { value: SlotValue::Variable(variable), not: false, any_of: vec![Template::literal(value)] }
}

fn abc() -> Vec<NamedRequest> {
    vec![request("a"), request("b"), request("c")]
}

fn one(steps: Vec<PlanStep>) -> Program {
    program(abc(), vec![scenario("s", steps)])
}

/// What was noted, in ms.
#[derive(Debug, Default, PartialEq)]
struct Noted {
    groups: Vec<(u16, Option<Nanos>)>,
    polls: Vec<(u16, Option<Nanos>)>,
}

impl Notes for Noted {
    fn grouped(&mut self, group: u16, pass: Pass) {
        self.groups.push((group, pass.response.map(|response| response / MS)));
    }

    fn polled(&mut self, poll: u16, pass: Pass) {
        self.polls.push((poll, pass.response.map(|response| response / MS)));
    }
}

/// One attempt: request, due, held and begun, in ms.
type Sent = (u16, Nanos, Nanos, Nanos);

/// Runs a session that begins at once; each attempt takes as long as `takes` says by its ordinal, in ms, and `None` is a
/// failure after 1 ms.
fn run(
    script: &Script,
    start: Start,
    mut takes: impl FnMut(usize, &mut Variables) -> Option<Nanos>,
) -> (Vec<Sent>, Over, Noted) {
    let (mut session, mut desk, mut noted) = (Session::new(script), Desk::default(), Noted::default());
    session.begin(script, start, &mut desk);
    let (mut now, mut sent) = (start.due + start.held, Vec::new());
    loop {
        match session.next(script, now, &mut desk, &mut noted) {
            Next::At(at) => {
                assert!(at > now, "it waits for what is past");
                now = at;
            }
            Next::Over(over) => return (sent, over, noted),
            Next::Request(attempt) => {
                assert_eq!(
                    session.next(script, now, &mut desk, &mut noted),
                    Next::Request(attempt),
                    "asked again"
                );
                sent.push((attempt.request, attempt.due / MS, attempt.held / MS, now / MS));
                session.begun(script, &attempt, now);
                let takes = takes(sent.len() - 1, session.variables());
                now += takes.unwrap_or(1) * MS;
                session.answered(script, now, (true, takes.is_none()), &mut desk, &mut noted);
            }
        }
    }
}

const AT_ZERO: Start = Start { g: 0, due: 0, held: 0, warmup: false };

#[track_caller]
fn check(caption: &str, steps: Vec<PlanStep>, takes: &[Nanos], sent: &[Sent], response: Nanos) {
    let script = script(&one(steps));
    let (got, over, _) = run(&script, AT_ZERO, |i, _| Some(takes[i.min(takes.len() - 1)]));
    assert_eq!(got, sent, "{caption}");
    assert_eq!(over.end, End::Completed(response * MS), "{caption}");
}

#[test]
fn steps_are_due_by_the_end_before_by_thinking_or_by_their_own_time() {
    check("one after the other", vec![send(0), send(1)], &[5], &[(0, 0, 0, 0), (1, 5, 0, 5)], 10);
    check("after thinking", vec![send(0), think(7), send(1)], &[5], &[(0, 0, 0, 0), (1, 12, 0, 12)], 10);
    check("thinking first", vec![think(7), send(1)], &[5], &[(1, 7, 0, 7)], 5);
    check(
        "thinking twice",
        vec![send(0), think(7), think(2), send(1)],
        &[5],
        &[(0, 0, 0, 0), (1, 14, 0, 14)],
        10,
    );
    check("thinking last", vec![send(0), think(7)], &[5], &[(0, 0, 0, 0)], 5);
    check("at its own time", vec![send(0), at(1, 20)], &[5], &[(0, 0, 0, 0), (1, 20, 0, 20)], 10);
    check(
        "held up by the answer before",
        vec![send(0), at(1, 20)],
        &[30, 5],
        &[(0, 0, 0, 0), (1, 20, 10, 30)],
        35,
    );
    check("at after thinking", vec![send(0), think(7), at(1, 10)], &[5], &[(0, 0, 0, 0), (1, 10, 2, 12)], 10);
    check("nothing", vec![], &[5], &[], 0);
}

#[test]
fn a_user_that_was_held_up_counts_it_in_its_first_step_alone() {
    let held = Start { g: 3, due: 10 * MS, held: 4 * MS, warmup: false };
    let compiled = script(&one(vec![group(0, vec![send(0), send(1)])]));
    let (sent, over, noted) = run(&compiled, held, |_, _| Some(5));
    assert_eq!(sent, [(0, 10, 4, 14), (1, 19, 0, 19)]);
    assert_eq!(over.end, End::Completed(14 * MS));
    assert_eq!(noted.groups, [(0, Some(14))]);
    let compiled = script(&one(vec![think(6), send(0)]));
    let (sent, over, _) = run(&compiled, held, |_, _| Some(5));
    assert_eq!((sent, over.end), (vec![(0, 20, 0, 20)], End::Completed(9 * MS)));
}

#[test]
fn a_group_is_the_sum_of_its_steps_without_thinking() {
    let steps = vec![
        send(0),
        think(3),
        group(0, vec![send(1), think(50), group(1, vec![send(2)]), think(50)]),
        group(1, vec![think(4)]),
        send(0),
    ];
    let script = script(&one(steps));
    let (_, over, noted) = run(&script, AT_ZERO, |i, _| Some([5, 6, 7, 8][i]));
    assert_eq!(noted.groups, [(1, Some(7)), (0, Some(13))], "one in which nothing is sent is not counted");
    assert_eq!(over.end, End::Completed(26 * MS));
}

#[test]
fn a_poll_goes_on_until_its_condition_holds_or_it_was_sent_so_often() {
    let poll = |at_most| PlanStep::Poll { request: 1, until: vec![is(0, "done")], every: ms(100), at_most };
    for (caption, at_most, done_at, failed_at, polls, sent, end) in [
        ("the third answer holds", 9, 2, 9, Some(214), 3, End::Completed(214 * MS)),
        ("the first does", 9, 0, 9, Some(4), 1, End::Completed(4 * MS)),
        ("none does", 3, 9, 9, None, 3, End::Failed(0)),
        ("the last may", 3, 2, 9, Some(214), 3, End::Completed(214 * MS)),
        ("an attempt fails", 9, 9, 1, None, 2, End::Failed(0)),
    ] {
        let script = script(&one(vec![poll(at_most), think(0), send(0)]));
        let (got, over, noted) = run(&script, AT_ZERO, |i, variables| {
            if i == failed_at {
                return None;
            }
            variables.set(0, if i == done_at { b"done" } else { b"wait" }).unwrap();
            Some(if i > done_at { 0 } else { [4, 4, 6][i.min(2)] })
        });
        let polled = got.iter().filter(|(request, ..)| *request == 1).count();
        assert_eq!((noted.polls, polled, over.end), (vec![(0, polls)], sent, end), "{caption}");
    }
}

#[test]
fn waits_between_polls_count_in_groups_and_thinking_does_not() {
    let poll = PlanStep::Poll { request: 1, until: vec![is(0, "done")], every: ms(100), at_most: 5 };
    let script = script(&one(vec![group(0, vec![think(9), poll])]));
    let (sent, over, noted) = run(&script, AT_ZERO, |i, variables| {
        variables.set(0, if i == 1 { b"done" } else { b"wait" }).unwrap();
        Some(5)
    });
    assert_eq!(sent, [(1, 9, 0, 9), (1, 114, 0, 114)]);
    assert_eq!((noted.groups, over.end), (vec![(0, Some(110))], End::Completed(110 * MS)));
}

#[test]
fn a_failed_step_ends_the_session_or_it_goes_on_and_is_failed_all_the_same() {
    let steps = vec![send(0), group(0, vec![send(1), send(2)]), group(1, vec![send(0)])];
    for (on_fail, n_sent, groups) in
        [(OnFail::End, 2, vec![(0, None)]), (OnFail::Continue, 4, vec![(0, None), (1, Some(5))])]
    {
        let mut its = scenario("s", steps.clone());
        its.on_fail = on_fail;
        let script = script(&program(abc(), vec![its]));
        assert_eq!(*script.names.scenarios[0].steps, ["a", "g0/b", "g0/c", "g1/a"].map(str::to_owned));
        let (sent, over, noted) = run(&script, AT_ZERO, |i, _| (i != 1).then_some(5));
        assert_eq!((sent.len(), over.end, noted.groups), (n_sent, End::Failed(1), groups), "{on_fail:?}");
    }
}

#[test]
fn a_session_that_we_end_is_abandoned_at_its_next_step_unless_only_thinking_was_left() {
    let ended_with = |steps: Vec<PlanStep>, n: usize, failed: usize| {
        let mut its = scenario("s", steps);
        its.on_fail = OnFail::Continue;
        let script = script(&program(abc(), vec![its]));
        let (mut session, mut desk, mut noted) = (Session::new(&script), Desk::default(), Noted::default());
        session.begin(&script, AT_ZERO, &mut desk);
        for i in 0..n {
            let Next::Request(attempt) = session.next(&script, Nanos::MAX, &mut desk, &mut noted) else {
                panic!()
            };
            session.begun(&script, &attempt, 0);
            session.answered(&script, 5 * MS, (true, i == failed), &mut desk, &mut noted);
        }
        session.abandon(&script, &mut desk, &mut noted).end
    };
    let ended = |steps, n| ended_with(steps, n, usize::MAX);
    assert_eq!(ended(vec![send(0), think(9), send(1)], 1), End::Abandoned(1));
    assert_eq!(ended(vec![send(0), think(9)], 1), End::Completed(5 * MS));
    assert_eq!(ended(vec![think(9), send(0)], 0), End::Abandoned(0));
    // One that failed has failed, also where it went on.
    let steps = || vec![send(0), send(1), think(9), send(2), send(0)];
    assert_eq!(ended_with(steps(), 3, 1), End::Failed(1));
    assert_eq!(ended_with(steps(), 2, 0), End::Failed(0));
}

#[test]
fn rounds_without_a_request_do_not_hold_up_the_worker() {
    let nested = (0..8).fold(vec![], |steps, _| vec![PlanStep::Repeat { times: 10_000, steps }]);
    let script = script(&one(nested));
    let (mut session, mut desk) = (Session::new(&script), Desk::default());
    session.begin(&script, AT_ZERO, &mut desk);
    assert_eq!(session.next(&script, 9, &mut desk, &mut Noted::default()), Next::At(9));
}

fn any_steps() -> impl Strategy<Value = Vec<PlanStep>> {
    let leaf = prop_oneof![
        (0..3_usize).prop_map(send),
        (0..3_usize, 0..60_u64).prop_map(|(request, time)| at(request, time)),
        (0..40_u64).prop_map(think),
        (0..3_usize, 1..4_u32).prop_map(|(request, at_most)| PlanStep::Poll {
            request,
            until: vec![is(0, "done")],
            every: ms(10),
            at_most,
        }),
    ];
    let step = leaf.prop_recursive(3, 24, 4, |inner| {
        let steps = prop::collection::vec(inner, 0..4);
        prop_oneof![
            (0..2_usize, steps.clone()).prop_map(|(index, steps)| group(index, steps)),
            (1..4_u32, steps.clone()).prop_map(|(times, steps)| PlanStep::Repeat { times, steps }),
            (steps.clone(), steps.clone()).prop_map(|(steps, otherwise)| PlanStep::When {
                conditions: vec![is(0, "done")],
                steps,
                otherwise,
            }),
            prop::collection::vec((1..5_u32, steps), 1..4).prop_map(|branches| {
                let choice = |(weight, steps)| Choice { name: "x".to_owned(), weight, steps };
                PlanStep::Choose(branches.into_iter().map(choice).collect())
            }),
        ]
    });
    prop::collection::vec(step, 0..6)
}

proptest! {
    /// Whatever the scenario and the answers: attempts follow one another, none is begun before it is due, lag is zero for
    /// a caller that is never late, and the session's response is all the time that it did not think or wait.
    #[test]
    fn times_add_up(
        steps in any_steps(),
        go_on in any::<bool>(),
        g in 0..1_000_u64,
        answers in prop::collection::vec((0..50_i64, any::<bool>(), 0..6_u32), 1..40),
    ) {
        let mut its = scenario("s", steps);
        its.on_fail = if go_on { OnFail::Continue } else { OnFail::End };
        let script = script(&program(abc(), vec![its]));
        let mut any_failed = false;
        let mut ends = Vec::new();
        let start = Start { g, due: 1_000 * MS, held: 0, warmup: false };
        let (sent, over, noted) = run(&script, start, |i, variables| {
            let (takes, done, fails) = answers[i % answers.len()];
            variables.set(0, if done { b"done" } else { b"wait" }).unwrap();
            any_failed |= fails == 0;
            ends.push(if fails == 0 { 1 } else { takes });
            (fails > 0).then_some(takes)
        });
        let mut free = 1_000;
        let mut busy = 0;
        for ((_, due, held, begun), takes) in sent.iter().zip(&ends) {
            prop_assert!(*begun >= free && *begun == due + held && *held >= 0);
            free = begun + takes;
            busy += takes;
        }
        match over.end {
            End::Completed(response) => {
                prop_assert!(!any_failed);
                // What it was not idle: its attempts, and the waits of polls.
                prop_assert!(response >= busy * MS && response <= (free - 1_000) * MS);
                if noted.polls.is_empty() {
                    prop_assert_eq!(response, busy * MS);
                }
            }
            End::Failed(_) => prop_assert!(any_failed || noted.polls.iter().any(|(_, response)| response.is_none())),
            End::Abandoned(_) => prop_assert!(false, "it was not abandoned"),
        }
        prop_assert_eq!(over.answered, !sent.is_empty());
    }
}
