//! Files that people write: every one we ship is valid, and every fault of theirs is reported at once.
#![allow(clippy::unwrap_used)] // a test: what fails, fails it

use e2e::process::output;
use e2e::repository;

#[track_caller]
fn assert_faults(name: &str, text: &str, keys: &[&str]) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(name);
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    let output = output(home.path(), &["validate", path]);
    let lines = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{lines}");
    let lines: Vec<&str> = lines.lines().map(|line| line.trim_start_matches("groundswell: ")).collect();
    assert_eq!(lines.len(), keys.len(), "{lines:#?}");
    for key in keys {
        let line = lines.iter().find(|line| line.contains(key));
        assert!(line.is_some_and(|line| line.starts_with(path)), "{key} in {lines:#?}");
    }
}

#[test]
fn a_plan_with_seven_faults_yields_seven_lines() {
    let text = "nme = 'x'\ndrivers = 0\n[target]\nurl = 'ftp://x'\n[request]\nmethod = 'GE T'\ntimeout = 'soon'\n\
                [load]\nmode = 'tsunami'\nrate = -1\nduration = '1s'\n[thresholds]\n'response.q42' = '< 1ms'\n";
    let keys =
        ["nme", "drivers", "target.url", "request.method", "request.timeout", "load.rate", "response.q42"];
    assert_faults("plan.toml", text, &keys);
}

#[test]
fn a_config_with_seven_faults_yields_seven_lines() {
    let text = "[node]\nidd = 'x'\n[kafka]\nmetrics_partitions = 0\n[http]\nlisten = 'nowhere'\nmax_connections = -1\n\
                [test]\nready_timeout = 'soon'\nstart_delay = 5\n[store]\nkeep_tests = 'many'\n";
    let keys = [
        "idd",
        "metrics_partitions",
        "http.listen",
        "max_connections",
        "ready_timeout",
        "start_delay",
        "keep_tests",
    ];
    assert_faults("orchestrator.toml", text, &keys);
}

#[test]
fn everything_that_is_shipped_is_valid() {
    let home = tempfile::tempdir().unwrap();
    let folder = repository().join("config");
    let mut files: Vec<String> = Vec::new();
    for folder in [folder.clone(), folder.join("plans")] {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().extension().is_some_and(|extension| extension == "toml") {
                files.push(entry.path().display().to_string());
            }
        }
    }
    assert!(files.len() >= 8, "{files:?}");
    let arguments: Vec<&str> = std::iter::once("validate").chain(files.iter().map(String::as_str)).collect();
    let output = output(home.path(), &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_version_names_the_commit() {
    let home = tempfile::tempdir().unwrap();
    let output = output(home.path(), &["--version"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let head = std::process::Command::new("git")
        .args(["rev-parse", "--short=10", "HEAD"])
        .current_dir(repository())
        .output()
        .unwrap();
    let head = String::from_utf8_lossy(&head.stdout).trim().to_owned();
    assert!(text.contains(&head), "{text:?} does not name {head}");
}
