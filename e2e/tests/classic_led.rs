//! Our drivers led by another's orchestrator on Apache Kafka. They run exactly the tests that it means, and report each
//! of them with the classic figures.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::collections::BTreeSet;
use std::path::Path;

use e2e::classic::Classic;
use e2e::kafka::Kafka;
use e2e::process::{PATIENCE, Process, command};
use e2e::system::Target;
use e2e::wait_for;
use serde_json::{Value, json};

/// The ends of a test that a classic orchestrator received: each driver's last report, by its node.
fn ends(orchestrator: &Classic, test: &str) -> Vec<Value> {
    let lines = orchestrator.said().into_iter();
    lines.filter(|said| said["test"] == test && said["status"] == "complete").collect()
}

#[track_caller]
fn wait_ends(orchestrator: &Classic, test: &str, n: usize) -> Vec<Value> {
    wait_for(&format!("{n} ends of {test}"), PATIENCE, || {
        Some(ends(orchestrator, test)).filter(|ends| ends.len() == n)
    })
}

/// The classic figures of our drivers have the right count of requests for each driver, and plausible latencies.
#[track_caller]
fn assert_figures(ends: &[Value], drivers: [&str; 2], n: u64) {
    let nodes: BTreeSet<&str> = ends.iter().map(|end| end["node"].as_str().unwrap()).collect();
    assert_eq!(nodes, drivers.into(), "{ends:#?}");
    for end in ends {
        assert_eq!(end["num_requests"], n, "{end:#}");
        let ms = |name: &str| end[name].as_f64().unwrap_or_else(|| panic!("{name} of {end:#}"));
        let (min, max) = (ms("min_latency"), ms("max_latency"));
        for figure in ["mean_latency", "median_latency"] {
            assert!((min..=max).contains(&ms(figure)), "{figure} of {end:#}");
        }
        assert_eq!(max > 0.0, n > 0, "{end:#}");
    }
}

const OURS: [&str; 2] = ["ours-1", "ours-2"];

/// A driver of ours that is given Kafka and no orchestrator, with settings in its environment.
fn driver(home: &Path, kafka: &Kafka, target: &Target, id: &str, settings: &[(&str, &str)]) -> Process {
    let url = target.url();
    let arguments =
        ["driver", "--kafka", &kafka.address, "--target-url", &url, "--node-id", id, "--workers", "1"];
    let mut command = command(home, &arguments);
    command.arg("--child").env("RUST_LOG", "info");
    command.envs(settings.iter().map(|(key, value)| (format!("GROUNDSWELL__{key}"), value)));
    Process::start(id, command)
}

