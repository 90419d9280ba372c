//! The target's shop as tests see it: its counts by name, and the requests that it logged. And tests of plans with
//! `[requests]` against it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::rest::Rest;
use crate::system::{System, Target, assert_sound, patient};

/// The shop of a target.
pub struct Shop {
    rest: Rest,
}

impl Shop {
    pub fn of(target: &Target) -> Self {
        Self { rest: target.rest.clone() }
    }

    /// An orchestrator, so many drivers, and a target with its shop.
    pub fn with_system(drivers: usize) -> (System, Self) {
        let mut system = System::start("embedded", drivers);
        let shop = Self::of(&system.add_target(&[]));
        (system, shop)
    }

    /// Runs a plan of these tables against the shop, each request named to it and lenient about our own machine. Checks
    /// what holds of every such test: the equations, and that report and shop agree by name.
    #[track_caller]
    pub fn run(&self, system: &System, mut tables: Value) -> Value {
        tables["target"] = json!({ "url": self.url() });
        tables["honesty"] = patient();
        for (name, request) in tables["requests"].as_object_mut().unwrap() {
            request["headers"]["x-name"] = json!(name);
        }
        self.reset();
        let report = system.run(&tables);
        assert_sound(&report);
        self.assert_agrees(&report);
        report
    }

    pub fn url(&self) -> &str {
        &self.rest.base
    }

    /// Counts from 0 again.
    pub fn reset(&self) {
        let answer = self.rest.post_empty("/shop/counts/reset");
        assert!((200..300).contains(&answer.status), "{}", answer.text);
    }

    /// The answers by the name in `x-name`, and by status.
    pub fn by_name(&self) -> BTreeMap<String, BTreeMap<String, u64>> {
        let counts = self.rest.get("/shop/counts").json();
        serde_json::from_value(counts["by_name"].clone())
            .unwrap_or_else(|error| panic!("{error}: {counts:#}"))
    }

    /// How many different sessions it saw.
    pub fn sessions(&self) -> u64 {
        let counts = self.rest.get("/shop/counts").json();
        counts["sessions"].as_u64().unwrap_or_else(|| panic!("no sessions: {counts:#}"))
    }

    /// Holds back every answer until that long from now.
    pub fn stall(&self, time: Duration) {
        let answer = self.rest.post_empty(&format!("/shop/stall?ms={}", time.as_millis()));
        assert!((200..300).contains(&answer.status), "{}", answer.text);
    }

    /// Logs the next requests, so many at most.
    pub fn log(&self, max: usize) {
        let answer = self.rest.post_empty(&format!("/shop/log/start?max={max}"));
        assert!((200..300).contains(&answer.status), "{}", answer.text);
    }

    /// The same, with these headers of each (separated by commas); read by [`Shop::logged`].
    pub fn log_with(&self, max: usize, headers: &str) {
        let answer = self.rest.post_empty(&format!("/shop/log/start?max={max}&headers={headers}"));
        assert!((200..300).contains(&answer.status), "{}", answer.text);
    }

    /// The requests since the log was started, as the shop has them.
    pub fn logged(&self) -> Vec<Value> {
        let logged = self.rest.get("/shop/log").json();
        logged.as_array().unwrap_or_else(|| panic!("{logged}")).clone()
    }

    /// The requests since then, each as a text of method, path with query, and body.
    pub fn requests(&self) -> Vec<String> {
        let one = |request: &Value| {
            let text = |key: &str| request[key].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", text("method"), text("uri"), text("body"))
        };
        self.logged().iter().map(one).collect()
    }

    /// The paths of the requests since then.
    pub fn paths(&self) -> Vec<String> {
        self.requests()
            .iter()
            .map(|request| request.split(' ').nth(1).unwrap_or_default().to_owned())
            .collect()
    }

    /// Checks that a report has, for each name, as many requests of each status as the shop. The shop sees the redirects of
    /// a request under its name, too, and the values of a split are in their request's figures.
    #[track_caller]
    pub fn assert_agrees(&self, report: &Value) {
        let totals = &report["totals"]["requests"];
        let totals = totals.as_object().unwrap_or_else(|| panic!("no requests by name: {report:#}"));
        let mut reported: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for (name, figures) in totals.iter().filter(|(name, _)| !name.contains('/')) {
            let statuses: BTreeMap<String, u64> =
                serde_json::from_value(figures["status_codes"].clone()).unwrap();
            for (status, n) in statuses {
                let name = name.strip_suffix(".redirect").unwrap_or(name);
                *reported.entry(name.to_owned()).or_default().entry(status).or_default() += n;
            }
        }
        assert_eq!(
            json!(reported),
            json!(self.by_name()),
            "the report and the shop, by name and status: {report:#}"
        );
    }
}
