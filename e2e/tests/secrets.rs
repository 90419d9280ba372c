//! The secrets of a plan: each driver finds them itself, where its config allows it. They reach the target, and stand in
//! nothing that Groundswell sends elsewhere, keeps, logs or shows.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test: what fails, fails it

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Output;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::wire::Topic;
use e2e::kafka::Kafka;
use e2e::process::{PATIENCE, Process, command, output};
use e2e::rest::Rest;
use e2e::shop::Shop;
use e2e::system::{System, Target, patient};
use e2e::wait_for;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde_json::{Value, json};

/// The variable of the drivers' environment, its value, and the value in Base64 as one header has it.
const VARIABLE: &str = "E2E_PAY_KEY";
const OF_VARIABLE: &str = "key-of-env-7f3a91c2d4";
const IN_BASE64: &str = "a2V5LW9mLWVudi03ZjNhOTFjMmQ0";
/// The same of a file.
const FILE: &str = "pay_pass";
const OF_FILE: &str = "pass-of-file-5b8e20a6f1";
const SHOWN_NOWHERE: [&str; 3] = [OF_VARIABLE, IN_BASE64, OF_FILE];

/// Sends both secrets: in headers, whose names say that they are secret and do not, in a query and in a body. Some answers
/// fail a check, so that the reports of failures are searched as well, and some redirect to an address with a secret.
fn plan(shop: &Shop) -> Value {
    json!({
        "name": "secrets",
        "target": { "url": shop.url() },
        "honesty": patient(),
        "secrets": { "key": { "env": VARIABLE }, "pass": { "file": FILE } },
        "requests": {
            "header": {
                "path": "/shop/products/7",
                "headers": { "x-api-key": "{{secret.key}}", "x-plain": "{{secret.pass}}", "x-coded": "{{secret.key | base64}}" },
            },
            "elsewhere": {
                "method": "POST", "path": "/shop/search", "query": { "q": "{{secret.key}}" },
                "json": { "password": "{{secret.pass}}" }, "expect_status": 405,
                "check": { "body": "{{secret.key}}" },
            },
            "moved": {
                "method": "POST", "path": "/shop/redirect",
                "query": { "status": "307", "to": "/shop/?code={{secret.key}}" }, "expect_status": 307,
            },
        },
        "load": { "rate": 40, "sessions": 40 },
    })
}

/// A driver's config with a folder of secrets, which is in none of the folders that are searched.
struct Vault {
    folder: tempfile::TempDir,
}

impl Vault {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), format!("{OF_FILE}\n")).unwrap();
        let config = format!("[secrets]\nenv = [\"E2E_*\"]\ndir = \"{}\"\n", folder.path().display());
        std::fs::write(folder.path().join("driver.toml"), config).unwrap();
        Self { folder }
    }

    fn config(&self) -> String {
        self.folder.path().join("driver.toml").to_str().unwrap().to_owned()
    }
}

/// An orchestrator and a target; the orchestrator logs all that it can say of itself.
fn system(kafka: &str) -> (System, Shop) {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["orchestrator", "--listen", "127.0.0.1:0", "--kafka", kafka, "--child"];
    let mut orchestrator = command(home.path(), &arguments);
    orchestrator.env("RUST_LOG", "debug");
    let mut system = System::around(home, Process::start("orchestrator", orchestrator));
    let shop = Shop::of(&system.add_target(&[]));
    (system, shop)
}

/// A driver whose environment has the variable; returns what it says when it is ready.
fn add_driver(system: &mut System, flags: &[&str], more: &[(&str, &str)]) -> Value {
    let arguments = ["driver", "--orchestrator", &system.address, "--workers", "1", "--child"];
    let mut driver = command(system.home.path(), &[&arguments[..], flags].concat());
    driver.env("RUST_LOG", "debug").env(VARIABLE, OF_VARIABLE).envs(more.iter().copied());
    let mut process = Process::start("driver", driver);
    let ready = process.wait_ready();
    system.drivers.push((process, ready["node_id"].as_str().unwrap().to_owned()));
    system.wait_alive(system.drivers.len());
    ready
}

