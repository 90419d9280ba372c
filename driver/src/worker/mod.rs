//! One worker's part of a test: keeps the schedule, makes attempts, fills windows. It knows no Kafka; it reports to
//! the rest of the driver through an [`Outlet`].

pub(crate) mod buffers;
mod closed_loop;
pub(crate) mod examine;
mod flight;
mod lines;
mod open_loop;
mod places;
pub mod recorder;
pub mod report;
pub(crate) mod seat;
pub mod session_windows;
mod sessions;
mod sessions_closed;
mod sessions_open;
mod spin;
mod tally;
pub(crate) mod timer;
mod users;
mod waiter;
pub mod windows;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::counters::{Counters, ErrorKind};
use common::ids::RequestName;
use common::plan::Mode;
use common::plan::program::Connections;
use tokio::sync::watch;

use self::flight::Flight;
use self::sessions_closed::ShiftOver;
use self::waiter::{Until, Waiter};
use self::windows::Closed;
use crate::cpu::cores;
use crate::driver_test::{DriverTest, Rates, WorkerSlice};
use crate::engine::{Engine, MAX_WANTED_BODY_BYTES, RequestIndex, RequestSpec, outline};
use crate::precision::Precision;
use crate::reactor::BusyMeter;
use crate::scenario::script::{Script, Sendable};
use crate::start_at::Nanos;
use crate::worker::report::WorkerEnding;

/// How often a worker reports its progress.
const PROGRESS_EVERY: Nanos = 200_000_000;

/// An open loop opens connections ahead for the requests of this span.
const CONNECTED_AHEAD: Duration = Duration::from_millis(2);

/// The request of a plan, which has one.
const THE_REQUEST: RequestIndex = 0;

/// From this share on a window counts as one without idle time.
const BUSY: f64 = 0.95;

