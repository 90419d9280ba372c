//! Merges the workers' windows into the driver's, and knows how far the test is.

use std::time::Instant;

use actix::{Actor, AsyncContext, Context, Handler, MessageResult};
use common::ids::Epoch;
use common::ordered::Ordered;
use tokio::sync::mpsc;

use super::messages::aggregator::{ExpectWindows, GetNamed, GetProgress, Progress, WorkerLost};
use super::messages::manager::{LoadEnded, ManagerHandle};
use super::messages::publisher::{PublisherHandle, WindowClosed};
use crate::cpu::MachineClock;
use crate::merge::DriverProgress;
use crate::merge::{Merge, Merged};
use crate::pauses::PauseWatch;
use crate::schedstat::{WaitMeter, Workers};
use crate::shared::{Ledger, TestShared};
use crate::worker::report::WorkerWindow;

/// Windows and progress of all workers that may wait.
const MAILBOX: usize = 256;

/// Merged windows that may wait for the store and the producer: an hour of them.
const OUTBOX: usize = 3_600;

/// What goes out, in order.
enum Out {
    Window(WindowClosed),
    Ended(LoadEnded),
}

/// Merges the workers' windows.
///
/// - owns: the merge of the test that runs, and the clocks of what its machine does meanwhile.
/// - receives: [`ExpectWindows`], [`Progress`], [`WorkerWindow`], [`WorkerLost`], [`GetProgress`],
///   [`GetNamed`].
/// - sends: [`WindowClosed`] each second, in order, and [`LoadEnded`] after the final one.
/// - on failure: an outbox that stays full for an hour drops windows, which is logged; the report shows their numbers
///   as missing.
/// - mailbox bound: 256.
pub struct StatsAggregatorActor {
    epoch: Epoch,
    merge: Option<Merge>,
    machine: MachineClock,
    waits: WaitMeter,
    /// While a test runs.
    pauses: Option<PauseWatch>,
    /// What the driver sent by itself since the last window; while a test runs whose plan has `[shared]`.
    shared: Option<Ledger>,
    outbox: Ordered<Out>,
}

impl StatsAggregatorActor {
    /// An aggregator of the driver of that epoch, which sends on so many cores, by these workers.
    pub fn new(
        epoch: Epoch,
        cores: u32,
        workers: Workers,
        publisher: PublisherHandle,
        manager: ManagerHandle,
    ) -> Self {
        Self {
            epoch,
            merge: None,
            machine: MachineClock::start(cores),
            waits: WaitMeter::start(workers),
            pauses: None,
            shared: None,
            outbox: Ordered::new(OUTBOX, |outbox| send_out(outbox, publisher, manager)),
        }
    }

    fn hand_out(&mut self, merged: Vec<Merged>) {
        for Merged { mut window, classic } in merged {
            // Windows close as their second ends, so that the time since the last one is the window's own.
            window.machine = self.machine.load();
            window.machine.wait = self.waits.share();
            let Some(merge) = &self.merge else { return };
            let pauses = self.pauses.as_ref().map(PauseWatch::take).unwrap_or_default();
            window.machine.stopped =
                pauses.into_iter().map(|(from, to)| (merge.unix_us_at(from), merge.unix_us_at(to))).collect();
            if let Some(shared) = &self.shared {
                window.sessions.shared = shared.take();
            }
            let test_id = merge.test_id().clone();
            let ended = window.is_final.then(|| LoadEnded {
                test_id: test_id.clone(),
                counters: window.figures.all.counters.clone(),
                cut_short: window.ending.as_ref().and_then(|ending| ending.cut_short.clone()),
            });
            self.put(Out::Window(WindowClosed { test_id, window: Box::new(window), classic }));
            if let Some(ended) = ended {
                self.put(Out::Ended(ended));
                self.merge = None;
                self.pauses = None;
                self.shared = None;
            }
        }
    }

    fn put(&self, out: Out) {
        if !self.outbox.offer(out) {
            log::error!("outbox full, merged window dropped");
        }
    }
}

impl Actor for StatsAggregatorActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX);
        self.outbox.start(context);
    }
}

/// Sends the final window of a test, and only then that its load has ended.
async fn send_out(mut outbox: mpsc::Receiver<Out>, publisher: PublisherHandle, manager: ManagerHandle) {
    while let Some(out) = outbox.recv().await {
        match out {
            Out::Window(WindowClosed { test_id, window, classic }) => {
                if publisher.window_closed(test_id, window, classic).await.is_err() {
                    log::error!("publisher stopped; window dropped");
                }
            }
            // The manager stops only when the driver ends: then the message is not needed any more.
            Out::Ended(LoadEnded { test_id, counters, cut_short }) => {
                let _ = manager.load_ended(test_id, counters, cut_short).await;
            }
        }
    }
}

impl Handler<ExpectWindows> for StatsAggregatorActor {
    type Result = ();

    fn handle(&mut self, ExpectWindows { test, workers }: ExpectWindows, context: &mut Self::Context) {
        let until_start = test.start.monotonic.saturating_duration_since(Instant::now());
        // Reset the meters at the start of the load: what the process did before belongs to no window.
        context.run_later(until_start, |aggregator, _| {
            aggregator.machine.load();
            aggregator.waits.share();
        });
        self.pauses = PauseWatch::start()
            .inspect_err(|error| log::warn!(error:%; "pauses of this process are not measured"))
            .ok();
        self.shared = test.shared.as_ref().map(TestShared::ledger);
        self.merge = Some(Merge::new(&test, workers, self.epoch));
    }
}

impl Handler<Progress> for StatsAggregatorActor {
    type Result = ();

    fn handle(&mut self, progress: Progress, _: &mut Self::Context) {
        if let Some(merge) = self.merge.as_mut().filter(|merge| *merge.test_id() == progress.test_id) {
            merge.progress(progress.worker, progress.counters, progress.draining);
        }
    }
}

impl Handler<WorkerWindow> for StatsAggregatorActor {
    type Result = ();

    fn handle(&mut self, window: WorkerWindow, _: &mut Self::Context) {
        if let Some(merge) = self.merge.as_mut().filter(|merge| *merge.test_id() == window.test_id) {
            let merged = merge.window(window);
            self.hand_out(merged);
        }
    }
}

impl Handler<WorkerLost> for StatsAggregatorActor {
    type Result = ();

    fn handle(&mut self, lost: WorkerLost, _: &mut Self::Context) {
        if let Some(merge) = self.merge.as_mut().filter(|merge| *merge.test_id() == lost.test_id) {
            let merged = merge.lost(lost.worker);
            self.hand_out(merged);
        }
    }
}

impl Handler<GetProgress> for StatsAggregatorActor {
    type Result = Option<DriverProgress>;

    fn handle(&mut self, _: GetProgress, _: &mut Self::Context) -> Self::Result {
        self.merge.as_ref().map(Merge::how_far)
    }
}

impl Handler<GetNamed> for StatsAggregatorActor {
    type Result = MessageResult<GetNamed>;

    fn handle(&mut self, _: GetNamed, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.merge.as_ref().map(Merge::named))
    }
}
