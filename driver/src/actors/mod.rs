//! The driver's actors, in the order in which a request's story is told.

pub mod messages;
pub mod request_worker;
pub mod stats_aggregator;
