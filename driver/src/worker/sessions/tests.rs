//! Sessions on an engine of the test's own: whatever they do and however attempts end, the equations hold.

use std::time::{Duration, Instant};

use common::counters::{Counters, ErrorKind};
use common::figures::Figures;
use common::ids::RequestName;
use common::latency::LatencyKind;
use common::plan::program::{Choice, NamedRequest, OnFail, Scenario, Step as PlanStep, Template, Think};
use proptest::prelude::*;

use super::*;
use crate::engine::{Ends, Exchange, Next, Opened, Outcome, Spans, Wait};
use crate::scenario::answer::Field;
use crate::scenario::fixtures::{program, request, scenario, script};
use crate::scenario::session::End;

const MS: Nanos = 1_000_000;

/// Attempts that are in flight, by place.
#[derive(Default)]
struct Fake(Vec<Place>);

impl Wait for Fake {
    async fn ready(&self) {}

    fn deadline(&self) -> Option<Nanos> {
        None
    }
}

impl Engine for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn begin(&mut self, place: Place, _: RequestIndex, _: Nanos) {
        assert!(!self.0.contains(&place), "one attempt at most at a place");
        self.0.push(place);
    }

    fn begin_rendered(&mut self, place: Place, outgoing: Outgoing<'_>, now: Nanos) {
        self.begin(place, outgoing.request, now);
    }

    fn close_own(&mut self, _: u32) {}

    fn turn(&mut self, _: Nanos, _: &mut impl Ends) -> bool {
        false
    }

    fn so_far(&self, _: Place) -> Spans {
        Spans::default()
    }

    fn abandon(&mut self) {
        self.0.clear();
    }

    fn opened(&self) -> Opened {
        Opened::default()
    }
}

/// Another session begins at a place as often as this.
struct Again {
    left: u64,
    over: Vec<End>,
}

impl Users for Again {
    fn over(&mut self, _: Place, start: Start, over: &Over, at: Nanos) -> Option<Start> {
        self.over.push(over.end);
        self.left = self.left.checked_sub(1)?;
        Some(Start { g: start.g + 7, due: at, held: 0, warmup: start.warmup && !self.left.is_multiple_of(3) })
    }
}

fn exchange(outcome: Outcome) -> Exchange {
    Exchange { bytes_received: 10, ..Exchange::of(outcome) }
}

fn any_steps() -> impl Strategy<Value = Vec<PlanStep>> {
    let ms = |n| Duration::from_millis(n);
    // Request 3 cannot be rendered, and 4 follows redirects.
    let leaf = prop_oneof![
        (0..5_usize).prop_map(|request| PlanStep::Request { request, at: None }),
        (0..5_usize, 0..9_u64).prop_map(move |(request, at)| PlanStep::Request { request, at: Some(ms(at)) }),
        (0..9_u64).prop_map(move |n| PlanStep::Think(Think::Fixed(ms(n)))),
        (0..5_usize, 1..4_u32).prop_map(move |(request, at_most)| PlanStep::Poll {
            request,
            until: Vec::new(),
            every: ms(10),
            at_most,
        }),
    ];
    let step = leaf.prop_recursive(2, 12, 4, |inner| {
        let steps = prop::collection::vec(inner, 0..4);
        prop_oneof![
            (0..2_usize, steps.clone()).prop_map(|(group, steps)| PlanStep::Group { group, steps }),
            (1..4_u32, steps.clone()).prop_map(|(times, steps)| PlanStep::Repeat { times, steps }),
            steps.prop_map(|steps| PlanStep::Choose(vec![
                Choice { name: "x".to_owned(), weight: 1, steps },
                Choice { name: "nothing".to_owned(), weight: 1, steps: Vec::new() },
            ])),
        ]
    });
    prop::collection::vec(step, 0..5)
}

