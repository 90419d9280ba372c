//! What a worker needs of an engine while it waits for it, and nothing of what it sends.

use std::future::Future;

use crate::start_at::Nanos;

/// How a short wait of an engine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dozed {
    /// It did not wait: this engine can wait through the runtime only.
    Cannot,
    /// There is something to move.
    Woken,
    /// The time was over, at this instant, and nothing had happened.
    Over(Nanos),
}

/// What a wait between two turns of an [`Engine`](super::Engine) goes by.
pub trait Wait {
    /// Blocks the whole thread until a socket is ready or until `until`, which must be near; the timeout of an
    /// attempt does not end this wait. It spares a busy worker the way through the runtime, which costs more than the
    /// wait.
    fn doze(&mut self, _now: Nanos, _until: Nanos) -> Dozed {
        Dozed::Cannot
    }

    /// Whether the runtime watches the engine's sockets: then a turn finds nothing new before the runtime has run.
    fn needs_runtime(&self) -> bool {
        true
    }

    /// Waits until a turn may make progress. Timeouts do not end this wait: see [`Wait::deadline`].
    fn ready(&self) -> impl Future<Output = ()>;

    /// When the next turn is needed even if no socket is ready, as for a timeout; `None`: no such instant.
    fn deadline(&self) -> Option<Nanos>;
}
