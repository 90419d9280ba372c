//! Ctrl-C, SIGTERM and SIGHUP for the commands that outlive a single call.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Stop;

/// Ctrl-C, SIGTERM or a closed terminal, one after the other.
pub struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    /// `None` under `nohup`, which has SIGHUP ignored: a handler of ours would undo that.
    hangup: Option<Signal>,
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
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let hangup = SignalKind::hangup();
        Ok(Self {
            hangup: if ignores(&status, hangup) { None } else { Some(listen(hangup)?) },
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        let hangup = async {
            match self.hangup.as_mut() {
                Some(hangup) => drop(hangup.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = hangup => {}
        }
    }
}

/// Whether `/proc/self/status` says that a signal is ignored.
fn ignores(status: &str, kind: SignalKind) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (kind.as_raw_value() - 1)) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_nohup_a_closed_terminal_is_ignored() {
        let status = |mask: &str| format!("Name:\tgroundswell\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\n");
        for (mask, hangup, interrupt) in [
            ("0000000000001001", true, false),
            ("0000000000001000", false, false),
            ("0000000000000002", false, true),
        ] {
            assert_eq!(ignores(&status(mask), SignalKind::hangup()), hangup, "{mask}");
            assert_eq!(ignores(&status(mask), SignalKind::interrupt()), interrupt, "{mask}");
        }
        assert!(!ignores("", SignalKind::hangup()));
    }
}
