//! `/metrics`: what the process counted, as Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::Ordering;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::wire::{RejectReason, Topic};

use super::openapi as answers;
use super::problem::Problem;
use super::query::Query;
use super::state::{AppState, ask};
use crate::actors::driver_registry::ListDrivers;
use crate::actors::store::CountTests;

/// What `liveness` of a node can be: each is shown, also where it is 0, so that an alert on it works.
const LIVENESS: [&str; 7] = ["alive", "suspect", "lost", "stale", "left", "fenced", "deaf"];

/// The text of the answer, a family of metrics at a time.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        let mut shown = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value)));
        let labels = match shown.next() {
            Some(first) => format!("{{{}}}", shown.fold(first, |all, one| format!("{all},{one}"))),
            None => String::new(),
        };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// What the process counted since it started, for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "get_metrics",
    tag = "process",
    responses(
        (status = 200, description = "Prometheus text, version 0.0.4", body = String, content_type = "text/plain"),
        answers::Stored,
    )
)]
pub async fn metrics(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    let mut text = Text::default();
    text.family("groundswell_build_info", "gauge", "The build; always 1.");
    let labels = [("version", state.watch.version.as_str()), ("node_id", state.watch.node_id.as_str())];
    text.sample("groundswell_build_info", &labels, 1);
    let (kafka, store) = state.watch.readiness.get();
    text.family("groundswell_ready", "gauge", "Whether it can be used, 0 or 1.");
    text.sample("groundswell_ready", &[("part", "kafka")], u64::from(kafka));
    text.sample("groundswell_ready", &[("part", "store")], u64::from(store));
    drivers(&mut text, &state).await?;
    tests(&mut text, &state).await;
    records(&mut text, &state);
    counts(&mut text, &state);
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text.0))
}

async fn drivers(text: &mut Text, state: &AppState) -> Result<(), Problem> {
    let mut by_liveness: BTreeMap<String, u64> = LIVENESS.map(|word| (word.to_owned(), 0)).into();
    for driver in ask(&state.commands.drivers, ListDrivers).await? {
        *by_liveness.entry(driver.liveness).or_default() += 1;
    }
    text.family("groundswell_drivers", "gauge", "Nodes known, by liveness.");
    for (liveness, n) in &by_liveness {
        text.sample("groundswell_drivers", &[("liveness", liveness)], *n);
    }
    Ok(())
}

/// Left out where the store cannot be read: then all else is needed the more.
async fn tests(text: &mut Text, state: &AppState) {
    let Ok(counted) = state.read(&state.reads.counts, CountTests).await else { return };
    text.family("groundswell_tests", "gauge", "Tests stored, by state and verdict.");
    for ((test_state, verdict), n) in counted {
        let verdict = verdict.unwrap_or_else(|| "none".to_owned());
        text.sample("groundswell_tests", &[("state", &test_state), ("verdict", &verdict)], n);
    }
}

fn records(text: &mut Text, state: &AppState) {
    let telemetry = &state.watch.telemetry;
    text.family("groundswell_records_read_total", "counter", "Kafka records read, usable or not.");
    for topic in Topic::ALL {
        let name = state.bootstrap.topic_name(topic);
        let labels = [("topic", name.as_str())];
        text.sample("groundswell_records_read_total", &labels, telemetry.n_read(topic));
    }
    text.family("groundswell_records_rejected_total", "counter", "Kafka records that could not be used.");
    for topic in Topic::ALL {
        let name = state.bootstrap.topic_name(topic);
        for reason in RejectReason::ALL {
            let labels = [("topic", name.as_str()), ("reason", reason.as_str())];
            text.sample("groundswell_records_rejected_total", &labels, telemetry.n_rejected(topic, reason));
        }
    }
}

fn counts(text: &mut Text, state: &AppState) {
    let telemetry = &state.watch.telemetry;
    let counters = [
        (
            "groundswell_windows_stored_total",
            "Windows and classic reports stored.",
            &telemetry.windows_stored,
        ),
        (
            "groundswell_windows_duplicate_total",
            "Windows and classic reports that came again and were left out.",
            &telemetry.windows_duplicate,
        ),
        (
            "groundswell_windows_orphaned_total",
            "Windows and classic reports of tests that are not stored: not kept.",
            &telemetry.windows_orphaned,
        ),
        ("groundswell_store_errors_total", "Messages that SQLite could not serve.", &telemetry.store_errors),
        ("groundswell_events_total", "Events sent to listeners or kept for them.", &telemetry.events),
        (
            "groundswell_event_subscribers_dropped_total",
            "Listeners of events that were too slow and were disconnected.",
            &telemetry.subscribers_dropped,
        ),
        (
            "groundswell_event_subscribers_refused_total",
            "Listeners of events that were refused, for there were too many.",
            &telemetry.subscribers_refused,
        ),
        (
            "groundswell_records_fenced_total",
            "Records of an earlier life of a node: ignored.",
            &telemetry.records_fenced,
        ),
        (
            "groundswell_records_conflicting_total",
            "Records without an epoch under the id of a node that has one: ignored.",
            &telemetry.records_conflicting,
        ),
        (
            "groundswell_records_refused_total",
            "Records of nodes for which there was no room: ignored.",
            &telemetry.records_refused,
        ),
        (
            "groundswell_metrics_foreign_total",
            "Windows and classic reports of no test under way or just over: not counted.",
            &telemetry.metrics_foreign,
        ),
        (
            "groundswell_mailbox_overflow_total",
            "Messages that an actor's full mailbox did not take.",
            &telemetry.mailbox_overflow,
        ),
    ];
    for (name, help, count) in counters {
        text.single(name, "counter", help, count.get());
    }
    let subscribers = telemetry.subscribers.load(Ordering::Relaxed);
    text.single("groundswell_event_subscribers", "gauge", "Listeners of events.", subscribers);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut text = Text::default();
        text.sample("a", &[("b", "x\"y\\z\n"), ("c", "d")], 7);
        assert_eq!(text.0, "a{b=\"x\\\"y\\\\z\\n\",c=\"d\"} 7\n");
    }
}