#[test]
fn a_classic_orchestrator_leads_two_of_our_drivers() {
    let kafka = Kafka::start();
    let home = tempfile::tempdir().unwrap();
    let (_target, target) = Target::start(home.path(), &[]);
    // Our drivers start first: they create the topics, so they miss no record.
    let drivers = OURS.map(|id| driver(home.path(), &kafka, &target, id, &[]));
    let mut leader = Classic::orchestrator(&kafka.address, &["--numbers-as", "strings"]);
    wait_for("both to register", PATIENCE, || {
        let said = leader.said();
        let registered: BTreeSet<&str> = said
            .iter()
            .filter(|said| said["type"] == "DRIVER_NODE_REGISTER" && said["address"].is_string())
            .map(|said| said["node"].as_str().unwrap())
            .collect();
        (registered.len() == 2).then_some(())
    });

    leader.order("tsunami 0.2 6");
    assert_figures(&wait_ends(&leader, "TSUNAMI_1", 2), OURS, 6);
    assert_eq!(target.received(), 12);
    leader.order("avalanche 12");
    assert_figures(&wait_ends(&leader, "AVALANCHE_2", 2), OURS, 12);
    assert_eq!(target.received(), 36);
    leader.order("avalanche 0");
    assert_figures(&wait_ends(&leader, "AVALANCHE_3", 2), OURS, 0);

    // An old trigger without a new config runs nothing: the drivers log that after they have waited for a config.
    leader.order("again TSUNAMI_1");
    for driver in &drivers {
        wait_for("the word that nothing runs", PATIENCE, || {
            let logged = driver.logged();
            let ignored = |line: &String| line.contains("not acted on test_id=TSUNAMI_1");
            logged.iter().any(ignored).then_some(())
        });
    }
    assert_eq!(target.received(), 36);

    // It begins anew, and its ids with it; now it says where to, and sends the trigger first.
    drop(leader);
    let url = target.url();
    let flags = ["--gap=-0.05", "--target-url", &url, "--url-field", "test_server"];
    let mut leader = Classic::orchestrator(&kafka.address, &flags);
    leader.order("tsunami 0.1 3");
    let ends_of_test = wait_ends(&leader, "TSUNAMI_1", 4);
    assert_figures(&ends_of_test[2..], OURS, 3);
    leader.order("avalanche 4");
    assert_figures(&wait_ends(&leader, "AVALANCHE_2", 4)[2..], OURS, 4);
    assert_eq!(target.received(), 36 + 6 + 8);

    // Drivers of a stopped test report what they had sent by then.
    leader.order("tsunami 0.05 10000");
    wait_for("the load", PATIENCE, || (target.received() > 60).then_some(()));
    leader.order("no TSUNAMI_3");
    let ends_of_test = wait_ends(&leader, "TSUNAMI_3", 2);
    let sent: u64 = ends_of_test.iter().map(|end| end["num_requests"].as_u64().unwrap()).sum();
    assert_eq!(target.received(), 50 + sent, "{ends_of_test:#?}");

    // Each report of a driver has an id of its own.
    let said = leader.said();
    let reports: Vec<String> = said
        .iter()
        .filter(|said| said["heard"] == "metrics")
        .map(|said| said["report"].to_string())
        .collect();
    assert_eq!(reports.len(), reports.iter().collect::<BTreeSet<_>>().len(), "{reports:?}");
}

/// Names of topics for one orchestrator and those whom it leads, so that several can use one Kafka: as its flag has them,
/// and as the settings of our drivers have them.
fn topics(of: &str) -> (String, Vec<(String, String)>) {
    let names = ["register", "test_config", "trigger", "metrics", "heartbeat"]
        .map(|topic| (topic, format!("{of}.{topic}-topic")));
    let flag: Vec<String> = names.iter().map(|(topic, name)| format!("{topic}={name}")).collect();
    let settings = names.map(|(topic, name)| (format!("KAFKA__TOPICS__{}", topic.to_uppercase()), name));
    (flag.join(","), settings.into())
}

/// A classic orchestrator and two of our drivers, on topics of their own.
struct Led {
    leader: Classic,
    _drivers: [Process; 2],
}

impl Led {
    /// Starts them and waits until the drivers have registered.
    fn start(
        home: &Path,
        kafka: &Kafka,
        target: &Target,
        of: &str,
        flags: &[&str],
        settings: &[(&str, &str)],
    ) -> Self {
        let (flag, names) = topics(of);
        let mut all: Vec<(&str, &str)> =
            names.iter().map(|(key, name)| (key.as_str(), name.as_str())).collect();
        all.extend(settings);
        let ids = ["a", "b"].map(|driver| format!("{of}-{driver}"));
        let drivers = ids.map(|id| driver(home, kafka, target, &id, &all));
        let leader = Classic::orchestrator(&kafka.address, &[&["--topics", &flag], flags].concat());
        let led = Self { leader, _drivers: drivers };
        led.wait_received("register", 2);
        led
    }

    fn received(&self, what: &str) -> Vec<Value> {
        self.leader.said().into_iter().filter(|said| said["heard"] == what).collect()
    }

