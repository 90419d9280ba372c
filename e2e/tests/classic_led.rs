//! Our drivers led by another's orchestrator on Apache Kafka. They run exactly the tests that it means, and report each
//! of them with the classic figures.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::collections::BTreeSet;

use e2e::classic::Classic;
use e2e::kafka::Kafka;
use e2e::process::{PATIENCE, Process, command};
use e2e::system::Target;
use e2e::wait_for;
use serde_json::Value;

/// What a classic orchestrator heard of a test's ends: each driver's last report, by its node.
fn ends(orchestrator: &Classic, test: &str) -> Vec<Value> {
    let heard = orchestrator.said().into_iter();
    heard.filter(|said| said["test"] == test && said["status"] == "complete").collect()
}

#[track_caller]
fn wait_ends(orchestrator: &Classic, test: &str, n: usize) -> Vec<Value> {
    wait_for(&format!("{n} ends of {test}"), PATIENCE, || {
        Some(ends(orchestrator, test)).filter(|ends| ends.len() == n)
    })
}

/// The classic figures of ours say how many requests a test had on each driver, and nothing that cannot be.
#[track_caller]
fn assert_told(ends: &[Value], n: u64) {
    let nodes: BTreeSet<&str> = ends.iter().map(|end| end["node"].as_str().unwrap()).collect();
    assert_eq!(nodes, ["ours-1", "ours-2"].into(), "{ends:#?}");
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

#[test]
fn a_classic_orchestrator_leads_two_of_our_drivers() {
    let kafka = Kafka::start();
    let home = tempfile::tempdir().unwrap();
    let (_target, target) = Target::start(home.path(), &[]);
    // They are there first: nobody but them makes the topics, so that nothing is missed.
    let drivers: Vec<Process> = ["ours-1", "ours-2"]
        .map(|id| {
            let url = target.url();
            let arguments = [
                "driver",
                "--kafka",
                &kafka.address,
                "--target-url",
                &url,
                "--node-id",
                id,
                "--workers",
                "1",
            ];
            let mut command = command(home.path(), &arguments);
            command.arg("--child").env("RUST_LOG", "info");
            Process::start(id, command)
        })
        .into();
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
    assert_told(&wait_ends(&leader, "TSUNAMI_1", 2), 6);
    assert_eq!(target.received(), 12);
    leader.order("avalanche 12");
    assert_told(&wait_ends(&leader, "AVALANCHE_2", 2), 12);
    assert_eq!(target.received(), 36);
    leader.order("avalanche 0");
    assert_told(&wait_ends(&leader, "AVALANCHE_3", 2), 0);

    // An old trigger without a new config runs nothing: they say so when they have waited for one in vain.
    leader.order("again TSUNAMI_1");
    for driver in &drivers {
        wait_for("the word that nothing runs", PATIENCE, || {
            let logged = driver.logged();
            let ignored = |line: &String| line.contains("not acted on test=TSUNAMI_1");
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
    let told = wait_ends(&leader, "TSUNAMI_1", 4);
    assert_told(&told[2..], 3);
    leader.order("avalanche 4");
    assert_told(&wait_ends(&leader, "AVALANCHE_2", 4)[2..], 4);
    assert_eq!(target.received(), 36 + 6 + 8);

    // A test that is stopped tells what it sent up to then.
    leader.order("tsunami 0.05 10000");
    wait_for("the load", PATIENCE, || (target.received() > 60).then_some(()));
    leader.order("no TSUNAMI_3");
    let told = wait_ends(&leader, "TSUNAMI_3", 2);
    let sent: u64 = told.iter().map(|end| end["num_requests"].as_u64().unwrap()).sum();
    assert_eq!(target.received(), 50 + sent, "{told:#?}");

    // Each report of a driver has an id of its own.
    let said = leader.said();
    let reports: Vec<String> = said
        .iter()
        .filter(|said| said["heard"] == "metrics")
        .map(|said| said["report"].to_string())
        .collect();
    assert_eq!(reports.len(), reports.iter().collect::<BTreeSet<_>>().len(), "{reports:?}");
}
