//! The driver's actors, in the order in which a test passes through them.

pub mod messages;

pub mod kafka_link;

pub mod test_manager;

pub mod clock;

pub mod request_worker;

pub mod stats_aggregator;

pub mod publisher;

pub mod store;

pub mod heartbeat;
