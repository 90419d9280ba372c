//! Tests beside one another: two of the same service, one of a slower one, and what cannot be compared.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test: what fails, fails it

use std::fs;
use std::path::Path;
use std::process::Output;

use e2e::process::{PATIENCE, Process, command, output};
use e2e::system::{Target, patient};
use e2e::wait_for;
use serde_json::{Value, json};

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Writes the plan of a minute: a host of a name, so that each `run` can be led to another target.
fn plan(folder: &Path, name: &str, rate: u32) -> String {
    let plan = json!({
        "name": name, "target": { "url": "http://service.test/ping" },
        "load": { "mode": "tsunami", "rate": rate, "duration": "60s" }, "honesty": patient(),
    });
    let path = folder.join(format!("{name}-{rate}.json"));
    fs::write(&path, plan.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The figure of that name.
fn figure<'c>(comparison: &'c Value, name: &str) -> &'c Value {
    let figures = comparison["figures"].as_array().unwrap();
    figures.iter().find(|figure| figure["figure"] == name).unwrap()
}

#[test]
fn tests_of_one_service_are_alike_and_one_of_a_slower_service_is_a_regression() {
    let home = tempfile::tempdir().unwrap();
    let (_fast, fast) = Target::start(home.path(), &["--delay", "40ms"]);
    let (_slow, slow) = Target::start(home.path(), &["--delay", "60ms"]);
    let led_to =
        |target: &Target| format!("service.test:80:{}", target.rest.base.trim_start_matches("http://"));
    let (to_fast, to_slow) = (led_to(&fast), led_to(&slow));
    let [first_plan, second_plan, other_plan] =
        [("first", 50), ("second", 50), ("other", 40)].map(|(name, rate)| plan(home.path(), name, rate));
    let run = |plan: &'_ str, to: &'_ str| -> Vec<String> {
        ["run", plan, "--connect-to", to, "--drivers", "1", "--workers", "1"].map(str::to_owned).into()
    };
    fn words(owned: &[String]) -> Vec<&str> {
        owned.iter().map(String::as_str).collect()
    }

    // Two minutes at a time: the first has the folder that the third will find, the second the next one.
    let state = home.path().to_str().unwrap();
    let first_run = run(&first_plan, &to_fast);
    let first = Process::start("first", command(home.path(), &words(&first_run)));
    wait_for("the first test to run", PATIENCE, || {
        let listed = stdout(&output(home.path(), &["tests", "--data-dir", state]));
        listed.lines().any(|line| line.contains("running") && line.contains("first")).then_some(())
    });
    let second = output(home.path(), &words(&run(&second_plan, &to_fast)));
    assert_eq!(second.status.code(), Some(0), "{}{}", stdout(&second), stderr(&second));
    let mut first = first;
    first.wait_end(PATIENCE);

    let listed = stdout(&output(home.path(), &["tests", "--data-dir", state]));
    let id = |name: &str| {
        let line = listed.lines().find(|line| line.ends_with(name)).unwrap();
        line.split_whitespace().next().unwrap().to_owned()
    };
    let (a, b) = (id("first"), id("second"));
    let compare = |more: &[&str]| output(home.path(), &[&["compare", "--data-dir", state], more].concat());
    let alike = compare(&[&a, &b, "--max-regression", "25%"]);
    assert_eq!(alike.status.code(), Some(0), "{}{}", stdout(&alike), stderr(&alike));
    let text = stdout(&alike);
    assert!(text.contains("of these two tests") && text.contains("beyond doubt"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let written = compare(&[&a, &b, "--json", "-"]);
    let written: Value = serde_json::from_slice(&written.stdout).unwrap();
    let comparison = &written["comparisons"][0];
    assert_eq!(comparison["asked"], "tests");
    for name in ["throughput", "errors"] {
        assert_eq!(figure(comparison, name)["outcome"], "same", "{comparison:#}");
    }
    // A machine that is busy adds its own; what the target waits for is most of it.
    let p50 = figure(comparison, "p50");
    assert!((p50["ratio"].as_f64().unwrap() - 1.0).abs() < 0.25, "{p50:#}");
    assert!(p50["a"].as_f64().unwrap() >= 40.0, "{p50:#}");
    // 3,000 requests: three of them are slower than p99.9.
    assert_eq!(figure(comparison, "p99.9")["sentence"], "p99.9: cannot tell: run at least 34 min");

    // The slower service, beside the first.
    let comment = home.path().join("comment.md");
    let limit = ["--baseline", &a, "--max-regression", "25%", "--md", comment.to_str().unwrap()];
    let third = output(home.path(), &[&words(&run(&first_plan, &to_slow))[..], &limit].concat());
    assert_eq!(third.status.code(), Some(3), "{}{}", stdout(&third), stderr(&third));
    let text = stdout(&third);
    assert!(text.contains("PASSED") && text.contains("REGRESSION  beyond 25%: p50 is "), "{text}");
    let comment = fs::read_to_string(comment).unwrap();
    assert!(
        comment.starts_with("### Groundswell: PASSED")
            && comment.contains("**Worse by more than 25% beyond doubt: ")
            && comment.contains("\n| p50 | "),
        "{comment}"
    );
    let again = compare(&[&a, "latest", "--max-regression", "25%"]);
    assert_eq!(again.status.code(), Some(3), "{}{}", stdout(&again), stderr(&again));

    // Another load is refused, after the load and before it.
    let refused =
        output(home.path(), &[&words(&run(&other_plan, &to_fast))[..], &["--baseline", &a]].concat());
    assert_eq!(refused.status.code(), Some(2), "{}{}", stdout(&refused), stderr(&refused));
    assert!(
        stderr(&refused).contains("load.rate is 50 in the baseline and 40 in this test"),
        "{}",
        stderr(&refused)
    );
    let same = compare(&[&a, &a]);
    assert_eq!(same.status.code(), Some(2), "{}{}", stdout(&same), stderr(&same));
    assert!(stderr(&same).contains("is named twice"), "{}", stderr(&same));
}
