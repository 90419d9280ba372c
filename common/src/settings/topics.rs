//! `[kafka] topic_prefix` and `[kafka.topics]`: what the five topics are called on this Kafka.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::KafkaSettings;
use crate::tree::{Node, Table, parse};
use crate::wire::Topic;

/// Longest prefix of the topics' names, in bytes: Kafka takes names of up to 249.
const MAX_PREFIX_BYTES: usize = 200;
/// Longest name of a topic that Kafka takes, in bytes.
const MAX_NAME_BYTES: usize = 249;

/// The topics that have a name of their own on this Kafka. The others are called `topic_prefix` + their own name.
///
/// A name given here is the whole name, without the prefix: other people's programs have their topic names built in,
/// and a mapping has to name exactly that topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TopicNames(BTreeMap<Topic, String>);

impl TopicNames {
    /// The names of these topics; all others keep their own.
    pub fn of(names: impl IntoIterator<Item = (Topic, String)>) -> Self {
        Self(names.into_iter().collect())
    }

    /// Whether every topic keeps its own name.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The name that a topic is mapped to, where it is.
    pub fn get(&self, topic: Topic) -> Option<&str> {
        self.0.get(&topic).map(String::as_str)
    }

    /// Reads `[kafka.topics]`, and checks that all five names differ.
    pub(super) fn read(table: &mut Table, prefix: &str) -> Self {
        let named = |table: &mut Table, topic: Topic| {
            Some((topic, table.get(topic.as_str(), parse::or_none(name_of_topic)).flatten()?))
        };
        let names = Self::of(Topic::ALL.into_iter().filter_map(|topic| named(table, topic)));
        names.check(table, prefix);
        names
    }

    /// Two topics with one name would be read as each other. The fault is reported at the later mapped key of the two.
    fn check(&self, table: &Table, prefix: &str) {
        for (n, one) in Topic::ALL.into_iter().enumerate() {
            for other in Topic::ALL.into_iter().skip(n + 1) {
                let (name, others) = (self.name(prefix, one), self.name(prefix, other));
                if !is_one_topic(&name, &others) {
                    continue;
                }
                let (key, shown, of) =
                    if self.0.contains_key(&other) { (other, others, one) } else { (one, name, other) };
                let reason = format!("{} has this name, too; each topic needs one of its own", of.as_str());
                table.contradiction(key.as_str(), format!("{shown:?}"), reason);
            }
        }
    }

    /// A topic's whole name.
    pub(crate) fn name(&self, prefix: &str, topic: Topic) -> String {
        self.get(topic).map_or_else(|| format!("{prefix}{}", topic.as_str()), str::to_owned)
    }
}

impl KafkaSettings {
    /// A topic's whole name on this Kafka.
    pub fn topic_name(&self, topic: Topic) -> String {
        self.topics.name(&self.topic_prefix, topic)
    }

    /// Names the five topics together: two settings with the same key read and write the same topics. Empty where all
    /// of them have the names of the wire, else the prefix, and behind a `/` the names that differ from it. Stored
    /// offsets belong to it, and tests go on where it is the same (`orchestrator::ran_on`).
    pub fn topics_key(&self) -> String {
        let differs = |topic: &Topic| {
            let name = self.topic_name(*topic);
            (name != format!("{}{}", self.topic_prefix, topic.as_str()))
                .then(|| format!("{}={name}", topic.as_str()))
        };
        let differing: Vec<String> = Topic::ALL.iter().filter_map(differs).collect();
        // Kafka takes no "/" and no "=" in a name, so no two mappings have one key.
        if differing.is_empty() {
            self.topic_prefix.clone()
        } else {
            format!("{}/{}", self.topic_prefix, differing.join(","))
        }
    }
}

/// Whether Kafka has room for one of these names only. Its own metrics write `.` as `_`, so a broker refuses to create a
/// topic whose name differs from that of another in nothing else.
fn is_one_topic(one: &str, other: &str) -> bool {
    one.replace('.', "_") == other.replace('.', "_")
}

/// Whether Kafka takes all of these characters in the name of a topic.
fn are_plain(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

const NOT_PLAIN: &str = "holds a character that Kafka takes in no topic's name; a-z A-Z 0-9 . _ - are";

/// A whole name of a topic.
fn name_of_topic(node: &Node) -> Result<String, String> {
    let name = parse::text(node)?;
    if name.len() > MAX_NAME_BYTES {
        return Err(format!("is longer than {MAX_NAME_BYTES} bytes, and Kafka takes no longer name"));
    }
    if !are_plain(&name) {
        return Err(NOT_PLAIN.to_owned());
    }
    if name == "." || name == ".." {
        return Err("is a name that Kafka does not take".to_owned());
    }
    Ok(name)
}

/// The prefix of the names of topics that are not mapped.
pub(super) fn topic_prefix(node: &Node) -> Result<String, String> {
    let prefix = parse::text(node)?;
    if prefix.len() > MAX_PREFIX_BYTES {
        return Err(format!("is longer than {MAX_PREFIX_BYTES} bytes"));
    }
    if !are_plain(&prefix) {
        return Err(NOT_PLAIN.to_owned());
    }
    Ok(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(prefix: &str, names: &[(Topic, &str)]) -> KafkaSettings {
        let topics = TopicNames::of(names.iter().map(|(topic, name)| (*topic, (*name).to_owned())));
        KafkaSettings { topic_prefix: prefix.to_owned(), topics, ..KafkaSettings::default() }
    }

    #[test]
    fn a_mapped_name_is_the_whole_name_and_the_others_have_the_prefix() {
        let settings = settings("t-", &[(Topic::Register, "register-topic"), (Topic::Trigger, "go")]);
        let names = Topic::ALL.map(|topic| settings.topic_name(topic));
        assert_eq!(names, ["register-topic", "t-test_config", "go", "t-metrics", "t-heartbeat"]);
    }

    #[test]
    fn the_key_of_the_topics_changes_with_every_name_that_is_used() {
        let key = |prefix: &str, names: &[(Topic, &str)]| settings(prefix, names).topics_key();
        for (caption, key, expected) in [
            ("nothing set", key("", &[]), ""),
            ("as it was before names could be mapped", key("t-", &[]), "t-"),
            ("one name", key("", &[(Topic::Metrics, "m")]), "/metrics=m"),
            ("two", key("t-", &[(Topic::Heartbeat, "h"), (Topic::Metrics, "m")]), "t-/metrics=m,heartbeat=h"),
            ("mapped to the name that it has anyway", key("t-", &[(Topic::Metrics, "t-metrics")]), "t-"),
            (
                "the prefix does not stand before it",
                key("t-", &[(Topic::Metrics, "metrics")]),
                "t-/metrics=metrics",
            ),
        ] {
            assert_eq!(key, expected, "{caption}");
        }
    }
}
