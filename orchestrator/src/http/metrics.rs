//! `/metrics`: what the process counted, as Prometheus reads it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use common::process;
use common::prometheus::{CONTENT_TYPE, Exposition};
use common::wire::{RejectReason, Topic};

use super::error_responses;
use super::problem::Problem;
use super::query::Query;
use super::state::AppState;
use crate::model::Liveness;

/// What the process counted since it started, for Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "get_metrics",
    tag = "process",
    responses(
        (status = 200, description = "Prometheus text, version 0.0.4", body = String, content_type = "text/plain"),
        error_responses::Stored,
    )
)]
pub async fn metrics(request: HttpRequest, state: Data<AppState>) -> Result<HttpResponse, Problem> {
    Query::none(request.query_string())?;
    let mut text = Exposition::new("groundswell_");
    let labels = [("version", state.watch.version.as_str()), ("node_id", state.watch.node_id.as_str())];
    text.gauge("build_info", "The build; always 1.").labelled(&labels, 1);
    let (kafka, store) = state.watch.readiness.get();
    let mut ready = text.gauge("ready", "Whether it can be used, 0 or 1.");
    ready.labelled(&[("part", "kafka")], u64::from(kafka));
    ready.labelled(&[("part", "store")], u64::from(store));
    drivers(&mut text, &state).await?;
    tests(&mut text, &state).await;
    records(&mut text, &state);
    counts(&mut text, &state);
    // Left out where the node is ending.
    if let Ok(Some(test)) = state.commands.exposed.newest().await {
        test.write(&mut text);
    }
    let text = text.into_text() + &process::prometheus();
    Ok(HttpResponse::Ok().content_type(CONTENT_TYPE).body(text))
}

async fn drivers(text: &mut Exposition, state: &AppState) -> Result<(), Problem> {
    // Each is shown, also where it is 0, so that an alert on it works.
    let mut by_liveness: BTreeMap<String, u64> =
        Liveness::ALL.map(|liveness| (liveness.as_str().to_owned(), 0)).into();
    for driver in state.commands.drivers.all().await? {
        *by_liveness.entry(driver.liveness).or_default() += 1;
    }
    let mut drivers = text.gauge("drivers", "Nodes known, by liveness.");
    for (liveness, n) in &by_liveness {
        drivers.labelled(&[("liveness", liveness)], n);
    }
    Ok(())
}

/// Left out where the store cannot be read: then all else is needed the more.
async fn tests(text: &mut Exposition, state: &AppState) {
    let Ok(counted) = state.read(state.history.count_tests()).await else { return };
    let mut tests = text.gauge("tests", "Tests stored, by state and verdict.");
    for ((test_state, verdict), n) in counted {
        let verdict = verdict.unwrap_or_else(|| "none".to_owned());
        tests.labelled(&[("state", &test_state), ("verdict", &verdict)], n);
    }
}

fn records(text: &mut Exposition, state: &AppState) {
    let telemetry = &state.watch.telemetry;
    let mut read = text.counter("records_read_total", "Kafka records read, usable or not.");
    for topic in Topic::ALL {
        let name = state.bootstrap.topic_name(topic);
        read.labelled(&[("topic", &name)], telemetry.n_read(topic));
    }
    let mut rejected = text.counter("records_rejected_total", "Kafka records that could not be used.");
    for topic in Topic::ALL {
        let name = state.bootstrap.topic_name(topic);
        for reason in RejectReason::ALL {
            let labels = [("topic", name.as_str()), ("reason", reason.as_str())];
            rejected.labelled(&labels, telemetry.n_rejected(topic, reason));
        }
    }
}

fn counts(text: &mut Exposition, state: &AppState) {
    let telemetry = &state.watch.telemetry;
    let counters = [
        ("windows_stored_total", "Windows and classic reports stored.", &telemetry.windows_stored),
        (
            "windows_duplicate_total",
            "Windows and classic reports that came again and were left out.",
            &telemetry.windows_duplicate,
        ),
        (
            "windows_orphaned_total",
            "Windows and classic reports of tests that are not stored: not kept.",
            &telemetry.windows_orphaned,
        ),
        ("store_errors_total", "Messages that SQLite could not serve.", &telemetry.store_errors),
        ("events_total", "Events sent to listeners or kept for them.", &telemetry.events),
        (
            "event_subscribers_dropped_total",
            "Listeners of events that were too slow and were disconnected.",
            &telemetry.subscribers_dropped,
        ),
        (
            "event_subscribers_refused_total",
            "Listeners of events that were refused, for there were too many.",
            &telemetry.subscribers_refused,
        ),
        ("records_fenced_total", "Records of an earlier life of a node: ignored.", &telemetry.records_fenced),
        (
            "records_conflicting_total",
            "Records without an epoch under the id of a node that has one: ignored.",
            &telemetry.records_conflicting,
        ),
        (
            "records_refused_total",
            "Records of nodes for which there was no room: ignored.",
            &telemetry.records_refused,
        ),
        (
            "metrics_foreign_total",
            "Windows and classic reports of no test under way or just over: not counted.",
            &telemetry.metrics_foreign,
        ),
        (
            "mailbox_overflow_total",
            "Messages that an actor's full mailbox did not take.",
            &telemetry.mailbox_overflow,
        ),
    ];
    for (name, help, count) in counters {
        text.counter(name, help).value(count.get());
    }
    let subscribers = telemetry.subscribers.load(Ordering::Relaxed);
    text.gauge("event_subscribers", "Listeners of events.").value(subscribers);
}
