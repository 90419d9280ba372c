//! Ctrl-Z: `run` and what it started are stopped and go on together.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test: what fails, fails it

use std::time::Duration;

use e2e::proc::of_home;
use e2e::process::{PATIENCE, Process, command};
use e2e::system::Target;
use e2e::wait_for;
use rustix::process::Signal;

/// A run that sends 40/s for so long, and its target.
struct Running {
    _target_home: tempfile::TempDir,
    _process: Process,
    target: Target,
    home: tempfile::TempDir,
    run: Process,
}

fn running(duration: &str) -> Running {
    let target_home = tempfile::tempdir().unwrap();
    let (process, target) = Target::start(target_home.path(), &[]);
    let home = tempfile::tempdir().unwrap();
    let url = target.url();
    let arguments = ["run", "--url", &url, "--drivers", "2", "--rate", "40", "--duration", duration];
    let run = Process::start("run", command(home.path(), &arguments));
    wait_for("the load", PATIENCE, || (target.received() > 40).then_some(()));
    Running { _target_home: target_home, _process: process, target, home, run }
}

/// Stops it as the terminal does, for so long; nothing is sent meanwhile.
fn pause(running: &Running, time: Duration) {
    running.run.signal(Signal::TSTP);
    let state = format!("/proc/{}/stat", running.run.pid());
    wait_for("run to be stopped", PATIENCE, || {
        std::fs::read_to_string(&state).unwrap().contains(") T ").then_some(())
    });
    let before = running.target.received();
    std::thread::sleep(time);
    assert_eq!(running.target.received(), before, "requests while it is stopped");
    running.run.signal(Signal::CONT);
    wait_for("the load to go on", PATIENCE, || (running.target.received() > before).then_some(()));
}

fn goes_on_after(time: Duration, duration: &str) {
    let mut running = running(duration);
    pause(&running, time);
    let code = running.run.wait_end(Duration::from_secs(60)).code();
    let said = running.run.said().join("\n");
    // Requests due during the pause were not sent, which counts against the generator. No driver is lost.
    assert_eq!(code, Some(5), "{said}\n{}", running.run.logged().join("\n"));
    assert!(said.contains("did not run from"), "the report names the pause: {said}");
}

#[test]
fn a_short_pause_is_survived_by_run_and_drivers() {
    goes_on_after(Duration::from_secs(3), "9s");
}

#[test]
fn a_pause_longer_than_any_patience_is_survived_too() {
    goes_on_after(Duration::from_secs(22), "29s");
}

#[test]
fn killed_while_stopped_it_leaves_no_stopped_child() {
    let mut running = running("20s");
    running.run.signal(Signal::TSTP);
    std::thread::sleep(Duration::from_millis(300));
    running.run.signal(Signal::KILL);
    running.run.wait_end(PATIENCE);
    wait_for("all of its processes to be gone", Duration::from_secs(10), || {
        of_home(running.home.path()).is_empty().then_some(())
    });
}
