//! The orchestrator killed at random instants of its first tests ever, on Apache Kafka: nothing may be missing.
//!
//! Each run has a data folder of its own and topics of its own (a new prefix on the same broker), so that no offset of
//! a run before is known to it. `FAULTS_RUNS` and `FAULTS_SEED` say how often and which instants; every second run
//! is killed within 2 s of the first trigger, where an orchestrator knows least of its Kafka.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::sync::Mutex;
use std::time::{Duration, Instant};

use e2e::faults::{Chance, runs};
use e2e::kafka::Kafka;
use e2e::process::Process;
use e2e::system::{System, assert_sound};
use e2e::wait_for;
use rustix::process::Signal;
use serde_json::{Value, json};

/// Tests of a run.
const TESTS: usize = 3;

/// Longest that a test may take, the time without its orchestrator included.
const TEST_WITHIN: Duration = Duration::from_secs(90);

/// Which runs CI does.
const SHORT: u64 = 3;

#[test]
fn the_orchestrator_killed_in_its_first_tests_loses_nothing() {
    let mut chance = Chance::from_environment();
    let kafka = Kafka::start();
    eprintln!("run  killed after  back after  during test  requests  missing");
    for run in 1..=runs(SHORT) {
        let latest = if run % 2 == 1 { 2.0 } else { 10.0 };
        let kill_after = chance.between(Duration::ZERO, Duration::from_secs_f64(latest));
        let back_after = chance.between(Duration::from_millis(200), Duration::from_secs(3));
        one_run(&kafka, run, kill_after, back_after);
    }
}

fn one_run(kafka: &Kafka, run: u64, kill_after: Duration, back_after: Duration) {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("orchestrator.toml");
    std::fs::write(&config, format!("[kafka]\ntopic_prefix = \"run-{run}-\"\n")).unwrap();
    let config = config.to_str().unwrap().to_owned();
    let start = |listen: &str, home: &std::path::Path| {
        let arguments = ["orchestrator", "--listen", listen, "--kafka", &kafka.address, "--config", &config];
        Process::unready_node("orchestrator", home, &arguments)
    };
    let orchestrator = start("127.0.0.1:0", home.path());
    let mut system = System::around(home, orchestrator);
    system.add_driver(&[]);
    system.add_driver(&[]);
    system.wait_alive(2);
    let target = system.add_target(&[]);
    let plan = json!({
        "name": "first tests", "drivers": 2, "target": { "url": target.url() },
        "load": { "mode": "tsunami", "rate": 100, "duration": "1500ms" },
    });

    let triggered = Mutex::new(None::<Instant>);
    let during = Mutex::new((0_usize, None::<usize>));
    let reports: Vec<Value> = std::thread::scope(|scope| {
        let (system_home, address, rest) = (system.home.path(), system.address.clone(), system.rest.clone());
        let orchestrator = &mut system.orchestrator;
        let (triggered, during) = (&triggered, &during);
        scope.spawn(move || {
            let first = wait_for("the first trigger", TEST_WITHIN, || *triggered.lock().unwrap());
            std::thread::sleep((first + kill_after).saturating_duration_since(Instant::now()));
            orchestrator.signal(Signal::KILL);
            {
                let mut during = during.lock().unwrap();
                during.1 = Some(during.0);
            }
            std::thread::sleep(back_after);
            *orchestrator = start(&address, system_home);
            orchestrator.wait_ready();
        });
        let mut reports = Vec::new();
        for n in 1..=TESTS {
            during.lock().unwrap().0 = n;
            let id = create(&rest, &plan);
            triggered.lock().unwrap().get_or_insert_with(Instant::now);
            reports.push(finish(&rest, &id));
        }
        reports
    });

    let n = |report: &Value, key: &str| report["totals"][key].as_u64().unwrap_or(0);
    let sent: u64 = reports.iter().map(|report| n(report, "sent")).sum();
    let missing: usize =
        reports.iter().map(|report| report["completeness"]["missing"].as_array().unwrap().len()).sum();
    let killed_in = during.lock().unwrap().1;
    eprintln!(
        "{run:>3}  {:>10.2} s  {:>8.2} s  {:>11}  {sent:>8}  {missing:>7}",
        kill_after.as_secs_f64(),
        back_after.as_secs_f64(),
        killed_in.map_or("after all".to_owned(), |n| n.to_string()),
    );
    for report in &reports {
        assert_sound(report);
        assert_ne!(report["verdict"], "incomplete", "{report:#}");
        assert_eq!(n(report, "scheduled"), 300, "{report:#}");
    }
    assert_eq!(sent, target.received(), "what the target received");
}

/// Stores the plan, whatever happens to the orchestrator meanwhile.
fn create(rest: &e2e::rest::Rest, plan: &Value) -> String {
    let plan = plan.to_string();
    wait_for("a test to be created", TEST_WITHIN, || {
        let answer = rest.attempt("/api/v1/tests", Some(&plan))?;
        (answer.status == 201).then(|| answer.json()["test_id"].as_str().unwrap().to_owned())
    })
}

/// Triggers the test, again where a restart of the orchestrator ended its barrier, and waits for its report.
fn finish(rest: &e2e::rest::Rest, id: &str) -> Value {
    let path = format!("/api/v1/tests/{id}");
    wait_for(&format!("test {id} to finish"), TEST_WITHIN, || {
        let answer = rest.attempt(&path, None)?;
        let test = (answer.status == 200).then(|| answer.json())?;
        match test["state"].as_str().unwrap() {
            "finished" => Some(test),
            "configured" => {
                // Refused while the drivers are not known again: asked once more.
                rest.attempt(&format!("{path}/trigger"), Some(""));
                None
            }
            _ => None,
        }
    })
}