    #[track_caller]
    fn wait_received(&self, what: &str, n: usize) {
        wait_for(&format!("the leader to receive {what:?} from {n} drivers"), PATIENCE, || {
            let nodes: BTreeSet<String> =
                self.received(what).iter().map(|said| said["node"].to_string()).collect();
            (nodes.len() >= n).then_some(())
        });
    }
}

#[test]
fn orchestrators_that_wait_for_more_than_the_last_report_get_it_where_it_is_set() {
    let kafka = Kafka::start();
    let home = tempfile::tempdir().unwrap();
    let (_target, target) = Target::start(home.path(), &[]);
    for (sign, key, value) in [
        ("no", "CLASSIC__NO_AT_END", "true"),
        ("register", "CLASSIC__REGISTER_AFTER_TRIGGER", "true"),
        ("word", "CLASSIC__END_WORD", "EOFBREAK"),
    ] {
        let start = |of: String, settings: &[(&str, &str)]| {
            Led::start(home.path(), &kafka, &target, &of, &["--waits-for", sign], settings)
        };
        let mut without = start(format!("{sign}.without"), &[]);
        let mut with = start(format!("{sign}.with"), &[(key, value)]);

        without.leader.order("avalanche 7");
        let waits = without.leader.wait_did("waits", 1);
        assert_eq!((&waits["test"], &waits["wants"]), (&"AVALANCHE_1".into(), &json!([sign])), "{waits}");
        assert_eq!(without.leader.did("ended"), Vec::<Value>::new(), "{sign}: it waits for ever");

        // A test with load, one without, one that is stopped: each is over to it.
        with.leader.order("avalanche 7");
        with.leader.wait_did("ended", 1);
        with.leader.order("avalanche 0");
        with.leader.wait_did("ended", 2);
        with.leader.order("tsunami 0.05 10000");
        let before = target.received();
        wait_for("the load", PATIENCE, || (target.received() > before).then_some(()));
        with.leader.order("no TSUNAMI_3");
        let ended = with.leader.wait_did("ended", 3);
        assert_eq!(ended["test"], "TSUNAMI_3");
        assert_eq!(with.leader.did("waits"), Vec::<Value>::new(), "{sign}");

        // Two drivers, three tests: what was set, and nothing else.
        let n = |led: &Led| ["register", "no", "word"].map(|what| led.received(what).len());
        assert_eq!(n(&without), [2, 0, 0], "{sign}");
        let expected = match sign {
            "no" => [2, 6, 0],
            "register" => [8, 0, 0],
            _ => [2, 0, 6],
        };
        assert_eq!(n(&with), expected, "{sign}");
        let words = with.received("word");
        assert!(
            words.iter().all(|said| said["word"] == "EOFBREAK" && said["topic"] == "metrics"),
            "{words:?}"
        );
        if sign == "no" {
            with.wait_received("yes again", 2);
        }
    }
}

#[test]
fn an_orchestrator_that_gives_up_drivers_which_beat_too_rarely_keeps_those_that_are_set_to_beat_faster() {
    let kafka = Kafka::start();
    let home = tempfile::tempdir().unwrap();
    let (_target, target) = Target::start(home.path(), &[]);
    let start = |of: &str, settings: &[(&str, &str)]| {
        Led::start(home.path(), &kafka, &target, of, &["--drops-after", "0.8"], settings)
    };
    let slow = start("slow", &[]);
    slow.leader.wait_did("dropped", 2);
    drop(slow);
    let mut fast = start("fast", &[("CLASSIC__HEARTBEAT_EVERY", "100ms")]);
    fast.wait_received("20 beats", 2);
    fast.leader.order("tsunami 0.1 9");
    fast.leader.wait_did("ended", 1);
    assert_figures(&ends(&fast.leader, "TSUNAMI_1"), ["fast-a", "fast-b"], 9);
    assert_eq!(fast.leader.did("dropped"), Vec::<Value>::new());
}
