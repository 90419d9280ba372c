//! The orchestrator's actors, in the order in which a record's story is told.

pub mod intake;

pub mod driver_registry;
pub mod stats_aggregator;

mod manager;
mod recount;
pub mod revision;
pub mod test_manager;

pub mod events;
pub mod heartbeat;
pub mod store;

#[cfg(test)]
mod tests;

pub use manager::{ManagerLinks, ManagerSettings};

use actix::Recipient;
use actix::dev::SendError;

use crate::actors::events::Changed;
use crate::telemetry::Telemetry;

/// Tells listeners of a change. Where they cannot keep up it is counted and left out: the next change of the
/// same thing says it all again.
fn offer(events: &Recipient<Changed>, changed: Changed, telemetry: &Telemetry) {
    if let Err(SendError::Full(_)) = events.try_send(changed) {
        telemetry.mailbox_overflow.one();
    }
}
