//! A Prometheus of Debian's package that scrapes nodes of a test each second, and promtool.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::process::{PATIENCE, Process};
use crate::rest::Rest;
use crate::wait_for;

/// A running server; it is gone when this is. Its data are in the folder that it was given.
pub struct Prometheus {
    rest: Rest,
    _process: Process,
}

/// Runs promtool in a folder, with a text on its standard input.
pub fn promtool(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new("promtool");
    command.args(arguments).current_dir(folder);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("promtool: {error}; make setup-test installs it"));
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// A query's text, or a selector, as a part of a form or an address.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

impl Prometheus {
    /// Starts one below `home` that scrapes these addresses, `host:port`, and evaluates a file of rules, each second. Returns
    /// once it has scraped all of them.
    pub fn start(home: &Path, addresses: &[&str], rules: &Path) -> Self {
        let folder = home.join("prometheus");
        std::fs::create_dir_all(&folder).unwrap();
        let targets = addresses.iter().map(|address| format!("'{address}'")).collect::<Vec<_>>().join(", ");
        let config = format!(
            "global: {{ scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }}\n\
             rule_files: ['{}']\n\
             scrape_configs: [{{ job_name: groundswell, static_configs: [{{ targets: [{targets}] }}] }}]\n",
            rules.display()
        );
        std::fs::write(folder.join("prometheus.yml"), config).unwrap();
        let mut command = Command::new("prometheus");
        command.current_dir(&folder).args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
        command.args(["--web.listen-address=127.0.0.1:0", "--storage.tsdb.retention.time=1d"]);
        let process = Process::start("prometheus", command);
        let address = wait_for("prometheus to listen", PATIENCE, || {
            let line = process.logged().into_iter().find(|line| line.contains("msg=\"Listening on\""))?;
            Some(line.rsplit_once("address=")?.1.trim().to_owned())
        });
        let prometheus = Self { rest: Rest::new(&address), _process: process };
        wait_for("prometheus to scrape all nodes", PATIENCE, || {
            (prometheus.attempt_value("count(up == 1)")? == addresses.len() as f64).then_some(())
        });
        prometheus
    }

    fn ask(&self, path: &str) -> Option<Value> {
        let answer = self.rest.attempt(path, None)?;
        // 503 while it starts.
        (answer.status != 503).then(|| {
            let json = answer.json();
            assert_eq!(json["status"], "success", "{path}: {json:#}");
            json["data"].clone()
        })
    }

    /// The series of a query now, each with its labels and its value.
    #[track_caller]
    pub fn now(&self, query: &str) -> Vec<(Value, f64)> {
        let data = self.ask(&format!("/api/v1/query?query={}", encoded(query))).expect("prometheus answers");
        let series = data["result"].as_array().unwrap();
        series.iter().map(|one| (one["metric"].clone(), number(&one["value"][1]))).collect()
    }

    /// The only value of a query, if it has one by now.
    pub fn attempt_value(&self, query: &str) -> Option<f64> {
        let data = self.ask(&format!("/api/v1/query?query={}", encoded(query)))?;
        let series = data["result"].as_array().unwrap();
        (series.len() == 1).then(|| number(&series[0]["value"][1]))
    }

    /// The only value of a query.
    #[track_caller]
    pub fn value(&self, query: &str) -> f64 {
        let series = self.now(query);
        assert_eq!(series.len(), 1, "{query}: {series:?}");
        series[0].1
    }

    /// The series of a query between two instants, Unix seconds, a value each second: labels and values.
    #[track_caller]
    pub fn range(&self, query: &str, from_s: f64, to_s: f64) -> Vec<(Value, Vec<f64>)> {
        let path = format!("/api/v1/query_range?query={}&start={from_s}&end={to_s}&step=1", encoded(query));
        let data = self.ask(&path).expect("prometheus answers");
        let values = |series: &Value| {
            series["values"].as_array().unwrap().iter().map(|value| number(&value[1])).collect()
        };
        let series = data["result"].as_array().unwrap();
        series.iter().map(|one| (one["metric"].clone(), values(one))).collect()
    }

    /// The values of a label among the series of a selector.
    #[track_caller]
    pub fn label_values(&self, label: &str, selector: &str) -> Vec<String> {
        let path = format!("/api/v1/label/{label}/values?match[]={}", encoded(selector));
        let data = self.ask(&path).expect("prometheus answers");
        data.as_array().unwrap().iter().map(|value| value.as_str().unwrap().to_owned()).collect()
    }

    /// The rules, once each has been evaluated.
    pub fn rules(&self) -> Vec<Value> {
        wait_for("rules to be evaluated", Duration::from_secs(60), || {
            let data = self.ask("/api/v1/rules")?;
            let groups = data["groups"].as_array().unwrap();
            let rules: Vec<Value> =
                groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect();
            let looked_at = !rules.is_empty() && rules.iter().all(|rule| rule["health"] != "unknown");
            looked_at.then_some(rules)
        })
    }
}

/// Values are texts, as in `"12.5"`, `"NaN"` and `"+Inf"`.
fn number(value: &Value) -> f64 {
    value.as_str().unwrap().replace("+Inf", "inf").parse().unwrap()
}
