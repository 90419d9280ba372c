//! Which Kafka a test ran on, and whether the test can therefore go on after a restart of the orchestrator. Pure.
//!
//! A test depends on its Kafka: its drivers publish there, and a restarted orchestrator continues to read there. The
//! embedded Kafka ends with its process, so a test that was under way on it is over, whatever its drivers do. A test on
//! an Apache Kafka goes on as soon as an orchestrator reads the same topics again.

use std::fmt;
use std::str::FromStr;

use common::clock::{UnixMicros, rfc3339};

/// A Kafka, as far as tests depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RanOn {
    /// The broker inside an orchestrator. Each life of the orchestrator has another one, empty.
    Embedded,
    /// A cluster's id. Where topics do not have their standard names, it is followed by `/` and a key of the names
    /// (`KafkaSettings::topics_key`): topics of other names on the same cluster hold other records, at other offsets.
    Cluster(String),
}

impl RanOn {
    /// The topics with this key on a cluster.
    pub fn cluster(cluster_id: &str, topics_key: &str) -> Self {
        Self::Cluster(match topics_key {
            "" => cluster_id.to_owned(),
            key => format!("{cluster_id}/{key}"),
        })
    }

    /// What stored offsets belong to; `None` for the embedded broker, whose offsets mean nothing to a later life.
    pub fn offsets_key(&self) -> Option<&str> {
        match self {
            Self::Embedded => None,
            Self::Cluster(key) => Some(key),
        }
    }
}

/// As the store keeps it.
impl fmt::Display for RanOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("embedded"),
            Self::Cluster(key) => write!(f, "cluster:{key}"),
        }
    }
}

/// The error for a text that is not a [`RanOn`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected embedded or cluster:ID")]
pub struct NoKafka;

impl FromStr for RanOn {
    type Err = NoKafka;

    fn from_str(text: &str) -> Result<Self, NoKafka> {
        match text.split_once(':') {
            None if text == "embedded" => Ok(Self::Embedded),
            Some(("cluster", key)) if !key.is_empty() => Ok(Self::Cluster(key.to_owned())),
            _ => Err(NoKafka),
        }
    }
}

/// Why a test that was under way cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Orphaned {
    /// Its Kafka ended with the orchestrator.
    KafkaGone,
    /// The orchestrator uses another Kafka now.
    OtherKafka,
}

/// Why a test that was under way on one Kafka cannot go on with the present one; `None` where it can. `present` is
/// `None` while Kafka has not answered, and for a cluster that has no id.
pub fn orphaned(ran_on: Option<&RanOn>, present: Option<&RanOn>) -> Option<Orphaned> {
    match (ran_on, present) {
        (Some(RanOn::Embedded), _) | (None, Some(RanOn::Embedded)) => Some(Orphaned::KafkaGone),
        (Some(RanOn::Cluster(of_test)), Some(RanOn::Cluster(now))) if of_test == now => None,
        (Some(RanOn::Cluster(_)), Some(_)) => Some(Orphaned::OtherKafka),
        // One side is unknown: Kafka has not answered yet, or an earlier version did not store it. Go on.
        (Some(RanOn::Cluster(_)), None) | (None, _) => None,
    }
}

impl Orphaned {
    /// The sentence for the report. `last_at`: when the last stored record arrived.
    pub fn reason(self, started_at: UnixMicros, last_at: Option<UnixMicros>) -> String {
        let when = match last_at {
            None => "before it stored any figures of the test".to_owned(),
            Some(at) => {
                let time = rfc3339(at);
                let into = at.saturating_sub(started_at).max(0) / 1_000_000;
                format!("{into} s into the test, soon after {} UTC", time.get(11..19).unwrap_or(&time))
            }
        };
        match self {
            Self::KafkaGone => format!(
                "the orchestrator and its Kafka were killed or stopped {when}: later figures are lost; run the test again"
            ),
            Self::OtherKafka => format!(
                "the orchestrator was killed or stopped {when}, and was started again with another Kafka, where it \
                 does not receive what the drivers of this test report: run the test again"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_goes_on_where_its_topics_are_read_again() {
        let cluster = |id: &str| Some(RanOn::cluster(id, ""));
        let embedded = Some(RanOn::Embedded);
        for (caption, ran_on, present, expected) in [
            ("the embedded broker is gone", embedded.clone(), embedded.clone(), Some(Orphaned::KafkaGone)),
            ("… whatever is used now", embedded.clone(), cluster("a"), Some(Orphaned::KafkaGone)),
            ("… and before Kafka answers", embedded.clone(), None, Some(Orphaned::KafkaGone)),
            ("the same cluster", cluster("a"), cluster("a"), None),
            ("another cluster", cluster("a"), cluster("b"), Some(Orphaned::OtherKafka)),
            ("other topics of it", cluster("a"), Some(RanOn::cluster("a", "x-")), Some(Orphaned::OtherKafka)),
            (
                "one topic is called otherwise",
                cluster("a"),
                Some(RanOn::cluster("a", "/metrics=m")),
                Some(Orphaned::OtherKafka),
            ),
            ("embedded now", cluster("a"), embedded.clone(), Some(Orphaned::OtherKafka)),
            ("Kafka has not answered", cluster("a"), None, None),
            ("an earlier version stored it", None, cluster("a"), None),
            ("… and the broker is embedded now", None, embedded, Some(Orphaned::KafkaGone)),
        ] {
            assert_eq!(orphaned(ran_on.as_ref(), present.as_ref()), expected, "{caption}");
        }
    }

    #[test]
    fn what_is_stored_is_read_again() {
        for (text, kafka) in [
            ("embedded", RanOn::Embedded),
            ("cluster:4L6g3nShT-eMCtK--X86sw", RanOn::cluster("4L6g3nShT-eMCtK--X86sw", "")),
            ("cluster:a:b/team-", RanOn::cluster("a:b", "team-")),
            ("cluster:a:b/team-/metrics=m", RanOn::cluster("a:b", "team-/metrics=m")),
        ] {
            assert_eq!((kafka.to_string().as_str(), text.parse()), (text, Ok(kafka)));
        }
        for text in ["", "cluster:", "cluster", "embedded:1", "other"] {
            assert_eq!(text.parse::<RanOn>(), Err(NoKafka), "{text:?}");
        }
    }

    #[test]
    fn the_reason_says_when() {
        let start = 1_795_477_200_000_000;
        assert_eq!(
            Orphaned::KafkaGone.reason(start, Some(start + 7_400_000)),
            "the orchestrator and its Kafka were killed or stopped 7 s into the test, soon after 23:40:07 UTC: later \
             figures are lost; run the test again"
        );
        assert!(Orphaned::OtherKafka.reason(start, None).contains("before it stored any figures"));
    }
}
