//! The registry in scenarios: which records arrive when, and what follows.

mod habits;

use common::counters::Counters;
use common::ids::TestId;
use common::wire::{Calibrated, ClassicMetrics, DriverState, HeartbeatOurs, PROTOCOL, RegisterOurs, Window};

use super::*;
use crate::fixtures;
use crate::fixtures::node_id as id;
use crate::now::Now;

const LEADER: Epoch = Epoch(100);

fn s(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

fn register(name: &str, epoch: Option<u64>, address: &str) -> Register {
    let ours = epoch.map(|epoch| RegisterOurs {
        protocol: Some(PROTOCOL),
        epoch: Epoch(epoch),
        version: "0.1.0".to_owned(),
        cores: 2,
        labels: [("rack".to_owned(), "7".to_owned())].into(),
        max_rate: Some(500.0),
        kernel: Some("kernel-1".to_owned()),
        plan_language: None,
        rate_changes: None,
        calibrated: Some(Calibrated { at: "then".to_owned(), open_per_s: None, closed_per_s: 900.0 }),
    });
    Register { node_id: id(name), address: Some(address.to_owned()), ours }
}

fn beat(name: &str, epoch: Option<u64>, alive: bool) -> Heartbeat {
    let ours = epoch.map(|epoch| HeartbeatOurs {
        state: Some(DriverState::Idle),
        clock_offset_us: Some(1_500),
        ..HeartbeatOurs::new(Epoch(epoch), Role::Driver)
    });
    Heartbeat { node_id: id(name), alive, sent_at_us: None, ours }
}

fn leader_beat(epoch: u64) -> Heartbeat {
    let mut beat = beat("leader", Some(epoch), true);
    if let Some(ours) = &mut beat.ours {
        ours.role = Role::Orchestrator;
    }
    beat
}

fn report(name: &str, test: &str) -> Metrics {
    Metrics {
        node_id: id(name),
        test_id: TestId::new(test).ok(),
        report_id: None,
        classic: ClassicMetrics { num_requests: Some(7), ..ClassicMetrics::default() },
        ours: None,
    }
}

/// A registry, the time, and our own heartbeats coming back each second while Kafka works.
struct Story {
    registry: Registry,
    now: Duration,
    kafka: bool,
}

impl Story {
    fn new() -> Self {
        let mut story =
            Self { registry: Registry::new(LEADER, Patience::default()), now: s(0.0), kafka: true };
        story.registry.heartbeat(&leader_beat(LEADER.0), story.now);
        story
    }

    /// Lets time pass in steps of 250 ms; `each` is called at every step.
    fn pass(&mut self, seconds: f64, mut each: impl FnMut(&mut Registry, Duration)) {
        let end = self.now + s(seconds);
        while self.now < end {
            self.now += s(0.25);
            if self.kafka && self.now.subsec_millis() == 0 {
                self.registry.heartbeat(&leader_beat(LEADER.0), self.now);
            }
            each(&mut self.registry, self.now);
            self.registry.tick(self.now);
        }
    }

    fn silence(&mut self, seconds: f64) {
        self.pass(seconds, |_, _| {});
    }

    fn beats(&mut self, name: &str, epoch: Option<u64>, every: f64, seconds: f64) {
        let mut due = self.now;
        self.pass(seconds, |registry, now| {
            if now >= due {
                registry.heartbeat(&beat(name, epoch, true), now);
                due += s(every);
            }
        });
    }

    #[track_caller]
    fn is(&self, name: &str, expected: Liveness) {
        let facts = self.registry.facts(&id(name), self.now).expect("the node is known");
        assert_eq!(facts.liveness, expected, "{name} at {:?}", self.now);
    }
}

#[test]
fn a_driver_that_falls_silent_is_suspect_then_lost_and_alive_with_its_next_record() {
    let mut story = Story::new();
    story.registry.register(&register("a", Some(5), "127.0.0.1:0"), story.now);
    story.beats("a", Some(5), 1.0, 8.0);
    story.is("a", Liveness::Alive);
    story.silence(2.75);
    story.is("a", Liveness::Alive);
    story.silence(1.5);
    story.is("a", Liveness::Suspect);
    story.silence(7.0);
    story.is("a", Liveness::Lost);
    let events = story.registry.heartbeat(&beat("a", Some(5), true), story.now);
    assert!(events.contains(&Event::Liveness { node: id("a"), from: Liveness::Lost, to: Liveness::Alive }));
}

#[test]
fn patience_goes_by_the_nodes_own_interval() {
    // (beats every, still alive after, suspect after, lost after)
    for (every, alive, suspect, lost) in
        [(1.0, 2.5, 3.5, 10.5), (3.0, 8.5, 9.5, 15.5), (10.0, 29.0, 31.0, 51.0)]
    {
        let mut story = Story::new();
        story.beats("a", Some(1), every, every * 8.0);
        // The last beat came just now.
        story.silence(alive);
        story.is("a", Liveness::Alive);
        story.silence(suspect - alive);
        story.is("a", Liveness::Suspect);
        story.silence(lost - suspect);
        story.is("a", Liveness::Lost);
    }
}

#[test]
fn a_pause_or_a_burst_does_not_become_the_interval() {
    let mut story = Story::new();
    story.beats("a", Some(1), 1.0, 6.0);
    story.silence(8.0);
    // The records that waited in Kafka arrive at once, then heartbeats are regular again.
    for _ in 0..2 {
        story.registry.heartbeat(&beat("a", Some(1), true), story.now);
    }
    story.beats("a", Some(1), 1.0, 2.0);
    story.silence(11.0);
    story.is("a", Liveness::Lost);
}

#[test]
fn silence_does_not_count_while_our_own_heartbeats_stay_out() {
    let mut story = Story::new();
    story.beats("a", Some(1), 1.0, 5.0);
    story.kafka = false;
    story.silence(600.0);
    story.is("a", Liveness::Alive);
    assert!(!story.registry.own_heartbeats_arrive(story.now));
    story.kafka = true;
    story.beats("a", Some(1), 1.0, 3.0);
    story.is("a", Liveness::Alive);
    story.silence(12.0);
    story.is("a", Liveness::Lost);
}

#[test]
fn a_later_life_fences_the_earlier_one() {
    let mut story = Story::new();
    story.registry.register(&register("a", Some(5), "127.0.0.1:1"), story.now);
    let events = story.registry.heartbeat(&beat("a", Some(9), true), story.now);
    assert_eq!(
        events,
        [Event::Replaced { node: id("a"), old: Some(Epoch(5)), new: Epoch(9) }, Event::State(id("a"))]
    );
    assert!(story.registry.heartbeat(&beat("a", Some(5), false), story.now).is_empty());
    story.is("a", Liveness::Alive);
    assert_eq!(story.registry.counts().fenced_records, 1);
    let facts = story.registry.facts(&id("a"), story.now).unwrap();
    assert_eq!(
        (facts.epoch, facts.max_rate),
        (Some(Epoch(9)), None),
        "fields of the earlier life are discarded"
    );
}

#[test]
fn a_record_without_an_epoch_does_not_keep_a_node_of_ours_alive() {
    let mut story = Story::new();
    story.beats("a", Some(1), 1.0, 5.0);
    for _ in 0..12 {
        story.pass(1.0, |registry, now| {
            registry.heartbeat(&beat("a", None, true), now);
        });
    }
    story.is("a", Liveness::Lost);
    assert!(story.registry.counts().conflicting_records >= 12);
}

#[test]
fn a_node_that_never_registered_is_known_by_any_record_and_ours_by_its_epoch() {
    let mut story = Story::new();
    assert_eq!(story.registry.heartbeat(&beat("old", None, true), story.now), [Event::Appeared(id("old"))]);
    story.registry.metrics(&report("quiet", "t"), story.now);
    let facts = |story: &Story, name: &str| story.registry.facts(&id(name), story.now).unwrap();
    assert!(facts(&story, "old").is_classic() && facts(&story, "quiet").is_classic());
    story.registry.heartbeat(&beat("old", Some(3), true), story.now);
    assert!(!facts(&story, "old").is_classic(), "ours if any record of it has an epoch");
}

#[test]
fn goodbye_means_left_until_it_registers_and_only_for_ours() {
    let mut story = Story::new();
    story.beats("ours", Some(1), 1.0, 2.0);
    story.beats("old", None, 1.0, 2.0);
    story.registry.heartbeat(&beat("ours", Some(1), false), story.now);
    story.registry.heartbeat(&beat("old", None, false), story.now);
    story.is("ours", Liveness::Left);
    story.is("old", Liveness::Alive);
    assert_eq!(story.registry.facts(&id("old"), story.now).unwrap().said_no_at, Some(story.now));
    story.registry.register(&register("ours", Some(1), "127.0.0.1:0"), story.now);
    story.is("ours", Liveness::Alive);
}

/// With `[classic] no_at_end` a driver sends `NO` at the end of a test, for orchestrators other than ours, and goes on.
#[test]
fn a_driver_of_ours_that_beats_on_after_its_no_is_here_again() {
    let mut story = Story::new();
    story.beats("ours", Some(1), 1.0, 2.0);
    story.registry.heartbeat(&beat("ours", Some(1), false), story.now);
    story.is("ours", Liveness::Left);
    story.beats("ours", Some(1), 1.0, 1.0);
    story.is("ours", Liveness::Alive);
}

#[test]
fn an_idle_classic_node_becomes_stale_and_is_lost_only_in_a_test() {
    for (busy, expected) in [(false, Liveness::Stale), (true, Liveness::Lost)] {
        let mut story = Story::new();
        story.beats("old", None, 1.0, 5.0);
        if busy {
            story.registry.set_busy([(id("old"), None)].into(), story.now);
        }
        story.silence(11.5);
        story.is("old", expected);
    }
}

#[test]
fn a_deaf_classic_node_is_left_out_until_it_registers_again() {
    let mut story = Story::new();
    story.beats("old", None, 1.0, 5.0);
    story.registry.mark_deaf(&id("old"), story.now);
    story.beats("old", None, 1.0, 5.0);
    story.is("old", Liveness::Deaf);
    assert!(!story.registry.facts(&id("old"), story.now).unwrap().is_alive());
    story.registry.register(&register("old", None, "127.0.0.1"), story.now);
    story.is("old", Liveness::Alive);
}

#[test]
fn a_classic_node_that_may_have_been_started_again_is_known_anew() {
    let since = |story: &Story| story.registry.facts(&id("old"), story.now).unwrap().known_since;
    let registers = |story: &mut Story| {
        story.registry.register(&register("old", None, "127.0.0.1"), story.now);
        story.now
    };
    let mut story = Story::new();
    story.beats("old", None, 1.0, 2.0);
    let first = registers(&mut story);
    assert_eq!(since(&story), first, "it beat before it registered");
    for _ in 0..12 {
        story.beats("old", None, 1.0, 1.0);
        registers(&mut story);
    }
    assert_eq!(since(&story), first, "frequent registrations are of the same process");
    story.beats("old", None, 1.0, 6.0);
    let again = registers(&mut story);
    assert_eq!(since(&story), again, "another process under the same id, which may not listen yet");
    story.registry.mark_deaf(&id("old"), story.now);
    story.beats("old", None, 1.0, 1.0);
    let cured = registers(&mut story);
    assert_eq!(since(&story), cured, "it was deaf");
    story.silence(12.0);
    story.is("old", Liveness::Stale);
    story.registry.heartbeat(&beat("old", None, true), story.now);
    assert_eq!(since(&story), story.now, "it was gone");
}

#[test]
fn after_a_restart_the_drivers_of_a_test_are_waited_for() {
    let mut story = Story::new();
    story.registry.set_busy([(id("a"), Some(Epoch(5)))].into(), story.now);
    story.is("a", Liveness::Alive);
    story.silence(9.0);
    assert_ne!(story.registry.facts(&id("a"), story.now).unwrap().liveness, Liveness::Lost);
    story.silence(2.5);
    story.is("a", Liveness::Lost);
    story.registry.heartbeat(&beat("a", Some(5), true), story.now);
    story.is("a", Liveness::Alive);
}

#[test]
fn an_orchestrator_is_never_a_node_and_a_higher_epoch_ends_ours() {
    let mut story = Story::new();
    assert!(story.registry.heartbeat(&leader_beat(LEADER.0 - 1), story.now).is_empty());
    assert!(story.registry.is_empty());
    assert_eq!(
        story.registry.heartbeat(&leader_beat(LEADER.0 + 1), story.now),
        [Event::Superseded(Epoch(LEADER.0 + 1))]
    );
}

#[test]
fn two_addresses_under_one_classic_id_are_reported() {
    let mut story = Story::new();
    story.registry.register(&register("old", None, "127.0.0.1"), story.now);
    assert!(story.registry.register(&register("old", None, "127.0.0.1"), story.now).is_empty());
    let events = story.registry.register(&register("old", None, "127.0.0.2"), story.now);
    assert!(matches!(&events[..], [Event::TwoAddresses { known, .. }] if known == "127.0.0.1"));
}

#[test]
fn a_flood_of_made_up_ids_stops_at_the_bound_and_leaves_when_silent() {
    let mut story = Story::new();
    for n in 0..MAX_NODES + 50 {
        story.registry.heartbeat(&beat(&format!("made-up-{n}"), None, true), story.now);
    }
    assert_eq!(story.registry.len(), MAX_NODES);
    assert_eq!(story.registry.counts().refused_records, 50);
    story.registry.set_busy([(id("made-up-7"), None)].into(), story.now);
    story.silence(60.0);
    assert_eq!(story.registry.len(), 1, "a node that is busy with a test stays");
}

#[test]
fn a_view_shows_what_the_node_reported() {
    let mut story = Story::new();
    story.registry.register(&register("a", Some(5), "127.0.0.1:9"), story.now);
    let mut running = beat("a", Some(5), true);
    if let Some(ours) = &mut running.ours {
        ours.state = Some(DriverState::Running);
        ours.test_id = TestId::new("t").ok();
        ours.counters = Some(Counters { sent: 42, ..Counters::default() });
    }
    story.registry.heartbeat(&running, story.now);
    story.registry.metrics(&report("old", "t"), story.now);
    let now = Now { elapsed: story.now + s(0.5), unix_us: 1_000_000 };
    let views = story.registry.views(now);
    let [ours, old] = &views[..] else { panic!("{views:?}") };
    assert_eq!((ours.state.as_str(), ours.liveness.as_str(), ours.age_ms), ("running", "alive", 500));
    assert_eq!((ours.requests_sent, ours.clock_offset_ms, ours.epoch), (Some(42), Some(1.5), Some(5)));
    assert_eq!((ours.version.as_deref(), ours.cores, ours.max_rate), (Some("0.1.0"), Some(2), Some(500.0)));
    let calibration = ours.calibration.as_ref().unwrap();
    assert_eq!((calibration.open_per_s, calibration.closed_per_s), (None, 900.0));
    assert_eq!(ours.last_seen, "1970-01-01T00:00:00.500000Z");
    assert_eq!((old.classic, old.requests_sent, old.test_id.as_deref()), (true, Some(7), Some("t")));
}

#[test]
fn a_node_of_another_protocol_is_listed_with_its_version() {
    let mut story = Story::new();
    let now = story.now;
    story.registry.heartbeat(&beat("early", Some(1), true), now);
    for (name, protocol) in [("old", Some(1)), ("none", None), ("same", Some(PROTOCOL))] {
        let mut register = register(name, Some(1), "127.0.0.1:0");
        register.ours.as_mut().unwrap().protocol = protocol;
        story.registry.register(&register, now);
        let view = story.registry.view(&id(name), Now { elapsed: now, unix_us: 0 }).unwrap();
        assert_eq!((view.protocol, view.version.as_deref(), view.alive), (protocol, Some("0.1.0"), true));
    }
    let other = |name: &str| story.registry.facts(&id(name), now).unwrap().protocol.is_other();
    assert_eq!(["early", "old", "none", "same"].map(other), [false, true, true, false]);
}

/// A heartbeat of a driver in a test, with what it has sent.
fn beats_in(name: &str, test: Option<&str>, state: DriverState, sent: Option<u64>) -> Heartbeat {
    let mut beat = beat(name, Some(5), true);
    if let Some(ours) = &mut beat.ours {
        ours.state = Some(state);
        ours.test_id = test.and_then(|test| TestId::new(test).ok());
        ours.counters = sent.map(|sent| Counters { sent, ..Counters::default() });
    }
    beat
}

fn window(name: &str, test: &str, sent: u64) -> Metrics {
    let counters = Counters { sent, ..Counters::default() };
    let window = Window { epoch: Epoch(5), ..fixtures::window(0, 0, counters) };
    Metrics { ours: Some(Box::new(window)), ..report(name, test) }
}

#[test]
fn what_a_driver_sent_is_of_the_test_it_takes_or_took_part_in() {
    use DriverState::{Idle, Ready, Refused, Running};
    let mut story = Story::new();
    let sent = |story: &Story| story.registry.views(at(story)).first().and_then(|view| view.requests_sent);
    let mut step = |caption: &str, record: Result<Heartbeat, Metrics>, expected: Option<u64>| {
        match record {
            Ok(beat) => story.registry.heartbeat(&beat, story.now),
            Err(metrics) => story.registry.metrics(&metrics, story.now),
        };
        assert_eq!(sent(&story), expected, "{caption}");
    };
    step("idle, and never in a test", Ok(beats_in("a", None, Idle, None)), None);
    step("ready", Ok(beats_in("a", Some("t1"), Ready, None)), Some(0));
    step("a window", Err(window("a", "t1", 20)), Some(20));
    step("a heartbeat that is older", Ok(beats_in("a", Some("t1"), Running, Some(17))), Some(20));
    step("a newer one", Ok(beats_in("a", Some("t1"), Running, Some(31))), Some(31));
    step("the final window", Err(window("a", "t1", 40)), Some(40));
    step("between tests", Ok(beats_in("a", None, Idle, None)), Some(40));
    step("a test that it refused", Ok(beats_in("a", Some("t2"), Refused, None)), Some(40));
    step("the next test", Ok(beats_in("a", Some("t3"), Ready, None)), Some(0));
    step("a late window of the first", Err(window("a", "t1", 40)), Some(0));
    step("its own", Err(window("a", "t3", 3)), Some(3));
}

fn at(story: &Story) -> Now {
    Now { elapsed: story.now, unix_us: 1_000_000 }
}

#[test]
fn after_a_restart_a_node_is_described_as_it_registered_before() {
    let ours = |epoch: u64| RegisterOurs {
        protocol: None,
        epoch: Epoch(epoch),
        version: "0.9.0".to_owned(),
        cores: 16,
        labels: BTreeMap::new(),
        max_rate: None,
        kernel: None,
        plan_language: None,
        rate_changes: None,
        calibrated: None,
    };
    let known = |name: &str, epoch: Option<u64>| KnownNode {
        node_id: id(name),
        address: Some(format!("127.0.0.1:{name}")),
        ours: epoch.map(ours),
    };
    let mut story = Story::new();
    // A record of one arrives before the store has answered.
    story.registry.heartbeat(&beat("a", Some(5), true), story.now);
    story.registry.remember(vec![known("a", Some(5)), known("b", Some(5)), known("c", None)]);
    assert_eq!(story.registry.views(at(&story)).len(), 1, "no record of the others has arrived");
    story.registry.heartbeat(&beat("b", Some(6), true), story.now);
    story.registry.heartbeat(&beat("c", None, true), story.now);
    let views = story.registry.views(at(&story));
    let shown: Vec<_> = views.iter().map(|view| (view.address.as_deref(), view.cores)).collect();
    assert_eq!(
        shown,
        [(Some("127.0.0.1:a"), Some(16)), (None, None), (Some("127.0.0.1:c"), None)],
        "b has a new life"
    );
    // What it registers is newer than what is stored.
    story.registry.register(&register("a", Some(5), "127.0.0.2:7"), story.now);
    story.registry.remember(vec![known("a", Some(5))]);
    let a = &story.registry.views(at(&story))[0];
    assert_eq!((a.address.as_deref(), a.cores), (Some("127.0.0.2:7"), Some(2)));
}

#[test]
fn facts_have_a_warning_without_the_name_of_its_driver() {
    for (warning, expected) in [("a: too fast", "too fast"), ("beware", "beware")] {
        let mut story = Story::new();
        let mut ready = beat("a", Some(5), true);
        if let Some(ours) = &mut ready.ours {
            (ours.state, ours.warning) = (Some(DriverState::Ready), Some(warning.to_owned()));
        }
        story.registry.heartbeat(&ready, story.now);
        let facts = story.registry.facts(&id("a"), story.now).unwrap();
        assert_eq!(facts.warning.as_deref(), Some(expected));
    }
}

#[test]
fn facts_have_what_a_driver_answered_to_its_config() {
    for (state, reason, is_resolving, refusal) in [
        (
            DriverState::Refused,
            Some("a: target 10.0.0.1 is not allowed"),
            false,
            Some("target 10.0.0.1 is not allowed"),
        ),
        (DriverState::Refused, Some("not allowed"), false, Some("not allowed")),
        (DriverState::Refused, Some("ab: not allowed"), false, Some("ab: not allowed")),
        (DriverState::Refused, None, false, None),
        (DriverState::Idle, Some("resolving shop.test"), true, None),
        (DriverState::Idle, None, false, None),
    ] {
        let mut story = Story::new();
        let mut answers = beat("a", Some(5), true);
        if let Some(ours) = &mut answers.ours {
            (ours.state, ours.reason) = (Some(state), reason.map(str::to_owned));
        }
        story.registry.heartbeat(&answers, story.now);
        let facts = story.registry.facts(&id("a"), story.now).unwrap();
        assert_eq!((facts.is_resolving, facts.refusal.as_deref()), (is_resolving, refusal), "{reason:?}");
    }
}

#[test]
fn a_driver_reads_plans_of_sessions_by_what_it_registered() {
    let mut story = Story::new();
    let mut reads = |plan_language: Option<u32>| {
        let mut register = register("a", Some(5), "127.0.0.1:1");
        if let Some(ours) = register.ours.as_mut() {
            ours.plan_language = plan_language;
        }
        story.registry.register(&register, story.now);
        story.registry.facts(&id("a"), story.now).map(|node| node.reads_programs)
    };
    assert_eq!([reads(None), reads(Some(1)), reads(Some(2))], [Some(false), Some(true), Some(true)]);
}
