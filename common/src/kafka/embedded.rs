//! The embedded broker: librdkafka's MockCluster, for one machine and a first try. Loopback, in memory, trims a
//! partition at 5 MB or 100,000 records, answers no CreateTopics.

use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use tokio::sync::oneshot;

use super::client::KafkaError;
use crate::settings::{Brokers, KafkaSettings};
use crate::wire::Topic;

/// How long the cluster is left alone before each topic. Its thread answers an order and then discards all wake-ups that
/// have come by then; an order that follows at once is overlooked until the thread's poll ends by itself, after 1 s.
const SETTLES: Duration = Duration::from_millis(2);

/// A broker inside this process. It stops, with all it holds, when this is dropped.
#[derive(Debug)]
pub struct EmbeddedBroker {
    brokers: Vec<String>,
    /// Dropping it ends the thread. The cluster is a raw pointer and never leaves that thread.
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

/// What the cluster's thread is to do with the cluster. The product orders nothing; tests take the broker away.
type Order = Box<dyn FnOnce(&Cluster) + Send>;

type Cluster = MockCluster<'static, DefaultProducerContext>;

impl EmbeddedBroker {
    /// Starts a broker with the five topics.
    ///
    /// # Errors
    /// Where librdkafka cannot make one: no loopback port, no thread.
    pub async fn start(settings: &KafkaSettings) -> Result<Self, KafkaError> {
        let (orders, next_order) = mpsc::channel();
        let (ready, started) = oneshot::channel();
        let topics: Vec<(String, i32)> = Topic::ALL
            .iter()
            .map(|&topic| (settings.topic_name(topic), partitions(settings, topic)))
            .collect();
        let thread = std::thread::Builder::new()
            .name("embedded-kafka".to_owned())
            .spawn(move || serve(&topics, ready, &next_order))
            .map_err(|error| KafkaError::Embedded(error.to_string()))?;
        let brokers = started.await.map_err(|_| KafkaError::Stopped)??;
        Ok(Self { brokers, orders: Some(orders), thread: Some(thread) })
    }

    /// The addresses it listens on, `host:port`.
    pub fn brokers(&self) -> &[String] {
        &self.brokers
    }

    /// The same settings, with this broker as the one to use.
    pub fn settings(&self, of: &KafkaSettings) -> KafkaSettings {
        KafkaSettings { brokers: Brokers::At(self.brokers.clone()), ..of.clone() }
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        drop(self.orders.take());
        // Milliseconds: the thread waits for nothing else, and the cluster closes its sockets.
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("embedded kafka thread panicked");
        }
    }
}

/// One partition each, so that records without keys keep their order for readers that know only the first.
pub(super) fn partitions(settings: &KafkaSettings, topic: Topic) -> i32 {
    match topic {
        Topic::Metrics => i32::try_from(settings.metrics_partitions.max(1)).unwrap_or(i32::MAX),
        _ => 1,
    }
}

fn serve(
    topics: &[(String, i32)],
    ready: oneshot::Sender<Result<Vec<String>, KafkaError>>,
    next_order: &mpsc::Receiver<Order>,
) {
    let failed = |error: rdkafka::error::KafkaError| KafkaError::Embedded(error.to_string());
    let started = MockCluster::new(1).and_then(|cluster| {
        for (name, partitions) in topics {
            std::thread::sleep(SETTLES);
            cluster.create_topic(name, *partitions, 1)?;
        }
        Ok(cluster)
    });
    let cluster = match started {
        Ok(cluster) => cluster,
        Err(error) => {
            // If `start` was dropped meanwhile, no one needs the error.
            let _ = ready.send(Err(failed(error)));
            return;
        }
    };
    let brokers = cluster.bootstrap_servers().split(',').map(str::to_owned).collect();
    if ready.send(Ok(brokers)).is_err() {
        return;
    }
    while let Ok(order) = next_order.recv() {
        order(&cluster);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl EmbeddedBroker {
        /// Plays a broker that goes away and comes back with what it held.
        pub(in crate::kafka) fn set_reachable(&self, reachable: bool) {
            let order: Order = Box::new(move |cluster| {
                let done = if reachable { cluster.broker_up(-1) } else { cluster.broker_down(-1) };
                done.expect("the cluster obeys");
            });
            self.orders.as_ref().unwrap().send(order).expect("the broker runs");
        }
    }
}
