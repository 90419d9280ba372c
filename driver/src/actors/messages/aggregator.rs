//! What the aggregator receives: whose windows it merges, what the workers did, and the question how far the test is.

use std::sync::Arc;

use actix::Message;
use common::counters::Counters;
use common::ids::TestId;

use crate::driver_test::DriverTest;
use crate::merge::DriverProgress;
use crate::worker::report::WorkerWindow;

/// Before the workers start: whose windows it is to merge.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ExpectWindows {
    /// The test.
    pub test: Arc<DriverTest>,
    /// How many workers take part.
    pub workers: u32,
}

/// From a worker, at most 200 ms after the last: what it has done so far.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Progress {
    /// Of which test.
    pub test_id: TestId,
    /// Which worker.
    pub worker: u32,
    /// Since the start of the test.
    pub counters: Counters,
    /// Whether it sends no more and waits for answers.
    pub draining: bool,
}

impl Message for WorkerWindow {
    type Result = ();
}

/// A worker is gone and will send no more; the test ends without it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct WorkerLost {
    /// Of which test.
    pub test_id: TestId,
    /// Which worker.
    pub worker: u32,
}

/// Asks how far the test is.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<DriverProgress>")]
pub struct GetProgress;
