use common::plan::{DriverChoice, EngineChoice, Honesty, Load, Mode, Pace, Per, Plan, Request};
use common::wire::{
    ClassicConfig, ConfigOurs, Inbound, OtherProtocol, ReadAs, TestConfig, TestType, Topic, Unit, read,
};

use super::*;

mod over;
mod rate;
mod recorded;
mod steps;

const GRACE: Duration = Duration::from_secs(60);

/// A driver `d1` and its clock, in ms; every candidate passes its check at once by default.
struct Driver {
    life: Life,
    base: Instant,
    now_ms: u64,
    checks: Result<Option<String>, String>,
}

impl Driver {
    fn new() -> Self {
        Self::with(Habits::default())
    }

    fn with(habits: Habits) -> Self {
        let life = Life::new(NodeId::new("d1").unwrap(), GRACE, habits);
        Self { life, base: Instant::now(), now_ms: 0, checks: Ok(None) }
    }

    fn at(&mut self, now_ms: u64) -> &mut Self {
        self.now_ms = now_ms;
        self
    }

    /// Takes an input and the checks that follow from it; returns what was done, as words.
    fn step(&mut self, input: Input) -> Vec<String> {
        let now = self.base + Duration::from_millis(self.now_ms);
        let (mut words, mut checks) = (Vec::new(), Vec::new());
        for output in self.life.step(input, now) {
            match output {
                Output::Check(candidate) => checks.push(candidate.ticket),
                other => words.push(word(other)),
            }
        }
        for ticket in checks {
            words.extend(self.step(Input::Checked(ticket, self.checks.clone())));
        }
        words
    }

    fn ours(&mut self, id: &str, revision: u32, epoch: u64, nodes: &[&str]) -> Vec<String> {
        self.step(Input::Config { config: ours(id, revision, epoch, nodes), timestamp_ms: None })
    }

    fn classic(&mut self, id: &str, timestamp_ms: i64) -> Vec<String> {
        self.step(Input::Config { config: classic(id, 5), timestamp_ms: Some(timestamp_ms) })
    }

    fn yes(&mut self, id: &str, revision: Option<u32>, timestamp_ms: i64) -> Vec<String> {
        let trigger = Trigger {
            test_id: test(id),
            start: true,
            start_at_ms: Some(9_000),
            revision,
            setup: Default::default(),
        };
        self.step(Input::Trigger { trigger, timestamp_ms: Some(timestamp_ms) })
    }

    fn no(&mut self, id: &str, revision: Option<u32>, timestamp_ms: i64) -> Vec<String> {
        let trigger = Trigger {
            test_id: test(id),
            start: false,
            start_at_ms: None,
            revision,
            setup: Default::default(),
        };
        self.step(Input::Trigger { trigger, timestamp_ms: Some(timestamp_ms) })
    }
}

/// A driver that holds a test of ours whose check looks up `shop.test`, since 0 ms.
fn resolving() -> (Driver, Ticket) {
    let mut driver = Driver::new();
    let config = Input::Config { config: ours("t", 1, 5, &["d1"]), timestamp_ms: None };
    let outputs = driver.life.step(config, driver.base);
    let [Output::Check(candidate)] = &outputs[..] else { panic!("{outputs:?}") };
    driver.life.resolves(candidate.ticket, "shop.test");
    (driver, candidate.ticket)
}

#[test]
fn a_name_that_resolves_slowly_is_reported_until_it_is_resolved() {
    let (mut driver, ticket) = resolving();
    assert!(driver.at(199).step(Input::Tick).is_empty());
    assert_eq!(driver.at(250).step(Input::Tick), ["idle t/1: resolving shop.test"]);
    assert!(driver.at(500).step(Input::Tick).is_empty(), "reported once; the heartbeat repeats it");
    assert_eq!(driver.at(6_000).step(Input::Checked(ticket, Ok(None))), ["ready t/1"]);
}

#[test]
fn files_that_are_fetched_are_reported_as_they_come() {
    let (mut driver, ticket) = resolving();
    driver.at(250).step(Input::Tick);
    driver.life.fetched(ticket, 70_000);
    assert_eq!(driver.at(500).step(Input::Tick), ["idle t/1 fetched 70000"], "the name is resolved by then");
    driver.life.fetched(ticket, 70_000);
    assert!(driver.at(750).step(Input::Tick).is_empty());
    driver.life.fetched(ticket, 90_000);
    assert_eq!(driver.at(1_000).step(Input::Tick), ["idle t/1 fetched 90000"]);
    assert_eq!(driver.at(1_250).step(Input::Checked(ticket, Ok(None))), ["ready t/1"]);
}

