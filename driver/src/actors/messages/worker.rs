//! What a worker receives.

use std::sync::Arc;

use actix::Message;
use common::ids::TestId;

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
