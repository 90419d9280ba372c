//! The orchestrator's own heartbeat. Drivers stop without it, and its delivery shows that Kafka works.

use std::time::Duration;

use actix::{Actor, AsyncContext, Context};
use common::ids::{Epoch, NodeId};
use common::kafka::Producer;
use common::wire::{Heartbeat, HeartbeatOurs, Outbound, Role};

/// How often it beats.
const EVERY: Duration = Duration::from_secs(1);

/// Beats once a second.
///
/// - owns: the node id and the epoch.
/// - receives: nothing.
/// - sends: records to the producer.
/// - on failure: a heartbeat that the producer refuses is dropped; the next one follows a second later.
/// - mailbox bound: the default, unused.
pub struct HeartbeatActor {
    node_id: NodeId,
    epoch: Epoch,
    producer: Producer,
}

impl HeartbeatActor {
    /// Sends heartbeats with this node id and epoch.
    pub fn new(node_id: NodeId, epoch: Epoch, producer: Producer) -> Self {
        Self { node_id, epoch, producer }
    }

    fn beat(&self) {
        let beat = Heartbeat {
            node_id: self.node_id.clone(),
            alive: true,
            sent_at_us: Some(common::clock::unix_us()),
            ours: Some(HeartbeatOurs::new(self.epoch, Role::Orchestrator)),
        };
        if let Ok(record) = Outbound::Heartbeat(Box::new(beat)).write() {
            // The next heartbeat makes up for a dropped one.
            self.producer.offer(record);
        }
    }
}

impl Actor for HeartbeatActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.beat();
        context.run_interval(EVERY, |heart, _| heart.beat());
    }
}
