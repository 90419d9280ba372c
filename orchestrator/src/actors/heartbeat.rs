//! The orchestrator's own heartbeat: drivers live by it, and its return from Kafka says that Kafka works.

use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Recipient};
use common::ids::{Epoch, NodeId};
use common::kafka::Publish;
use common::wire::{Heartbeat, HeartbeatOurs, Outbound, Role};

/// How often it beats.
const EVERY: Duration = Duration::from_secs(1);

/// Beats once a second.
///
/// - owns: nothing but who we are.
/// - receives: nothing.
/// - sends: [`Publish`].
/// - on failure: a beat that is not taken is followed by the next.
/// - mailbox bound: the default, unused.
pub struct HeartbeatActor {
    node_id: NodeId,
    epoch: Epoch,
    publish: Recipient<Publish>,
}

impl HeartbeatActor {
    /// Beats as this life of this orchestrator.
    pub fn new(node_id: NodeId, epoch: Epoch, publish: Recipient<Publish>) -> Self {
        Self { node_id, epoch, publish }
    }

    fn beat(&self) {
        let beat = Heartbeat {
            node_id: self.node_id.clone(),
            alive: true,
            sent_at_us: Some(common::clock::unix_us()),
            ours: Some(HeartbeatOurs::new(self.epoch, Role::Orchestrator)),
        };
        if let Ok(record) = Outbound::Heartbeat(Box::new(beat)).write() {
            // A producer that is full says so in its own counters.
            let _ = self.publish.try_send(Publish(record));
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
