//! What both nodes of Groundswell share, and nothing else: the wire, the plan, latency, counters,
//! settings, Kafka. It knows neither node.

pub mod clock;
pub mod counters;
pub mod ids;
pub mod kafka;
pub mod latency;
pub mod limits;
pub mod plan;
pub mod service;
pub mod settings;
pub mod tls_cause;
pub mod tree;
pub mod wire;
