//! The pages around a test, as a person uses them in a browser: the list, the form, the drivers, the log-in, and what they
//! show while the orchestrator is gone. The page of one test has tests of its own (page.rs).
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::path::Path;

use e2e::browser::Browser;
use e2e::process::{PATIENCE, Process};
use e2e::rest::Rest;
use e2e::system::{System, avalanche, tsunami};
use e2e::wait_for;
use rustix::process::Signal;
use serde_json::{Value, json};

/// What the console says where the orchestrator answers with a refusal that the page shows.
const REFUSED: &str = "Failed to load resource: the server responded with a status of";

/// What it says where nothing answers.
const GONE: &str = "net::ERR_";

fn path(browser: &mut Browser) -> String {
    browser.run("location.pathname").as_str().unwrap().to_owned()
}

/// The tests of the history, newest first.
fn history(rest: &Rest) -> Vec<Value> {
    rest.get("/api/v1/tests").json()["tests"].as_array().unwrap().clone()
}

fn name_of(test: &Value) -> String {
    test["name"].as_str().unwrap().to_owned()
}

/// Waits until the page is that of one test; returns its id.
#[track_caller]
fn on_a_test(browser: &mut Browser) -> String {
    wait_for("the page of a test", PATIENCE, || {
        path(browser).strip_prefix("/tests/").map(ToOwned::to_owned).filter(|id| !id.is_empty())
    })
}

