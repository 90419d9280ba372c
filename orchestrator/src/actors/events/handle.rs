//! The events as their peers use them: actors offer changes, and REST subscribes to them.

use actix::dev::SendError;
use actix::{Actor, Addr, Context, Handler, Recipient};
use common::ids::TestId;

use super::{Changed, Subscribe, Subscription, TooManySubscribers};
use crate::actors::Gone;

/// Sends changes to the listeners. Made of the address of an [`EventsActor`](super::EventsActor), or of a stub in a
/// test.
#[derive(Debug, Clone)]
pub struct EventsHandle {
    changed: Recipient<Changed>,
}

impl EventsHandle {
    /// Sends to this actor.
    pub fn of<A>(actor: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<Changed>,
    {
        Self { changed: actor.clone().recipient::<Changed>() }
    }

    /// Sends a change without waiting; false if the mailbox was full and the change is dropped. An actor that has
    /// stopped has no listeners left that could miss a change, so that is not reported.
    #[must_use = "a change that was dropped is counted"]
    pub fn offer(&self, changed: Changed) -> bool {
        !matches!(self.changed.try_send(changed), Err(SendError::Full(_)))
    }
}

/// Why a client does not receive events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSubscribed {
    /// Too many clients do already.
    #[error(transparent)]
    TooMany(#[from] TooManySubscribers),
    /// The actor has stopped.
    #[error(transparent)]
    Gone(#[from] Gone),
}

/// Subscribes clients to the changes. Made of the address of an [`EventsActor`](super::EventsActor).
#[derive(Debug, Clone)]
pub struct EventsFeed {
    subscribe: Recipient<Subscribe>,
}

impl EventsFeed {
    /// Subscribes at this actor.
    pub fn of<A>(actor: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<Subscribe>,
    {
        Self { subscribe: actor.clone().recipient::<Subscribe>() }
    }

    /// Subscribes a client that has seen the events up to `last_event_id`, to all events, or to those of one test and of
    /// drivers ([`Subscribe`]).
    ///
    /// # Errors
    /// Where too many clients are subscribed, or the actor has stopped.
    pub async fn subscribe(
        &self,
        last_event_id: Option<String>,
        test: Option<TestId>,
    ) -> Result<Subscription, NotSubscribed> {
        let subscribed = self.subscribe.send(Subscribe { last_event_id, test }).await.map_err(Gone::from)?;
        Ok(subscribed?)
    }
}
