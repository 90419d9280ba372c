//! Kafka's delivery report for each record, passed to the publisher; and how often to poll librdkafka for reports.
//!
//! rdkafka's own `FutureProducer` keeps a thread that polls with a deadline, and spins through the last millisecond of
//! each 100 ms. That costs 1 % of a core, and ten times a second a request is late by up to 1 ms.

use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use tokio::sync::oneshot;

use super::client::QuietContext;

/// Interval between two polls while records await delivery.
pub const ASK_BUSY: Duration = Duration::from_millis(3);
/// The interval while none do: librdkafka's errors and log lines arrive by polling, too.
const ASK_IDLE: Duration = Duration::from_millis(250);
/// Most polls in a row; each reports on one batch of records.
const MOST_ANSWERS: u32 = 64;

/// What became of one record.
pub type Delivered = Result<(), ClientError>;

/// The producer's context.
pub struct Deliveries(pub QuietContext);

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.0.log(level, facility, text);
    }

    fn error(&self, error: ClientError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<oneshot::Sender<Delivered>>;

    fn delivery(&self, result: &DeliveryResult<'_>, publisher: Self::DeliveryOpaque) {
        // The publisher may have stopped waiting; then the report is discarded.
        let _ = publisher.send(result.as_ref().map(|_| ()).map_err(|(error, _)| error.clone()));
    }
}

/// Serves librdkafka's pending delivery reports without blocking; returns how long to wait before the next call.
pub fn ask(producer: &BaseProducer<Deliveries>) -> Duration {
    let mut waiting = producer.in_flight_count();
    for _ in 0..MOST_ANSWERS {
        producer.poll(Duration::ZERO);
        let left = producer.in_flight_count();
        if left == 0 || left >= waiting {
            break;
        }
        waiting = left;
    }
    if producer.in_flight_count() > 0 { ASK_BUSY } else { ASK_IDLE }
}
