//! An orchestrator that others reach: three hosts of our own, each a network namespace, so that its address is
//! not a loopback address and no other machine can reach it.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::path::Path;

use e2e::cannot;
use e2e::kafka::Kafka;
use e2e::netns::Host;
use e2e::process::{PATIENCE, Process, output};
use e2e::rest::Rest;
use e2e::wait_for;

const SECRET: &str = "s3cret-beyond-loopback-0123";

/// Where Kafka and the orchestrator are, the driver beside them, and the target beside the driver.
struct Hosts {
    orchestrator: Host,
    driver: Host,
    target: Host,
}

fn hosts() -> Result<Hosts, String> {
    let hosts = Hosts { orchestrator: Host::new()?, driver: Host::new()?, target: Host::new()? };
    hosts.orchestrator.connect("10.91.1.1/30", &hosts.driver, "10.91.1.2/30");
    hosts.driver.connect("10.91.2.1/30", &hosts.target, "10.91.2.2/30");
    Ok(hosts)
}

/// Files below a folder that hold the secret.
fn files_with_the_secret(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_with_the_secret(&entry.path()));
        } else if std::fs::read(entry.path())
            .unwrap()
            .windows(SECRET.len())
            .any(|bytes| bytes == SECRET.as_bytes())
        {
            found.push(entry.path().display().to_string());
        }
    }
    found
}

/// What other processes of the machine may see of one: its arguments and its environment.
fn seen_of(process: &Process) -> String {
    ["cmdline", "environ"]
        .map(|file| std::fs::read(format!("/proc/{}/{file}", process.pid())).unwrap())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat()
}

#[test]
fn hosts_of_a_network_join_with_the_token_alone_and_it_shows_nowhere() {
    let Hosts { orchestrator: one, driver: two, target: three } = match hosts() {
        Ok(hosts) => hosts,
        Err(why) => return cannot("network namespaces", &why),
    };
    let (home, secrets) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (home, token_file) = (home.path(), secrets.path().join("token"));
    std::fs::write(&token_file, format!("{SECRET}\n")).unwrap();
    let token = ["--token-file", token_file.to_str().unwrap()];

    let bare = ["orchestrator", "--kafka", "embedded", "--listen", "10.91.1.1:0"];
    let refused = one.run(|| output(home, &bare));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.lines().count() == 1 && said.contains("token_file"), "{said}");

    let kafka = one.run(|| Kafka::start_at("10.91.1.1"));
    let (leader, ready) = one.run(|| {
        let listen = ["orchestrator", "--kafka", &kafka.address, "--listen", "10.91.1.1:0"];
        Process::node("orchestrator", home, &[&listen[..], &token].concat())
    });
    let address = ready["http"].as_str().unwrap();
    assert!(address.starts_with("10.91.1.1:"), "{address}");

    // From the next host: the door is there, and shut.
    let open = Rest::new(address);
    let status = |rest: &Rest, path: &str| two.run(|| rest.get(path)).status;
    assert_eq!(status(&open, "/healthz"), 200);
    for rest in [&open, &open.with_token("s3cret-beyond-loopback-0124"), &open.with_token("")] {
        for path in ["/api/v1/bootstrap", "/api/v1/time", "/api/v1/drivers", "/metrics", "/openapi.json"] {
            assert_eq!(status(rest, path), 401, "{path}");
        }
    }
    let join = ["driver", "--orchestrator", address, "--workers", "1"];
    let mut stranger = two.run(|| Process::unready_node("driver without the token", home, &join));
    wait_for("it to say why it waits", PATIENCE, || {
        stranger.logged().iter().any(|line| line.contains("token")).then_some(())
    });
    let knows = |rest: &Rest| two.run(|| rest.get("/api/v1/drivers")).json().as_array().unwrap().len();
    let rest = open.with_token(SECRET);
    assert_eq!(knows(&rest), 0, "it knows no Kafka and has not joined");
    stranger.stop();

    let (driver, _) = two.run(|| Process::node("driver", home, &[&join[..], &token].concat()));
    wait_for("the driver", PATIENCE, || (knows(&rest) == 1).then_some(()));
    let (target, ready) = three.run(|| Process::node("target", home, &["target", "--listen", "10.91.2.2:0"]));
    let counted = Rest::new(ready["http"].as_str().unwrap());
    let url = format!("{}/ping", counted.base);
    let load = ["--mode", "avalanche", "--connections", "2", "--requests", "500"];
    let run = [&["run", "--orchestrator", address, "--url", &url][..], &token, &load].concat();
    let ran = two.run(|| output(home, &run));
    let shown = [&ran.stdout, &ran.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat();
    assert_eq!(ran.status.code(), Some(0), "{shown}\n{}", leader.logged().join("\n"));
    assert_eq!(three.run(|| counted.get("/metrics")).json()["requests_received"], 500, "{shown}");

    let page = two.run(|| rest.get("/api/v1/tests")).json();
    let id = page["tests"][0]["test_id"].as_str().unwrap();
    let mut answers = vec![shown, seen_of(&leader), seen_of(&driver), seen_of(&target)];
    answers.extend([&leader, &driver, &stranger, &target].map(|process| process.logged().join("\n")));
    for path in [
        "/",
        "/metrics",
        "/openapi.json",
        "/api/v1/tests",
        "/api/v1/drivers",
        "/api/v1/bootstrap",
        "/healthz",
    ] {
        answers.push(two.run(|| rest.get(path)).text);
    }
    for form in ["", "/report.json", "/report.txt", "/windows"] {
        answers.push(two.run(|| rest.get(&format!("/api/v1/tests/{id}{form}"))).text);
    }
    answers.push(two.run(|| open.get_as("/", Some("text/html"))).text);
    for answer in &answers {
        assert!(!answer.contains(SECRET), "{answer}");
    }
    assert_eq!(files_with_the_secret(home), Vec::<String>::new());
}
