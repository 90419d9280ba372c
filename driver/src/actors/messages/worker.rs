//! What a worker receives, and its handle.

use std::sync::Arc;

use actix::{Actor, Addr, Context, Handler, Message, Recipient};
use common::ids::TestId;

use super::{NodeEnding, send};
use crate::driver_test::{DriverTest, WorkerSlice};

/// Does its slice of a test. The result is an error if the engine cannot send such requests; otherwise the load begins
/// at `test.start`, or at once where that has passed.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), StartError>")]
pub struct StartLoad(pub Arc<DriverTest>, pub WorkerSlice);

/// Why a worker cannot do its slice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// It has a test already.
    #[error("the worker is busy with test {0}")]
    Busy(TestId),
    /// The engine cannot send such requests.
    #[error("{0}")]
    Engine(String),
    /// Its thread has ended.
    #[error("the worker has stopped")]
    Stopped,
}

/// Ends its test now; what is in flight counts as cancelled. Without a test it does nothing.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct StopLoad {
    /// Which test; another one goes on.
    pub test_id: TestId,
    /// Why, as in `stopped` or `leaving`: becomes the `cut_short` of the ending.
    pub reason: String,
}

/// Sends to one worker.
#[derive(Clone)]
pub struct WorkerHandle {
    start: Recipient<StartLoad>,
    stop: Recipient<StopLoad>,
}

impl WorkerHandle {
    /// Of the worker, or of a stub.
    pub fn of<A>(worker: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<StartLoad> + Handler<StopLoad>,
    {
        Self { start: worker.clone().recipient(), stop: worker.clone().recipient() }
    }

    /// Starts its slice of a test.
    pub fn start(
        &self,
        test: Arc<DriverTest>,
        slice: WorkerSlice,
    ) -> impl Future<Output = Result<(), StartError>> + use<> {
        let started = send(&self.start, StartLoad(test, slice));
        async move { started.await.unwrap_or(Err(StartError::Stopped)) }
    }

    /// Ends its slice of a test, for that reason.
    pub fn stop(
        &self,
        test_id: TestId,
        reason: String,
    ) -> impl Future<Output = Result<(), NodeEnding>> + use<> {
        send(&self.stop, StopLoad { test_id, reason })
    }
}
