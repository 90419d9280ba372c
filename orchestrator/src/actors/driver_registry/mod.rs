//! [`DriverRegistryActor`]: the registry of nodes, behind messages.

mod handle;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use common::ids::{Epoch, NodeId};
use common::kafka::Arrived;
use common::wire::Inbound;
use tokio::sync::watch;

pub use self::handle::{DriverList, RegistryHandle};
use super::offer;
use crate::actors::events::{Changed, EventsHandle};
use crate::actors::store::StoreHandle;
use crate::model::DriverView;
use crate::now::Clock;
use crate::registry::{Event, NodeFacts, Registry, RegistryCounts};
use crate::telemetry::Telemetry;

/// Batches, queries and ticks that may wait.
const MAILBOX: usize = 64;

/// How often the registry checks for nodes that have gone silent.
const TICK: Duration = Duration::from_millis(250);

/// Ticks between two updates of a live node to listeners, changed or not. What they show is at most 1 s old.
const PUBLISH_EVERY: usize = 4;

/// The live nodes whose turn it is. A tick publishes a part of them: all of a large fleet at once may not fit into the
/// mailbox of the events and the queue of a listener (4,096 each), and then the last ones would be dropped each time.
fn due(views: Vec<DriverView>, tick: usize) -> impl Iterator<Item = DriverView> {
    views.into_iter().filter(|view| view.alive).skip(tick % PUBLISH_EVERY).step_by(PUBLISH_EVERY)
}

/// Every node known, in the order of their ids.
#[derive(Debug, Message)]
#[rtype(result = "Vec<DriverView>")]
pub struct ListDrivers;

/// A batch of records was read. The registry updates its nodes from it, and then answers.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct NodesArrived(pub Arc<Vec<Arrived>>);

/// Asks for the facts about every node that the manager decides by.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<NodeFacts>")]
pub struct GetFacts;

/// The drivers that are busy with a test, each with its epoch; after a restart the registry waits for them.
#[derive(Debug, Clone, Default, Message)]
#[rtype(result = "()")]
pub struct SetBusy(pub BTreeMap<NodeId, Option<Epoch>>);

/// A classic driver took part in a test but showed no sign of receiving it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct MarkDeaf(pub NodeId);

/// Knows every node.
///
/// - owns: the registry.
/// - receives: [`NodesArrived`], [`GetFacts`], [`SetBusy`], [`MarkDeaf`], [`ListDrivers`].
/// - sends: [`StoreHandle::load_nodes`] at its start; [`Changed::Driver`] where a node changed, and of every live node
///   once a second.
/// - on failure: a higher orchestrator epoch ends the process, by the watch given in `new`.
/// - mailbox bound: 64.
pub struct DriverRegistryActor {
    registry: Registry,
    clock: Clock,
    events: EventsHandle,
    superseded: watch::Sender<Option<u64>>,
    store: StoreHandle,
    telemetry: Arc<Telemetry>,
    counted: RegistryCounts,
    ticks: usize,
}

impl DriverRegistryActor {
    /// A registry that sends changes to `events`, and a higher epoch of another orchestrator to `superseded`; `store`
    /// has the nodes that earlier processes of this orchestrator stored.
    pub fn new(
        registry: Registry,
        clock: Clock,
        events: EventsHandle,
        superseded: watch::Sender<Option<u64>>,
        store: StoreHandle,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        let counted = registry.counts();
        Self { registry, clock, events, superseded, store, telemetry, counted, ticks: 0 }
    }

    /// Adds the registry's counts since the last call to the counters of `/metrics`.
    fn count(&mut self) {
        let (now, before) = (self.registry.counts(), self.counted);
        self.telemetry.records_fenced.add(now.fenced_records - before.fenced_records);
        self.telemetry.records_conflicting.add(now.conflicting_records - before.conflicting_records);
        self.telemetry.records_refused.add(now.refused_records - before.refused_records);
        self.counted = now;
    }

