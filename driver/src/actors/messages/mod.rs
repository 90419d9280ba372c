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