/// Which of the texts stand in these bytes.
fn found<'a>(bytes: &[u8], texts: &[&'a str]) -> Vec<&'a str> {
    let stands = |text: &&&str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    texts.iter().filter(stands).copied().collect()
}

#[track_caller]
fn assert_clean(what: &str, bytes: &[u8]) {
    assert_eq!(found(bytes, &SHOWN_NOWHERE), [""; 0], "a secret stands in {what}");
}

/// All records of our topics, by topic.
fn records(kafka: &str) -> BTreeMap<&'static str, Vec<u8>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", kafka)
        .set("group.id", "e2e-secrets")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    let mut read = BTreeMap::new();
    for topic in Topic::ALL {
        let name = topic.as_str();
        let (begin, end) = consumer.fetch_watermarks(name, 0, Duration::from_secs(10)).unwrap();
        let mut from = TopicPartitionList::new();
        from.add_partition_offset(name, 0, Offset::Offset(begin)).unwrap();
        consumer.assign(&from).unwrap();
        let (mut bytes, mut next) = (Vec::new(), begin);
        let deadline = Instant::now() + PATIENCE;
        while next < end {
            assert!(Instant::now() < deadline, "{name}: read up to {next} of {end}");
            let Some(record) = consumer.poll(Duration::from_millis(100)) else { continue };
            let record = record.unwrap();
            next = record.offset() + 1;
            bytes.extend_from_slice(record.key().unwrap_or_default());
            bytes.push(b'\n');
            bytes.extend_from_slice(record.payload().unwrap_or_default());
            bytes.push(b'\n');
        }
        read.insert(name, bytes);
    }
    read
}

/// Every file below a folder: stores with what SQLite keeps beside them, and the embedded broker's log.
fn files(folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else if let Ok(bytes) = std::fs::read(&path) {
            into.push((path.display().to_string(), bytes));
        }
    }
}

/// What `GET /api/v1/events` sends from now on.
fn events(address: &str) -> Arc<Mutex<Vec<u8>>> {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /api/v1/events HTTP/1.1\r\nhost: {address}\r\n\r\n").unwrap();
    let received = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&received);
    std::thread::spawn(move || {
        let mut bytes = [0; 16_384];
        while let Ok(n @ 1..) = stream.read(&mut bytes) {
            into.lock().unwrap().extend_from_slice(&bytes[..n]);
        }
    });
    received
}

/// That the shop received both secrets, everywhere where the plan has them.
fn assert_arrived(shop: &Shop) {
    let logged = shop.logged();
    let is_moved = |request: &&Value| request["uri"].as_str().unwrap().starts_with("/shop/redirect?");
    let (moved, others): (Vec<&Value>, Vec<&Value>) = logged.iter().partition(is_moved);
    assert!(!moved.is_empty(), "{logged:#?}");
    for request in moved {
        assert!(request["uri"].as_str().unwrap().contains(OF_VARIABLE), "{request:#}");
    }
    let (headers, elsewhere): (Vec<&Value>, Vec<&Value>) =
        others.into_iter().partition(|request| request["method"] == "GET");
    assert!(!headers.is_empty() && !elsewhere.is_empty(), "{logged:#?}");
    let expected = json!({ "x-api-key": OF_VARIABLE, "x-plain": OF_FILE, "x-coded": IN_BASE64 });
    for request in headers {
        assert_eq!(request["headers"], expected, "{request:#}");
    }
    for request in elsewhere {
        assert_eq!(request["uri"], format!("/shop/search?q={OF_VARIABLE}"), "{request:#}");
        assert_eq!(request["body"], format!("{{\"password\":\"{OF_FILE}\"}}"), "{request:#}");
    }
}

