//! Reports for other programs, read back by those programs: what they find is what the report says. And the same report by
//! REST, by the command line at a running orchestrator, and from its data folder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use e2e::browser::Browser;
use e2e::process::output;
use e2e::system::{System, Target, patient};
use e2e::{python, repository};
use serde_json::{Value, json};

/// Two requests, of which one fails, over two drivers.
fn plan(target: &Target) -> Value {
    json!({
        "name": "a, \"b\" | <c>", "target": { "url": target.rest.base },
        "requests": {
            "good": { "share": 3, "path": "/ping?delay=2ms" },
            "bad": { "share": 1, "path": "/ping?status=503" },
        },
        "load": { "rate": 60, "duration": "3s", "warmup": "1s" },
        "thresholds": { "response.p99": "< 1ms", "throughput": "> 1/s" },
        "honesty": patient(),
    })
}

/// What the Python fixture reads from a file.
#[track_caller]
fn read_by_python(what: &str, file: &Path) -> Value {
    let fixture = repository().join("e2e/fixtures/read_reports.py");
    let read = Command::new(python()).arg(fixture).arg(what).arg(file).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    serde_json::from_slice(&read.stdout).unwrap()
}

/// HdrHistogram for Java, which Apache Kafka brings along.
fn hdr_histogram() -> PathBuf {
    let libs = std::env::var_os("GROUNDSWELL_KAFKA_LIBS")
        .map_or_else(|| repository().join("build/kafka/libs"), PathBuf::from);
    let jars = fs::read_dir(&libs).unwrap_or_else(|error| panic!("{}: {error}: make kafka", libs.display()));
    let is_it = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("HdrHistogram-");
    jars.map(|jar| jar.unwrap().path()).find(is_it).expect("HdrHistogram among Kafka's jars")
}

/// The percentiles that HdrHistogram's own processor makes of a log, as rows of numbers, and its last lines.
#[track_caller]
fn processed(log: &Path, more: &[&str]) -> (Vec<Vec<f64>>, String) {
    let out = log.with_extension("processed");
    let mut java = Command::new("java");
    java.arg("-cp").arg(hdr_histogram()).arg("org.HdrHistogram.HistogramLogProcessor").arg("-i").arg(log);
    // Our logs hold µs: in ms they are what the reports show.
    let done = java.args(["-outputValueUnitRatio", "1000", "-o"]).arg(&out).args(more).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.is_empty(), "{said}{}", String::from_utf8_lossy(&done.stdout));
    let text = fs::read_to_string(format!("{}.hgrm", out.display())).unwrap();
    (rows(&text), text)
}

/// The lines of a percentile output that are rows.
fn rows(text: &str) -> Vec<Vec<f64>> {
    let cells =
        |line: &str| line.split_whitespace().map(|cell| cell.parse().ok()).collect::<Option<Vec<f64>>>();
    text.lines().filter_map(cells).filter(|cells| !cells.is_empty()).collect()
}

fn n(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no count: {value}"))
}

