//! The driver's figures as Prometheus text. Pure.

use common::counters::Counters;
use common::named_counts::NamedCounts;
use common::prometheus::Exposition;

use crate::actors::messages::kafka_link::LinkStats;
use crate::actors::messages::publisher::PublisherStats;
use crate::merge::DriverProgress;

/// All that is shown.
#[derive(Debug, Default)]
pub struct Figures {
    /// The test that runs.
    pub progress: Option<DriverProgress>,
    /// Its counts by name.
    pub named: Option<NamedCounts>,
    pub publisher: PublisherStats,
    pub link: LinkStats,
    /// Messages that met a full mailbox.
    pub mailbox_overflows: u64,
}

/// Writes the figures in Prometheus' text format.
pub fn prometheus(figures: &Figures) -> String {
    let mut text = Exposition::new("groundswell_driver_");
    let idle = Counters::default();
    let counters = figures.progress.as_ref().map_or(&idle, |progress| &progress.counters);
    let (publisher, link) = (&figures.publisher, &figures.link);
    text.gauge("test_running", "1 while a test runs on this driver")
        .value(u64::from(figures.progress.is_some()));
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
        text.gauge(name, help).value(value);
    }
    let mut dropped =
        text.gauge("test_requests_dropped", "ticks of the running test that were not sent, by reason");
    for (reason, value) in [("in_flight", counters.dropped_in_flight), ("late", counters.dropped_late)] {
        dropped.labelled(&[("reason", reason)], value);
    }
    if let Some(named) = &figures.named {
        named.write(&mut text, "the running test");
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
        text.counter(name, help).value(value);
    }
    text.gauge("busy_ratio", "busiest worker's share of the last window not spent waiting")
        .value(publisher.busy);
    text.gauge("windows_waiting", "windows in memory that wait for Kafka").value(publisher.waiting);
    text.gauge("kafka_queue_records", "records that wait for Kafka").value(link.produced.queued);
    text.gauge("kafka_connected", "1 while a broker answers").value(u64::from(link.connected));
    let mut read = text.counter("records_read_total", "records read, understood or not, by topic");
    for (topic, n) in &link.read {
        read.labelled(&[("topic", topic)], n);
    }
    let mut rejected =
        text.counter("records_rejected_total", "records that could not be used, by topic and reason");
    for (topic, reason, n) in &link.rejected {
        rejected.labelled(&[("topic", topic), ("reason", reason)], n);
    }
    text.into_text()
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
        let named = NamedCounts {
            requests: vec![("pay".to_owned(), [4, 1])],
            scenarios: vec![("shopper".to_owned(), [3, 1, 0, 2])],
        };
        let figures = Figures { progress: Some(progress), named: Some(named), link, ..Figures::default() };
        let text = prometheus(&figures);
        for expected in [
            "groundswell_driver_test_requests_sent 8\n",
            "groundswell_driver_test_requests_in_flight 3\n",
            "groundswell_driver_test_requests_dropped{reason=\"late\"} 2\n",
            "groundswell_driver_test_requests_total{request=\"pay\",outcome=\"failed\"} 1\n",
            "groundswell_driver_test_sessions_total{scenario=\"shopper\",outcome=\"dropped\"} 2\n",
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
        let page = include_str!("../../../docs/metrics.md");
        for name in names("# TYPE ") {
            assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/metrics.md");
        }
    }
}
