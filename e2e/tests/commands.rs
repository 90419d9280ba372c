//! What commands say and how they end: faults of flags and settings, files that cannot be read, reports that are not
//! there, tests that are finished already.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test: what fails, fails it

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use e2e::process::{PATIENCE, Process, command, output};
use e2e::system::{System, Target, avalanche};
use e2e::wait_for;
use rustix::process::Signal;

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A plan that runs nowhere, by flags.
const NOWHERE: [&str; 6] = ["run", "http://127.0.0.1:1/", "--rate", "3", "--duration", "1s"];

#[test]
fn settings_that_are_wrong_are_exit_2_under_run_and_up() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [&NOWHERE[..], &["up", "--drivers", "1"]] {
        let wrong = output(home.path(), &[arguments, &["--precision", "exact"]].concat());
        let said = stderr(&wrong);
        assert_eq!(wrong.status.code(), Some(2), "{said}");
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("exact")).collect();
        assert!(lines.len() == 1 && lines[0].contains("--precision exact: "), "once, by the flag: {said}");
    }
    for (name, value) in
        [("GROUNDSWELL__DRIVER__PRECISION", "exact"), ("GROUNDSWELL__DRIVERS__PRECISION", "spin")]
    {
        let wrong = command(home.path(), &NOWHERE).env(name, value).output().unwrap();
        assert_eq!(wrong.status.code(), Some(2), "{}", stderr(&wrong));
        assert!(stderr(&wrong).contains(name), "{}", stderr(&wrong));
    }
}

#[test]
fn validate_goes_on_after_a_file_that_cannot_be_read() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let missing = home.path().join("missing.toml").display().to_string();
    let good =
        write("good.toml", "[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nrate = 2\nduration = '1s'\n");
    let bad =
        write("bad.toml", "[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nrate = 'x'\nduration = '1s'\n");
    let unreadable = output(home.path(), &["validate", &missing, &good]);
    assert_eq!(unreadable.status.code(), Some(1));
    assert!(stderr(&unreadable).contains(&missing));
    assert!(String::from_utf8_lossy(&unreadable.stdout).contains(&format!("{good}: a valid plan")));
    let faulty = output(home.path(), &["validate", &missing, &bad]);
    assert_eq!(faulty.status.code(), Some(2), "a fault is worse than a file that is not there");
    assert!(
        stderr(&faulty).contains(&missing) && stderr(&faulty).contains("load.rate"),
        "{}",
        stderr(&faulty)
    );
}

#[test]
fn stop_of_a_finished_test_says_so() {
    let mut system = System::start("embedded", 1);
    let target = system.add_target(&[]);
    let report = system.run(&avalanche(&target.url(), 1, 30));
    let id = report["test_id"].as_str().unwrap();
    let output = output(system.home.path(), &["stop", id, "--orchestrator", &system.address]);
    assert_eq!(output.status.code(), Some(0));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said, format!("test {id} is already finished: {}\n", report["verdict"].as_str().unwrap()));
}

/// Kills the oldest node of this kind that a run has started.
fn kill_child(run: &Process, kind: &str) {
    let child = e2e::proc::children(run.pid(), kind)[0];
    let child = rustix::process::Pid::from_raw(i32::try_from(child).unwrap()).unwrap();
    rustix::process::kill_process(child, Signal::KILL).unwrap();
}

/// A run of a minute that keeps its report in this file.
fn start_run(home: &Path, url: &str, json: &Path) -> Process {
    let json = json.to_str().unwrap();
    let load = ["--rate", "30", "--duration", "60s", "--drivers", "1", "--json", json];
    Process::start("run", command(home, &[&["run", "--url", url][..], &load].concat()))
}