#[test]
fn every_form_is_read_by_its_own_tool_and_says_what_the_report_says() {
    let mut system = System::start("embedded", 2);
    let target = system.add_target(&[]);
    let report = system.run(&plan(&target));
    let id = report["test_id"].as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let fetched = |form: &str| {
        let answer = system.rest.get(&format!("/api/v1/tests/{id}/report.{form}"));
        assert_eq!(answer.status, 200, "{form}: {}", answer.text);
        let path = folder.path().join(form.replace(['?', '=', '.'], "-"));
        fs::write(&path, &answer.text).unwrap();
        path
    };

    // CSV: the sums over the seconds are the totals.
    let csv = read_by_python("csv", &fetched("csv"));
    let totals = &report["totals"];
    let sums = &csv["sums"];
    let fleet = &sums["fleet||"];
    for (column, figure) in
        [("sent", "sent"), ("completed", "completed"), ("failed", "failed"), ("scheduled", "scheduled")]
    {
        assert_eq!(n(&fleet[column]), n(&totals[figure]), "{column}: {csv:#}");
        let of_drivers: u64 = report["drivers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|driver| {
                let name = format!("driver|{}|", driver["node_id"].as_str().unwrap());
                assert_eq!(n(&sums[&name][column]), n(&driver[figure]), "{name} {column}");
                n(&sums[&name][column])
            })
            .sum();
        assert_eq!(of_drivers, n(&totals[figure]), "{column}");
    }
    for name in ["good", "bad"] {
        for column in ["sent", "completed", "failed"] {
            assert_eq!(
                sums[format!("fleet||{name}")][column],
                totals["requests"][name][column],
                "{name} {column}"
            );
        }
    }
    assert_eq!(n(&fleet["warmup_sent"]), n(&totals["warmup"]["sent"]));
    assert_eq!(n(&fleet["received_bytes"]), n(&totals["bytes_received"]));
    assert_eq!(fleet["response_count"], totals["latency_ms"]["response"]["count"]);
    assert_eq!(fleet["response_max_ms"], totals["latency_ms"]["response"]["max"]);

    // JUnit: the verdict and the thresholds.
    let suites = read_by_python("junit", &fetched("junit.xml"));
    assert_eq!(suites[0]["name"], "a, \"b\" | <c>");
    let cases = suites[0]["cases"].as_array().unwrap();
    assert_eq!((&cases[0]["name"], &cases[0]["result"]), (&json!("verdict"), &json!("failure")));
    assert_eq!(cases[0]["message"], report["reasons"][0]);
    for (case, threshold) in cases[1..].iter().zip(report["thresholds"].as_array().unwrap()) {
        assert_eq!(case["name"], threshold["expression"]);
        let expected = if threshold["ok"] == true { "passed" } else { "failure" };
        assert_eq!(case["result"], expected, "{suites:#}");
    }
    assert_eq!(cases.len() - 1, report["thresholds"].as_array().unwrap().len());

    // The log: HdrHistogram's processor makes the percentiles of it that we print ourselves.
    for of in ["success.response", "lag", "failed.service"] {
        let log = fetched(&format!("hlog?of={of}"));
        let (theirs, text) = processed(&log, &[]);
        let ours = rows(&fs::read_to_string(fetched(&format!("hgrm?of={of}"))).unwrap());
        assert!(theirs.len() > 3, "{of}: {text}");
        assert_eq!(ours.len(), theirs.len(), "{of}: {text}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours[1..], theirs[1..], "{of}: percentile, count and their inverse");
            // Ours are moved to the exact smallest and largest sample, within a bucket.
            assert!((ours[0] - theirs[0]).abs() <= 0.0011 + theirs[0] / 1_000.0, "{of}: {ours:?} {theirs:?}");
        }
    }

    // Failed requests count as slower in the log, too, so that no tool finds a better percentile than the report has.
    let log = fetched("hlog");
    let (all, text) = processed(&log, &[]);
    let response = &totals["latency_ms"]["response"];
    let last = all.last().unwrap();
    let slower = n(&totals["failed"]) - n(&totals["warmup"]["failed"]);
    assert_eq!(last[2] as u64, n(&response["count"]) + slower, "{text}");
    assert!((last[0] - 3_600_000.0).abs() < 3_600.0, "{text}");
    let median = all.iter().find(|row| row[1] == 0.5).unwrap();
    assert!(
        (median[0] - response["median"].as_f64().unwrap()).abs() <= 0.0011 + median[0] / 1_000.0,
        "{text}"
    );

    // A driver's lines are found by its tag.
    for driver in report["drivers"].as_array().unwrap() {
        let (of_driver, text) = processed(&log, &["-tag", driver["node_id"].as_str().unwrap()]);
        let slower = n(&driver["failed"]) - n(&driver["warmup"]["failed"]);
        let count = n(&driver["latency_ms"]["response"]["count"]) + slower;
        assert_eq!(of_driver.last().unwrap()[2] as u64, count, "{text}");
    }

    html_opens_from_disk(&fetched("html"), &report);

    // Markdown is short, and names nothing unescaped.
    let markdown = fs::read_to_string(fetched("md")).unwrap();
    assert!(markdown.starts_with("### Groundswell: FAILED\n\n`a, \"b\" ¦ <c>`\n"), "{markdown}");
    assert!(markdown.contains("| `response.p99 < 1ms` |") && markdown.lines().count() < 50, "{markdown}");
}

