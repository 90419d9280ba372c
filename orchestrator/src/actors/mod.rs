//! The orchestrator's actors, in the order in which a record's story is told.

pub mod intake;

pub mod driver_registry;
pub mod stats_aggregator;

mod manager;
pub mod test_manager;

pub mod heartbeat;
pub mod events;
pub mod store;

pub use manager::{ManagerLinks, ManagerSettings};
