//! Where a target's name leads: name servers that take their time, and `--connect-to`.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use e2e::netns::Host;
use e2e::process::{Process, command};
use e2e::{binary, cannot};
use serde_json::{Value, json};

/// Answers questions for A records with 127.0.0.1, each after this time, and all others with nothing.
fn name_server(address: &str, after: Duration) {
    let socket = UdpSocket::bind((address, 53)).unwrap();
    std::thread::spawn(move || {
        let mut question = [0; 512];
        while let Ok((n, peer)) = socket.recv_from(&mut question) {
            let (question, socket) = (question[..n].to_vec(), socket.try_clone().unwrap());
            std::thread::spawn(move || {
                std::thread::sleep(after);
                // The process may have given up.
                let _ = socket.send_to(&answer(&question), peer);
            });
        }
    });
}

fn answer(question: &[u8]) -> Vec<u8> {
    let mut at = 12;
    while question[at] > 0 {
        at += usize::from(question[at]) + 1;
    }
    let is_a = question[at + 1..at + 3] == [0, 1];
    let n = u8::from(is_a);
    let mut answer = [&question[..2], &[0x81, 0x80, 0, 1, 0, n, 0, 0, 0, 0], &question[12..at + 5]].concat();
    if is_a {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
    }
    answer
}

/// A command of the binary to which `/etc/resolv.conf` is this file.
fn resolving_by(resolv_conf: &Path, home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args([
        "--mount",
        "sh",
        "-c",
        "mount --bind \"$1\" /etc/resolv.conf && shift && exec \"$@\"",
        "sh",
    ]);
    command.arg(resolv_conf).arg(binary()).args(arguments);
    command.env("XDG_STATE_HOME", home).env_remove("RUST_LOG");
    command
}

fn report(path: &Path, said: &[String]) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{error}: {}", said.join("\n")));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn a_name_that_resolves_after_six_seconds_holds_the_start_up_and_costs_no_request() {
    let host = match Host::new() {
        Ok(host) => host,
        Err(why) => return cannot("network namespaces", &why),
    };
    let home = tempfile::tempdir().unwrap();
    let (home, resolv_conf) = (home.path(), home.path().join("resolv.conf"));
    std::fs::write(&resolv_conf, "nameserver 127.0.0.62\n").unwrap();
    host.run(|| {
        name_server("127.0.0.62", Duration::from_secs(6));
        let (_target, ready) = Process::node("target", home, &["target", "--listen", "127.0.0.1:0"]);
        let port = ready["http"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
        let (url, json) = (format!("http://cart.test:{port}/ping"), home.join("report.json"));
        let mut arguments = vec!["run", "--url", &url, "--mode", "avalanche", "--connections", "3"];
        arguments.extend(["--requests", "30", "--drivers", "1", "--json", json.to_str().unwrap()]);
        let began = Instant::now();
        let mut run = Process::start("run", resolving_by(&resolv_conf, home, &arguments));
        run.wait_end(Duration::from_secs(120));
        let said = run.logged();
        let report = report(&json, &said);
        assert!(began.elapsed() >= Duration::from_secs(6));
        assert_eq!(report["totals"]["completed"], 30, "{report:#}");
        assert_eq!(report["totals"]["errors"], json!({}), "{report:#}");
        let says = said.iter().filter(|line| line.contains("is resolving cart.test")).count();
        assert_eq!(says, 1, "{}", said.join("\n"));
    });
}

#[test]
fn connections_go_where_connect_to_leads_and_the_request_stays_that_of_the_url() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let (_target, ready) = Process::node("target", home, &["target", "--listen", "127.0.0.1:0"]);
    let at = ready["http"].as_str().unwrap();
    let json = home.join("report.json");
    for engine in ["wire", "awc"] {
        let leads = format!("nowhere.invalid:80:{at}");
        let mut arguments = vec!["run", "--url", "http://nowhere.invalid/ping", "--connect-to", &leads];
        arguments.extend(["--mode", "avalanche", "--connections", "2", "--requests", "9", "--drivers", "1"]);
        arguments.extend(["--engine", engine, "--quiet", "--json", json.to_str().unwrap()]);
        let output = command(home, &arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let report = report(&json, &[said]);
        assert_eq!(report["totals"]["completed"], 9, "{engine}: {report:#}");
    }
    // The name of the URL allows nothing at another's address.
    let mut arguments =
        vec!["run", "--url", "http://shop.test/ping", "--connect-to", "shop.test::198.51.100.7:"];
    arguments.extend(["--rate", "1", "--duration", "1s", "--drivers", "1", "--quiet"]);
    let mut run = command(home, &arguments);
    let output = run.env("GROUNDSWELL__SAFETY__ALLOW_TARGETS", "shop.test").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("198.51.100.7"), "{said}");
}

#[test]
fn a_connect_to_that_is_none_is_a_fault_of_the_driver_that_names_the_value() {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["driver", "--kafka", "127.0.0.1:1", "--connect-to", "shop.test:443:127.0.0.1"];
    let output = command(home.path(), &arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--connect-to") && said.contains("HOST:PORT:ADDR:PORT"), "{said}");
}
