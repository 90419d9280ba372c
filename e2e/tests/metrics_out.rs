//! What leaves the nodes for Prometheus: it holds to its conventions, comes to what the report says, and every query of the
//! dashboard and of the alerts in deploy/ finds it. A real Prometheus scrapes a real test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::process::{PATIENCE, Process};
use e2e::prometheus::{Prometheus, promtool};
use e2e::rest::Rest;
use e2e::system::{System, assert_sound, patient, tsunami};
use e2e::{repository, wait_for};
use serde_json::{Value, json};

/// Everything that is scraped.
struct Nodes {
    system: System,
    url: String,
    /// Each node's name and its HTTP.
    scraped: Vec<(&'static str, Rest)>,
}

impl Nodes {
    /// An orchestrator, two drivers that serve their metrics, and a target that fails now and then.
    fn start() -> Self {
        let mut system = System::start("embedded", 0);
        let mut scraped = vec![("orchestrator", system.rest.clone())];
        for label in ["driver 1", "driver 2"] {
            let flags =
                ["driver", "--orchestrator", &system.address, "--workers", "1", "--listen", "127.0.0.1:0"];
            let (process, ready) = Process::node(label, system.home.path(), &flags);
            scraped.push((label, Rest::new(ready["http"].as_str().unwrap())));
            system.drivers.push((process, ready["node_id"].as_str().unwrap().to_owned()));
        }
        system.wait_alive(2);
        let target = system.add_target(&["--error-ratio", "10%", "--drop-ratio", "5%", "--delay", "2ms"]);
        scraped.push(("target", target.rest.clone()));
        Self { system, url: target.rest.base.clone(), scraped }
    }

    fn addresses(&self) -> Vec<&str> {
        self.scraped.iter().map(|(_, rest)| rest.base.trim_start_matches("http://")).collect()
    }

