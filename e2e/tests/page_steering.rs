//! A test is started, steered and stopped on its own page, zoomed into, and looked at driver by driver; and the page says how
//! to see the test again where its orchestrator is gone.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::path::Path;
use std::time::Duration;

use e2e::browser::Browser;
use e2e::process::{PATIENCE, Process};
use e2e::rest::Rest;
use e2e::system::{System, tsunami};
use e2e::wait_for;
use serde_json::json;

/// What the console says where the orchestrator refuses what the page then shows, and where nothing answers.
const REFUSED: &str = "Failed to load resource: the server responded with a status of";
const GONE: &str = "net::ERR_";

#[test]
fn a_test_is_started_steered_stopped_and_run_again_on_its_page() {
    let mut system = System::start("embedded", 2);
    let target = system.add_target(&["--delay", "3ms", "--jitter", "2ms"]);
    let base = system.rest.base.clone();
    let id = system.create(&tsunami(&target.url(), 50.0, "10m"));
    let mut browser = Browser::open(&format!("{base}/tests/{id}"));
    browser.see(".test-head .badge", "configured");
    // Its plan stands open as TOML.
    browser.see(".copyable code", "mode = \"tsunami\"");
    browser.assert_accessible("a test that has not begun");
    browser.shoot("test-configured");
    browser.click("button", "Start");
    browser.see(".facts dt", "Remaining");
    browser.assert_holds("liveIsTheApis", &base, &id);

    browser.click("button", "Change rate");
    browser.see("dialog", "Change the rate");
    browser.assert_accessible("the question for a rate");
    browser.fill("Requests a second, of each driver", "none");
    browser.click("button", "Change");
    browser.see("dialog .fault", "rate");
    browser.fill("Requests a second, of each driver", "70");
    browser.click("button", "Change");
    browser.see(".test-actions", "70/s from");
    browser.see(".events", "rate changed");
    assert_eq!(system.test(&id)["rate_changes"][0]["rate"], 70.0);
    // Some seconds at the new rate, so that there is something to zoom into.
    wait_for("seconds of the load", PATIENCE, || {
        let windows = system.rest.get(&format!("/api/v1/tests/{id}/windows")).json()["windows"].clone();
        (windows.as_array().unwrap().len() >= 12).then_some(())
    });

    browser.click("button", "Stop");
    browser.see("dialog", "Stop this test?");
    browser.assert_accessible("the question before a test is stopped");
    browser.click("button", "Stop the test");
    browser.see(".test-head .badge", "aborted");
    let report = system.finished(&id, Duration::from_secs(60));
    browser.see("button", "Run again");
    browser.assert_holds("numbersAreTheApis", &base, &id);
    browser.assert_holds("dragZooms", &base, &id);
    browser.assert_holds("keysZoom", &base, &id);

    // The charts of one driver, which has a part of the requests.
    let driver = &report["drivers"][1]["node_id"];
    browser.order(&json!({ "do": "choose", "label": "Charts of", "value": driver }));
    browser.click("button", "Load as a table");
    browser.see(".chart-table caption", "Load");
    browser.assert_accessible("the charts of a driver");

    browser.click("button", "Run again");
    let again = wait_for("the page of another test", PATIENCE, || {
        let path = browser.run("location.pathname").as_str().unwrap().to_owned();
        path.strip_prefix("/tests/").filter(|other| *other != id).map(ToOwned::to_owned)
    });
    assert_eq!(system.test(&again)["plan"], report["plan"], "the same plan");
    assert_eq!(system.rest.post_empty(&format!("/api/v1/tests/{again}/stop")).status, 202);
    browser.see(".test-head .badge", "aborted");

    // Both over each other: a zoom is one of all charts over time.
    system.finished(&again, Duration::from_secs(60));
    browser.go(&format!("{base}/compare?a={id}&b={again}"));
    browser.see(".toolbar-span", "0:00 – 0:");
    browser.run("document.querySelector('.time-cursor').focus()");
    for key in ["Home", "Enter", "ArrowRight", "ArrowRight", "ArrowRight", "Enter"] {
        browser.press(key);
    }
    browser.see(".toolbar-span", "0:00 – 0:04");
    browser.see(".chart h3", "Percentiles of the whole tests");
    browser.assert_accessible("tests over each other, zoomed");
    browser.press("Escape");
    browser.see_no(".toolbar-span", "0:00 – 0:04");
    browser.assert_quiet(&[REFUSED]);
}

/// An orchestrator with a Kafka of its own, listening where asked.
fn orchestrator(home: &Path, listen: &str) -> (Process, Rest, String) {
    let arguments = ["orchestrator", "--listen", listen, "--kafka", "embedded"];
    let (process, ready) = Process::node("orchestrator", home, &arguments);
    let address = ready["http"].as_str().unwrap().to_owned();
    (process, Rest::new(&address), address)
}

#[test]
fn the_page_of_a_test_whose_orchestrator_is_gone_names_the_command_that_shows_it() {
    let home = tempfile::tempdir().unwrap();
    let (mut process, rest, address) = orchestrator(home.path(), "127.0.0.1:0");
    let plan = tsunami("http://127.0.0.1:9/", 1.0, "1s");
    let id = rest.post("/api/v1/tests", &plan).json()["test_id"].as_str().unwrap().to_owned();
    // Without a driver it never starts: it is over by being stopped.
    assert_eq!(rest.post_empty(&format!("/api/v1/tests/{id}/stop")).status, 202);
    let mut browser = Browser::open(&format!("{}/tests/{id}", rest.base));
    browser.see(".test-head .badge", "aborted");
    process.stop();
    browser.see(".gone code", &format!("groundswell report {id}"));
    browser.assert_accessible("a test whose orchestrator is gone");
    browser.shoot("test-gone");
    let (_again, ..) = orchestrator(home.path(), &address);
    browser.see_no(".gone", "groundswell report");
    browser.see(".test-head .badge", "aborted");
    browser.assert_quiet(&[GONE, REFUSED]);
}