    fn publish(&mut self, happened: Vec<Event>) {
        let now = self.clock.now();
        for event in happened {
            let node = match event {
                Event::Superseded(epoch) => {
                    self.superseded.send_replace(Some(epoch.0));
                    continue;
                }
                Event::TwoAddresses { node, known, other } => {
                    log::warn!(node_id:% = node, known:%, other:%; "one classic node id registers from two addresses");
                    node
                }
                Event::Appeared(node) => {
                    log::info!(node_id:% = node; "node appeared");
                    node
                }
                Event::Replaced { node, new, .. } => {
                    log::info!(node_id:% = node, epoch:% = new; "node was started again");
                    node
                }
                Event::Liveness { node, from, to } => {
                    log::info!(node_id:% = node, from = from.as_str(), to = to.as_str(); "node changed");
                    node
                }
                Event::State(node) => node,
            };
            if let Some(view) = self.registry.view(&node, now) {
                self.send(view);
            }
        }
    }

    fn send(&self, view: DriverView) {
        offer(&self.events, Changed::Driver(Box::new(view)), &self.telemetry);
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        let events = self.registry.tick(now.elapsed);
        self.publish(events);
        self.ticks = self.ticks.wrapping_add(1);
        due(self.registry.views(now), self.ticks).for_each(|view| self.send(view));
    }
}

impl Actor for DriverRegistryActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX);
        context.run_interval(TICK, |registry, _| registry.tick());
        let store = self.store.clone();
        let loading = async move { store.load_nodes().await };
        let known = loading.into_actor(self).map(|known, actor, _| {
            // The store logs a failure; a node of ours registers again anyway.
            if let Ok(known) = known {
                actor.registry.remember(known);
            }
        });
        context.spawn(known);
    }
}

impl Handler<NodesArrived> for DriverRegistryActor {
    type Result = ();

    fn handle(&mut self, NodesArrived(batch): NodesArrived, _: &mut Self::Context) {
        let now = self.clock.now().elapsed;
        for arrived in batch.iter() {
            let events = match &arrived.content {
                Ok(Inbound::Register(register)) => self.registry.register(register, now),
                Ok(Inbound::Heartbeat(beat)) => self.registry.heartbeat(beat, now),
                Ok(Inbound::Metrics(metrics)) => self.registry.metrics(metrics, now),
                _ => continue,
            };
            self.publish(events);
        }
        self.count();
    }
}

impl Handler<GetFacts> for DriverRegistryActor {
    type Result = Vec<NodeFacts>;

    fn handle(&mut self, _: GetFacts, _: &mut Self::Context) -> Self::Result {
        self.registry.all_facts(self.clock.now().elapsed)
    }
}

impl Handler<SetBusy> for DriverRegistryActor {
    type Result = ();

    fn handle(&mut self, SetBusy(busy): SetBusy, _: &mut Self::Context) {
        self.registry.set_busy(busy, self.clock.now().elapsed);
    }
}

impl Handler<MarkDeaf> for DriverRegistryActor {
    type Result = ();

    fn handle(&mut self, MarkDeaf(node): MarkDeaf, _: &mut Self::Context) {
        let events = self.registry.mark_deaf(&node, self.clock.now().elapsed);
        self.publish(events);
    }
}

impl Handler<ListDrivers> for DriverRegistryActor {
    type Result = Vec<DriverView>;

    fn handle(&mut self, _: ListDrivers, _: &mut Self::Context) -> Self::Result {
        self.registry.views(self.clock.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::driver_view;

    #[test]
    fn each_live_node_is_published_once_a_second_a_part_of_the_fleet_each_tick() {
        let views: Vec<DriverView> = (0..1_001)
            .map(|n| DriverView { alive: n % 10 != 3, ..driver_view(&format!("d{n:04}")) })
            .collect();
        for first in [0, 7, usize::MAX - 4] {
            let mut published = Vec::new();
            for tick in first..first + PUBLISH_EVERY {
                let part: Vec<String> = due(views.clone(), tick).map(|view| view.node_id).collect();
                assert!(part.len() <= 256, "{}", part.len());
                published.extend(part);
            }
            published.sort_unstable();
            let alive: Vec<String> =
                views.iter().filter(|view| view.alive).map(|view| view.node_id.clone()).collect();
            assert_eq!(published, alive, "from tick {first} on");
        }
    }
}