#[test]
fn the_same_report_comes_by_rest_by_command_and_from_the_data_folder() {
    let mut system = System::start("embedded", 1);
    let target = system.add_target(&[]);
    let id = system.run(&plan(&target))["test_id"].as_str().unwrap().to_owned();
    let home = system.home.path().to_owned();
    let forms = [
        ("json", "json?series=true", &["--series"][..]),
        ("csv", "csv", &[]),
        ("junit", "junit.xml", &[]),
        ("md", "md", &[]),
        ("hgrm", "hgrm?of=lag", &["--of", "lag"]),
        ("hlog", "hlog", &[]),
        ("text", "txt", &[]),
        ("html", "html", &[]),
    ];
    let out = home.join("out");
    let mut texts = Vec::new();
    for (format, path, more) in forms {
        let by_rest = system.rest.get(&format!("/api/v1/tests/{id}/report.{path}")).text;
        let words = ["report", &id, "--orchestrator", &system.address, "--format", format];
        let on_stdout = done(output(&home, &[&words[..], more].concat()));
        assert_eq!(String::from_utf8(on_stdout.stdout).unwrap(), by_rest, "{format}");
        let to_file = [&words[..], more, &["--out", out.to_str().unwrap()]].concat();
        assert!(done(output(&home, &to_file)).stdout.is_empty(), "{format}");
        assert_eq!(fs::read_to_string(&out).unwrap(), by_rest, "{format}");
        texts.push(by_rest);
    }
    system.orchestrator.stop();
    for ((format, _, more), text) in forms.into_iter().zip(texts) {
        let words = ["report", "latest", "--data-dir", home.to_str().unwrap(), "--format", format];
        let stored = done(output(&home, &[&words[..], more].concat()));
        assert_eq!(String::from_utf8(stored.stdout).unwrap(), text, "{format} from the data folder");
    }
    for (words, code, says) in [
        (&["report", "--of", "lag"][..], 2, "--of lag: is for --format hgrm and hlog"),
        (&["report", "--format", "hgrm", "--of", "p99"], 2, "--of p99: expected one of response, service"),
        (&["report", "--format", "csv", "--out", "/dev/full"], 1, "/dev/full: No space left"),
        (&["report", "--format", "md", "--out", "/dev/full"], 1, "--out /dev/full: No space left"),
    ] {
        let refused = output(&home, &[words, &["--data-dir", home.to_str().unwrap()]].concat());
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(code) && said.contains(says), "{words:?}: {said}");
    }
}