#[test]
fn a_name_that_resolves_at_once_is_not_reported() {
    let (mut driver, ticket) = resolving();
    assert_eq!(driver.at(20).step(Input::Checked(ticket, Ok(None))), ["ready t/1"]);
}

fn word(output: Output) -> String {
    match output {
        Output::Check(candidate) => format!("check {}", candidate.test_id),
        Output::Reply(reply) => {
            let Reply { state, test_id, revision, reason, warning, fetched_bytes, steps, rate_change } =
                reply;
            let id = test_id.map_or(String::new(), |id| format!(" {id}"));
            let revision = revision.map_or(String::new(), |revision| format!("/{revision}"));
            let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
            let warning = warning.map_or(String::new(), |warning| format!(" warning: {warning}"));
            let fetched = fetched_bytes.map_or(String::new(), |bytes| format!(" fetched {bytes}"));
            let steps = steps.map_or(String::new(), |steps| {
                let why = steps.reason.as_ref().map_or(String::new(), |why| format!(": {why}"));
                format!(" {} {}{why}", steps.run.as_str(), steps.state.as_str())
            });
            let rate = rate_change.map_or(String::new(), |it| format!(" rate {} at {}", it.change, it.at));
            format!("{state:?}{id}{revision}{reason}{warning}{fetched}{steps}{rate}").to_lowercase()
        }
        Output::Start { candidate, start_at_ms } => {
            format!("START {} {}", candidate.test_id, start_at_ms.map_or("now".into(), |at| at.to_string()))
        }
        Output::Stop(why) => format!("STOP {why}"),
        Output::RunSteps { test_id, run, .. } => format!("RUN {} {test_id}", run.as_str()),
        Output::StopSteps => "STOP STEPS".into(),
        Output::ChangeRate(change) => format!("RATE {} {}", change.number, change.rate_per_s),
        Output::Register => "REGISTER".into(),
        Output::AnnounceEnd(Over { test_id, word, no }) => {
            let word = word.map_or(String::new(), |word| format!(" {word}"));
            format!("OVER {test_id}{word}{}", if no { " NO" } else { "" })
        }
        Output::Left => "LEFT".into(),
        Output::Ignored { test_id, why } => format!("ignored {test_id}: {why}"),
    }
}

fn test(id: &str) -> TestId {
    TestId::new(id).unwrap()
}

fn plan() -> Plan {
    Plan {
        name: "p".into(),
        drivers: DriverChoice::All,
        per: Per::Driver,
        target: "http://127.0.0.1:8081/ping".parse().unwrap(),
        request: Request {
            method: "GET".into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: Duration::from_secs(5),
            expect_status: vec![(200, 399)],
            engine: EngineChoice::Auto,
            identify: false,
            connection_reuse: true,
        },
        program: None,
        load: Load {
            mode: Mode::Tsunami { pace: Some(Pace::Rate(10.0)), max_in_flight: 8 },
            target_throughput: None,
            requests: Some(10),
            duration: None,
            warmup: Duration::ZERO,
            drain_timeout: Duration::from_secs(6),
            stages: Vec::new(),
            pacing: None,
            arrival: Default::default(),
            connections: None,
        },
        thresholds: Vec::new(),
        abort: Vec::new(),
        capacity: None,
        honesty: Honesty::default(),
    }
}

fn ours(id: &str, revision: u32, epoch: u64, nodes: &[&str]) -> Box<TestConfig> {
    let nodes: Vec<NodeId> = nodes.iter().map(|node| NodeId::new(node).unwrap()).collect();
    let plan = plan();
    let assignments = common::plan::share_out(&plan, &nodes).unwrap().into_iter().collect();
    let ours = ConfigOurs { revision, epoch: Epoch(epoch), plan, assignments };
    Box::new(TestConfig { ours: Some(ours), ..*classic(id, 10) })
}

fn classic(id: &str, message_count: u64) -> Box<TestConfig> {
    Box::new(TestConfig {
        test_id: test(id),
        classic: ClassicConfig {
            test_type: TestType::Tsunami,
            delay: 0.1,
            message_count,
            target_url: None,
            num_drivers: None,
        },
        ours: None,
        other_protocol: None,
    })
}