#[test]
fn a_test_is_created_watched_steered_run_again_and_deleted() {
    let mut system = System::start("embedded", 2);
    let target = system.add_target(&[]);
    let mut browser = Browser::open(&format!("{}/", system.rest.base));
    browser.see("h2", "No test yet");
    browser.see("main", "2 drivers are ready");
    browser.assert_accessible("no test yet");
    browser.shoot("tests-empty");

    // By keyboard to the form; faults stand at their fields, as the API reports them.
    browser.press("g");
    browser.press("n");
    browser.see("h1", "New test");
    browser.fill("Address target.url", "ftp://127.0.0.1/");
    browser.fill("Rate load.rate", "-5");
    browser.see("#field-target-url-fault", "scheme ftp");
    browser.see("#field-load-rate-fault", "");
    browser.assert_accessible("a form with faults");
    browser.shoot("new-faults");
    browser.fill("Address target.url", &target.url());
    browser.fill("Rate load.rate", "20");
    browser.fill("Duration load.duration", "90s");
    browser.click("button", "Add a threshold");
    browser.see(".summary", "20 requests/s (open loop, tsunami)");
    browser.see(".copyable", "\"response.p99\" = \"< 250ms\"");
    let toml = browser.texts(".copyable code").remove(0);
    browser.click("button", "groundswell");
    browser.see(".copyable", "groundswell run http://127.0.0.1");
    browser.click("button", "curl");
    browser.see(".copyable", "/trigger");
    browser.assert_accessible("a form that is right");
    browser.shoot("new");
    // TOML and back: the same plan.
    browser.click("button", "As TOML");
    assert_eq!(
        browser.run("document.getElementById('toml').value").as_str().map(str::trim),
        Some(toml.trim())
    );
    browser.see(".summary", "20 requests/s");
    browser.assert_accessible("a plan in TOML");
    browser.click("button", "As a form");
    browser.see("h2", "How much");
    browser.click("button", "Start now");
    let first = on_a_test(&mut browser);
    wait_for("the test to run", PATIENCE, || (system.test(&first)["state"] == "running").then_some(()));
    let plan = system.test(&first)["plan"].clone();
    assert_eq!((&plan["load"]["rate"], &plan["thresholds"]["response.p99"]), (&json!(20), &json!("< 250ms")));

    browser.press("g");
    browser.press("t");
    browser.see(".running h2", &name_of(&system.test(&first)));
    let sent = |browser: &mut Browser| {
        let shown = browser.texts(".running dd").into_iter().next()?;
        shown.replace(',', "").parse::<u64>().ok()
    };
    let before = wait_for("what was sent", PATIENCE, || sent(&mut browser).filter(|n| *n > 0));
    wait_for("more of it", PATIENCE, || sent(&mut browser).filter(|n| *n > before));
    browser.assert_accessible("a list with a test under way");
    browser.shoot("tests-running");
    browser.fill("Rate of each driver, 20/s now", "31");
    browser.click("button", "Change");
    browser.see(".running", "Rate of each driver, 31/s now");
    assert_eq!(system.test(&first)["rate_changes"][0]["rate"], 31.0);

    // Another tab follows what this one does.
    browser.order(&json!({ "do": "tab", "url": format!("{}/", system.rest.base) }));
    browser.see(".running h2", &name_of(&system.test(&first)));
    browser.order(&json!({ "do": "turn", "to": 0 }));
    let name = name_of(&system.test(&first));
    // One that is created meanwhile does not hide it.
    let waiting = system.create(&tsunami(&target.url(), 5.0, "1s"));
    browser.see(".history .id", &waiting);
    browser.see(".running h2", &name);
    browser.run("document.querySelector('.running .danger').click()");
    browser.see("dialog", "Stop this test?");
    browser.click("button", "Stop the test");
    browser.see(".history .badge", "aborted");
    browser.order(&json!({ "do": "turn", "to": 1 }));
    browser.see(".history .badge", "aborted");
    browser.see_no("main", "Rate of");
    assert_eq!(system.rest.delete(&format!("/api/v1/tests/{waiting}")).status, 204);
    assert_eq!(system.test(&first)["verdict"], "aborted");

    browser.click("button", &format!("Run again {name}"));
    let second = on_a_test(&mut browser);
    assert_ne!(first, second);
    wait_for("the second test to run", PATIENCE, || {
        (system.test(&second)["state"] == "running").then_some(())
    });
    assert_eq!(system.test(&second)["plan"], plan, "the same plan");
    assert_eq!(system.rest.post_empty(&format!("/api/v1/tests/{second}/stop")).status, 202);
    system.finished(&second, PATIENCE);

    browser.go(&format!("{}/?q={first}", system.rest.base));
    browser.see(".history .id", &first);
    browser.click("button", &format!("Delete {name}"));
    browser.see("dialog", "Delete this test?");
    browser.assert_accessible("the question before a test is deleted");
    browser.shoot("tests-delete");
    browser.press("Escape");
    browser.see_no("dialog", "Delete");
    browser.click("button", &format!("Delete {name}"));
    browser.click("button", "Delete");
    browser.see("main", "No test matches");
    browser.assert_accessible("no test matches");
    assert_eq!(system.rest.get(&format!("/api/v1/tests/{first}")).status, 404);
    assert_eq!(history(&system.rest).len(), 1);
    // Another tab finds it gone when it is looked at again.
    browser.order(&json!({ "do": "turn", "to": 0 }));
    browser.see(".history .id", &first);
    browser.run("window.dispatchEvent(new Event('focus')) && null");
    browser.see(".history .id", &second);
    browser.see_no(".history .id", &first);
    browser.order(&json!({ "do": "turn", "to": 1 }));
    browser.click("button", "Show all tests");
    browser.see(".history .id", &second);

    // Verdicts of every kind that is quick to have; compared, and listed.
    let mut failing = avalanche(&target.url(), 2, 100);
    failing["name"] = "checkout, too slow".into();
    failing["thresholds"] = json!({ "response.p99": "< 0.001ms" });
    assert_eq!(system.run(&failing)["verdict"], "failed");
    assert_eq!(system.run(&avalanche(&target.url(), 2, 200))["verdict"], "passed");
    system.create(&tsunami(&target.url(), 5.0, "1s"));
    browser.see(".history .badge", "passed");
    browser.see(".history .badge", "failed");
    browser.see(".history .badge", "configured");
    browser.assert_accessible("a list");
    browser.shoot("tests");
    browser.order(&json!({ "do": "choose", "label": "Verdict", "value": "failed" }));
    wait_for("one row", PATIENCE, || (browser.texts(".history tbody tr").len() == 1).then_some(()));
    assert_eq!(browser.run("location.search"), "?verdict=failed");
    // A refused plan leaves the browser a line in its console, and the page shows it.
    browser.assert_quiet(&[REFUSED]);
}

#[test]
fn a_driver_that_is_killed_is_shown_as_lost() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("orchestrator.toml");
    std::fs::write(&config, "[test]\nsuspect_after = \"1500ms\"\nlost_after = \"3s\"\n").unwrap();
    let mut system = System::start_with("embedded", 0, &["--config", config.to_str().unwrap()]);
    let mut browser = Browser::open(&format!("{}/drivers", system.rest.base));
    browser.see("h2", "No driver yet");
    browser.see("code", &format!("groundswell driver --orchestrator {}", system.address));
    browser.assert_accessible("no driver");
    browser.shoot("drivers-empty");
    let ids: Vec<String> = (0..3).map(|_| system.add_driver(&[])).collect();
    for id in &ids {
        browser.see(".drivers th", id);
    }
    browser.see(".title .badge", "3 alive");
    let listed = system.rest.get("/api/v1/drivers").json();
    for driver in listed.as_array().unwrap() {
        browser.see(".drivers tbody", driver["version"].as_str().unwrap());
    }
    browser.assert_accessible("three drivers");
    browser.shoot("drivers");

    let (killed, lost) = system.drivers.pop().unwrap();
    killed.signal(Signal::KILL);
    browser.see(".title .badge", "1 lost");
    let age = |browser: &mut Browser| -> f64 {
        let rows = browser.texts(".drivers tbody tr");
        let row = rows.iter().find(|row| row.contains(&lost)).unwrap();
        assert!(row.contains("lost"), "{row}");
        let before = row.split(" s ago").next().unwrap();
        before.rsplit(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap().parse().unwrap()
    };
    let first = age(&mut browser);
    assert!(first >= 2.5, "it is lost after 3 s of silence: {first}");
    wait_for("that it goes on ageing", PATIENCE, || (age(&mut browser) >= first + 2.0).then_some(()));
    browser.shoot("drivers-lost");
    browser.order(&json!({ "do": "check", "label": "Alive only" }));
    browser.see_no(".drivers th", &lost);
    browser.assert_quiet(&[REFUSED]);
}