#[track_caller]
fn done(output: Output) -> Output {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn run_writes_all_files_at_once_and_one_that_fails_keeps_the_verdict() {
    let home = tempfile::tempdir().unwrap();
    let (_process, target) = Target::start(home.path(), &[]);
    let at = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let url = target.url();
    let load = ["run", &url, "-r", "40", "-z", "2s", "--drivers", "1", "--threshold", "response.p99 < 1us"];
    let forms = ["json", "html", "junit", "csv", "md"];
    let files: Vec<String> =
        forms.iter().flat_map(|form| [format!("--{form}"), at(&format!("r.{form}"))]).collect();
    let ended =
        output(home.path(), &load.into_iter().chain(files.iter().map(String::as_str)).collect::<Vec<_>>());
    let code = ended.status.code();
    let report: Value = serde_json::from_slice(&fs::read(at("r.json")).unwrap()).unwrap();
    // 3, or on a machine that was too busy 5: of the verdict in any case.
    let expected = if report["verdict"] == "failed" { 3 } else { 5 };
    assert_eq!(code, Some(expected), "{}", String::from_utf8_lossy(&ended.stderr));
    let csv = read_by_python("csv", Path::new(&at("r.csv")));
    assert_eq!(csv["sums"]["fleet||"]["sent"], report["totals"]["sent"]);
    let junit = read_by_python("junit", Path::new(&at("r.junit")));
    assert_ne!(junit[0]["cases"][0]["result"], "passed");
    assert!(fs::read_to_string(at("r.md")).unwrap().starts_with("### Groundswell: "));
    assert!(fs::read_to_string(at("r.html")).unwrap().contains(report["test_id"].as_str().unwrap()));

    let full = ["--csv", "/dev/full", "--md", "/proc/no", "--junit", &at("again.xml")];
    let refused = output(home.path(), &[&load[..], &full].concat());
    assert_eq!(refused.status.code(), Some(1), "what cannot be created is refused before the load");
    let full = ["--csv", "/dev/full", "--junit", &at("again.xml"), "--json", "-"];
    let ended = output(home.path(), &[&load[..], &full].concat());
    let said = String::from_utf8_lossy(&ended.stderr);
    let report: Value =
        serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
    let expected = if report["verdict"] == "failed" { 3 } else { 5 };
    assert_eq!(ended.status.code(), Some(expected), "{said}");
    assert!(said.contains("warning: --csv /dev/full: not written: "), "{said}");
    assert!(Path::new(&at("again.xml")).exists());

    let twice = output(home.path(), &[&load[..], &["--md", &at("x"), "--csv", &at("x")]].concat());
    let said = String::from_utf8_lossy(&twice.stderr);
    assert!(twice.status.code() == Some(2) && said.contains("is also --csv; name another file"), "{said}");
}

/// The HTML report opened from disk, in a browser that reaches no other machine: it shows what the report says, on screens and
/// on paper, and asks for nothing.
#[track_caller]
fn html_opens_from_disk(html: &Path, report: &Value) {
    // Kept beside the build, to be looked at.
    let pictures = repository().join("build/pictures/report");
    fs::create_dir_all(&pictures).unwrap();
    let file = html.with_extension("html");
    fs::copy(html, &file).unwrap();
    let mut browser = Browser::open(&format!("file://{}", file.display()));
    let totals = &report["totals"];
    for (name, width, height, scheme) in
        [("light", 1280, 800, "light"), ("dark", 1280, 800, "dark"), ("phone", 360, 780, "light")]
    {
        browser.shoot_one(&pictures.join(format!("{name}.png")), width, height, scheme);
        let text = browser.run("document.body.innerText");
        let text = text.as_str().unwrap();
        let has = |what: &str| assert!(text.contains(what), "{name}: no {what} in {text}");
        assert!(text.to_lowercase().contains("failed"), "{name}: no verdict in {text}");
        has(report["reasons"][0].as_str().unwrap());
        has(report["name"].as_str().unwrap());
        has(report["test_id"].as_str().unwrap());
        for count in [&totals["sent"], &totals["completed"]] {
            has(&n(count).to_string());
        }
        for driver in report["drivers"].as_array().unwrap() {
            has(driver["node_id"].as_str().unwrap());
        }
    }
    let paper = pictures.join("a4.pdf");
    browser.order(&json!({ "do": "pdf", "path": paper }));
    let pdf = fs::read(paper).unwrap();
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 20_000, "{} bytes", pdf.len());
    browser.assert_quiet(&[]);
}

