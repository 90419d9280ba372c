//! What users of other tools do in their first hour: the command lines of docs/from-other-tools.md, each run as it stands
//! there, and further habits that it does not list.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Output};

use e2e::process::{Process, command};
use e2e::repository;
use e2e::system::{Target, assert_sound};
use rustix::process::Signal;
use serde_json::Value;

/// What the lines of the docs are written for.
const URL_OF_DOCS: &str = "http://127.0.0.1:8081/ping";

/// The requests of the plan that a line reads from standard input.
const PLAN_REQUESTS: u64 = 12;

/// A folder to run in, with the files that the lines name, and a target.
struct Place {
    home: tempfile::TempDir,
    _serving: Process,
    target: Target,
}

impl Place {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (serving, target) = Target::start(home.path(), &[]);
        let plan = format!(
            "target.url = '{}'\nload = {{ rate = '60/s', requests = {PLAN_REQUESTS} }}\n\
             honesty = {{ max_lag_p99 = '500ms', max_late = '50%' }}\n",
            target.url()
        );
        std::fs::write(home.path().join("plan.toml"), plan).unwrap();
        std::fs::write(home.path().join("order.json"), "{\"item\":\"tea\"}").unwrap();
        Self { home, _serving: serving, target }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.home.path().join(name)
    }

    /// A line of a shell, in this folder.
    fn shell(&self, line: &str) -> Command {
        let bin = self.path("bin");
        if !bin.exists() {
            std::fs::create_dir(&bin).unwrap();
            std::os::unix::fs::symlink(e2e::binary(), bin.join("groundswell")).unwrap();
        }
        let mut shell = Command::new("sh");
        let path = std::env::var("PATH").unwrap();
        shell.args(["-c", line]).current_dir(self.home.path());
        shell.env("PATH", format!("{}:{path}", bin.display())).env("XDG_STATE_HOME", self.path("state"));
        shell
    }

    /// Runs a line against the target of this place; returns how it ended, and its report.
    #[track_caller]
    fn run(&self, line: &str) -> (Output, Value) {
        let mut line = line.replace(URL_OF_DOCS, &self.target.url());
        let on_stdout = line.contains("--json -");
        if !on_stdout {
            line = line.replacen("groundswell run", "groundswell run --json report.json", 1);
        }
        let ended = self.shell(&line).output().unwrap();
        let said = both(&ended);
        let json = if on_stdout {
            ended.stdout.clone()
        } else {
            std::fs::read(self.path("report.json")).unwrap_or_else(|error| panic!("{line}: {error}: {said}"))
        };
        (ended, serde_json::from_slice(&json).unwrap_or_else(|error| panic!("{line}: {error}: {said}")))
    }
}

/// All output of a command.
fn both(ended: &Output) -> String {
    String::from_utf8_lossy(&ended.stderr).into_owned() + &String::from_utf8_lossy(&ended.stdout)
}

fn stderr(ended: &Output) -> String {
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

fn number(report: &Value, key: &str) -> u64 {
    report["totals"][key].as_u64().unwrap_or_else(|| panic!("{key} in {report:#}"))
}

/// The rows of the table: the tool, and our line.
fn rows() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(repository().join("docs/from-other-tools.md")).unwrap();
    let mut rows = Vec::new();
    for line in text.lines() {
        // A pipe within a cell is written as \|.
        let cells = line.replace("\\|", "\u{1}");
        let cells: Vec<&str> = cells.split('|').map(str::trim).collect();
        let ["", tool, theirs, ours, ""] = cells[..] else { continue };
        let ours = ours.trim_matches('`');
        if ours.starts_with("groundswell run") {
            assert!(theirs.starts_with('`'), "{line}");
            rows.push((tool.to_owned(), ours.replace('\u{1}', "|")));
        }
    }
    rows
}

/// The value of the first of these flags that a line has.
fn value<'a>(line: &'a str, flags: &[&str]) -> Option<&'a str> {
    let mut words = line.split_whitespace();
    words.find(|word| flags.contains(word))?;
    words.next()
}