fn orchestrator(home: &Path, listen: &str, flags: &[&str]) -> (Process, Rest, String) {
    let mut arguments = vec!["orchestrator", "--listen", listen, "--kafka", "embedded"];
    arguments.extend(flags);
    let (process, ready) = Process::node("orchestrator", home, &arguments);
    let address = ready["http"].as_str().unwrap().to_owned();
    (process, Rest::new(&address), address)
}

#[test]
fn the_page_says_how_old_it_is_while_the_orchestrator_is_gone_and_goes_on_with_the_next_one() {
    let home = tempfile::tempdir().unwrap();
    let (mut process, rest, address) = orchestrator(home.path(), "127.0.0.1:0", &[]);
    let plan = |name: &str| json!({ "name": name, "target": { "url": "http://127.0.0.1:1/" }, "load": { "rate": 1, "duration": "1s" } });
    assert_eq!(rest.post("/api/v1/tests", &plan("before")).status, 201);
    let mut browser = Browser::open(&format!("http://{address}/"));
    browser.see(".history th", "before");
    browser.see(".link-state", "live");
    process.signal(Signal::KILL);
    process.wait_end(PATIENCE);
    browser.see(".stale", "What you see is");
    browser.see(".link-state", "disconnected");
    browser.see(".history th", "before");
    browser.assert_accessible("disconnected");
    browser.shoot("tests-disconnected");
    let (_again, rest, _) = orchestrator(home.path(), &address, &[]);
    browser.see(".link-state", "live");
    browser.see_no("header", "What you see is");
    assert_eq!(rest.post("/api/v1/tests", &plan("after")).status, 201);
    browser.see(".history th", "after");
    browser.see(".history th", "before");
    browser.assert_quiet(&[REFUSED, GONE]);
}

#[test]
fn without_a_log_in_the_pages_show_nothing_and_ask_for_the_token() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("token");
    std::fs::write(&file, "an-orchestrators-token\n").unwrap();
    let flags = ["--token-file", file.to_str().unwrap()];
    let (mut process, rest, address) = orchestrator(home.path(), "127.0.0.1:0", &flags);
    let rest = rest.with_token("an-orchestrators-token");
    let mut browser = Browser::open(&format!("http://{address}/new"));
    browser.see("h1", "Log in");
    browser.see_no("body", "No test yet");
    browser.see(".link-state", "logged out");
    browser.assert_accessible("logged out");
    browser.shoot("log-in");
    // The documentation is open, since it holds no data.
    for (page, seen) in
        [("", "Documentation"), ("/loops", "Open and closed loops"), ("?q=lag", "Search: lag")]
    {
        browser.go(&format!("http://{address}/docs{page}"));
        browser.see("h1", seen);
        browser.assert_accessible(&format!("/docs{page}"));
    }
    browser.shoot("docs-found");
    browser.go(&format!("http://{address}/docs/compare"));
    browser.see("h1", "Tests beside one another");
    browser.shoot("docs");
    browser.go(&format!("http://{address}/new"));
    browser.see("h1", "Log in");
    browser.fill("Token", "another token");
    browser.click("button", "Log in");
    browser.see("[role=alert]", "This is not the orchestrator's token.");
    browser.assert_accessible("a wrong token");
    browser.fill("Token", "an-orchestrators-token");
    browser.click("button", "Log in");
    browser.see("h1", "New test");
    browser.see(".link-state", "live");
    // No script can read the log-in.
    assert_eq!(browser.run("document.cookie"), "");
    let cookies = browser.order(&json!({ "do": "cookies" }));
    assert_eq!(
        (&cookies[0]["httpOnly"], &cookies[0]["sameSite"]),
        (&json!(true), &json!("Strict")),
        "{cookies}"
    );
    assert!(!cookies.to_string().contains("an-orchestrators-token"));

    // It changes something, outlives a restart, and keeps what was being written.
    browser.fill("Address target.url", "http://127.0.0.1:1/");
    browser.see(".summary", "100 requests/s");
    browser.click("button", "Only create");
    browser.see(".history .badge", "configured");
    assert_eq!(history(&rest).len(), 1);
    process.signal(Signal::KILL);
    process.wait_end(PATIENCE);
    browser.see(".link-state", "disconnected");
    let (mut process, ..) = orchestrator(home.path(), &address, &flags);
    browser.see(".link-state", "live");
    browser.press("g");
    browser.press("n");
    browser.fill("Address target.url", "http://127.0.0.1:1/half-written");

    // Another token ends all log-ins: the page asks again, and what was written is still there.
    process.signal(Signal::KILL);
    process.wait_end(PATIENCE);
    std::fs::write(&file, "the-next-token\n").unwrap();
    let (_process, ..) = orchestrator(home.path(), &address, &flags);
    browser.see("h1", "Log in");
    browser.fill("Token", "the-next-token");
    browser.click("button", "Log in");
    browser.see("h1", "New test");
    let written = browser.run("document.getElementById('field-target-url').value");
    assert_eq!(written, "http://127.0.0.1:1/half-written");
    browser.click("button", "Log out");
    browser.see("h1", "Log in");
    browser.go(&format!("http://{address}/drivers"));
    browser.see("h1", "Log in");
    browser.assert_quiet(&[REFUSED, GONE]);
}