    fn texts(&self) -> Vec<(&'static str, String)> {
        let text = |rest: &Rest| rest.get_as("/metrics", Some("text/plain")).text;
        self.scraped.iter().map(|(name, rest)| (*name, text(rest))).collect()
    }
}

/// A mix of three requests for so long.
fn mix(url: &str, seconds: u64) -> Value {
    json!({
        "name": "a \"mix\"", "target": { "url": url }, "honesty": patient(),
        "requests": {
            "home": { "share": 3, "path": "/ping" },
            "product": { "share": 2, "path": "/ping", "query": { "p": "1" } },
            "search": { "share": 1, "path": "/ping", "query": { "q": "x" } },
        },
        "load": { "rate": 60, "warmup": "1s", "duration": format!("{seconds}s") },
    })
}

fn n(value: &Value) -> f64 {
    value.as_u64().unwrap_or_else(|| panic!("no count: {value}")) as f64
}

/// Waits until Prometheus has scraped the end of a test.
fn scraped_end(prometheus: &Prometheus, id: &str) {
    let query = format!(
        "groundswell_test_state{{state=\"finished\"}} and on (instance) groundswell_test_info{{test_id=\"{id}\"}}"
    );
    wait_for("prometheus to see the end", PATIENCE, || {
        (prometheus.attempt_value(&query)? == 1.0).then_some(())
    });
}

/// What is counted is what the report says, of all and of each driver.
fn assert_agrees(prometheus: &Prometheus, report: &Value) {
    let totals = &report["totals"];
    let same =
        |query: &str, expected: f64| assert_eq!(prometheus.value(query), expected, "{query}\n{report:#}");
    same("groundswell_test_requests_scheduled_total", n(&totals["scheduled"]));
    same("groundswell_test_requests_sent_total", n(&totals["sent"]));
    same("groundswell_test_warmup_requests_sent_total", n(&totals["warmup"]["sent"]));
    same("sum(groundswell_test_requests_dropped_total)", n(&totals["dropped"]));
    same("groundswell_test_requests_in_flight", 0.0);
    let statuses = totals["status_codes"].as_object().unwrap();
    same("sum(groundswell_test_responses_total)", statuses.values().map(n).sum());
    for outcome in ["completed", "failed"] {
        let of = format!("{{outcome=\"{outcome}\"}}");
        let ended = n(&totals[outcome]);
        same(&format!("sum(groundswell_test_requests_total{of})"), ended);
        same(&format!("sum(groundswell_test_driver_requests_total{of})"), ended);
        let measured = ended - n(&totals["warmup"][outcome]);
        for family in ["test_response", "test_service", "test_driver_response"] {
            same(&format!("sum(groundswell_{family}_seconds_count{of})"), measured);
            same(
                &format!("sum(groundswell_{family}_seconds_bucket{{outcome=\"{outcome}\",le=\"+Inf\"}})"),
                measured,
            );
        }
    }
    for driver in report["drivers"].as_array().unwrap() {
        let of = format!("{{node_id=\"{}\"}}", driver["node_id"].as_str().unwrap());
        same(&format!("groundswell_test_driver_requests_sent_total{of}"), n(&driver["sent"]));
        same(
            &format!("groundswell_test_driver_lag_seconds_count{of}"),
            n(&driver["latency_ms"]["lag"]["count"]),
        );
    }
    // The exact percentile of completed requests lies between the same two bounds as the estimated one.
    let exact = totals["latency_ms"]["success"]["response"]["p95"].as_f64().unwrap() / 1e3;
    let bucket = "sum by (le) (groundswell_test_response_seconds_bucket{outcome=\"completed\"})";
    let estimated = prometheus.value(&format!("histogram_quantile(0.95, {bucket})"));
    let mut bounds: Vec<f64> = common::latency::BOUNDS_US.iter().map(|us| *us as f64 / 1e6).collect();
    bounds.insert(0, 0.0);
    let place = bounds.windows(2).find(|pair| pair[0] * 0.999 <= exact && exact <= pair[1]).expect("a bound");
    assert!(place[0] <= estimated && estimated <= place[1] * 2.5, "{estimated} s is not {exact} s");
    let mean = totals["latency_ms"]["success"]["response"]["mean"].as_f64().unwrap() / 1e3;
    let sum = "sum(groundswell_test_response_seconds_sum{outcome=\"completed\"})";
    let shown = prometheus
        .value(&format!("{sum} / sum(groundswell_test_response_seconds_count{{outcome=\"completed\"}})"));
    assert!((shown - mean).abs() <= mean * 0.001, "{shown} s is not {mean} s");
}

/// Every query of the dashboard, its variables replaced.
fn queries(instance: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(repository().join("deploy/grafana/groundswell.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let replaced = |text: &str| {
        text.replace("$instance", instance)
            .replace("$request", ".*")
            .replace("$node_id", ".*")
            .replace("$__rate_interval", "5s")
    };
    let mut all = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().unwrap_or(&Vec::new()) {
            all.push((title.to_owned(), replaced(target["expr"].as_str().unwrap())));
        }
    }
    for annotation in dashboard["annotations"]["list"].as_array().unwrap() {
        let name = annotation["name"].as_str().unwrap();
        all.push((name.to_owned(), replaced(annotation["expr"].as_str().unwrap())));
    }
    assert!(all.iter().all(|(_, query)| !query.contains('$')), "{all:#?}");
    assert!(all.len() > 40, "{all:#?}");
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if variable["type"] == "query" {
            let query = variable["query"]["query"].as_str().unwrap();
            all.push((variable["name"].as_str().unwrap().to_owned(), replaced(query)));
        }
    }
    all
}

/// Each query finds something, and each series of it is a number at some time of the tests.
fn assert_finds(prometheus: &Prometheus, instance: &str, report: &Value, from_s: f64, to_s: f64) {
    for (panel, query) in queries(instance) {
        if let Some(of) = query.strip_prefix("label_values(") {
            let (selector, label) = of.trim_end_matches(')').rsplit_once(", ").unwrap();
            assert!(!prometheus.label_values(label, selector).is_empty(), "variable {panel}: {query}");
            continue;
        }
        // Kernels differ in what they count.
        let not_counted = ["wait", "steal", "cpu"].iter().any(|what| {
            let drivers = report["drivers"].as_array().unwrap();
            query.contains(&format!("_{what}_ratio"))
                && drivers.iter().all(|driver| driver[format!("{what}_max")].is_null())
        });
        if not_counted {
            continue;
        }
        let series = prometheus.range(&query, from_s, to_s);
        assert!(!series.is_empty(), "panel {panel:?} is empty: {query}");
        for (labels, values) in series {
            assert!(
                values.iter().any(|value| value.is_finite()),
                "panel {panel:?}, {labels}: {values:?} of {query}"
            );
        }
    }
}

/// The names in a text that begin as those of our nodes do, without the endings of a histogram's samples.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("groundswell_") || word.starts_with("process_"))
        .filter(|word| !word.ends_with('_'))
        .map(|word| {
            let of = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end));
            of.filter(|family| family.ends_with("_seconds")).unwrap_or(word).to_owned()
        })
        .collect()
}