/// The examples in deploy/ci: their shell lines run here, on the real binary, with stand-ins for what only their services have.
#[test]
fn the_examples_for_ci_run_their_plan_keep_the_files_and_comment() {
    let place = tempfile::tempdir().unwrap();
    let (_process, target) = Target::start(place.path(), &[]);
    for (file, commented) in [
        ("github-actions.yml", "gh pr comment 7 --edit-last --create-if-none --body-file report/report.md"),
        (
            "gitlab-ci.yml",
            "body@report/report.md http://gitlab.test/api/v4/projects/5/merge_requests/7/notes",
        ),
        ("Jenkinsfile", "gh pr comment 7 --edit-last --create-if-none --body-file report/report.md"),
    ] {
        let work = place.path().join(file);
        fs::create_dir_all(work.join("load")).unwrap();
        fs::create_dir_all(work.join("bin")).unwrap();
        let load = "rate = 40\nduration = '1s'\n[honesty]\nmax_lag_p99 = '5s'\nmax_late = '50%'\nmax_catch_up = '60s'\n";
        let plan = format!("name = 'ci'\n[target]\nurl = '{}'\n[load]\n{load}", target.url());
        fs::write(work.join("load/plan.toml"), plan).unwrap();
        let script = |path: &str, text: &str| {
            let path = work.join(path);
            fs::write(&path, text).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&path, mode).unwrap();
        };
        script("load/start", "#!/bin/sh\n");
        // What is called is noted. Packages, comments and downloads are not ours to make.
        for stub in ["gh", "curl", "apt-get", "sudo"] {
            script(&format!("bin/{stub}"), &format!("#!/bin/sh\necho {stub} \"$@\" >>\"$CALLS\"\n"));
        }
        std::os::unix::fs::symlink(e2e::binary(), work.join("bin/groundswell")).unwrap();
        let fixture = repository().join("e2e/fixtures/ci_steps.py");
        let example = repository().join("deploy/ci").join(file);
        let steps = done(Command::new(python()).arg(fixture).arg(&example).output().unwrap());
        let steps: Vec<String> = serde_json::from_slice(&steps.stdout).unwrap();
        assert!(steps.iter().any(|step| step.contains("groundswell run")), "{file}: {steps:?}");
        let run = |step: &String| {
            let path = format!("{}:{}", work.join("bin").display(), std::env::var("PATH").unwrap());
            let mut shell = Command::new("bash");
            shell.args(["-e", "-o", "pipefail", "-c", step]).current_dir(&work).env("PATH", path);
            shell.env("XDG_STATE_HOME", work.join("state")).env("CALLS", work.join("calls"));
            for (name, value) in [
                ("GROUNDSWELL_DEB", "http://packages.test/groundswell.deb"),
                ("PULL_REQUEST", "7"),
                ("CHANGE_ID", "7"),
                ("HOME", work.to_str().unwrap()),
                ("GITHUB_STEP_SUMMARY", work.join("summary").to_str().unwrap()),
                ("GROUNDSWELL_COMMENT_TOKEN", "t0ken"),
                ("CI_API_V4_URL", "http://gitlab.test/api/v4"),
                ("CI_PROJECT_ID", "5"),
                ("CI_MERGE_REQUEST_IID", "7"),
            ] {
                shell.env(name, value);
            }
            let ended = shell.output().unwrap();
            let said = format!(
                "{}{}",
                String::from_utf8_lossy(&ended.stdout),
                String::from_utf8_lossy(&ended.stderr)
            );
            assert!(ended.status.success(), "{file}: {step}\n{said}");
            said
        };
        // Without a baseline, and with the one that this left behind.
        let first: String = steps.iter().map(run).collect();
        assert!(!first.contains("beyond doubt"), "{file}: {first}");
        // Jenkins keeps a workspace from one build to the next.
        let stale = work.join("report/of-an-earlier-build");
        fs::write(&stale, "").unwrap();
        let second: String = steps.iter().map(run).collect();
        assert!(second.contains("no figure is worse by more than 10% beyond doubt"), "{file}: {second}");
        assert!(!stale.exists() || file != "Jenkinsfile", "{file}");
        let calls = fs::read_to_string(work.join("calls")).unwrap();
        assert!(calls.contains(commented), "{file}: {calls}");
        let junit = read_by_python("junit", &work.join("report/junit.xml"));
        assert_eq!(junit[0]["cases"][0]["result"], "passed", "{file}: {junit:#}");
        for kept in ["report.md", "report.html", "windows.csv", "report.json"] {
            assert!(work.join("report").join(kept).exists(), "{file}: {kept}");
        }
        if file == "github-actions.yml" {
            assert!(fs::read_to_string(work.join("summary")).unwrap().contains("Groundswell: PASSED"));
        }
    }
}
