//! The five topics, made and waited for; and the cluster's name. Each request blocks for a bounded time, on a
//! blocking thread; between two of them the caller may drop the future.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;

use super::client::{
    ASK, KafkaError, LogGate, MAX_RECORD_BYTES, QuietContext, SERVE, base_config, bootstrap, not_made,
};
use super::embedded::partitions;
use crate::settings::KafkaSettings;
use crate::wire::Topic;

/// Interval between two requests to a Kafka that is unreachable or not ready.
const RETRY: Duration = Duration::from_millis(500);

/// Makes those of the five topics that do not exist, one partition each (metrics: `metrics_partitions`), and waits
/// until they can be used. Waits for Kafka for as long as the caller lets it. Topics that exist are left as they are.
///
/// # Errors
/// Where Kafka refuses to create one, or the settings cannot be used.
pub async fn create_topics(settings: &KafkaSettings) -> Result<(), KafkaError> {
    until_healed(settings, create_missing).await
}

/// Waits until all five topics exist, for as long as the caller lets it.
///
/// # Errors
/// Where the settings cannot be used.
pub async fn wait_for_topics(settings: &KafkaSettings) -> Result<(), KafkaError> {
    until_healed(settings, |settings| match missing(settings)?.first() {
        None => Ok(()),
        Some(&topic) => Err(KafkaError::Unreachable {
            brokers: bootstrap(settings)?,
            reason: format!("topic {} is not there yet", settings.topic_name(topic)),
        }),
    })
    .await
}

/// Asks for the cluster's id, to which stored offsets belong; `None` where the broker has none.
///
/// # Errors
/// Where no broker answers, or the settings cannot be used.
pub async fn cluster_id(settings: &KafkaSettings) -> Result<Option<String>, KafkaError> {
    blocking(settings, |settings| {
        let client = asker(settings)?;
        // The id comes with the metadata: without these, `None` would mean "not asked".
        metadata_of(&client, settings, Topic::Register)?;
        Ok(client.client().fetch_cluster_id(ASK))
    })
    .await
}

type Asker = BaseConsumer<QuietContext>;

/// Runs a blocking request off the async threads.
async fn blocking<T: Send + 'static>(
    settings: &KafkaSettings,
    ask: impl FnOnce(&KafkaSettings) -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, KafkaError> {
    let settings = settings.clone();
    tokio::task::spawn_blocking(move || ask(&settings)).await.map_err(|_| KafkaError::Stopped)?
}

/// Retries while a retry may succeed, and logs that every 10 s.
async fn until_healed(
    settings: &KafkaSettings,
    ask: impl Fn(&KafkaSettings) -> Result<(), KafkaError> + Copy + Send + 'static,
) -> Result<(), KafkaError> {
    let mut gate = LogGate::default();
    loop {
        match blocking(settings, ask).await {
            Err(error) if error.may_heal() => {
                if gate.opens() {
                    log::warn!(error:%; "waiting for kafka");
                }
                tokio::time::sleep(RETRY).await;
            }
            done => return done,
        }
    }
}

/// A client that only asks. It has no group, so it closes at once.
fn asker(settings: &KafkaSettings) -> Result<Asker, KafkaError> {
    let mut config = base_config(settings)?;
    config.set("allow.auto.create.topics", "false");
    create(&config)
}

fn create<T: FromClientConfigAndContext<QuietContext>>(config: &ClientConfig) -> Result<T, KafkaError> {
    config.create_with_context(QuietContext::default()).map_err(|error| not_made(&error))
}

/// How many partitions a topic has; 0 where it does not exist.
fn metadata_of(client: &Asker, settings: &KafkaSettings, topic: Topic) -> Result<usize, KafkaError> {
    let name = settings.topic_name(topic);
    let metadata = client.fetch_metadata(Some(&name), ASK).map_err(|error| {
        // Errors wait in the queue for a poll; with no group there is nothing else in it.
        while client.poll(SERVE).is_some() {}
        KafkaError::Unreachable {
            brokers: bootstrap(settings).unwrap_or_default(),
            reason: client.context().explain(&error),
        }
    })?;
    let found = metadata.topics().iter().find(|found| found.name() == name);
    Ok(found.filter(|found| found.error().is_none()).map_or(0, |found| found.partitions().len()))
}

fn missing(settings: &KafkaSettings) -> Result<Vec<Topic>, KafkaError> {
    let client = asker(settings)?;
    let mut missing = Vec::new();
    for topic in Topic::ALL {
        let has = metadata_of(&client, settings, topic)?;
        let wanted = usize::try_from(partitions(settings, topic)).unwrap_or(1);
        if has == 0 {
            missing.push(topic);
        } else if has != wanted {
            log::debug!(
                topic:% = settings.topic_name(topic), has, configured = wanted;
                "kafka topic has its own partitions"
            );
        }
    }
    Ok(missing)
}

fn create_missing(settings: &KafkaSettings) -> Result<(), KafkaError> {
    let topics = missing(settings)?;
    if topics.is_empty() {
        return Ok(());
    }
    let names: Vec<(String, i32)> =
        topics.iter().map(|&topic| (settings.topic_name(topic), partitions(settings, topic))).collect();
    let max_bytes = MAX_RECORD_BYTES.to_string();
    let new: Vec<NewTopic<'_>> = names
        .iter()
        .map(|(name, partitions)| {
            NewTopic::new(name, *partitions, TopicReplication::Fixed(i32::from(settings.replication)))
                .set("max.message.bytes", &max_bytes)
        })
        .collect();
    let admin: AdminClient<QuietContext> = create(&base_config(settings)?)?;
    let options = AdminOptions::new()
        .request_timeout(Some(Duration::from_secs(5)))
        .operation_timeout(Some(Duration::from_secs(5)));
    let unreachable =
        |reason: String| KafkaError::Unreachable { brokers: bootstrap(settings).unwrap_or_default(), reason };
    let results = tokio::runtime::Handle::current()
        .block_on(admin.create_topics(&new, &options))
        .map_err(|error| unreachable(admin.inner().context().explain(&error)))?;
    for result in results {
        match result {
            Ok(topic) => log::info!(topic:%; "kafka topic created"),
            // Another node was faster.
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) if is_final(code) => {
                return Err(KafkaError::Topic { topic, reason: code.to_string() });
            }
            Err((topic, code)) => return Err(unreachable(format!("topic {topic}: {code}"))),
        }
    }
    // Made is not yet usable: asks until every one has its partitions, with the pause between two tries.
    match missing(settings)?.first() {
        None => Ok(()),
        Some(&topic) => Err(unreachable(format!("topic {} is not usable yet", settings.topic_name(topic)))),
    }
}

/// Answers that waiting does not change.
fn is_final(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::InvalidPartitions
            | Code::InvalidTopic
            | Code::InvalidConfig
            | Code::PolicyViolation
    )
}
