//! Safety: who may ask, which targets a driver may send to, and what the REST answers to nonsense.
#![allow(clippy::unwrap_used)] // a test: what fails, fails it

use std::process::Command;

use e2e::process::output;
use e2e::system::{System, tsunami};

#[test]
fn a_target_outside_a_drivers_list_is_refused_by_that_driver_before_anything_is_sent() {
    let mut system = System::start("embedded", 1);
    let narrow = system.home.path().join("driver.toml");
    std::fs::write(&narrow, "[safety]\nallow_targets = [\"127.0.0.2/32\"]\n").unwrap();
    let id = system.add_driver(&["--config", narrow.to_str().unwrap()]);
    system.wait_alive(2);
    let target = system.add_target(&[]);
    let test = system.create(&tsunami(&target.url(), 10.0, "1s"));
    let answer = system.rest.post_empty(&format!("/api/v1/tests/{test}/trigger"));
    assert_eq!(answer.status, 409, "{}", answer.text);
    assert_eq!(answer.content_type, "application/problem+json");
    assert!(answer.text.contains(&id) && answer.text.contains("allow_targets"), "{}", answer.text);
    assert_eq!(target.received(), 0);
    assert_eq!(system.test(&test)["state"], "configured", "it can be triggered again");
}

#[test]
fn beyond_loopback_a_token_is_needed_and_it_shows_nowhere() {
    let home = tempfile::tempdir().unwrap();
    let refused = output(home.path(), &["orchestrator", "--kafka", "embedded", "--listen", "0.0.0.0:0"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("token_file"), "{said}");

    let secret = "s3cret-0123-token";
    let file = home.path().join("token");
    std::fs::write(&file, format!("{secret}\n")).unwrap();
    let token = ["--token-file", file.to_str().unwrap()];
    let mut system = System::start_with("embedded", 0, &token);
    let open = &system.rest;
    assert_eq!(open.get("/healthz").status, 200);
    for path in ["/api/v1/drivers", "/metrics", "/openapi.json", "/api/v1/bootstrap"] {
        let answer = open.get(path);
        assert_eq!(answer.status, 401, "{path}");
        assert_eq!(answer.content_type, "application/problem+json", "{path}");
    }
    system.rest = system.rest.with_token(secret);
    system.add_driver(&token);
    system.wait_alive(1);
    let target = system.add_target(&[]);
    let report = system.run(&tsunami(&target.url(), 20.0, "1s"));
    let listed = output(home.path(), &["drivers", "--orchestrator", &system.address, token[0], token[1]]);
    assert!(listed.status.success());
    let without = output(home.path(), &["drivers", "--orchestrator", &system.address]);
    assert_eq!(without.status.code(), Some(1));

    let logs = [system.orchestrator.logged(), system.drivers[0].0.logged()].concat().join("\n");
    let shown = [logs, report.to_string(), system.rest.get("/").text, system.rest.get("/metrics").text];
    assert!(shown.iter().all(|text| !text.contains(secret)));
}

#[test]
fn a_second_test_waits_for_the_first() {
    let mut system = System::start("embedded", 1);
    let target = system.add_target(&[]);
    let first = system.trigger(&tsunami(&target.url(), 10.0, "3s"));
    let second = system.create(&tsunami(&target.url(), 10.0, "1s"));
    let answer = system.rest.post_empty(&format!("/api/v1/tests/{second}/trigger"));
    assert_eq!(answer.status, 409, "{}", answer.text);
    assert!(answer.text.contains(&first), "{}", answer.text);
    system.finished(&first, e2e::process::PATIENCE);
    assert_eq!(system.rest.post_empty(&format!("/api/v1/tests/{second}/trigger")).status, 202);
}

#[test]
fn the_rest_answers_as_it_is_described() {
    let python = std::env::var("GROUNDSWELL_PYTHON").expect("GROUNDSWELL_PYTHON: `make e2e` sets it");
    let system = System::start("embedded", 0);
    let schemathesis = std::path::Path::new(&python).parent().unwrap().join("schemathesis");
    let checked = Command::new(schemathesis)
        .args(["run", &format!("{}/openapi.json", system.rest.base)])
        .args(["--checks", "all", "--exclude-checks", "positive_data_acceptance"])
        .args(["--exclude-path", "/api/v1/events", "--max-examples", "30", "--workers", "1", "--seed", "1"])
        .env("SCHEMATHESIS_HOOKS", concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/schemathesis_toml.py"))
        .current_dir(system.home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}\n{}", String::from_utf8_lossy(&checked.stderr));
}