fn check(of: &Counters, in_flight: u64) -> Result<(), TestCaseError> {
    prop_assert_eq!(of.scheduled, of.sent + of.dropped());
    prop_assert_eq!(of.sent, of.completed + of.failed + in_flight, "{:?}", of);
    let both = of.errors_of(ErrorKind::Check) + of.errors_of(ErrorKind::Extract);
    let ended = of.status_codes.values().sum::<u64>() + of.errors.values().sum::<u64>();
    prop_assert_eq!(of.completed + of.failed + both, ended);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_equations_hold_at_every_instant(
        steps in any_steps(),
        go_on in any::<bool>(),
        places in 1..4_u32,
        connections in prop_oneof![Just(None), (1..4_u32).prop_map(Some)],
        left in 0..20_u64,
        happens in prop::collection::vec((0..20_i64, 0..10_usize, 0..6_u32), 0..120),
        stopped in any::<bool>(),
    ) {
        let mut requests: Vec<_> = ["a", "b", "c", "d", "e"].map(request).into();
        let slot = common::plan::program::Slot {
            value: common::plan::program::SlotValue::Variable(0),
            filters: Vec::new(),
        };
        let unset = Template { parts: vec![common::plan::program::Part::Slot(slot)] };
        requests[3].headers = vec![("x-a".to_owned(), unset)];
        requests[4].follow = 2;
        let mut its = scenario("s", steps);
        its.on_fail = if go_on { OnFail::Continue } else { OnFail::End };
        let script = Arc::new(script(&program(requests, vec![its])));
        let start = StartAt { monotonic: Instant::now(), unix_us: 0 };
        let slice = WorkerSlice { worker: 0, workers: 1, places, connections, attempts: None };
        let users = Again { left, over: Vec::new() };
        let mut crew = Crew::new(start, slice, Arc::clone(&script), users, 0);
        let (mut engine, mut flight) = (Fake::default(), Flight::of_script(&script, places));
        let mut now = 0;
        for place in 0..places {
            let start = Start { g: u64::from(place), due: 0, held: 0, warmup: place == 0 };
            crew.begin(&mut engine, &mut flight, place, start, now);
        }
        for (pause, which, outcome) in happens {
            now += pause * 1_000_000;
            if !engine.0.is_empty() {
                let place = engine.0.remove(which % engine.0.len());
                let mut answering = Answering { flight: &mut flight, crew: &mut crew };
                let status = [200, 200, 302, 404, 503][outcome.min(4) as usize];
                let outcome =
                    if outcome == 5 { Outcome::Failed(ErrorKind::Reset) } else { Outcome::Status(status) };
                if matches!(outcome, Outcome::Status(_)) {
                    let fields = [Field { name: b"Location", value: b"/next" }];
                    answering.head(place, status, &fields);
                }
                match answering.ended(place, now, &exchange(outcome)) {
                    Next::Begin(request) => engine.begin(place, request, now),
                    Next::Send(outgoing) => engine.begin_rendered(place, outgoing, now),
                    Next::Rest => {}
                }
            }
            crew.go_on(&mut engine, &mut flight, || now);
            // A redirect that waits to be followed, for one of the connections, is sent when it has one.
            check(&flight.recorder.total(), u64::from(flight.len()))?;
            prop_assert_eq!(engine.0.len(), flight.len() as usize);
            prop_assert!(flight.len() <= connections.unwrap_or(places), "one attempt at most on a connection");
            prop_assert!(crew.thinking.len() + crew.ready.len() <= places as usize);
        }
        let kind = if stopped { ErrorKind::Cancelled } else { ErrorKind::Timeout };
        flight.give_up(now, kind, |_| Spans::default());
        crew.abandon_all(&mut flight, now, kind);
        prop_assert!(crew.is_empty());
        check(&flight.recorder.total(), 0)?;
        let mut all = common::session_figures::AllSessions::default();
        let last = flight.recorder.windows.last_seq(now);
        let mut of_each = Counters::default();
        for _ in 0..=last {
            let closed = flight.recorder.windows.close(false);
            all += &closed.sessions.unwrap();
            for figures in closed.figures.named.values() {
                of_each += &figures.counters;
            }
        }
        prop_assert_eq!(&of_each, &flight.recorder.total());
        let of = &all.scenarios["s"];
        for counters in [of.counters, of.warmup] {
            prop_assert_eq!(counters.under_way(), 0);
            prop_assert_eq!(counters.started, counters.completed + counters.failed + counters.abandoned);
        }
        prop_assert_eq!(of.response.count(), of.counters.completed);
        prop_assert_eq!(of.ended_at.values().sum::<u64>(), of.counters.failed + of.counters.abandoned);
    }
}