/// Milliseconds as tables show them.
fn shown_ms(value: f64) -> String {
    let decimals = match value {
        1_000.0.. => 0,
        100.0.. => 1,
        10.0.. => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

#[test]
fn the_other_pages_can_be_used_by_keyboard_too() {
    // Nothing listens there: what matters is which test the button starts.
    let mut system = System::start_with("embedded", 1, &["--try-target", "http://127.0.0.1:9/ping"]);
    let target = system.add_target(&[]);
    let mut browser = Browser::open(&format!("{}/", system.rest.base));
    browser.see("main", "50 requests a second for 10 s to http://127.0.0.1:9/ping");
    browser.assert_accessible("a first test to start");
    browser.shoot("tests-first");
    browser.click("button", "Start a first test");
    let first = on_a_test(&mut browser);
    let plan = &system.test(&first)["plan"];
    assert_eq!(plan["target"]["url"], "http://127.0.0.1:9/ping");
    assert_eq!((&plan["load"]["rate"], &plan["load"]["duration"]), (&json!(50), &json!("10s")));
    assert_eq!(system.rest.post_empty(&format!("/api/v1/tests/{first}/stop")).status, 202);
    system.finished(&first, PATIENCE);
    browser.go(&format!("{}/compare", system.rest.base));
    browser.see("h2", "Nothing to compare yet");
    browser.assert_accessible("nothing to compare");
    let names = ["a plan <b>with markup</b>", "another <script>alert(1)</script>"];
    let mut ids = Vec::new();
    for name in names {
        let mut plan = avalanche(&target.url(), 2, 100);
        plan["name"] = name.into();
        ids.push(system.run(&plan)["test_id"].as_str().unwrap().to_owned());
    }
    browser.go(&format!("{}/compare", system.rest.base));
    browser.see("h2", "A, before");
    browser.assert_accessible("tests to choose from");
    browser.shoot("compare-choose");
    // Over each other: a curve each, and their figures at p99 as the API has them.
    browser.go(&format!("{}/compare?a={}&b={}", system.rest.base, ids[0], ids[1]));
    browser.see(".legend", &format!("A: {}", names[0]));
    browser.see(".legend", &format!("B: {}", names[1]));
    browser.assert_accessible("tests over each other");
    browser.shoot("compare");
    browser.click("button", "Percentiles as a table");
    for id in &ids {
        let span = system.rest.get(&format!("/api/v1/tests/{id}/span")).json();
        let max = span["totals"]["latency_ms"]["response"]["max"].as_f64().unwrap();
        browser.see(".chart-table tr:last-child", &shown_ms(max));
    }
    browser.go(&format!("{}/", system.rest.base));
    for name in names {
        browser.see(".history th", name);
    }
    assert_eq!(browser.run("document.querySelectorAll('.history b, .history script').length"), 0);
    browser.press("?");
    browser.see("dialog", "Go to Drivers");
    browser.assert_accessible("the shortcuts");
    browser.shoot("shortcuts");
    browser.press("Escape");
    browser.go(&format!("{}/tests/none", system.rest.base));
    browser.see("main", "This test is not in the history");
    // From the keyboard alone: the first stop leads past the bar.
    browser.go(&format!("{}/drivers", system.rest.base));
    browser.see(".drivers th", &system.drivers[0].1);
    browser.press("Tab");
    assert_eq!(browser.run("document.activeElement.textContent.trim()"), "Skip to the content");
    browser.assert_quiet(&[REFUSED]);
}
