//! Tests beside one another: two of the same service, one of a slower one, and what cannot be compared.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

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

/// Writes a plan: a host of a name, so that each `run` can be led to another target.
fn plan(folder: &Path, name: &str, rate: u32, duration: &str) -> String {
    let plan = json!({
        "name": name, "target": { "url": "http://service.test/ping" },
        "load": { "mode": "tsunami", "rate": rate, "duration": duration }, "honesty": patient(),
    });
    let path = folder.join(format!("{name}.json"));
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
    let (_slow, slow) = Target::start(home.path(), &["--delay", "200ms"]);
    let led_to =
        |target: &Target| format!("service.test:80:{}", target.rest.base.trim_start_matches("http://"));
    let (to_fast, to_slow) = (led_to(&fast), led_to(&slow));
    let run = |name: &str, (rate, duration): (u32, &str), to: &str| -> Vec<String> {
        let plan = plan(home.path(), name, rate, duration);
        ["run", &plan, "--connect-to", to, "--drivers", "1", "--workers", "1"].map(str::to_owned).into()
    };
    fn words(owned: &[String]) -> Vec<&str> {
        owned.iter().map(String::as_str).collect()
    }

    // A minute of each at a time. Each stack has a folder of its own; the first one's is that which later tests have.
    let state = home.path().to_str().unwrap();
    let minute = (50, "60s");
    let tests = [("first", &to_fast), ("second", &to_fast), ("slower", &to_slow)];
    let mut running = tests.map(|(name, to)| {
        let process = Process::start(name, command(home.path(), &words(&run(name, minute, to))));
        wait_for("the test to run", PATIENCE, || {
            let listed = stdout(&output(home.path(), &["tests", "--data-dir", state]));
            listed.lines().any(|line| line.contains("running") && line.contains(name)).then_some(())
        });
        process
    });
    for process in &mut running {
        process.wait_end(PATIENCE);
    }

    let listed = stdout(&output(home.path(), &["tests", "--data-dir", state]));
    let id = |name: &str| {
        let line =
            listed.lines().find(|line| line.ends_with(name)).unwrap_or_else(|| panic!("{name}: {listed}"));
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
    let slower = compare(&[&a, "latest", "--max-regression", "25%"]);
    assert_eq!(slower.status.code(), Some(3), "{}{}", stdout(&slower), stderr(&slower));
    assert!(stdout(&slower).contains("REGRESSION  beyond 25%: p50 is "), "{}", stdout(&slower));

    // A test that ends is shown beside an earlier one; so few seconds cannot tell. Another load is refused before it begins.
    let with = |run: &[String], more: &[&str]| output(home.path(), &[&words(run)[..], more].concat());
    let short = run("short", (50, "2s"), &to_fast);
    assert_eq!(with(&short, &[]).status.code(), Some(0));
    let comment = home.path().join("comment.md");
    let cases = home.path().join("junit.xml");
    let files = ["--md", comment.to_str().unwrap(), "--junit", cases.to_str().unwrap()];
    let beside = with(&short, &[&["--baseline", "latest", "--max-regression", "25%"], &files[..]].concat());
    assert_eq!(beside.status.code(), Some(0), "{}{}", stdout(&beside), stderr(&beside));
    let text = stdout(&beside);
    assert!(
        text.contains("PASSED") && text.contains("of these two tests") && text.contains("cannot tell"),
        "{text}"
    );
    let comment = fs::read_to_string(comment).unwrap();
    assert!(comment.starts_with("### Groundswell: PASSED") && comment.contains("\n| p50 | "), "{comment}");
    let cases = fs::read_to_string(cases).unwrap();
    assert!(cases.contains("name=\"p50 beside the baseline\"") && cases.contains("skipped=\"7\""), "{cases}");
    // On stdout it can be written once alone: then it waits for the comparison, whose text goes to stderr.
    let piped = with(&short, &["--baseline", "latest", "--max-regression", "25%", "--junit", "-"]);
    let cases = stdout(&piped);
    assert!(cases.starts_with("<?xml") && cases.matches("<testsuites ").count() == 1, "{cases}");
    assert!(cases.contains("name=\"p50 beside the baseline\"") && cases.contains("skipped=\"7\""), "{cases}");
    assert!(stderr(&piped).contains("of these two tests"), "{}", stderr(&piped));
    let refused = with(&run("other", (40, "60s"), &to_fast), &["--baseline", &a]);
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
