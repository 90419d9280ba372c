//! The orchestrator's actors, in the order in which a record passes through them.

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

mod gone;

#[cfg(test)]
mod tests;

pub use gone::Gone;
pub use manager::{ManagerLinks, ManagerSettings};

use crate::actors::events::{Changed, EventsHandle};
use crate::telemetry::Telemetry;

/// Sends a change to [`EventsActor`](events::EventsActor) without waiting. If its mailbox is full, the change is
/// dropped and counted: the next change of the same test or driver carries the whole state again.
fn offer(events: &EventsHandle, changed: Changed, telemetry: &Telemetry) {
    if !events.offer(changed) {
        telemetry.mailbox_overflow.one();
    }
}
