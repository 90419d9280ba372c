//! Ctrl-C and SIGTERM for the commands that outlive a single call.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Stop;

/// Ctrl-C, SIGTERM or a closed terminal, one after the other.
pub struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Interrupts {
    /// Listens from now on: the signals no longer end the process by themselves.
    ///
    /// # Errors
    /// Where the kernel refuses the handlers.
    pub fn listen() -> Result<Self, Stop> {
        let listen = |kind: SignalKind| {
            signal(kind).map_err(|error| Stop::could_not(format!("cannot listen for signals: {error}")))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hangup: listen(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}
