//! What the manager is given when it is made: the actors that it sends to, and its settings.

use std::sync::Arc;

use common::ids::{Epoch, NodeId};
use common::kafka::Producer;

use super::super::driver_registry::RegistryHandle;
use super::super::stats_aggregator::TallyHandle;
use crate::actors::events::EventsHandle;
use crate::actors::store::{RecordsReader, StoreHandle};
use crate::lifecycle::Rules;
use crate::now::Clock;
use crate::telemetry::Telemetry;

/// The actors that the manager sends to.
#[derive(Debug, Clone)]
pub struct ManagerLinks {
    pub registry: RegistryHandle,
    /// Counts what the drivers measure.
    pub tally: TallyHandle,
    /// Sends records to the drivers.
    pub producer: Producer,
    pub store: StoreHandle,
    /// Has the records of tests.
    pub records: RecordsReader,
    /// Sends changes to listeners.
    pub events: EventsHandle,
}

/// Settings of the manager, fixed for its lifetime.
#[derive(Debug, Clone)]
pub struct ManagerSettings {
    /// This orchestrator.
    pub node_id: NodeId,
    /// The epoch of this process of the orchestrator.
    pub epoch: Epoch,
    /// Whether the embedded Kafka runs in this process.
    pub embedded: bool,
    /// How tests are led.
    pub rules: Rules,
    /// The clock that the registry uses too.
    pub clock: Clock,
    /// Counts updates that listeners did not accept.
    pub telemetry: Arc<Telemetry>,
}
