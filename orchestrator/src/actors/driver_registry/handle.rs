//! The registry as its peers use it: the actors that lead tests have one handle, REST another.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler, Recipient};
use common::ids::{Epoch, NodeId};
use common::kafka::Arrived;

use super::{GetFacts, ListDrivers, MarkDeaf, NodesArrived, SetBusy};
use crate::actors::Gone;
use crate::model::DriverView;
use crate::registry::NodeFacts;

/// What the actors that lead tests ask of the registry. Made of the address of a
/// [`DriverRegistryActor`](super::DriverRegistryActor).
#[derive(Debug, Clone)]
pub struct RegistryHandle {
    arrived: Recipient<NodesArrived>,
    facts: Recipient<GetFacts>,
    busy: Recipient<SetBusy>,
    deaf: Recipient<MarkDeaf>,
}

impl RegistryHandle {
    pub fn of<A>(actor: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>>
            + Handler<NodesArrived>
            + Handler<GetFacts>
            + Handler<SetBusy>
            + Handler<MarkDeaf>,
    {
        Self {
            arrived: actor.clone().recipient::<NodesArrived>(),
            facts: actor.clone().recipient::<GetFacts>(),
            busy: actor.clone().recipient::<SetBusy>(),
            deaf: actor.clone().recipient::<MarkDeaf>(),
        }
    }

    /// Updates the nodes from a batch of records, and returns when that is done ([`NodesArrived`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn update(&self, batch: Arc<Vec<Arrived>>) -> Result<(), Gone> {
        Ok(self.arrived.send(NodesArrived(batch)).await?)
    }

    /// The facts about every node that the manager decides by ([`GetFacts`]).
    ///
    /// # Errors
    /// Where the actor has stopped. That is not an empty list: nothing is known of the nodes then.
    pub async fn facts(&self) -> Result<Vec<NodeFacts>, Gone> {
        Ok(self.facts.send(GetFacts).await?)
    }

    /// Names the drivers that are busy with a test, each with its epoch ([`SetBusy`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn set_busy(&self, busy: BTreeMap<NodeId, Option<Epoch>>) -> Result<(), Gone> {
        Ok(self.busy.send(SetBusy(busy)).await?)
    }

    /// Notes that a classic driver did not receive its test ([`MarkDeaf`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn mark_deaf(&self, node: NodeId) -> Result<(), Gone> {
        Ok(self.deaf.send(MarkDeaf(node)).await?)
    }
}

/// Lists the nodes for REST. Made of the address of a [`DriverRegistryActor`](super::DriverRegistryActor), or of a stub
/// in a test.
#[derive(Debug, Clone)]
pub struct DriverList {
    list: Recipient<ListDrivers>,
}

impl DriverList {
    pub fn of<A>(actor: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<ListDrivers>,
    {
        Self { list: actor.clone().recipient::<ListDrivers>() }
    }

    /// Every node known, in the order of their ids ([`ListDrivers`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn all(&self) -> Result<Vec<DriverView>, Gone> {
        Ok(self.list.send(ListDrivers).await?)
    }
}
