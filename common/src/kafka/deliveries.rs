//! What Kafka said of each record, handed to whoever published it; and when to ask librdkafka for it.
//!
//! rdkafka's own producer of futures keeps a thread that asks with a deadline, and spins through the last millisecond
//! of each 100 ms: 1 % of a core, and ten times a second a request that is late by as much.

use std::time::Duration;

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError as ClientError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use tokio::sync::oneshot;

use super::client::QuietContext;

/// Between two questions while records wait for Kafka.
pub const ASK_BUSY: Duration = Duration::from_millis(3);
/// The same while none do: errors and words of librdkafka's own come this way, too.
const ASK_IDLE: Duration = Duration::from_millis(250);
/// So many answers are taken in a row at most; each tells of one batch of records.
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
        // Whoever published it may be gone, and need not know.
        let _ = publisher.send(result.as_ref().map(|_| ()).map_err(|(error, _)| error.clone()));
    }
}

/// Takes what librdkafka has to say, without waiting; returns when to ask again.
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
