//! Messages that met a full mailbox or a full queue of an actor: counted here, and shown by /metrics. In a driver they
//! are its own overload.

use std::sync::atomic::{AtomicU64, Ordering};

use actix::{Message, Recipient};

static OVERFLOWS: AtomicU64 = AtomicU64::new(0);

/// Sends a message without waiting; a message that meets a full or closed mailbox is dropped, counted and logged.
pub fn notify<M>(to: &Recipient<M>, message: M, what: &'static str)
where
    M: Message + Send + 'static,
    M::Result: Send,
{
    if let Err(error) = to.try_send(message) {
        OVERFLOWS.fetch_add(1, Ordering::Relaxed);
        log::error!(what, error:%; "mailbox did not take a message");
    }
}

/// Counts and logs a message that met a full queue of its actor and was dropped.
pub fn dropped(what: &'static str) {
    OVERFLOWS.fetch_add(1, Ordering::Relaxed);
    log::error!(what; "queue did not take a message");
}

/// How many messages met a full or closed mailbox, or a full queue, since the process started.
pub fn count() -> u64 {
    OVERFLOWS.load(Ordering::Relaxed)
}
