//! The messages between a test's manager, the workers and the aggregator.

use std::sync::Arc;

use actix::{Message, Recipient};
use common::counters::Counters;
use common::ids::TestId;
use common::wire::{ClassicMetrics, Window};

use crate::driver_test::{DriverTest, WorkerSlice};
use crate::merge::DriverProgress;
use crate::worker::report::WorkerWindow;

/// To a worker: does its slice of a test. The result is an error if the engine cannot send such requests; otherwise
/// the load begins at `test.start`, or at once where that has passed.
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

/// To a worker: ends its test now; what is in flight counts as cancelled. Without a test it does nothing.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct StopLoad {
    /// Which test; another one goes on.
    pub test_id: TestId,
    /// Why, as in `stopped` or `leaving`: becomes the `cut_short` of the ending.
    pub reason: String,
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

/// To the aggregator, before the workers start: whose windows it is to merge.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ExpectWindows {
    /// The test.
    pub test: Arc<DriverTest>,
    /// How many workers take part.
    pub workers: u32,
}

/// To the aggregator: a worker is gone and will send no more; the test ends without it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct WorkerLost {
    /// Of which test.
    pub test_id: TestId,
    /// Which worker.
    pub worker: u32,
}

/// From the aggregator: a window of this driver is complete, its seq the seconds since `start_at`.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct WindowClosed {
    /// Of which test.
    pub test_id: TestId,
    /// The window, with cumulative counters; the last one is final and has the ending.
    pub window: Box<Window>,
    /// The classic figures: of `response`, over the test so far.
    pub classic: ClassicMetrics,
}

/// From the aggregator: all workers are done and the final window has been handed out.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct LoadEnded {
    /// Which test.
    pub test_id: TestId,
    /// All of it.
    pub counters: Counters,
    /// Why it ended early, where it did.
    pub cut_short: Option<String>,
}

/// Asks the aggregator how far the test is.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<DriverProgress>")]
pub struct GetProgress;

/// Where the aggregator sends.
#[derive(Clone)]
pub struct AggregatorOutputs {
    /// The publisher: stores and publishes windows.
    pub windows: Recipient<WindowClosed>,
    /// The test manager: waits for the end of the load.
    pub ended: Recipient<LoadEnded>,
}
