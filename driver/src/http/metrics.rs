//! The driver's figures as Prometheus text. Pure.

use std::fmt::{Display, Write};

use common::counters::Counters;

use crate::actors::kafka_link::LinkStats;
use crate::actors::publisher::PublisherStats;
use crate::merge::DriverProgress;

/// All that is shown.
#[derive(Debug, Default)]
pub struct Figures {
    /// The test that runs.
    pub progress: Option<DriverProgress>,
    /// The windows.
    pub publisher: PublisherStats,
    /// Kafka.
    pub link: LinkStats,
    /// Messages that met a full mailbox.
    pub mailbox_overflows: u64,
}

/// Writes the figures in Prometheus' text format.
pub fn prometheus(figures: &Figures) -> String {
    let mut out = String::new();
    let idle = Counters::default();
    let counters = figures.progress.as_ref().map_or(&idle, |progress| &progress.counters);
    let (publisher, link) = (&figures.publisher, &figures.link);
    gauge(
        &mut out,
        "test_running",
        "1 while a test runs on this driver",
        u64::from(figures.progress.is_some()),
    );
    for (name, help, value) in [
        ("test_requests_scheduled", "ticks of the running test that fell due", counters.scheduled),
        ("test_requests_sent", "attempts of the running test", counters.sent),
        (
            "test_requests_completed",
            "answers of the running test with an expected status",
            counters.completed,
        ),
        ("test_requests_failed", "attempts of the running test that failed", counters.failed),
        ("test_requests_in_flight", "attempts of the running test that have not ended", counters.in_flight()),
    ] {
        gauge(&mut out, name, help, value);
    }
    head(
        &mut out,
        "test_requests_dropped",
        "ticks of the running test that were not sent, by reason",
        "gauge",
    );
    for (reason, value) in [("in_flight", counters.dropped_in_flight), ("late", counters.dropped_late)] {
        line(&mut out, "test_requests_dropped", &format!("{{reason=\"{reason}\"}}"), value);
    }
    for (name, help, value) in [
        ("windows_closed_total", "one-second windows measured", publisher.closed),
        ("windows_published_total", "windows that Kafka has", publisher.published),
        (
            "windows_publish_failures_total",
            "attempts at publishing a window that failed",
            publisher.publish_failures,
        ),
        ("windows_store_failures_total", "attempts at the store that failed", publisher.store_failures),
        ("windows_lost_total", "windows that could be kept nowhere", publisher.lost),
        ("kafka_records_published_total", "records that Kafka has", link.produced.published),
        ("kafka_records_failed_total", "records that Kafka does not have", link.produced.failed),
        ("kafka_queue_full_total", "records that met a full producer queue", link.produced.queue_full),
        (
            "heartbeats_held_back_total",
            "heartbeats not sent because others wait",
            link.produced.heartbeats_held_back,
        ),
        ("mailbox_overflows_total", "messages that met a full mailbox", figures.mailbox_overflows),
    ] {
        head(&mut out, name, help, "counter");
        line(&mut out, name, "", value);
    }
    gauge(
        &mut out,
        "busy_ratio",
        "busiest worker's share of the last window not spent waiting",
        publisher.busy,
    );
    gauge(&mut out, "windows_waiting", "windows in memory that wait for Kafka", publisher.waiting);
    gauge(&mut out, "kafka_queue_records", "records that wait for Kafka", link.produced.queued);
    gauge(&mut out, "kafka_connected", "1 while a broker answers", u64::from(link.connected));
    head(&mut out, "records_read_total", "records read, understood or not, by topic", "counter");
    for (topic, n) in &link.read {
        line(&mut out, "records_read_total", &format!("{{topic=\"{topic}\"}}"), *n);
    }
    head(
        &mut out,
        "records_rejected_total",
        "records that could not be used, by topic and reason",
        "counter",
    );
    for (topic, reason, n) in &link.rejected {
        let labels = format!("{{topic=\"{topic}\",reason=\"{reason}\"}}");
        line(&mut out, "records_rejected_total", &labels, *n);
    }
    out
}

fn gauge(out: &mut String, name: &str, help: &str, value: impl Display) {
    head(out, name, help, "gauge");
    line(out, name, "", value);
}

fn head(out: &mut String, name: &str, help: &str, kind: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "# HELP groundswell_driver_{name} {help}\n# TYPE groundswell_driver_{name} {kind}");
}

fn line(out: &mut String, name: &str, labels: &str, value: impl Display) {
    let _ = writeln!(out, "groundswell_driver_{name}{labels} {value}");
}

#[cfg(test)]
mod tests {
    use common::ids::TestId;

    use super::*;

    #[test]
    fn every_figure_has_a_help_a_type_and_a_value() {
        let counters =
            Counters { scheduled: 10, sent: 8, completed: 5, dropped_late: 2, ..Counters::default() };
        let progress = DriverProgress { test_id: TestId::new("t").unwrap(), counters, draining: false };
        let link = LinkStats {
            connected: true,
            rejected: vec![("trigger-topic".into(), "not_json".into(), 3)],
            ..LinkStats::default()
        };
        let text = prometheus(&Figures { progress: Some(progress), link, ..Figures::default() });
        for expected in [
            "groundswell_driver_test_requests_sent 8\n",
            "groundswell_driver_test_requests_in_flight 3\n",
            "groundswell_driver_test_requests_dropped{reason=\"late\"} 2\n",
            "groundswell_driver_records_rejected_total{topic=\"trigger-topic\",reason=\"not_json\"} 3\n",
            "groundswell_driver_kafka_connected 1\n",
        ] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
        let names = |prefix: &str| -> Vec<String> {
            let lines = text.lines().filter_map(|line| line.strip_prefix(prefix));
            lines.map(|rest| rest.split(' ').next().unwrap().to_owned()).collect()
        };
        assert_eq!(names("# HELP "), names("# TYPE "));
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap().to_owned();
            assert!(names("# TYPE ").contains(&name), "{line}");
        }
    }
}
