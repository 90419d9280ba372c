//! One worker of the driver's pool, on a thread of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use actix_rt::Arbiter;
use actix_rt::task::JoinHandle;
use common::counters::Counters;
use common::ids::TestId;
use tokio::sync::watch;

use super::messages::aggregator::{AggregatorHandle, Refused};
use super::messages::worker::{StartError, StartLoad, StopLoad};
use crate::driver_test::{DriverTest, WorkerSlice};
use crate::engine::{AwcClient, Chosen, FutureEngine, WireEngine, choose};
use crate::precision::Precision;
use crate::reactor::worker_runtime;
use crate::schedstat::Workers;
use crate::worker::report::{WorkerEnding, WorkerWindow};
use crate::worker::{self, Outlet, StopSignal, windows::Closed};

/// Commands that may wait: one test at a time, and its stop.
const MAILBOX: usize = 8;

/// The test that a worker is at.
struct Current {
    test_id: TestId,
    stop: watch::Sender<Option<String>>,
}

/// Sends one worker's part of a test.
///
/// - owns: its thread, its engine, and with it its connections.
/// - receives: [`StartLoad`], [`StopLoad`].
/// - sends: to the aggregator ([`AggregatorHandle`]) its progress at most every 200 ms, a window each second, and its
///   loss where its load ends without a last window.
/// - on failure: refuses a load that it cannot start; keeps windows that meet a full mailbox and sends them again.
///   These count as fully busy, because a driver that cannot process its own windows in time is overloaded.
/// - mailbox bound: 8.
pub struct RequestWorkerActor {
    precision: Precision,
    aggregator: AggregatorHandle,
    current: Option<Current>,
}

impl RequestWorkerActor {
    /// Starts a worker on a new thread, counts it among `threads`, and returns its address and the arbiter that stops
    /// it.
    ///
    /// # Errors
    /// Where the kernel gives no descriptor for its runtime.
    pub fn start_on_own_thread(
        precision: Precision,
        threads: Workers,
        aggregator: AggregatorHandle,
    ) -> std::io::Result<(actix::Addr<Self>, Arbiter)> {
        let runtime = worker_runtime()?;
        let arbiter = Arbiter::with_tokio_rt(move || runtime);
        let addr = Self::start_in_arbiter(&arbiter.handle(), move |context| {
            context.set_mailbox_capacity(MAILBOX);
            threads.join();
            Self { precision, aggregator, current: None }
        });
        Ok((addr, arbiter))
    }
}

impl Actor for RequestWorkerActor {
    type Context = Context<Self>;
}

impl Handler<StartLoad> for RequestWorkerActor {
    type Result = Result<(), StartError>;

    fn handle(&mut self, StartLoad(test, slice): StartLoad, context: &mut Self::Context) -> Self::Result {
        if let Some(current) = &self.current {
            return Err(StartError::Busy(current.test_id.clone()));
        }
        let (stop, stopped) = watch::channel(None);
        let outlet = ActorOutlet {
            test_id: test.test_id.clone(),
            worker: slice.worker,
            aggregator: self.aggregator.clone(),
            waiting: VecDeque::new(),
        };
        let load = start(&test, slice, outlet, self.precision, stopped).map_err(StartError::Engine)?;
        self.current = Some(Current { test_id: test.test_id.clone(), stop });
        let (test_id, aggregator) = (test.test_id.clone(), self.aggregator.clone());
        let over = async move {
            let reason = match load.await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            log::error!(test_id:% = test.test_id, worker = slice.worker, error:% = reason; "worker lost");
            if let Err(error) = aggregator.lost(test.test_id.clone(), slice.worker).await {
                log::error!(error:%; "lost worker not reported");
            }
        };
        context.spawn(over.into_actor(self).map(move |(), worker, _| {
            worker.current.take_if(|current| current.test_id == test_id);
        }));
        Ok(())
    }
}

/// Starts a load as a task of its own, so that requests do not pass through the actor's mailbox.
fn start(
    test: &Arc<DriverTest>,
    slice: WorkerSlice,
    outlet: ActorOutlet,
    precision: Precision,
    stopped: StopSignal,
) -> Result<JoinHandle<std::io::Result<()>>, String> {
    let shared = Arc::clone(test);
    Ok(match choose(&test.assignment.request) {
        Chosen::Wire => {
            let engine = worker::specs(test, |specs| WireEngine::of_each(test, specs))?;
            actix_rt::spawn(worker::run(shared, slice, engine, outlet, precision, stopped))
        }
        Chosen::Awc => {
            let engine =
                FutureEngine::new(worker::specs(test, |specs| AwcClient::of_each(test, specs))?, test.start);
            actix_rt::spawn(worker::run(shared, slice, engine, outlet, precision, stopped))
        }
    })
}

impl Handler<StopLoad> for RequestWorkerActor {
    type Result = ();

    fn handle(&mut self, stop: StopLoad, _: &mut Self::Context) {
        if let Some(current) = self.current.as_ref().filter(|current| current.test_id == stop.test_id) {
            current.stop.send_if_modified(|reason| reason.replace(stop.reason).is_none());
        }
    }
}

/// Sends a worker's figures to the aggregator.
struct ActorOutlet {
    test_id: TestId,
    worker: u32,
    aggregator: AggregatorHandle,
    /// Windows that met a full mailbox, oldest first: one a second at most.
    waiting: VecDeque<WorkerWindow>,
}

impl Outlet for ActorOutlet {
    fn progress(&mut self, counters: Counters, draining: bool) {
        self.send_waiting();
        self.aggregator.progress(self.test_id.clone(), self.worker, counters, draining);
    }

    fn window(&mut self, closed: Closed, busy: f64, last: Option<WorkerEnding>) {
        let Closed { seq, figures, sessions, users } = closed;
        let is_last = last.is_some();
        let (test_id, worker) = (self.test_id.clone(), self.worker);
        self.waiting.push_back(WorkerWindow { test_id, worker, seq, figures, sessions, users, busy, last });
        self.send_waiting();
        if is_last && !self.waiting.is_empty() {
            // The outlet is not called after the last window, so a task has to wait for room in the mailbox.
            let (aggregator, waiting) = (self.aggregator.clone(), std::mem::take(&mut self.waiting));
            actix_rt::spawn(async move {
                for window in waiting {
                    if aggregator.window(window).await.is_err() {
                        return;
                    }
                }
            });
        }
    }
}

impl ActorOutlet {
    fn send_waiting(&mut self) {
        while let Some(window) = self.waiting.pop_front() {
            if let Err(refused) = self.aggregator.try_window(window) {
                if let Refused::Full(window) = refused {
                    self.waiting.push_front(WorkerWindow { busy: 1.0, ..*window });
                }
                return;
            }
        }
    }
}