/// How many requests are due in a line with a rate and a duration.
fn due(line: &str) -> Option<u64> {
    let rate = value(line, &["-r", "-q"])?;
    let seconds: u64 = value(line, &["-z", "-d"])?.trim_end_matches('s').parse().unwrap();
    let per_s: u64 = match rate.split_once("/m") {
        Some((rate, _)) => rate.parse::<u64>().unwrap() / 60,
        None => rate.parse().unwrap(),
    };
    Some(per_s * seconds)
}

#[test]
fn each_command_line_of_the_table_does_what_the_other_tool_does() {
    let rows = rows();
    for tool in ["oha", "wrk", "hey", "k6", "vegeta", "ab"] {
        assert!(rows.iter().filter(|(of, _)| of == tool).count() >= 2, "lines of {tool}");
    }
    let place = Place::new();
    let mut done = std::collections::HashSet::new();
    for (tool, line) in &rows {
        // Several tools have the same line of ours beside them.
        if !done.insert(line) {
            continue;
        }
        let before = place.target.received();
        let (ended, report) = place.run(line);
        let said = both(&ended);
        let is_open = value(line, &["-r", "-q"]).is_some();
        // A machine that takes away a core for some milliseconds makes an open loop rightly invalid.
        let fits = ended.status.code() == Some(0) || is_open && ended.status.code() == Some(5);
        assert!(fits, "{tool}: {line}: {}: {said}", ended.status);
        assert_sound(&report);
        let (sent, completed) = (number(&report, "sent"), number(&report, "completed"));
        assert_eq!(completed, sent, "{line}: {report:#}");
        assert_eq!(place.target.received() - before, sent, "{line}");
        assert_eq!(report["drivers"].as_array().unwrap().len(), 1, "{line}: one driver by default");
        if let Some(requests) = value(line, &["-n"]) {
            assert_eq!(sent, requests.parse::<u64>().unwrap(), "{line}");
        } else if let Some(due) = due(line) {
            assert_eq!(number(&report, "scheduled"), due, "{line}");
        } else if line.contains("plan.toml") {
            assert_eq!(number(&report, "scheduled"), PLAN_REQUESTS, "{line}");
        } else if let Some(ceiling) = value(line, &["--target-throughput"]) {
            // In two seconds; the permits at both ends count.
            assert!((1..=2 * ceiling.parse::<u64>().unwrap() + 1).contains(&sent), "{line}: {sent}");
        } else {
            assert!(sent > 0, "{line}");
        }
        if line.contains("--no-keepalive") {
            assert_eq!(report["drivers"][0]["connections_opened"], sent, "{line}");
        }
        assert!(!said.contains("secret") && !report.to_string().contains("secret"), "{line}: {said}");
    }
}

#[test]
fn a_url_alone_is_a_closed_loop_and_flags_complete_it() {
    let place = Place::new();
    let (ended, report) = place.run(&format!("groundswell run {URL_OF_DOCS} -n 100"));
    assert_eq!(ended.status.code(), Some(0), "{}", both(&ended));
    assert_eq!(number(&report, "completed"), 100);
    assert_eq!(
        (&report["plan"]["load"]["mode"], &report["plan"]["load"]["connections"]),
        (&"avalanche".into(), &64.into())
    );
    // Without an end it takes ten seconds: seen in its plan, and stopped.
    let mut run = Process::start(
        "run",
        place.shell(&format!("exec groundswell run {} --json stopped.json", place.target.url())),
    );
    e2e::wait_for("the load", e2e::process::PATIENCE, || (place.target.received() > 200).then_some(()));
    run.signal(Signal::INT);
    assert_eq!(run.wait_end(e2e::process::PATIENCE).code(), Some(6), "{}", run.logged().join("\n"));
    let report: Value = serde_json::from_slice(&std::fs::read(place.path("stopped.json")).unwrap()).unwrap();
    assert_eq!(report["plan"]["load"]["duration"], "10s", "{report:#}");
    // Two drivers: both figures.
    let (ended, report) = place.run(&format!("groundswell run {URL_OF_DOCS} --drivers 2 -r 20 -n 10"));
    let said = both(&ended);
    assert_eq!(number(&report, "sent"), 20, "{said}");
    assert!(said.contains("20/s each") && said.contains("40/s in all"), "{said}");
}

