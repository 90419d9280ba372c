//! A full disk: at the start it is one line and exit 1; under a test it costs neither the test nor its report,
//! and is said wherever the report is shown.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::time::Duration;

use e2e::cannot;
use e2e::disk::SmallDisk;
use e2e::process::{PATIENCE, Process, command};
use e2e::rest::Rest;
use e2e::system::{System, Target, assert_sound, tsunami};
use e2e::wait_for;

/// Enough for a node to start and to begin a test, and quick to fill.
const ROOM: u64 = 2 << 20;

fn disk(bytes: u64) -> Option<SmallDisk> {
    SmallDisk::new(bytes).inspect_err(|why| cannot("a disk of our own", why)).ok()
}

#[test]
fn a_disk_that_is_full_at_the_start_is_one_line_and_exit_1() {
    let orchestrator = ["orchestrator", "--kafka", "embedded", "--listen", "127.0.0.1:0"];
    let run = ["run", "--url", "http://127.0.0.1:1/", "--rate", "1", "--duration", "1s", "--quiet"];
    for arguments in [&orchestrator[..], &run[..]] {
        // Not even a name fits; the name, but no database; the database's file, but not its tables.
        for kilobytes in [4, 16, 64] {
            let Some(disk) = disk(kilobytes << 10) else { return };
            let output = disk.given_to(&command(disk.path(), arguments)).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{kilobytes} KiB: {said}");
            assert_eq!(said.lines().count(), 1, "{kilobytes} KiB: {said}");
            let why = said.contains("full") || said.contains("No space left");
            assert!(why && said.contains(disk.path().to_str().unwrap()), "{kilobytes} KiB: {said}");
        }
    }
}

#[test]
fn a_disk_that_fills_up_under_a_test_costs_no_figure_and_its_report_waits_for_room() {
    let Some(disk) = disk(ROOM) else { return };
    let home = tempfile::tempdir().unwrap();
    let data = disk.path().join("orchestrator");
    let arguments = [
        "orchestrator",
        "--listen",
        "127.0.0.1:0",
        "--kafka",
        "embedded",
        "--child",
        "--data-dir",
        data.to_str().unwrap(),
    ];
    let orchestrator = Process::start("orchestrator", disk.given_to(&command(home.path(), &arguments)));
    let mut system = System::around(home, orchestrator);
    system.add_driver(&[]);
    system.add_driver(&[]);
    system.wait_alive(2);
    let target = system.add_target(&[]);
    let id = system.trigger(&tsunami(&target.url(), 50.0, "4s"));
    wait_for("the load", PATIENCE, || (target.received() > 20).then_some(()));
    disk.fill(&system.orchestrator);

    let report = system.finished(&id, PATIENCE);
    assert_sound(&report);
    assert_eq!(report["totals"]["scheduled"], 400, "{report:#}");
    assert_eq!(report["totals"]["sent"], target.received(), "{report:#}");
    assert_ne!(report["verdict"], "incomplete", "{report:#}");
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("could not store") && warnings.contains("full"), "{warnings}");
    let text = system.rest.get(&format!("/api/v1/tests/{id}/report.txt")).text;
    assert!(text.contains("could not store"), "{text}");
    assert_eq!(system.rest.get("/readyz").status, 503);
    let refused = system.rest.post("/api/v1/tests", &tsunami(&target.url(), 1.0, "1s"));
    assert_eq!((refused.status, refused.text.contains("full")), (503, true), "{}", refused.text);
    assert!(
        system.rest.samples("groundswell_ready")["part=\"store\""] == 0,
        "metrics are there all the same"
    );

    disk.clear(&system.orchestrator);
    wait_for("the report to be stored", PATIENCE, || {
        (!system.test(&id)["warnings"].to_string().contains("could not store")).then_some(())
    });
    assert_eq!(system.rest.get("/readyz").status, 200);
    let page = system.rest.get("/api/v1/tests?limit=1").json();
    assert_eq!(
        (&page["tests"][0]["test_id"], &page["tests"][0]["state"]),
        (&report["test_id"], &"finished".into())
    );
    let windows = system.rest.get(&format!("/api/v1/tests/{id}/windows")).json();
    let sent: u64 =
        windows["windows"].as_array().unwrap().iter().map(|window| window["sent"].as_u64().unwrap()).sum();
    assert_eq!(sent, 400, "every window is in the store: {windows:#}");
}

#[test]
fn run_on_a_disk_that_fills_up_ends_and_says_that_nothing_of_it_is_kept() {
    let Some(disk) = disk(ROOM) else { return };
    let home = tempfile::tempdir().unwrap();
    let mut node = Process::unready_node("target", home.path(), &["target", "--listen", "127.0.0.1:0"]);
    let rest = Rest::new(node.wait_ready()["http"].as_str().unwrap());
    let target = Target { rest, pid: node.pid() };
    let url = target.url();
    let arguments = ["run", "--url", &url, "--drivers", "1", "--rate", "50", "--duration", "4s"];
    let mut run = Process::start("run", disk.given_to(&command(disk.path(), &arguments)));
    // Its lines come every 5 s: the test may be over before one says that it runs.
    wait_for("the load", PATIENCE, || (target.received() > 20).then_some(()));
    disk.fill(&run);
    let ended = run.wait_end(Duration::from_secs(60));
    let said = run.said().join("\n");
    // Its verdict is that of the load; a busy machine may make it another than passed.
    assert!([0, 3, 5].contains(&ended.code().unwrap()), "{ended}: {said}\n{}", run.logged().join("\n"));
    assert!(said.contains("= 200 sent + 0 dropped") || said.contains("scheduled  200"), "{said}");
    assert!(said.contains("could not store") && said.contains("full"), "{said}");
}
