//! Listens to the metrics topic beside the orchestrator, and merges every sample by itself: what the report
//! must equal.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::latency::{Latencies, Latency, LatencyKind, Outcome};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde_json::Value;

/// A reader of the metrics topic.
pub struct MetricsTap(BaseConsumer);

impl MetricsTap {
    /// Reads what is published from now on.
    pub fn from_now_on(kafka: &str) -> Self {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", kafka)
            .set("group.id", "e2e-tap")
            .set("enable.auto.commit", "false")
            .create()
            .unwrap();
        let (_, end) = consumer.fetch_watermarks("metrics", 0, Duration::from_secs(10)).unwrap();
        let mut from = TopicPartitionList::new();
        from.add_partition_offset("metrics", 0, Offset::Offset(end)).unwrap();
        consumer.assign(&from).unwrap();
        Self(consumer)
    }

    /// Merges the samples of a finished test and compares every figure, bit for bit.
    #[track_caller]
    pub fn assert_percentiles_are_those_of_all_samples(&self, report: &Value) {
        let expected = report["completeness"]["windows_received"].as_u64().unwrap();
        let mut merged = Latencies::new();
        let mut read = 0;
        let deadline = Instant::now() + Duration::from_secs(30);
        while read < expected {
            assert!(Instant::now() < deadline, "{read} of {expected} windows are on the topic");
            let Some(record) = self.0.poll(Duration::from_millis(100)) else { continue };
            let record: Value = serde_json::from_slice(record.unwrap().payload().unwrap()).unwrap();
            if record["test_id"] != report["test_id"] {
                continue;
            }
            read += 1;
            let mut window = Latencies::new();
            for kind in LatencyKind::ALL {
                if let Some(text) = record["histograms"][kind.as_str()].as_str() {
                    *window.of_mut(kind) = Latency::decode(text).unwrap();
                }
            }
            let extremes: BTreeMap<String, [u64; 2]> =
                serde_json::from_value(record["extremes"].clone()).unwrap();
            window.set_extremes(&extremes).unwrap();
            merged.merge(&window);
        }
        for kind in [LatencyKind::Response, LatencyKind::Service, LatencyKind::Lag] {
            // Nothing was dropped in these tests, and what failed counts as slower.
            let slower = report["totals"]["failed"].as_u64().unwrap();
            let stats = serde_json::to_value(merged.spread(Outcome::All, kind, slower).stats()).unwrap();
            for (figure, value) in stats.as_object().unwrap() {
                let shown = &report["totals"]["latency_ms"][kind.as_str()][figure];
                assert_eq!(shown, value, "{}.{figure}", kind.as_str());
            }
        }
    }
}