#[test]
fn a_run_that_was_left_or_killed_keeps_no_report_of_an_earlier_one() {
    let targets = tempfile::tempdir().unwrap();
    let (_process, target) = Target::start(targets.path(), &[]);
    let home = tempfile::tempdir().unwrap();
    let json = home.path().join("report.json");
    std::fs::write(&json, r#"{ "test_id": "of-last-week" }"#).unwrap();
    let mut left = start_run(home.path(), &target.url(), &json);
    // A run that is left writes what it knows, which may be a second old: it has to know of requests before.
    wait_for("progress that counts requests", PATIENCE, || {
        let counts = |line: &String| line.contains(" sent, ") && !line.contains(" 0 sent, ");
        left.logged().iter().any(counts).then_some(())
    });
    left.signal(Signal::INT);
    wait_for("the stop", PATIENCE, || {
        left.logged().iter().any(|line| line.contains("stopping")).then_some(())
    });
    left.signal(Signal::INT);
    assert_eq!(left.wait_end(Duration::from_secs(20)).code(), Some(6));
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert_eq!(report["verdict"], "aborted");
    assert!(
        report["test_id"] != "of-last-week" && report["totals"]["sent"].as_u64().unwrap() > 0,
        "{report:#}"
    );

    let before = target.received();
    let mut killed = start_run(home.path(), &target.url(), &json);
    wait_for("the load", PATIENCE, || (target.received() > before + 15).then_some(()));
    killed.signal(Signal::KILL);
    killed.wait_end(PATIENCE);
    assert!(!json.exists(), "neither a report of its own nor an earlier one");
}

#[test]
fn a_driver_of_run_that_is_killed_makes_the_test_incomplete() {
    let targets = tempfile::tempdir().unwrap();
    let (_process, target) = Target::start(targets.path(), &[]);
    let home = tempfile::tempdir().unwrap();
    let url = target.url();
    let load = ["--rate", "30", "--duration", "7s", "--drivers", "2"];
    let mut run = Process::start("run", command(home.path(), &[&["run", "--url", &url][..], &load].concat()));
    wait_for("the load", PATIENCE, || (target.received() > 30).then_some(()));
    kill_child(&run, "driver");
    assert_eq!(run.wait_end(Duration::from_secs(90)).code(), Some(4), "{:?}", run.said());
    let said = run.logged().join("\n");
    assert!(said.contains("driver 1 ended: killed by SIGKILL"), "{said}");
    let said = run.said().join("\n");
    let last = said.rsplit("\n\n").next().unwrap();
    assert!(last.starts_with("INCOMPLETE  driver "), "the verdict and its first reason are last: {said}");
}

#[test]
fn a_run_whose_orchestrator_is_killed_ends_and_says_why() {
    let targets = tempfile::tempdir().unwrap();
    let (_process, target) = Target::start(targets.path(), &[]);
    let home = tempfile::tempdir().unwrap();
    let json = home.path().join("report.json");
    let mut run = start_run(home.path(), &target.url(), &json);
    wait_for("the load", PATIENCE, || (target.received() > 20).then_some(()));
    kill_child(&run, "orchestrator");
    assert_eq!(run.wait_end(PATIENCE).code(), Some(1), "{:?}", run.logged());
    let said = run.logged();
    let last = said.last().unwrap();
    assert!(
        last.contains("the orchestrator ended (killed by SIGKILL") && last.contains("embedded Kafka"),
        "{said:?}"
    );
    wait_for("its drivers to be gone", PATIENCE, || e2e::proc::of_home(home.path()).is_empty().then_some(()));
    // The test that had no end is closed by the next one, which passes.
    let next =
        ["run", "--url", &target.url(), "--quiet", "--requests", "9", "--rate", "90", "--drivers", "1"];
    let next = output(home.path(), &next);
    assert_eq!(next.status.code(), Some(0), "{}", stderr(&next));
}

#[test]
fn what_is_not_on_a_terminal_has_no_colours() {
    let home = tempfile::tempdir().unwrap();
    let output = output(home.path(), &NOWHERE);
    let all = [output.stdout.clone(), output.stderr].concat();
    assert!(!all.contains(&0x1b), "{}", String::from_utf8_lossy(&all));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let verdict = said.split(' ').next().unwrap().to_owned();
    assert!(said.trim_end().rsplit("\n\n").next().unwrap().starts_with(&verdict), "{said}");
}

/// A server for the requests of a test, and a closed loop of a few of them.
fn few(target: &Target) -> Vec<String> {
    [
        "run",
        &target.url(),
        "--mode",
        "avalanche",
        "--connections",
        "1",
        "--requests",
        "7",
        "--drivers",
        "1",
        "--quiet",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[test]
fn json_on_stdout_leaves_the_summary_to_stderr() {
    let home = tempfile::tempdir().unwrap();
    let (_serving, target) = Target::start(home.path(), &[]);
    let mut arguments = few(&target);
    arguments.extend(["--json", "-"].map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = command(home.path(), &arguments).current_dir(home.path()).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("stdout is JSON alone");
    assert_eq!(report["totals"]["completed"], 7);
    assert!(
        stderr(&output).contains(&report["verdict"].as_str().unwrap().to_uppercase()),
        "{}",
        stderr(&output)
    );
    assert!(!home.path().join("-").exists(), "no file of that name");
}

#[test]
fn without_a_home_a_test_runs_and_says_that_it_is_not_kept() {
    let home = tempfile::tempdir().unwrap();
    let (_serving, target) = Target::start(home.path(), &[]);
    let arguments = few(&target);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let homeless = |arguments: &[&str]| {
        let mut command = command(home.path(), arguments);
        command.env_remove("HOME").env_remove("XDG_STATE_HOME").env_remove("STATE_DIRECTORY");
        command.output().unwrap()
    };
    let loud: Vec<&str> = arguments.iter().copied().filter(|word| *word != "--quiet").collect();
    let output = homeless(&loud);
    assert_eq!(target.received(), 7, "{}", stderr(&output));
    assert!(stderr(&output).contains("--data-dir"), "{}", stderr(&output));
    let kept = home.path().join("kept");
    let output = homeless(&[&arguments[..], &["--data-dir", kept.to_str().unwrap()]].concat());
    assert_eq!(target.received(), 14, "{}", stderr(&output));
    assert!(kept.join("groundswell/orchestrator").is_dir(), "{}", stderr(&output));
    assert!(!stderr(&output).contains("not kept"), "{}", stderr(&output));
}

#[test]
fn a_body_of_any_bytes_is_sent_as_it_is() {
    use std::io::{BufRead, BufReader, Read, Write};
    let home = tempfile::tempdir().unwrap();
    let body: Vec<u8> = (0..3_000_u32).map(|n| (n * 7 % 256) as u8).collect();
    let file = home.path().join("body.bin");
    std::fs::write(&file, &body).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(client.try_clone().unwrap());
        let head: Vec<String> =
            reader.by_ref().lines().map_while(Result::ok).take_while(|l| !l.is_empty()).collect();
        let mut seen = vec![0; 3_000];
        reader.read_exact(&mut seen).unwrap();
        client.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        (head, seen)
    });
    let file = file.to_str().unwrap();
    let arguments =
        ["run", &url, "--mode", "avalanche", "--connections", "1", "--requests", "1", "--drivers", "1"];
    let how = ["--method", "PUT", "--body-file", file, "--no-keepalive", "--quiet"];
    let output = output(home.path(), &[&arguments[..], &how].concat());
    let (head, seen) = served.join().unwrap();
    assert_eq!(seen, body, "{}", stderr(&output));
    assert!(head.iter().any(|line| line.eq_ignore_ascii_case("content-length: 3000")), "{head:?}");
    assert!(head.iter().any(|line| line.eq_ignore_ascii_case("connection: close")), "{head:?}");
}