fn secrets_reach_the_target_alone(kafka: &str) {
    let (mut system, shop) = system(kafka);
    let vault = Vault::new();
    let ready = add_driver(&mut system, &["--config", &vault.config(), "--listen", "127.0.0.1:0"], &[]);
    let events = events(&system.address);
    shop.log_with(100, "x-api-key,x-plain,x-coded");
    let created = system.rest.post("/api/v1/tests", &plan(&shop));
    assert_eq!(created.status, 201, "{}", created.text);
    let id = created.json()["test_id"].as_str().unwrap().to_owned();
    let triggered = system.rest.post_empty(&format!("/api/v1/tests/{id}/trigger"));
    assert_eq!(triggered.status, 202, "{}", triggered.text);
    let report = system.finished(&id, PATIENCE);
    assert_eq!(report["totals"]["sent"], 40, "{report:#}");
    assert!(report["totals"]["requests"]["elsewhere"]["errors"]["check"].as_u64() > Some(0), "{report:#}");
    assert_eq!(report["totals"]["requests"]["moved"]["failed"], 0, "{report:#}");
    assert_arrived(&shop);

    let of_driver = Rest::new(ready["http"].as_str().unwrap());
    let test = format!("/api/v1/tests/{id}");
    let mut shown = vec![created, triggered, of_driver.get("/metrics"), of_driver.get("/healthz")];
    for path in ["", "/report", "/report.json", "/report.txt", "/report.html", "/windows"] {
        shown.push(system.rest.get(&format!("{test}{path}")));
    }
    for path in ["/", "/api/v1/tests", "/api/v1/drivers", "/api/v1/bootstrap", "/metrics", "/openapi.json"] {
        shown.push(system.rest.get(path));
    }
    for (n, what) in [
        (2, "the driver's metrics"),
        (4, "the test"),
        (5, "its report"),
        (9, "its windows"),
        (10, "the page"),
    ] {
        assert_eq!(shown[n].status, 200, "{what}: {}", shown[n].text);
    }
    for answer in &shown {
        assert_clean("an answer of REST", answer.text.as_bytes());
    }
    assert_eq!(
        found(shown[4].text.as_bytes(), &[VARIABLE, FILE]),
        [VARIABLE, FILE],
        "the report has the plan"
    );
    for format in ["text", "json"] {
        let arguments = ["report", &id, "--orchestrator", &system.address, "--format", format];
        let Output { status, stdout, stderr } = output(system.home.path(), &arguments);
        assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
        assert!(found(&stdout, &["elsewhere"]).len() == 1, "{}", String::from_utf8_lossy(&stdout));
        assert_clean("a printed report", &[stdout, stderr].concat());
    }
    wait_for("the events of the test", PATIENCE, || {
        (found(&events.lock().unwrap(), &["finished"]).len() == 1).then_some(())
    });
    assert_clean("the events", &events.lock().unwrap());

    let records = records(&system.kafka);
    assert_eq!(records.len(), 5);
    for (topic, bytes) in &records {
        assert!(!bytes.is_empty(), "nothing was read of {topic}");
        assert_clean(topic, bytes);
    }
    // What is searched is readable: names of secrets travel and are stored.
    assert_eq!(found(&records["test_config"], &[VARIABLE, FILE]), [VARIABLE, FILE]);
    let mut kept = Vec::new();
    files(system.home.path(), &mut kept);
    assert!(
        kept.iter()
            .any(|(path, bytes)| path.contains("orchestrator") && found(bytes, &[VARIABLE]).len() == 1)
    );
    assert!(kept.iter().any(|(path, _)| path.contains("driver")), "the driver's folder is searched");
    for (path, bytes) in &kept {
        assert_clean(path, bytes);
    }
    for process in system.drivers.iter().map(|(process, _)| process).chain([&system.orchestrator]) {
        let logged = process.logged().join("\n");
        assert!(!logged.is_empty(), "{} logs", process.label);
        assert_clean(&process.label, logged.as_bytes());
        assert_clean(&process.label, process.said().join("\n").as_bytes());
    }
}

