//! One worker of the driver's pool, on a thread of its own.

use actix::{Actor, Addr, Context, Handler, Recipient};
use actix_rt::Arbiter;

use super::messages::{Progress, StartError, StartLoad, StopLoad, WorkerWindow};

/// A worker.
pub struct RequestWorkerActor {
    _progress: Recipient<Progress>,
    _windows: Recipient<WorkerWindow>,
}

impl RequestWorkerActor {
    /// Starts a worker on a new thread, and returns its address and the arbiter to stop it by.
    pub fn start_on_own_thread(
        progress: Recipient<Progress>,
        windows: Recipient<WorkerWindow>,
    ) -> (Addr<Self>, Arbiter) {
        let arbiter = Arbiter::new();
        let addr = Self::start_in_arbiter(&arbiter.handle(), move |_| Self {
            _progress: progress,
            _windows: windows,
        });
        (addr, arbiter)
    }
}

impl Actor for RequestWorkerActor {
    type Context = Context<Self>;
}

impl Handler<StartLoad> for RequestWorkerActor {
    type Result = Result<(), StartError>;
    fn handle(&mut self, start: StartLoad, _: &mut Self::Context) -> Self::Result {
        Err(StartError::Engine(format!("test {} cannot be run yet", start.0.test_id)))
    }
}

impl Handler<StopLoad> for RequestWorkerActor {
    type Result = ();
    fn handle(&mut self, _: StopLoad, _: &mut Self::Context) {}
}