/// Makes an engine or a client with all requests of a test, whose indexes are those of the plan.
///
/// # Errors
/// Those of `make`.
pub fn specs<T>(
    test: &DriverTest,
    make: impl FnOnce(&[RequestSpec<'_>]) -> Result<T, String>,
) -> Result<T, String> {
    let (Some(script), Some(program)) = (&test.script, &test.assignment.program) else {
        return make(&[RequestSpec::plain(&test.assignment.request)]);
    };
    let takes_cookies = script.scenarios.iter().any(|track| track.cookie_bytes.is_some());
    let outlines: Vec<_> = program.requests.iter().map(outline).collect();
    let spec = |(sendable, request)| {
        let sendable: &Sendable = sendable;
        let wants_body = sendable.examiner.needs_body();
        RequestSpec {
            request,
            bytes: sendable.text.as_constant(),
            host: sendable.host,
            wants_head: sendable.examined || sendable.follow > 0 || takes_cookies,
            wants_body,
            max_body: wants_body.then_some(MAX_WANTED_BODY_BYTES),
        }
    };
    make(&script.requests.iter().zip(&outlines).map(spec).collect::<Vec<_>>())
}

/// Where a worker's figures go. Its methods must not block.
pub trait Outlet {
    /// How far the worker is.
    fn progress(&mut self, counters: Counters, draining: bool);
    /// A window is complete; with the last one, how the worker's part ended.
    fn window(&mut self, closed: Closed, busy: f64, last: Option<WorkerEnding>);
}

/// Why a load is to stop early; `None`: it is not.
pub type StopSignal = watch::Receiver<Option<String>>;

/// What the parts of one worker's load share.
struct Load<E: Engine, O: Outlet> {
    test: Arc<DriverTest>,
    slice: WorkerSlice,
    engine: E,
    flight: Flight,
    waiter: Waiter,
    outlet: O,
    busy: BusyMeter,
    last_busy: f64,
    next_progress: Nanos,
    rates: Rates,
    /// What the sessions came to, once they are over.
    shift: ShiftOver,
}

/// Does a slice of a test, from its start to its last window.
///
/// # Errors
/// Where the kernel gives no timer.
pub async fn run<E: Engine, O: Outlet>(
    test: Arc<DriverTest>,
    slice: WorkerSlice,
    engine: E,
    outlet: O,
    precision: Precision,
    mut stop: StopSignal,
) -> std::io::Result<()> {
    let mut load = Load {
        engine,
        flight: match &test.script {
            Some(script) => Flight::of_script(script, slice.places),
            None => Flight::new(&test.assignment.request, slice.places),
        },
        waiter: Waiter::new(precision, slice.workers, cores())?,
        outlet,
        busy: BusyMeter::start(),
        last_busy: 0.0,
        next_progress: 0,
        rates: test.rates.clone(),
        shift: ShiftOver::default(),
        test,
        slice,
    };
    load.wait_for_start(&mut stop).await;
    load.busy = BusyMeter::start();
    let from = match (load.test.script.clone(), &load.test.assignment.load.mode) {
        (None, Mode::Tsunami { .. }) => open_loop::run(&mut load, &mut stop).await,
        (None, Mode::Avalanche { .. }) => closed_loop::run(&mut load, &mut stop).await,
        (Some(script), Mode::Tsunami { .. }) => sessions_open::run(&mut load, script, &mut stop).await,
        (Some(script), Mode::Avalanche { .. }) => sessions_closed::run(&mut load, script, &mut stop).await,
    };
    load.finish(from, &mut stop).await;
    Ok(())
}

/// Why the load is to stop early, if it is.
fn stop_reason(stop: &StopSignal) -> Option<String> {
    stop.borrow().clone()
}

impl<E: Engine, O: Outlet> Load<E, O> {
    fn now(&self) -> Nanos {
        self.test.start.nanos(Instant::now())
    }

    /// Waits for the start of the load. An open loop connects meanwhile, for as many requests as may be under way
    /// before the first is answered: to connect takes ten times as long as to send, and would make all of them late.
    async fn wait_for_start(&mut self, stop: &mut StopSignal) {
        let shares = |script: &Arc<Script>| {
            script.scenarios.iter().any(|track| track.connections == Connections::Shared)
        };
        let is_open = matches!(self.test.assignment.load.mode, Mode::Tsunami { .. });
        if is_open && self.test.script.as_ref().is_none_or(shares) {
            let rate =
                self.test.assignment.share.rate_per_s.unwrap_or(0.0) / f64::from(self.slice.workers.max(1));
            let ahead = (rate * CONNECTED_AHEAD.as_secs_f64()).ceil() as u32;
            let most = self.slice.connections.unwrap_or(u32::MAX).min(self.slice.places);
            self.engine.connect_ahead(ahead.clamp(1, most.max(1)));
        }
        loop {
            let now = self.now();
            if now >= 0 || stop_reason(stop).is_some() {
                break;
            }
            if self.wait(Until { due: 0, other: Nanos::MAX }, now, stop).await {
                let now = self.now();
                if self.engine.turn(now, &mut self.flight) {
                    self.waiter.worked();
                }
            }
        }
    }

    /// Closes the windows that are past and reports progress; returns when it is to be called again.
    fn keep_house(&mut self, now: Nanos, next_due: Option<Nanos>, draining: bool) -> Nanos {
        let recorder = &mut self.flight.recorder;
        let end = recorder.windows.end_of_first();
        if now >= end && next_due.is_none_or(|due| due >= end) {
            self.last_busy = self.busy.lap();
        }
        while let Some(closed) = recorder.windows.close_next(now, next_due, self.last_busy >= BUSY) {
            self.outlet.window(closed, self.last_busy, None);
        }
        if now >= self.next_progress {
            self.outlet.progress(recorder.total(), draining);
            self.next_progress = now + PROGRESS_EVERY;
        }
        let end = recorder.windows.end_of_first();
        // A window that is past waits for ticks that are being handled: no need to wake for it.
        self.next_progress.min(if end > now { end } else { Nanos::MAX })
    }

    /// As [`Waiter::wait`], for the engine of this load.
    fn wait(&mut self, until: Until, now: Nanos, stop: &mut StopSignal) -> impl Future<Output = bool> {
        let Self { engine, waiter, test, .. } = self;
        waiter.wait(engine, until, now, test.start, stop)
    }

    fn give_up(&mut self, now: Nanos, kind: ErrorKind) {
        self.flight.give_up(now, kind, |place| self.engine.so_far(place));
        // Their connections are closed, so that nothing of this test goes on while the next one runs.
        self.engine.abandon();
    }

    /// After the schedule: waits for what is in flight, gives up what does not end in time, reports the last window.
    async fn finish(mut self, schedule_from: Nanos, stop: &mut StopSignal) {
        let drain = Nanos::try_from(self.test.assignment.load.drain_timeout.as_nanos()).unwrap_or(Nanos::MAX);
        let end_of_schedule = self.flight.recorder.schedule_to();
        let give_up_at = end_of_schedule.max(self.now()).saturating_add(drain);
        let mut given_up = ErrorKind::Timeout;
        let mut house_at = 0;
        loop {
            let now = self.now();
            if now >= house_at {
                house_at = self.keep_house(now, None, true);
            }
            if self.flight.is_empty() || now >= give_up_at {
                break;
            }
            if stop_reason(stop).is_some() {
                given_up = ErrorKind::Cancelled;
                break;
            }
            if self.wait(Until { due: Nanos::MAX, other: house_at.min(give_up_at) }, now, stop).await {
                let now = self.now();
                if self.engine.turn(now, &mut self.flight) {
                    self.waiter.worked();
                }
            }
        }
        let now = self.now();
        self.give_up(now, given_up);
        let opened = self.engine.opened();
        let ending = WorkerEnding {
            schedule_from,
            // A stop may come before the schedule proper: then it has no length.
            schedule_to: self.flight.recorder.schedule_to().max(schedule_from),
            ended: now,
            engine: self.engine.name(),
            precision: self.waiter.kept(),
            opened,
            redirected_to: self.redirected_to(),
            cut_short: stop_reason(stop),
            begun: self.shift.begun,
            used_up: self.used_up(),
        };
        self.report_last_windows(now, ending);
    }

    /// Where the target redirected to, for a plan of one request. A plan with sessions may keep a secret in an address of an
    /// answer, so no such address leaves the driver; its report says by name which requests met redirects.
    fn redirected_to(&self) -> Option<String> {
        match self.test.script {
            None => self.engine.redirected_to().map(str::to_owned),
            Some(_) => None,
        }
    }

    /// The name of the data that had no row left for a session.
    fn used_up(&self) -> Option<RequestName> {
        let program = self.test.assignment.program.as_ref()?;
        RequestName::new(&program.data.get(self.shift.used_up?)?.name).ok()
    }

    fn report_last_windows(&mut self, now: Nanos, ending: WorkerEnding) {
        let busy = self.busy.lap();
        let windows = &mut self.flight.recorder.windows;
        let last = windows.last_seq(now);
        loop {
            let closed = windows.close(busy >= BUSY);
            if closed.seq >= last {
                return self.outlet.window(closed, busy, Some(ending));
            }
            self.outlet.window(closed, busy, None);
        }
    }
}
