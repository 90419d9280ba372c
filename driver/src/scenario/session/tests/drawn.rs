//! What sessions draw and decide: branches, conditions, rounds and thinking.

use common::plan::program::{Bound, Function, Part, Slot};

use super::*;

#[test]
fn branches_are_chosen_by_their_weights() {
    let choose = PlanStep::Choose(vec![
        Choice { name: "a".to_owned(), weight: 7, steps: vec![send(0)] },
        Choice { name: "b".to_owned(), weight: 2, steps: vec![send(1)] },
        Choice { name: "nothing".to_owned(), weight: 1, steps: vec![] },
    ]);
    let script = script(&one(vec![choose, send(2)]));
    let mut counts = [0; 3];
    for g in 0..20_000 {
        let (sent, ..) = run(&script, Start { g, ..AT_ZERO }, |_, _| Some(1));
        assert_eq!(sent.last().unwrap().0, 2, "all branches go on after it");
        counts[if sent.len() == 1 { 2 } else { usize::from(sent[0].0) }] += 1;
    }
    for (n, expected) in counts.into_iter().zip([14_000_i32, 4_000, 2_000]) {
        assert!((n - expected).abs() < 250, "{counts:?}");
    }
}

#[test]
fn conditions_choose_a_branch() {
    let when = |conditions| PlanStep::When { conditions, steps: vec![send(0)], otherwise: vec![send(1)] };
    let not = Condition { not: true, ..is(0, "x") };
    for (caption, conditions, value, expected) in [
        ("it is", vec![is(0, "x")], Some("x"), 0),
        ("it is not", vec![is(0, "x")], Some("y"), 1),
        ("it is not set", vec![is(0, "x")], None, 1),
        ("not, and it is not", vec![not.clone()], Some("y"), 0),
        ("not, but it is", vec![not], Some("x"), 1),
        ("one of two holds", vec![is(0, "x"), is(1, "x")], Some("x"), 1),
    ] {
        let script = script(&one(vec![send(2), when(conditions), send(2)]));
        let (sent, ..) = run(&script, AT_ZERO, |i, variables| {
            if let (0, Some(value)) = (i, value) {
                variables.set(0, value.as_bytes()).unwrap();
            }
            Some(1)
        });
        assert_eq!(
            sent.iter().map(|(request, ..)| *request).collect::<Vec<_>>(),
            [2, expected, 2],
            "{caption}"
        );
    }
}

#[test]
fn every_round_of_a_repeat_has_random_values_of_its_own_and_an_added_step_changes_none() {
    let rounds = |more: Vec<PlanStep>| {
        let steps = vec![PlanStep::Think(Think::Uniform(ms(0), ms(1_000))), send(0)];
        let inner = PlanStep::Repeat { times: 3, steps };
        let mut all = more;
        all.push(PlanStep::Repeat { times: 2, steps: vec![inner] });
        let script = script(&one(all));
        let mut session = Session::new(&script);
        let (mut desk, mut noted) = (Desk::default(), Noted::default());
        session.begin(&script, AT_ZERO, &mut desk);
        let (mut now, mut places, mut waits) = (0, Vec::new(), Vec::new());
        loop {
            match session.next(&script, now, &mut desk, &mut noted) {
                Next::At(at) => {
                    waits.push(at - now);
                    now = at;
                }
                Next::Over(_) => return (places, waits),
                Next::Request(attempt) => {
                    if attempt.request == 0 {
                        places.push(attempt.place);
                    }
                    session.begun(&script, &attempt, now);
                    session.answered(&script, now, (true, false), &mut desk, &mut noted);
                }
            }
        }
    };
    let (places, waits) = rounds(vec![]);
    let distinct: std::collections::BTreeSet<_> = places.iter().collect();
    assert_eq!((places.len(), distinct.len()), (6, 6));
    assert!(waits.iter().collect::<std::collections::BTreeSet<_>>().len() > 4, "{waits:?}");
    assert_eq!(rounds(vec![send(1)]), (places, waits));
}

#[test]
fn conditions_draw_anew_in_every_round_and_every_look() {
    // `{{int 1 3}}` is one of three.
    let drawn = || Condition {
        value: SlotValue::Variable(0),
        not: false,
        any_of: vec![Template {
            parts: vec![Part::Slot(Slot {
                value: SlotValue::Function(Function::Int(Bound::Number(1), Bound::Number(3))),
                filters: Vec::new(),
            })],
        }],
    };
    let when = PlanStep::When { conditions: vec![drawn()], steps: vec![send(1)], otherwise: vec![send(2)] };
    let repeat = PlanStep::Repeat { times: 90, steps: vec![when] };
    let poll = PlanStep::Poll { request: 1, until: vec![drawn()], every: ms(1), at_most: 90 };
    let sent = |g: u64, step: PlanStep| {
        let script = script(&one(vec![send(0), step]));
        let (sent, ..) = run(&script, Start { g, ..AT_ZERO }, |_, variables| {
            variables.set(0, b"2").unwrap();
            Some(1)
        });
        sent.iter().filter(|(request, ..)| *request == 1).count()
    };
    // Some six standard deviations of 90 that are one of three.
    let held = sent(5, repeat);
    assert!((4..=56).contains(&held), "{held} of 90 rounds");
    let looks: Vec<usize> = (0..40).map(|g| sent(g, poll.clone())).collect();
    assert!(looks.iter().all(|n| *n < 90), "each poll comes to hold: {looks:?}");
    assert!(looks.iter().any(|n| *n > 1), "and some not at the first look: {looks:?}");
}

#[test]
fn thinking_is_as_long_as_the_plan_says() {
    let mean = |think: Think| {
        let all: Vec<_> =
            (0..10_000).map(|g| values::think(think, crate::scenario::numbers::mix64(1, g, 2))).collect();
        (*all.iter().min().unwrap(), all.iter().sum::<Nanos>() / 10_000, *all.iter().max().unwrap())
    };
    assert_eq!(mean(Think::Fixed(ms(3))), (3 * MS, 3 * MS, 3 * MS));
    let (least, middle, most) = mean(Think::Uniform(ms(10), ms(30)));
    assert!(least >= 10 * MS && most < 30 * MS && (middle - 20 * MS).abs() < MS, "{least} {middle} {most}");
    let (least, middle, most) = mean(Think::Exponential(ms(20)));
    assert!(least >= 0 && most <= 200 * MS && (middle - 20 * MS).abs() < MS, "{least} {middle} {most}");
}
