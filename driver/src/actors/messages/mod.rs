//! The messages of the driver's actors, a file for each actor that receives them, and the handles that send them. An
//! actor depends on these and not on other actors.
//!
//! A handle has a method for each message, and nothing else sends that message: a call leads from the sender to the
//! message, and from the message to what handles it. `of` makes a handle from any actor that handles its messages;
//! `system` makes those of the real actors, a test makes its own from a stub.
//!
//! A method that returns a future has sent its message when it returns, so that messages arrive in the order of the
//! calls. A mailbox that is full takes the message when it has room and the future is polled. A future that is dropped
//! before the message is handled cancels it. A method that returns nothing does not wait: its doc says what happens
//! where the mailbox is full.

use actix::{Message, Recipient};

pub mod kafka_link;

pub mod manager;

pub mod clock;

pub mod worker;

pub mod aggregator;

pub mod publisher;

pub mod store;

pub mod heartbeat;

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
