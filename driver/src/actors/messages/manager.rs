//! What the test manager receives from the driver's other actors, and its handle.

use actix::{Actor, Addr, Context, Handler, Message, Recipient};
use common::counters::Counters;
use common::ids::{Epoch, TestId};

use super::{NodeEnding, send};
use crate::overflow::notify;

/// From the aggregator: all workers are done and the final window has been handed out.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct LoadEnded {
    pub test_id: TestId,
    pub counters: Counters,
    /// Why it ended early, where it did.
    pub cut_short: Option<String>,
}

/// From the publisher: Kafka has the final window of a test.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct FinalPublished {
    pub test_id: TestId,
    /// Which life of the driver measured it: what an earlier one left behind is published, too.
    pub epoch: Epoch,
}

/// The driver leaves: ends its test; answers when its final window is out.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Leave;

/// Sends to the test manager.
#[derive(Clone)]
pub struct ManagerHandle {
    ended: Recipient<LoadEnded>,
    published: Recipient<FinalPublished>,
    leave: Recipient<Leave>,
}

impl ManagerHandle {
    /// Of the manager, or of a stub.
    pub fn of<A>(manager: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<LoadEnded> + Handler<FinalPublished> + Handler<Leave>,
    {
        Self {
            ended: manager.clone().recipient(),
            published: manager.clone().recipient(),
            leave: manager.clone().recipient(),
        }
    }

    /// Reports that the load is over.
    pub fn load_ended(
        &self,
        test_id: TestId,
        counters: Counters,
        cut_short: Option<String>,
    ) -> impl Future<Output = Result<(), NodeEnding>> + use<> {
        send(&self.ended, LoadEnded { test_id, counters, cut_short })
    }

    /// Reports that Kafka has the final window of a test; a report that meets a full mailbox is dropped, counted and
    /// logged.
    pub fn final_published(&self, test_id: TestId, epoch: Epoch) {
        let published = FinalPublished { test_id, epoch };
        notify(&self.published, published, "publication of a final window");
    }

    /// Ends the test; the result comes once its final window is out.
    pub fn leave(&self) -> impl Future<Output = Result<(), NodeEnding>> + use<> {
        send(&self.leave, Leave)
    }
}