#[test]
fn prometheus_sees_what_the_report_says_and_the_dashboard_finds_it() {
    let nodes = Nodes::start();
    let rules = repository().join("deploy/prometheus/alerts.yml");
    let prometheus = Prometheus::start(nodes.system.home.path(), &nodes.addresses(), &rules);
    let (system, instance) = (&nodes.system, nodes.addresses()[0].to_owned());
    assert!(prometheus.now("groundswell_test_info").is_empty(), "no test was under way yet");

    let from_s = common::clock::unix_us() as f64 / 1e6;
    let id = system.trigger(&mix(&nodes.url, 12));
    let report = system.finished(&id, Duration::from_secs(120));
    assert_sound(&report);
    scraped_end(&prometheus, &id);
    assert_agrees(&prometheus, &report);
    for (name, of) in report["totals"]["requests"].as_object().unwrap() {
        let query = format!("sum(groundswell_test_requests_total{{request=\"{name}\"}})");
        assert_eq!(prometheus.value(&query), n(&of["completed"]) + n(&of["failed"]), "{query}");
    }
    let counters =
        prometheus.label_values("__name__", "{__name__=~\"groundswell_test_.*(_total|_bucket|_count)\"}");
    assert!(counters.len() > 20, "{counters:?}");
    for counter in counters {
        let falls = prometheus.value(&format!("max(resets({counter}[1h]))"));
        assert_eq!(falls, 0.0, "{counter} falls during a test");
    }
    let verdict = format!("groundswell_test_verdict{{verdict={}}}", report["verdict"]);
    assert_eq!(prometheus.value(&verdict), 1.0);
    let target =
        prometheus.range("groundswell_test_target_rate_per_second{unit=\"sessions\"}", from_s, from_s + 60.0);
    assert!(target[0].1.contains(&120.0), "60/s of each driver: {target:?}");
    conventions(&nodes, &prometheus);

    // The next test begins at 0, under no name of the last one.
    let second = system.trigger(&tsunami(&format!("{}/ping", nodes.url), 20.0, "3s"));
    let second_report = system.finished(&second, Duration::from_secs(120));
    scraped_end(&prometheus, &second);
    assert_agrees(&prometheus, &second_report);
    assert!(prometheus.now("groundswell_test_requests_total{request=\"home\"}").is_empty());
    assert_eq!(prometheus.value("resets(groundswell_test_requests_sent_total[1h])"), 1.0);
    let to_s = common::clock::unix_us() as f64 / 1e6;
    assert_finds(&prometheus, &instance, &report, from_s, to_s);
}

/// promtool has no complaint about any node's text, docs/metrics.md names what is there, and rules can be evaluated.
fn conventions(nodes: &Nodes, prometheus: &Prometheus) {
    let folder = repository().join("deploy/prometheus");
    let mut shown = BTreeSet::new();
    for (node, text) in nodes.texts() {
        let checked = promtool(&folder, &["check", "metrics"], &text);
        let said = [checked.stdout, checked.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(checked.status.success() && said.trim().is_empty(), "{node}: {said}\n{text}");
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        shown.extend(types.map(|rest| rest.split(' ').next().unwrap().to_owned()));
    }
    let page = names(&std::fs::read_to_string(repository().join("docs/metrics.md")).unwrap());
    let undocumented: Vec<&String> = shown.difference(&page).collect();
    assert!(undocumented.is_empty(), "docs/metrics.md lacks {undocumented:?}");
    // Written only where a plan splits a request by value, or its driver runs a test with names.
    let others: Vec<&String> = page.difference(&shown).filter(|name| !name.contains("_by_value_")).collect();
    let others: Vec<_> = others.iter().filter(|name| !name.starts_with("groundswell_driver_test_")).collect();
    assert!(others.is_empty(), "docs/metrics.md names {others:?}, which no node has");
    for rule in prometheus.rules() {
        assert_eq!(rule["health"], "ok", "{rule:#}");
        for name in names(rule["query"].as_str().unwrap()) {
            assert!(shown.contains(&name), "rule {} asks for {name}, which no node has", rule["name"]);
        }
    }
}

#[test]
fn promtool_accepts_the_rules_and_their_tests() {
    let folder = repository().join("deploy/prometheus");
    for arguments in [
        &["check", "rules", "alerts.yml"][..],
        &["check", "config", "prometheus.yml"],
        &["test", "rules", "alerts_test.yml"],
    ] {
        let checked = promtool(&folder, arguments, "");
        let said =
            String::from_utf8_lossy(&checked.stderr).into_owned() + &String::from_utf8_lossy(&checked.stdout);
        assert!(checked.status.success(), "promtool {arguments:?}: {said}");
    }
    // Each alert has a test.
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let tests = text("alerts_test.yml");
    for alert in text("alerts.yml").lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tests.contains(&format!("alertname: {alert}")), "{alert} has no test");
    }
}
