//! Engines: what sends one request and reads one answer. An engine knows HTTP, connections and their
//! errors; it knows no schedule, no test and no histogram.

mod awc;
mod io;
mod tls;
mod trace;

use std::future::Future;
use std::time::Duration;

use common::counters::ErrorKind;
use common::plan::EngineChoice;

pub use self::awc::AwcEngine;
pub use tls::{TlsError, tls_config};

/// How one attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A whole answer with this status, expected or not.
    Status(u16),
    /// No whole answer.
    Failed(ErrorKind),
}

/// One attempt, over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// How it ended.
    pub outcome: Outcome,
    /// Bytes of the answer that were read, headers included.
    pub bytes_received: u64,
    /// Whether its connection had served before.
    pub reused: bool,
    /// Whether it failed before there was a connection.
    pub unconnected: bool,
    /// How late its last byte was read: from the poll's return to the reading.
    pub turn: Duration,
}

/// Sends requests that are all alike, over connections of its own; for one worker, in one thread.
pub trait Engine: 'static {
    /// Its name in reports.
    fn name(&self) -> &'static str;

    /// Makes one attempt, connecting included, that ends at the latest after the request's timeout. Sends
    /// nothing twice. Dropping the future closes the connection.
    fn exchange(&self) -> impl Future<Output = Exchange>;

    /// Connections opened so far.
    fn connections_opened(&self) -> u64;
}

/// Whether a driver of this version has the engine that a plan asks for; the error says what to do.
///
/// # Errors
/// Where it has not.
pub fn check_choice(choice: EngineChoice) -> Result<(), String> {
    match choice {
        EngineChoice::Auto | EngineChoice::Awc => Ok(()),
        EngineChoice::Wire => {
            Err("request.engine = \"wire\": this version has the awc engine alone; use auto or awc"
                .to_owned())
        }
    }
}