#[test]
fn our_test_is_answered_started_and_over() {
    let mut driver = Driver::new();
    assert_eq!(driver.ours("t", 1, 7, &["d1", "d2"]), ["ready t/1"]);
    assert_eq!(driver.yes("t", Some(1), 0), ["START t 9000", "running t/1"]);
    assert_eq!(driver.step(Input::Ended), ["idle"]);
    assert_eq!(driver.yes("t", Some(1), 0), ["ignored t: it ran already, or was stopped"]);
    assert_eq!(driver.ours("t", 2, 7, &["d1"]), ["ignored t: it ran already, or was stopped"], "once");
}

#[test]
fn a_config_without_a_share_is_not_ours_and_ends_an_earlier_barrier() {
    let mut driver = Driver::new();
    assert_eq!(driver.ours("t", 1, 7, &["d2"]), ["ignored t: it has no share for this driver"]);
    assert_eq!(driver.ours("u", 1, 7, &["d1"]), ["ready u/1"]);
    assert_eq!(driver.ours("t", 2, 7, &["d2"]), ["ignored t: it has no share for this driver", "idle"]);
}

#[test]
fn a_refused_plan_has_its_reason_and_is_not_started() {
    let mut driver = Driver::new();
    driver.checks = Err("d1: too fast".into());
    assert_eq!(driver.ours("t", 1, 7, &["d1"]), ["refused t/1: d1: too fast"]);
    driver.at(1_000);
    assert_eq!(driver.yes("t", Some(1), 0), ["ignored t: this driver refused it", "idle"]);
    driver.checks = Err("no".into());
    assert_eq!(driver.ours("u", 1, 7, &["d1"]), ["refused u/1: no"]);
    assert_eq!(driver.at(30_999).step(Input::Tick), Vec::<String>::new());
    assert_eq!(driver.at(31_000).step(Input::Tick), ["idle"], "a refusal is not for ever");
}

#[test]
fn an_orchestrator_of_another_protocol_is_refused_by_name() {
    let config = |id: &str, revision, protocol, drivers: &[&str]| {
        let drivers = drivers.iter().map(|name| NodeId::new(name).unwrap()).collect();
        let other = OtherProtocol { protocol, revision, epoch: Epoch(7), drivers };
        let config = Box::new(TestConfig { other_protocol: Some(other), ..*classic(id, 10) });
        Input::Config { config, timestamp_ms: None }
    };
    let mut driver = Driver::new();
    let refusal = "d1: speaks protocol 2, this orchestrator 3: install the same version on both";
    assert_eq!(driver.step(config("t", 1, Some(3), &["d1", "d2"])), [format!("refused t/1: {refusal}")]);
    assert_eq!(driver.yes("t", Some(1), 0), ["ignored t: this driver refused it", "idle"]);
    let refused = driver.step(config("u", 1, None, &["d1"]));
    assert!(refused[0].contains("this orchestrator an earlier one:"), "{refused:?}");
    let ignored = driver.step(config("v", 1, Some(1), &["d2"]));
    assert_eq!(ignored[0], "ignored v: it has no share for this driver");
    assert_eq!(driver.ours("w", 1, 7, &["d1"]), ["ready w/1"], "one of the same protocol leads as ever");
}

#[test]
fn a_plan_that_may_be_too_much_is_ready_with_a_warning() {
    let mut driver = Driver::new();
    driver.checks = Ok(Some("d1: beware".into()));
    assert_eq!(driver.ours("t", 1, 7, &["d1"]), ["ready t/1 warning: d1: beware"]);
    assert_eq!(driver.yes("t", Some(1), 0), ["START t 9000", "running t/1"]);
}

#[test]
fn another_test_is_refused_while_one_runs() {
    let mut driver = Driver::new();
    driver.ours("t", 1, 7, &["d1"]);
    driver.yes("t", Some(1), 0);
    assert_eq!(driver.ours("u", 1, 7, &["d1"]), ["refused u/1: d1: runs test t"]);
    assert_eq!(driver.life.reply().state, DriverState::Running);
    assert_eq!(driver.classic("c", 0), ["ignored c: a test of our own orchestrator runs"]);
}

#[test]
fn revisions_belong_together_and_the_later_config_wins() {
    let mut driver = Driver::new();
    driver.ours("t", 1, 7, &["d1"]);
    assert_eq!(driver.ours("t", 1, 7, &["d1"]), ["ignored t: it came twice"]);
    assert_eq!(driver.ours("t", 2, 7, &["d1"]), ["idle", "ready t/2"], "idle while it is checked");
    assert_eq!(driver.ours("t", 1, 7, &["d1"]), ["ignored t: it came twice"]);
    assert_eq!(driver.yes("t", Some(1), 0), Vec::<String>::new(), "a trigger of the first barrier");
    assert_eq!(driver.yes("t", Some(2), 0), ["START t 9000", "running t/2"]);
}