#[test]
fn a_plan_from_standard_input_is_toml_or_json() {
    let place = Place::new();
    let json = format!(
        r#"{{ "target": {{ "url": "{}" }}, "load": {{ "rate": "1k/m", "requests": 4 }} }}"#,
        place.target.url()
    );
    std::fs::write(place.path("plan.json"), json).unwrap();
    for (line, requests) in
        [("groundswell run - < plan.json", 4), ("cat plan.toml | groundswell run - -n 5", 5)]
    {
        let (ended, report) = place.run(line);
        assert_eq!(number(&report, "completed"), requests, "{}", both(&ended));
    }
    let ended = place.shell("groundswell run - < /dev/null").output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert!(stderr(&ended).contains("standard input is empty"), "{}", stderr(&ended));
    let ended = place.shell("echo 'load = { rate = 3 }' | groundswell run -").output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert!(stderr(&ended).contains("standard input: target.url"), "{}", stderr(&ended));
}

/// Takes one request with a body of so many bytes, and answers it; returns its head and its body.
fn one_request(listener: &std::net::TcpListener, body_bytes: usize) -> (Vec<String>, Vec<u8>) {
    let (mut client, _) = listener.accept().unwrap();
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let head = reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let mut body = vec![0; body_bytes];
    reader.read_exact(&mut body).unwrap();
    client.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    (head, body)
}

#[test]
fn a_file_as_body_and_a_user_are_sent_as_they_are_by_either_engine() {
    let place = Place::new();
    let bytes: Vec<u8> = (0..=255).rev().collect();
    std::fs::write(place.path("any.bin"), &bytes).unwrap();
    for engine in ["wire", "awc"] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let served = std::thread::spawn(move || one_request(&listener, 256));
        let line = format!(
            "groundswell run {url} -n 1 -b @any.bin -u Aladdin:'open sesame' -H 'x-a: 1' -H 'x-a: 2' --engine {engine}"
        );
        let (ended, report) = place.run(&line);
        let (head, body) = served.join().unwrap();
        assert_eq!(body, bytes, "{engine}: {}", both(&ended));
        assert!(head[0].starts_with("POST / "), "{engine}: {head:?}");
        for field in ["authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "x-a: 1", "x-a: 2"] {
            assert!(
                head.iter().any(|line| line.eq_ignore_ascii_case(field)),
                "{engine}: {field} in {head:?}"
            );
        }
        assert!(!report.to_string().contains("QWxhZGRp") && !both(&ended).contains("sesame"), "{report:#}");
    }
}

#[test]
fn a_home_that_cannot_be_written_costs_the_history_alone() {
    let place = Place::new();
    let passing = place.path("passing");
    std::fs::create_dir(&passing).unwrap();
    let run = |home: Option<&str>| {
        let mut run = place.shell(&format!("groundswell run {} -n 3", place.target.url()));
        run.env_remove("XDG_STATE_HOME")
            .env_remove("HOME")
            .env_remove("STATE_DIRECTORY")
            .env("TMPDIR", &passing);
        if let Some(home) = home {
            run.env("HOME", home);
        }
        let ended = run.output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{}", both(&ended));
        stderr(&ended)
    };
    for (home, why) in
        [(None, "HOME and XDG_STATE_HOME are not set"), (Some("/dev/null/me"), "/dev/null/me/.local")]
    {
        let said = run(home);
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("--data-dir DIR keeps it")).collect();
        assert!(lines.len() == 1 && lines[0].contains(why), "{said}");
        assert_eq!(std::fs::read_dir(&passing).unwrap().count(), 0, "the folder goes with the run");
    }
    let home = place.path("home");
    std::fs::create_dir(&home).unwrap();
    let said = run(home.to_str());
    assert!(!said.contains("--data-dir"), "{said}");
    assert!(home.join(".local/state/groundswell/orchestrator").is_dir(), "kept");
}