#[test]
fn secrets_reach_the_target_alone_on_the_embedded_broker() {
    secrets_reach_the_target_alone("embedded");
}

#[test]
fn secrets_reach_the_target_alone_on_apache_kafka() {
    let kafka = Kafka::start();
    secrets_reach_the_target_alone(&kafka.address);
}

/// A plan with one secret, by a variable.
fn plan_of(shop: &Shop, variable: &str) -> Value {
    json!({
        "target": { "url": shop.url() },
        "honesty": patient(),
        "secrets": { "key": { "env": variable } },
        "requests": { "a": { "path": "/shop/", "headers": { "x-api-key": "{{secret.key}}" } } },
        "load": { "rate": 20, "sessions": 5 },
    })
}

/// Triggers a plan that the only driver refuses, and checks that the answer names the driver and the reason.
#[track_caller]
fn assert_refused(system: &System, shop: &Shop, plan: &Value, reason: &str) {
    shop.log(10);
    let id = system.create(plan);
    let answer = system.rest.post_empty(&format!("/api/v1/tests/{id}/trigger"));
    let driver = &system.drivers[0].1;
    assert_eq!(answer.status, 409, "{}", answer.text);
    assert!(answer.text.contains(driver.as_str()) && answer.text.contains(reason), "{}", answer.text);
    assert_clean("the refusal", answer.text.as_bytes());
    assert_eq!(system.test(&id)["state"], "configured", "{}", answer.text);
    assert_eq!(shop.requests(), [""; 0], "nothing is sent");
}

#[test]
fn a_driver_refuses_by_name_what_its_config_does_not_allow() {
    let (mut system, shop) = system("embedded");
    // Allowed are names that begin so, the name alone, and not those that merely begin like it.
    let flags = ["--allow-secret", "E2E_OTHER_*", "--allow-secret", "E2E_PAY"];
    add_driver(&mut system, &flags, &[("E2E_OTHER_KEY", "x"), ("E2E_PAY", "y")]);
    let not_allowed = format!("secret key: this driver's config does not allow the variable {VARIABLE}");
    assert_refused(&system, &shop, &plan_of(&shop, VARIABLE), &not_allowed);
    for variable in ["PATH", "HOME", "E2E_OTHER", "e2e_pay"] {
        let reason = format!("does not allow the variable {variable}");
        assert_refused(&system, &shop, &plan_of(&shop, variable), &reason);
    }
    let not_set = "the variable E2E_OTHER_NONE is not set on this driver";
    assert_refused(&system, &shop, &plan_of(&shop, "E2E_OTHER_NONE"), not_set);
    let mut of_file = plan_of(&shop, "E2E_PAY");
    of_file["secrets"]["key"] = json!({ "file": FILE });
    assert_refused(&system, &shop, &of_file, "has no folder for the file pay_pass");

    for variable in ["E2E_OTHER_KEY", "E2E_PAY"] {
        let report = system.run(&plan_of(&shop, variable));
        assert_eq!(report["totals"]["completed"], 5, "{report:#}");
    }
    // `run` against this orchestrator says the same.
    let file = system.home.path().join("plan.json");
    std::fs::write(&file, plan_of(&shop, VARIABLE).to_string()).unwrap();
    let arguments = ["run", file.to_str().unwrap(), "--orchestrator", &system.address];
    let ran = output(system.home.path(), &arguments);
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains(&not_allowed) && said.contains(&system.drivers[0].1), "{said}");
}