#[test]
fn a_trigger_waits_five_seconds_for_its_config() {
    let mut driver = Driver::new();
    assert_eq!(driver.at(0).yes("t", Some(1), 0), Vec::<String>::new());
    assert_eq!(driver.at(4_999).ours("t", 1, 7, &["d1"]), ["START t 9000", "running t/1"]);

    let mut driver = Driver::new();
    driver.at(0).yes("t", Some(1), 0);
    let lapsed = "ignored t: no new config came with this trigger";
    assert_eq!(driver.at(5_000).step(Input::Tick), [lapsed]);
    assert_eq!(driver.ours("t", 1, 7, &["d1"]), ["ready t/1"]);
}

#[test]
fn a_classic_trigger_matches_a_config_at_most_half_a_second_later() {
    let started = ["START c 9000", "running c"];
    for (config_ms, trigger_ms, starts, caption) in [
        (1_000, 1_004, true, "the config first"),
        (1_000, 60_000, true, "the config a minute earlier"),
        (1_500, 1_000, true, "500 ms later than the trigger"),
        (1_501, 1_000, false, "501 ms later: that trigger was for a test before it"),
    ] {
        let mut driver = Driver::new();
        driver.classic("c", config_ms);
        assert_eq!(driver.yes("c", None, trigger_ms) == started, starts, "{caption}");
        let mut driver = Driver::new();
        driver.yes("c", None, trigger_ms);
        assert_eq!(driver.classic("c", config_ms) == started, starts, "{caption}; trigger read first");
    }
}

#[test]
fn a_classic_id_runs_once_per_config() {
    let mut driver = Driver::new();
    driver.classic("c", 0);
    assert_eq!(driver.yes("c", None, 1), ["START c 9000", "running c"]);
    assert_eq!(driver.yes("c", None, 2), ["ignored c: a test with this id runs"]);
    assert_eq!(driver.classic("c", 3), ["ignored c: a test with this id runs"]);
    driver.step(Input::Ended);
    assert_eq!(driver.yes("c", None, 4), Vec::<String>::new(), "no new config");
    assert_eq!(driver.classic("c", 2_000), Vec::<String>::new(), "a new one, but not for that trigger");
    assert_eq!(driver.yes("c", None, 2_001), ["START c 9000", "running c"]);
}

#[test]
fn classic_tests_that_overlap_run_one_after_the_other() {
    let mut driver = Driver::new();
    driver.classic("a", 0);
    driver.yes("a", None, 1);
    driver.classic("b", 2);
    driver.classic("c", 2);
    assert_eq!(driver.yes("c", None, 3), Vec::<String>::new());
    assert_eq!(driver.yes("b", None, 4), Vec::<String>::new());
    assert_eq!(driver.yes("b", None, 5), Vec::<String>::new(), "twice");
    assert_eq!(driver.step(Input::Ended), ["START c 9000", "running c"]);
    assert_eq!(driver.step(Input::Ended), ["START b 9000", "running b"]);
    assert_eq!(driver.step(Input::Ended), ["idle"]);
}

#[test]
fn what_is_held_is_bounded() {
    let mut driver = Driver::new();
    for n in 0..1_000 {
        driver.classic(&format!("c{n}"), 0);
        driver.yes(&format!("t{n}"), None, 0);
    }
    assert_eq!((driver.life.held.len(), driver.life.triggers.len()), (MAX_HELD, MAX_HELD_TRIGGERS));
    driver.classic("a", 0);
    driver.yes("a", None, 1);
    for n in 0..100 {
        driver.classic(&format!("q{n}"), 0);
        driver.yes(&format!("q{n}"), None, 1);
    }
    assert_eq!(driver.life.held.len(), MAX_HELD);
}

#[test]
fn no_stops_what_runs_waits_or_is_ready() {
    let mut driver = Driver::new();
    driver.ours("t", 1, 7, &["d1"]);
    assert_eq!(driver.no("t", Some(1), 0), ["idle"], "ready");
    assert_eq!(driver.yes("t", Some(1), 0), ["ignored t: it ran already, or was stopped"]);
    assert_eq!(driver.ours("t", 2, 7, &["d1"]), ["ready t/2"], "triggered again after a failed barrier");
    driver.yes("t", Some(2), 0);
    assert_eq!(driver.no("u", None, 0), Vec::<String>::new(), "another test");
    assert_eq!(driver.no("t", Some(1), 0), Vec::<String>::new(), "an earlier revision");
    assert_eq!(driver.no("t", Some(2), 0), ["STOP stopped"]);
    assert_eq!(driver.no("t", Some(2), 0), Vec::<String>::new(), "repeating changes nothing");
    assert_eq!(driver.step(Input::Ended), ["idle"]);

    let mut driver = Driver::new();
    driver.no("t", Some(1), 0);
    let late = driver.ours("t", 1, 7, &["d1"]);
    assert_eq!(late, ["ignored t: it ran already, or was stopped"], "NO was read before its config");
}