/// A worker whose engine does what the test says.
struct Driven {
    crew: Crew<Again>,
    engine: Fake,
    flight: Flight,
}

impl Driven {
    /// Sessions of these steps at so many places, one at each; they begin at once. Attempts that are due before
    /// `warmup_until` belong to the warm-up.
    fn start(
        requests: Vec<NamedRequest>,
        steps: Vec<PlanStep>,
        (places, connections): (u32, Option<u32>),
        warmup_until: Nanos,
    ) -> Self {
        let its = Scenario { on_fail: OnFail::Continue, ..scenario("s", steps) };
        let script = Arc::new(script(&program(requests, vec![its])));
        let start = StartAt { monotonic: Instant::now(), unix_us: 0 };
        let slice = WorkerSlice { worker: 0, workers: 1, places, connections, attempts: None };
        let crew =
            Crew::new(start, slice, Arc::clone(&script), Again { left: 0, over: Vec::new() }, warmup_until);
        let mut driven = Self { crew, engine: Fake::default(), flight: Flight::of_script(&script, places) };
        for place in 0..places {
            let start = Start { g: u64::from(place), due: 0, held: 0, warmup: false };
            driven.crew.begin(&mut driven.engine, &mut driven.flight, place, start, 0);
        }
        driven
    }

    fn head(&mut self, place: Place, status: u16) {
        let fields = [Field { name: b"Location", value: b"/next" }];
        Answering { flight: &mut self.flight, crew: &mut self.crew }.head(place, status, &fields);
    }

    /// The attempt at a place ends, of which no head is seen.
    fn ends(&mut self, place: Place, at: Nanos, outcome: Outcome) {
        self.engine.0.retain(|other| *other != place);
        let mut answering = Answering { flight: &mut self.flight, crew: &mut self.crew };
        match answering.ended(place, at, &exchange(outcome)) {
            Next::Begin(request) => self.engine.begin(place, request, at),
            Next::Send(outgoing) => self.engine.begin_rendered(place, outgoing, at),
            Next::Rest => {}
        }
    }

    /// It ends with a redirect.
    fn redirects(&mut self, place: Place, at: Nanos) {
        self.head(place, 302);
        self.ends(place, at, Outcome::Status(302));
    }

    /// The figures of a name in the first window.
    fn of(&mut self, name: &str) -> Figures {
        let mut figures = self.flight.recorder.windows.close(false).figures;
        figures.named.remove(&RequestName::new(name).unwrap()).unwrap()
    }
}

/// The one that follows redirects.
fn following(name: &str) -> NamedRequest {
    NamedRequest { follow: 3, ..request(name) }
}

fn send(request: usize) -> PlanStep {
    PlanStep::Request { request, at: None }
}

#[test]
fn a_redirect_whose_answer_did_not_become_whole_is_not_followed_by_the_next_attempt() {
    let steps = vec![send(0), send(1)];
    let mut driven = Driven::start(vec![following("a"), request("b")], steps, (1, None), 0);
    driven.head(0, 307);
    driven.ends(0, MS, Outcome::Failed(ErrorKind::Reset));
    assert_eq!(driven.engine.0, [0], "the second step");
    driven.ends(0, 2 * MS, Outcome::Status(307));
    assert!(driven.crew.is_empty() && driven.crew.seats[0].hop.is_none());
    let counters = driven.of("b").counters;
    assert_eq!((counters.sent, counters.completed, &counters.status_codes), (1, 1, &[(307, 1)].into()));
}

