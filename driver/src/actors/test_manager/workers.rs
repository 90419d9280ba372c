//! Starts and stops the workers, in the order in which the manager asks for it: a stop reaches every worker that was
//! started before it.

use std::sync::Arc;
use std::time::Duration;

use common::ids::TestId;
use tokio::sync::mpsc;

use crate::actors::messages::aggregator::AggregatorHandle;
use crate::actors::messages::worker::{StartError, WorkerHandle};
use crate::driver_test::{DriverTest, WorkerSlice};

/// A worker may still be finishing its last test: the pause between two attempts to start it, and how many there are.
const BUSY: (Duration, u32) = (Duration::from_millis(20), 50);

/// What the workers are to do.
pub(super) enum Order {
    /// A test, each worker its slice.
    Start(Arc<DriverTest>, Vec<WorkerSlice>),
    /// End that test, for that reason.
    Stop(TestId, String),
}

/// The workers, and whom to report those to that do not start.
pub(super) struct Workers {
    pub(super) workers: Vec<WorkerHandle>,
    pub(super) aggregator: AggregatorHandle,
}

impl Workers {
    pub(super) async fn run(self, mut orders: mpsc::Receiver<Order>) {
        while let Some(order) = orders.recv().await {
            match order {
                Order::Start(test, slices) => {
                    // A test that does not have all its workers ends.
                    if let Err(reason) = self.start(&test, slices).await {
                        self.stop(&test.test_id, &reason).await;
                    }
                }
                Order::Stop(test_id, reason) => self.stop(&test_id, &reason).await,
            }
        }
    }

    /// Starts all workers; the error is the last one's that did not start.
    async fn start(&self, test: &Arc<DriverTest>, slices: Vec<WorkerSlice>) -> Result<(), String> {
        let n_workers = u32::try_from(slices.len()).unwrap_or(u32::MAX);
        let expected = self.aggregator.expect(Arc::clone(test), n_workers).await;
        let mut started = expected.map_err(|error| error.to_string());
        for (worker, slice) in self.workers.iter().zip(slices) {
            if let Err(reason) = start_worker(worker, test, slice).await {
                log::error!(
                    test_id:% = test.test_id, worker = slice.worker, error:% = reason;
                    "worker not started"
                );
                started = Err(reason);
                if let Err(error) = self.aggregator.lost(test.test_id.clone(), slice.worker).await {
                    log::error!(error:%; "lost worker not reported");
                }
            }
        }
        started
    }

    async fn stop(&self, test_id: &TestId, reason: &str) {
        // All of them at once: none has to wait for the one before.
        let stops: Vec<_> =
            self.workers.iter().map(|worker| worker.stop(test_id.clone(), reason.to_owned())).collect();
        for stop in stops {
            if let Err(error) = stop.await {
                log::error!(error:%; "worker not stopped");
            }
        }
    }
}

/// Starts a worker; tries again while it is still finishing its last test.
async fn start_worker(
    worker: &WorkerHandle,
    test: &Arc<DriverTest>,
    slice: WorkerSlice,
) -> Result<(), String> {
    let (pause, tries) = BUSY;
    for _ in 0..tries {
        match worker.start(Arc::clone(test), slice).await {
            Ok(()) => return Ok(()),
            Err(StartError::Busy(_)) => tokio::time::sleep(pause).await,
            Err(error) => return Err(error.to_string()),
        }
    }
    Err("the worker did not finish its last test in time".to_owned())
}