#[test]
fn a_classic_no_does_not_reach_a_later_test_of_the_same_id() {
    let mut driver = Driver::new();
    driver.classic("c", 1_000);
    driver.no("c", None, 900);
    assert_eq!(driver.yes("c", None, 1_001), ["START c 9000", "running c"]);
    assert_eq!(driver.no("c", None, 1_100), ["STOP stopped"]);
    driver.step(Input::Ended);
    driver.classic("c", 2_000);
    driver.no("c", None, 2_100);
    assert_eq!(driver.yes("c", None, 2_200), Vec::<String>::new(), "it was taken back");
}

#[test]
fn a_silent_orchestrator_ends_the_load_but_never_a_classic_one() {
    let mut driver = Driver::new();
    driver.ours("t", 1, 7, &["d1"]);
    driver.yes("t", Some(1), 0);
    driver.at(50_000).step(Input::OrchestratorSeen(Epoch(7)));
    assert_eq!(driver.at(109_999).step(Input::Tick), Vec::<String>::new());
    assert_eq!(driver.at(110_000).step(Input::Tick), ["STOP orchestrator silent"]);
    assert_eq!(driver.at(120_000).step(Input::Tick), Vec::<String>::new(), "once");

    let mut driver = Driver::new();
    driver.classic("c", 0);
    driver.yes("c", None, 1);
    assert_eq!(driver.at(500_000).step(Input::Tick), Vec::<String>::new());

    let mut driver = Driver::new();
    driver.ours("t", 1, 7, &["d1"]);
    assert_eq!(driver.at(60_000).step(Input::Tick), ["idle"], "ready, but no trigger will come");
}

#[test]
fn the_lower_of_two_orchestrators_is_ignored() {
    let mut driver = Driver::new();
    driver.step(Input::OrchestratorSeen(Epoch(8)));
    let ignored = "ignored t: its orchestrator was replaced by a later one";
    assert_eq!(driver.ours("t", 1, 7, &["d1"]), [ignored]);
    driver.ours("u", 1, 8, &["d1"]);
    driver.yes("u", Some(1), 0);
    driver.at(59_000).step(Input::OrchestratorSeen(Epoch(7)));
    assert_eq!(driver.at(60_000).step(Input::Tick), ["STOP orchestrator silent"], "its beats do not count");
}

#[test]
fn a_new_life_of_the_orchestrator_ends_a_barrier_and_goes_on_with_a_test() {
    let mut driver = Driver::new();
    driver.ours("t", 1, 7, &["d1"]);
    assert_eq!(driver.step(Input::OrchestratorSeen(Epoch(8))), ["idle"]);
    driver.ours("u", 1, 8, &["d1"]);
    driver.yes("u", Some(1), 0);
    assert_eq!(driver.step(Input::OrchestratorSeen(Epoch(9))), Vec::<String>::new());
    assert_eq!(driver.no("u", Some(1), 0), ["STOP stopped"], "the new one stops it");
}

#[test]
fn leaving_stops_the_load_first() {
    let mut driver = Driver::new();
    driver.ours("t", 1, 7, &["d1"]);
    driver.yes("t", Some(1), 0);
    assert_eq!(driver.step(Input::Leave), ["STOP leaving"]);
    assert_eq!(driver.classic("c", 0), ["ignored c: this driver is leaving"]);
    assert_eq!(driver.step(Input::Ended), ["idle", "LEFT"]);
    assert_eq!(Driver::new().step(Input::Leave), ["LEFT"], "idle");
}

#[test]
fn a_check_that_is_not_done_keeps_the_start_waiting() {
    let mut driver = Driver::new();
    let now = driver.base;
    let config = Input::Config { config: ours("t", 1, 7, &["d1"]), timestamp_ms: None };
    let out = driver.life.step(config, now);
    let [Output::Check(candidate)] = out.as_slice() else { panic!("{out:?}") };
    assert_eq!(driver.yes("t", Some(1), 0), Vec::<String>::new());
    let checked = Input::Checked(candidate.ticket, Ok(None));
    assert_eq!(driver.step(checked), ["START t 9000", "running t/1"]);
}
