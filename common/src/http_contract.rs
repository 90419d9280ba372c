//! The HTTP contract between a driver and its orchestrator: the two answers that a driver asks for. The orchestrator
//! writes them (`orchestrator::http`), the driver reads them (`driver::bootstrap`). All else between nodes goes
//! through Kafka ([`crate::wire`]). It knows neither a server nor a client.

use serde::{Deserialize, Serialize};

use crate::clock::UnixMicros;
use crate::settings::TopicNames;
use crate::wire::Topic;

/// What a driver needs to join: `GET /api/v1/bootstrap`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Kafka's bootstrap servers, each `host:port`; empty where the orchestrator has no Kafka yet.
    pub brokers: Vec<String>,
    /// Prefix of the names of all topics that `topics` does not list; may be empty.
    pub topic_prefix: String,
    /// Topics with names of their own; empty from orchestrators of a version that cannot map topics.
    #[serde(default)]
    pub topics: TopicNames,
    /// Version of our additions to the wire ([`crate::wire::PROTOCOL`]).
    pub protocol: u32,
}

impl Bootstrap {
    /// A topic's whole name on this Kafka.
    pub fn topic_name(&self, topic: Topic) -> String {
        self.topics.name(&self.topic_prefix, topic)
    }
}

/// The orchestrator's clock: `GET /api/v1/time`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time {
    /// Unix time in µs.
    pub unix_us: UnixMicros,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_answers_are_written_as_they_are_read() {
        let bootstrap = Bootstrap {
            brokers: vec!["127.0.0.1:1".to_owned()],
            topic_prefix: "p.".to_owned(),
            topics: TopicNames::of([(Topic::TestConfig, "c".to_owned())]),
            protocol: 2,
        };
        let written = serde_json::to_value(&bootstrap).unwrap();
        let expected = json!({
            "brokers": ["127.0.0.1:1"], "topic_prefix": "p.", "topics": { "test_config": "c" }, "protocol": 2,
        });
        assert_eq!(written, expected);
        assert_eq!(serde_json::from_value::<Bootstrap>(written).unwrap(), bootstrap);
        let names = [Topic::TestConfig, Topic::Metrics].map(|topic| bootstrap.topic_name(topic));
        assert_eq!(names, ["c", "p.metrics"]);

        let time = serde_json::to_value(Time { unix_us: 5 }).unwrap();
        assert_eq!(time, json!({ "unix_us": 5 }));
        assert_eq!(serde_json::from_value::<Time>(time).unwrap(), Time { unix_us: 5 });
    }

    #[test]
    fn an_answer_without_mapped_topics_and_with_later_fields_is_read() {
        let text = r#"{"brokers": [], "topic_prefix": "", "protocol": 3, "later": true}"#;
        let bootstrap: Bootstrap = serde_json::from_str(text).unwrap();
        assert!(bootstrap.topics.is_empty());
        assert_eq!(bootstrap.topic_name(Topic::Heartbeat), "heartbeat");
    }
}