#[test]
fn a_redirect_belongs_to_the_warm_up_where_its_request_does() {
    let mut driven = Driven::start(vec![following("a")], vec![send(0), send(0)], (5, None), 9 * MS);
    for place in 0..4 {
        driven.redirects(place, (7 + Nanos::from(place)) * MS);
    }
    driven.crew.go_on(&mut driven.engine, &mut driven.flight, || 11 * MS);
    for place in 0..5 {
        driven.ends(place, 12 * MS, Outcome::Status(200));
        driven.ends(place, 13 * MS, Outcome::Status(200));
    }
    assert!(driven.crew.is_empty());
    let figures = driven.flight.recorder.windows.close(false).figures;
    for (name, sent) in [("a", 10), ("a.redirect", 4)] {
        let Counters { sent: all, warmup, .. } = &figures.named[&RequestName::new(name).unwrap()].counters;
        assert_eq!(*all, sent, "{name}");
        assert_eq!(warmup.sent, warmup.completed, "{name}");
    }
}

#[test]
fn windows_become_complete_though_there_is_always_a_session_that_is_to_go_on() {
    const N: u32 = 50;
    let endless = NamedRequest { follow: 200, ..request("a") };
    let thinks = vec![PlanStep::Think(Think::Fixed(Duration::from_millis(900))), send(1)];
    let steps = vec![PlanStep::Choose(vec![
        Choice { name: "a".to_owned(), weight: 9, steps: vec![send(0)] },
        Choice { name: "b".to_owned(), weight: 1, steps: thinks },
    ])];
    let mut driven = Driven::start(vec![endless, request("b")], steps, (N, None), 0);
    let (mut now, mut closed) = (0, 0);
    while now < 3_000 * MS {
        now += 17 * MS;
        // The target answers all that is in flight, which is as much as goes on in a row, or more.
        for place in driven.engine.0.clone() {
            match driven.crew.seats[place as usize].attempt.unwrap().request {
                0 => driven.redirects(place, now),
                _ => driven.ends(place, now, Outcome::Status(200)),
            }
        }
        let due_since = driven.crew.due_since();
        closed += u64::from(driven.flight.recorder.windows.close_next(now, due_since, false).is_some());
        driven.crew.go_on(&mut driven.engine, &mut driven.flight, || now);
        assert!(!driven.crew.ready.is_empty() && driven.crew.next_at() == Some(Nanos::MIN));
    }
    assert_eq!(closed, 2, "the third one is over, and some of it has not been sent");
    assert!(driven.crew.thinking.is_empty(), "who thought enough went on");
    let total = driven.flight.recorder.total();
    assert_eq!(total.scheduled, total.sent);
}

#[test]
fn a_redirect_that_waited_for_a_connection_until_the_end_was_held_and_is_no_lag() {
    for (connections, lag_us) in [(Some(1), 0), (Some(3), 4_000), (None, 4_000)] {
        let mut driven = Driven::start(vec![following("a")], vec![send(0)], (2, connections), 0);
        // With one connection the second place has it now, and the redirect waits for it; otherwise nothing keeps us from
        // following the redirect.
        driven.redirects(0, 3 * MS);
        if connections == Some(1) {
            driven.crew.go_on(&mut driven.engine, &mut driven.flight, || 3 * MS);
            assert_eq!(driven.engine.0, [1]);
        }
        driven.flight.give_up(7 * MS, ErrorKind::Timeout, |_| Spans::default());
        driven.crew.abandon_all(&mut driven.flight, 7 * MS, ErrorKind::Timeout);
        let figures = driven.of("a.redirect");
        assert_eq!(figures.latencies.of(LatencyKind::Lag).max_us(), Some(lag_us), "{connections:?}");
    }
}

#[test]
fn redirects_that_waited_behind_what_is_given_up_were_held_whatever_their_places_are() {
    let mut driven = Driven::start(vec![following("a")], vec![send(0)], (3, Some(1)), 0);
    for place in 0..3 {
        let at = Nanos::from(place + 3) * MS;
        driven.redirects(place, at);
        driven.crew.go_on(&mut driven.engine, &mut driven.flight, || at);
    }
    assert_eq!(driven.engine.0, [0], "the redirect of the first one has the connection, the others wait");
    driven.flight.give_up(7 * MS, ErrorKind::Timeout, |_| Spans::default());
    driven.crew.abandon_all(&mut driven.flight, 7 * MS, ErrorKind::Timeout);
    assert_eq!(driven.of("a.redirect").latencies.of(LatencyKind::Lag).max_us(), Some(0));
}
