//! What the manager is given when it is made: the actors that it sends to, and its settings.

use std::sync::Arc;

use actix::Recipient;
use common::ids::Epoch;
use common::kafka::Producer;

use super::super::driver_registry::RegistryHandle;
use super::super::stats_aggregator::{
    CloseTally, ForgetTally, GetParts, GetView, OpenTally, PartChanged, TallyStarted,
};
use crate::actors::events::EventsHandle;
use crate::actors::store::{RecordsReader, StoreHandle};
use crate::lifecycle::Rules;
use crate::now::Clock;
use crate::telemetry::Telemetry;

/// The recipients that the manager sends to.
#[derive(Clone)]
#[allow(missing_docs)] // each is named for its message
pub struct ManagerLinks {
    pub registry: RegistryHandle,
    pub open: Recipient<OpenTally>,
    pub forget: Recipient<ForgetTally>,
    pub started: Recipient<TallyStarted>,
    pub part: Recipient<PartChanged>,
    pub parts: Recipient<GetParts>,
    pub view: Recipient<GetView>,
    pub close: Recipient<CloseTally>,
    pub producer: Producer,
    pub store: StoreHandle,
    pub records: RecordsReader,
    pub events: EventsHandle,
}

/// Settings of the manager, fixed for its lifetime.
#[derive(Debug, Clone)]
pub struct ManagerSettings {
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