/// Runs a line that cannot run a test, with a report of last week in its place.
#[track_caller]
fn runs_nothing(place: &Place, line: &str, code: i32, says: &str) {
    std::fs::write(place.path("report.json"), "{ \"of\": \"last week\" }").unwrap();
    let ended = place.shell(line).output().unwrap();
    assert_eq!(ended.status.code(), Some(code), "{line}: {}", both(&ended));
    assert!(stderr(&ended).contains(says), "{line}: {}", stderr(&ended));
    assert!(ended.stdout.is_empty(), "{line}: {}", both(&ended));
}

#[test]
fn where_nothing_ran_no_report_stands_in_the_file() {
    let place = Place::new();
    let url = place.target.url();
    for (line, code, says) in [
        (format!("groundswell run {url} -n many --json report.json"), 2, "--requests many: "),
        (
            format!("groundswell run {url} --threshold 'p99 < 1s' --json report.json"),
            2,
            "did you mean response.p99?",
        ),
        ("groundswell run missing.toml --json report.json".to_owned(), 1, "missing.toml"),
        (
            "groundswell run http://198.51.100.7/ -n 1 --json report.json".to_owned(),
            1,
            "--allow-target 198.51.100.7",
        ),
    ] {
        runs_nothing(&place, &line, code, says);
        assert!(!place.path("report.json").exists(), "{line}");
    }
    runs_nothing(&place, &format!("groundswell run {url} -n many --json -"), 2, "--requests many: ");
    // What the command reads is spared.
    runs_nothing(&place, "groundswell run plan.toml --json plan.toml", 2, "name another file");
    runs_nothing(
        &place,
        &format!("groundswell run {url} -b @order.json --json order.json"),
        2,
        "name another file",
    );
    assert!(place.path("plan.toml").exists() && place.path("order.json").exists());
    assert_eq!(place.target.received(), 0);
}

#[test]
fn letters_of_other_tools_are_explained_where_their_values_do_not_fit() {
    let place = Place::new();
    let url = place.target.url();
    for (flags, says) in [
        ("-d '{\"a\":1}'", "--duration {\"a\":1}: expected a time"),
        ("-d '{\"a\":1}'", "the body, -d in curl, hey and oha, is -b"),
        ("-t four", "threads are --workers"),
        ("-u 10", "virtual users, -u in k6, are -c here"),
        ("-r fast", "--rate fast: expected requests per second"),
    ] {
        runs_nothing(&place, &format!("groundswell run {url} {flags}"), 2, says);
    }
}

#[test]
fn settings_in_the_environment_and_allowed_targets_reach_the_nodes_of_run() {
    let place = Place::new();
    let line = format!("run|{}|-n|2", place.target.url());
    let run = |flags: &str| {
        let words: Vec<&str> = line.split('|').chain(flags.split_whitespace()).collect();
        let mut run = command(Path::new(&place.path("state")), &words);
        run.env("GROUNDSWELL__SAFETY__ALLOW_TARGETS", "shop.test").output().unwrap()
    };
    let refused = run("");
    assert_eq!(refused.status.code(), Some(1), "{}", both(&refused));
    assert!(stderr(&refused).contains("--allow-target 127.0.0.1"), "{}", stderr(&refused));
    assert_eq!(place.target.received(), 0);
    for allowed in ["--allow-target 127.0.0.1", "--allow-target 10.0.0.0/8 --allow-target 127.0.0.0/8"] {
        let ended = run(allowed);
        assert_eq!(ended.status.code(), Some(0), "{allowed}: {}", both(&ended));
    }
    assert_eq!(place.target.received(), 4);
}