#[test]
fn no_plan_reads_a_variable_of_groundswell_whatever_is_allowed() {
    let (mut system, shop) = system("embedded");
    add_driver(&mut system, &["--allow-secret", "*"], &[("GROUNDSWELL_E2E", OF_VARIABLE)]);
    for variable in ["GROUNDSWELL__ORCHESTRATOR__TOKEN_FILE", "GROUNDSWELL_E2E", "groundswell_e2e"] {
        let answer = system.rest.post("/api/v1/tests", &plan_of(&shop, variable));
        assert_eq!(answer.status, 400, "{}", answer.text);
        let fault = &answer.json()["errors"][0];
        assert_eq!(fault["path"], "secrets.key.env", "{fault:#}");
        assert!(fault["reason"].as_str().unwrap().contains("setting of Groundswell"), "{fault:#}");
    }
    // Everything else of its environment is allowed.
    let report = system.run(&plan_of(&shop, VARIABLE));
    assert_eq!(report["totals"]["completed"], 5, "{report:#}");

    let arguments = ["driver", "--orchestrator", &system.address, "--allow-secret", "GROUNDSWELL_*"];
    let refused = output(system.home.path(), &arguments);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains("--allow-secret GROUNDSWELL_*: variables whose names begin with GROUNDSWELL"),
        "{said}"
    );
}

#[test]
fn run_gives_its_drivers_what_the_plan_names() {
    let home = tempfile::tempdir().unwrap();
    let (_process, target) = Target::start(home.path(), &[]);
    let (shop, vault) = (Shop::of(&target), Vault::new());
    shop.log_with(100, "x-api-key,x-plain,x-coded");
    let file = home.path().join("plan.json");
    let json = home.path().join("report.json");
    std::fs::write(&file, plan(&shop).to_string()).unwrap();
    let arguments =
        ["run", file.to_str().unwrap(), "--drivers", "2", "--workers", "1", "--json", json.to_str().unwrap()];
    let mut run = command(home.path(), &arguments);
    run.env(VARIABLE, OF_VARIABLE).env("GROUNDSWELL__SECRETS__DIR", vault.folder.path());
    let ran = run.output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    // A third of the answers fail their check.
    assert_eq!(ran.status.code(), Some(3), "{said}");
    assert_arrived(&shop);
    let report = std::fs::read(&json).unwrap();
    assert_eq!(found(&report, &[VARIABLE]), [VARIABLE]);
    assert_clean("what run says", &[ran.stdout, ran.stderr, report].concat());

    // Without the variable the run ends with that reason.
    std::fs::write(&file, plan_of(&shop, "E2E_NOT_SET").to_string()).unwrap();
    let ran = output(home.path(), &["run", file.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{said}");
    assert!(said.contains("secret key: the variable E2E_NOT_SET is not set on this driver"), "{said}");
}

#[test]
fn up_gives_its_drivers_what_it_is_told() {
    let home = tempfile::tempdir().unwrap();
    let (_process, target) = Target::start(home.path(), &[]);
    let shop = Shop::of(&target);
    let file = home.path().join("plan.json");
    std::fs::write(&file, plan_of(&shop, VARIABLE).to_string()).unwrap();
    for (flags, code) in [(&[][..], 1), (&["--allow-secret", VARIABLE][..], 0)] {
        let arguments =
            [&["up", "--listen", "127.0.0.1:0", "--drivers", "1", "--workers", "1"][..], flags].concat();
        let mut up = command(home.path(), &arguments);
        up.env(VARIABLE, OF_VARIABLE);
        let mut up = Process::start("up", up);
        let address = wait_for("up to be ready", PATIENCE, || {
            let said = up.said();
            let line = said.iter().find_map(|line| line.strip_prefix("dashboard"))?;
            let ready = said.iter().any(|line| line.starts_with("ready"));
            ready.then(|| line.trim().trim_start_matches("http://").trim_end_matches('/').to_owned())
        });
        let ran = output(home.path(), &["run", file.to_str().unwrap(), "--orchestrator", &address]);
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(code), "{flags:?}: {said}");
        let refused = format!("does not allow the variable {VARIABLE} (--allow-secret {VARIABLE}");
        assert_eq!(said.contains(&refused), code == 1, "{said}");
        up.stop();
        assert_clean("what up says", [up.said(), up.logged()].concat().join("\n").as_bytes());
    }
}
