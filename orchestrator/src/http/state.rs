//! What the handlers share: the actors that answer them, and values that are fixed for the lifetime of the process.

use std::sync::Arc;
use std::time::Duration;

use common::http_contract::Bootstrap;
use tokio::sync::{Semaphore, watch};

use super::auth::Token;
use super::problem::Problem;
use crate::actors::driver_registry::DriverList;
use crate::actors::events::EventsFeed;
use crate::actors::stats_aggregator::ExposedReader;
use crate::actors::store::HistoryReader;
use crate::actors::test_manager::TestsHandle;
use crate::data_files::DataFiles;
use crate::now::Clock;
use crate::store::StoreError;
use crate::telemetry::{Readiness, Telemetry};

/// Most messages of HTTP that are with the store at once; its queue has no bound of its own.
const MAX_STORE_READS: usize = 4;

/// Most plans whose data files are read at once.
const MAX_LOOKS: usize = 2;

/// How long a request waits for its turn at the store.
const STORE_PATIENCE: Duration = Duration::from_secs(10);

/// The actors that run tests and know the drivers.
#[derive(Clone)]
pub struct Commands {
    pub tests: TestsHandle,
    pub drivers: DriverList,
    pub events: EventsFeed,
    pub exposed: ExposedReader,
}

/// Who may ask, and how much.
#[derive(Debug, Clone)]
pub struct Access {
    /// What everything but /healthz, /readyz and /docs asks for; `None`: nothing.
    pub token: Option<Token>,
    /// Whether requests without a token may name any host, rather than this machine's loopback alone.
    pub any_host: bool,
    /// Largest body of a request, bytes.
    pub max_body_bytes: usize,
}

/// What watches the process, and what it says of itself.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Whether Kafka and the store can be used.
    pub readiness: Arc<Readiness>,
    /// What the process counted.
    pub telemetry: Arc<Telemetry>,
    /// The orchestrator's node id.
    pub node_id: String,
    /// The build, as in `0.1.0 (abc1234)`.
    pub version: String,
    /// What a page without tests offers to send a short test to, `[page] try_target`.
    pub try_target: Option<String>,
}

/// What the handlers share. `run.rs` makes it; [`AppState::new`] adds what is HTTP's own.
pub struct AppState {
    /// Where commands and queries go.
    pub commands: Commands,
    /// Reads what is stored of tests, at its turn ([`AppState::read`]).
    pub(super) history: HistoryReader,
    /// What a driver needs to join.
    pub bootstrap: Bootstrap,
    /// The orchestrator's clock, which tests go by.
    pub clock: Clock,
    /// The figures that `/metrics` and `/readyz` report about the process.
    pub watch: Watch,
    pub access: Access,
    /// The data files that plans name by their hash.
    pub data: Arc<DataFiles>,
    /// Turns at reading files for what plans have to know of them.
    pub(super) looks: Semaphore,
    pub(super) stopping: watch::Sender<bool>,
    store_turns: Semaphore,
}

impl AppState {
    /// Everything that the handlers need.
    pub fn new(
        commands: Commands,
        history: HistoryReader,
        bootstrap: Bootstrap,
        clock: Clock,
        watch: Watch,
        access: Access,
        data: Arc<DataFiles>,
    ) -> Self {
        Self {
            commands,
            history,
            bootstrap,
            clock,
            watch,
            access,
            data,
            looks: Semaphore::new(MAX_LOOKS),
            stopping: watch::Sender::new(false),
            store_turns: Semaphore::new(MAX_STORE_READS),
        }
    }

    /// Awaits an answer of the store, when it is this request's turn. `reading` is a call of [`HistoryReader`], whose
    /// methods are `async`: nothing is sent to the store before its turn, when the call is awaited.
    pub(super) async fn read<T>(
        &self,
        reading: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, Problem> {
        let turn = tokio::time::timeout(STORE_PATIENCE, self.store_turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(Problem::unavailable("the store is busy: try again in a few seconds"));
        };
        Ok(reading.await?)
    }
}
