//! What the aggregator receives: whose windows it merges, what the workers did, and the question how far the test is.
//! Its handles: one for those whose figures it merges, and one for those who ask.

use std::sync::Arc;

use actix::dev::SendError;
use actix::{Actor, Addr, Context, Handler, Message, Recipient};
use common::counters::Counters;
use common::ids::TestId;
use common::named_counts::NamedCounts;

use super::{NodeEnding, send};
use crate::driver_test::DriverTest;
use crate::merge::DriverProgress;
use crate::worker::report::WorkerWindow;

/// Before the workers start: whose windows it is to merge.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct ExpectWindows {
    pub test: Arc<DriverTest>,
    /// How many workers take part.
    pub workers: u32,
}

/// From a worker, at most 200 ms after the last: what it has done so far.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Progress {
    pub test_id: TestId,
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
    pub test_id: TestId,
    pub worker: u32,
}

/// Asks how far the test is.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<DriverProgress>")]
pub struct GetProgress;

/// Asks for the counts by name of the test that runs, as its complete windows have them.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Option<NamedCounts>")]
pub struct GetNamed;

/// Why the aggregator did not take a window.
#[derive(Debug)]
pub enum Refused {
    /// Its mailbox is full: the window, to be sent again.
    Full(Box<WorkerWindow>),
    /// The node is ending.
    Ending,
}

/// Sends to the aggregator what it merges.
#[derive(Clone)]
pub struct AggregatorHandle {
    expect: Recipient<ExpectWindows>,
    progress: Recipient<Progress>,
    window: Recipient<WorkerWindow>,
    lost: Recipient<WorkerLost>,
}

impl AggregatorHandle {
    /// Of the aggregator, or of a stub.
    pub fn of<A>(aggregator: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>>
            + Handler<ExpectWindows>
            + Handler<Progress>
            + Handler<WorkerWindow>
            + Handler<WorkerLost>,
    {
        Self {
            expect: aggregator.clone().recipient(),
            progress: aggregator.clone().recipient(),
            window: aggregator.clone().recipient(),
            lost: aggregator.clone().recipient(),
        }
    }

    /// Announces the windows of so many workers, before these start.
    pub fn expect(
        &self,
        test: Arc<DriverTest>,
        workers: u32,
    ) -> impl Future<Output = Result<(), NodeEnding>> + use<> {
        send(&self.expect, ExpectWindows { test, workers })
    }

    /// Reports how far a worker is. Counters are cumulative: if the mailbox is full, the next report, 200 ms later,
    /// replaces this one.
    pub fn progress(&self, test_id: TestId, worker: u32, counters: Counters, draining: bool) {
        let _ = self.progress.try_send(Progress { test_id, worker, counters, draining });
    }

    /// Sends a worker's window, if the mailbox has room.
    ///
    /// # Errors
    /// Where the mailbox is full or closed.
    pub fn try_window(&self, window: WorkerWindow) -> Result<(), Refused> {
        self.window.try_send(window).map_err(|refused| match refused {
            SendError::Full(window) => Refused::Full(Box::new(window)),
            SendError::Closed(_) => Refused::Ending,
        })
    }

    /// Sends a worker's window.
    pub fn window(&self, window: WorkerWindow) -> impl Future<Output = Result<(), NodeEnding>> + use<> {
        send(&self.window, window)
    }

    /// Reports that a worker is gone: the test ends without it.
    pub fn lost(&self, test_id: TestId, worker: u32) -> impl Future<Output = Result<(), NodeEnding>> + use<> {
        send(&self.lost, WorkerLost { test_id, worker })
    }
}

/// Asks the aggregator how far the test is.
#[derive(Clone)]
pub struct ProgressHandle {
    get: Recipient<GetProgress>,
}

impl ProgressHandle {
    /// Of the aggregator, or of a stub.
    pub fn of<A>(aggregator: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<GetProgress>,
    {
        Self { get: aggregator.clone().recipient() }
    }

    /// How far the test is; `None` while none runs.
    pub fn get(&self) -> impl Future<Output = Result<Option<DriverProgress>, NodeEnding>> + use<> {
        send(&self.get, GetProgress)
    }
}

/// Asks the aggregator for the counts by name.
#[derive(Clone)]
pub struct NamedHandle {
    get: Recipient<GetNamed>,
}

impl NamedHandle {
    /// Of the aggregator, or of a stub.
    pub fn of<A>(aggregator: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<GetNamed>,
    {
        Self { get: aggregator.clone().recipient() }
    }

    /// The counts by name of the test that runs; `None` while none runs.
    pub fn get(&self) -> impl Future<Output = Result<Option<NamedCounts>, NodeEnding>> + use<> {
        send(&self.get, GetNamed)
    }
}
