//! The messages of the driver's actors and the handles that send them, in a file for each actor that receives them. An
//! actor depends on these and not on other actors.
//!
//! A handle has a method for each message, and outside tests nothing else sends that message: a call leads to the
//! message, and the message to its handler. `of` makes a handle from any actor that handles the messages: `system`
//! makes those of the real actors, a test makes its own from a stub.
//!
//! A method that returns a future has put its message into the mailbox when it returns, so that messages arrive in the
//! order of the calls. If the mailbox is full, the message is sent again whenever the future is polled. A future that
//! is dropped before its message is handled cancels the message. A method that returns no future does not wait, and
//! the handle's doc says what happens where the mailbox is full.

pub mod kafka_link;

pub mod manager;

pub mod clock;

pub mod worker;

pub mod aggregator;

pub mod publisher;

pub mod store;

pub mod heartbeat;

use actix::{Message, Recipient};

/// The actor that was to handle a message has stopped: actors run until the node ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node is ending")]
pub struct NodeEnding;

/// Sends a message now; the future waits for its result.
fn send<M>(to: &Recipient<M>, message: M) -> impl Future<Output = Result<M::Result, NodeEnding>> + use<M>
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    let sent = to.send(message);
    async move { sent.await.map_err(|_| NodeEnding) }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use actix::{Actor, ActorContext, Context, Handler};
    use common::ids::TestId;

    use super::NodeEnding;
    use super::worker::{StartError, StartLoad, StopLoad, WorkerHandle};

    /// A worker that notes the reasons of its stops; at the reason `end` the actor itself stops.
    struct Stub(Arc<Mutex<Vec<String>>>);

    impl Actor for Stub {
        type Context = Context<Self>;
    }

    impl Handler<StartLoad> for Stub {
        type Result = Result<(), StartError>;

        fn handle(&mut self, _: StartLoad, _: &mut Self::Context) -> Self::Result {
            Ok(())
        }
    }

    impl Handler<StopLoad> for Stub {
        type Result = ();

        fn handle(&mut self, stop: StopLoad, ctx: &mut Self::Context) {
            if stop.reason == "end" {
                ctx.stop();
            }
            self.0.lock().unwrap().push(stop.reason);
        }
    }

    #[actix_rt::test]
    async fn messages_arrive_in_the_order_of_the_calls() {
        let reasons: Arc<Mutex<Vec<String>>> = Arc::default();
        let worker = WorkerHandle::of(&Stub(Arc::clone(&reasons)).start());
        let stop = |reason: &str| worker.stop(TestId::new("t").unwrap(), reason.to_owned());
        let (first, second) = (stop("first"), stop("second"));
        second.await.unwrap();
        first.await.unwrap();
        assert_eq!(*reasons.lock().unwrap(), ["first", "second"]);
    }

    #[actix_rt::test]
    async fn a_message_to_an_actor_that_has_stopped_is_an_error() {
        let worker = WorkerHandle::of(&Stub(Arc::default()).start());
        let stop = |reason: &str| worker.stop(TestId::new("t").unwrap(), reason.to_owned());
        stop("end").await.unwrap();
        assert_eq!(stop("late").await, Err(NodeEnding));
    }
}
