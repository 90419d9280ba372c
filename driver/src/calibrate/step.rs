//! One load against the sink: the workers' own loops on threads of their own, and their windows merged as a
//! driver merges them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use common::clock::unix_us;
use common::counters::Counters;
use common::figures::Figures;
use common::ids::{Epoch, NodeId, TestId};
use common::plan::{PlanFormat, read, share_out};
use common::wire::{Ending, Window};
use tokio::sync::watch;
use tokio::task::LocalSet;

use super::{CalibrateError, cannot};
use crate::assignment::Assignment;
use crate::driver_test::{DriverTest, HostOf, WorkerSlice};
use crate::engine::WireEngine;
use crate::merge::Merge;
use crate::precision::Precision;
use crate::reactor::worker_runtime;
use crate::start_at::StartAt;
use crate::worker::report::{WorkerEnding, WorkerWindow};
use crate::worker::windows::Closed;
use crate::worker::{Outlet, StopSignal, run};

/// From the beginning of the threads to that of the load.
const START_DELAY: Duration = Duration::from_millis(50);
/// How long answers are waited for after the end.
const DRAIN: &str = "1s";
/// Windows that may wait to be merged, per worker: more than one load has.
const WAITING: usize = 64;

/// What is the same for all loads.
pub struct Setting {
    pub workers: u32,
    /// How they keep a schedule.
    pub precision: Precision,
    pub sink: SocketAddr,
    /// `max_in_flight` of an open loop.
    pub max_in_flight: u32,
    /// What is sent before anything counts.
    pub warmup: Duration,
}

/// How a load is driven.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Drive {
    Open {
        /// Requests per second of all workers.
        rate_per_s: f64,
    },
    /// As fast as the answers come.
    Closed {
        /// Connections of all workers.
        connections: u32,
    },
}

/// The result of a load.
pub struct Measured {
    /// Counters with the warm-up, samples without.
    pub figures: Figures,
    /// Length of the schedule after the warm-up.
    pub schedule_s: f64,
    /// Busy share of the busiest worker, over the windows by their lengths.
    pub busy: f64,
    /// How the schedule was kept.
    pub precision_kept: String,
    pub engine: String,
}

/// Runs a load to its end.
pub fn measure(setting: &Setting, drive: Drive, duration: Duration) -> Result<Measured, CalibrateError> {
    let test = Arc::new(test_of(setting, drive, duration)?);
    let slices = test.slices(setting.workers);
    let (sender, windows) = sync_channel(WAITING * slices.len());
    // Nothing stops a load early. Keep the sender until it is over: a closed channel would wake the workers.
    let (_stop, stopped) = watch::channel(None);
    let mut merge = Merge::new(&test, u32::try_from(slices.len()).unwrap_or(u32::MAX), Epoch(0));
    std::thread::scope(|scope| {
        let mut workers = Vec::new();
        for slice in slices {
            let (test, sender, stopped) = (Arc::clone(&test), sender.clone(), stopped.clone());
            let precision = setting.precision;
            let worker = move || work(test, slice, precision, stopped, sender);
            let name = format!("calibrate-{}", slice.worker);
            let spawned = std::thread::Builder::new().name(name).spawn_scoped(scope, worker);
            workers.push(spawned.map_err(cannot("cannot start a thread"))?);
        }
        // Each worker has its own sender: the channel ends once the last worker has dropped it.
        drop(sender);
        let merged = gather(&mut merge, &windows);
        for worker in workers {
            worker.join().map_err(|_| "it panicked".to_owned()).flatten().map_err(CalibrateError::Worker)?;
        }
        merged.ok_or_else(|| CalibrateError::Worker("its last window is missing".to_owned()))
    })
}

fn test_of(setting: &Setting, drive: Drive, duration: Duration) -> Result<DriverTest, CalibrateError> {
    let how = match drive {
        Drive::Open { rate_per_s } => {
            format!("mode = 'tsunami'\nrate = {rate_per_s}\nmax_in_flight = {}", setting.max_in_flight)
        }
        Drive::Closed { connections } => format!("mode = 'avalanche'\nconnections = {connections}"),
    };
    let text = format!(
        "[target]\nurl = 'http://{}/'\n[request]\nengine = 'wire'\ntimeout = '2s'\n[load]\n{how}\n\
         warmup = '{}ms'\nduration = '{}ms'\ndrain_timeout = '{DRAIN}'\n",
        setting.sink,
        setting.warmup.as_millis(),
        duration.as_millis()
    );
    let wrong = |what: String| CalibrateError::Plan(what);
    let plan = read(&text, PlanFormat::Toml)
        .map_err(|faults| wrong(faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))?;
    let node_id = NodeId::new("calibrate").map_err(|error| wrong(error.to_string()))?;
    let shares =
        share_out(&plan, std::slice::from_ref(&node_id)).map_err(|error| wrong(error.to_string()))?;
    let Some((node_id, share)) = shares.into_iter().next() else {
        return Err(wrong("the plan has no share".to_owned()));
    };
    Ok(DriverTest {
        test_id: TestId::new("calibrate").map_err(|error| wrong(error.to_string()))?,
        node_id,
        assignment: Assignment::of_plan(&plan, share),
        hosts: vec![HostOf::new(plan.target.clone(), vec![setting.sink])],
        script: None,
        shared: None,
        start: StartAt { monotonic: Instant::now() + START_DELAY, unix_us: unix_us() },
        rates: Default::default(),
    })
}

/// One worker's thread, as a driver runs it but for the actor.
fn work(
    test: Arc<DriverTest>,
    slice: WorkerSlice,
    precision: Precision,
    stopped: StopSignal,
    sender: SyncSender<WorkerWindow>,
) -> Result<(), String> {
    let runtime = worker_runtime().map_err(|error| error.to_string())?;
    LocalSet::new().block_on(&runtime, async {
        let engine = WireEngine::new(&test)?;
        let outlet = WindowSender { test_id: test.test_id.clone(), worker: slice.worker, sender };
        run(test, slice, engine, outlet, precision, stopped).await.map_err(|error| error.to_string())
    })
}

/// Sends a worker's windows to the thread that merges them.
struct WindowSender {
    test_id: TestId,
    worker: u32,
    sender: SyncSender<WorkerWindow>,
}

impl Outlet for WindowSender {
    fn progress(&mut self, _: Counters, _: bool) {}

    fn window(&mut self, closed: Closed, busy: f64, last: Option<WorkerEnding>) {
        let Closed { seq, figures, sessions, users } = closed;
        let (test_id, worker) = (self.test_id.clone(), self.worker);
        // The channel has room for more windows than a load has (`WAITING`), so this does not fail.
        let _ =
            self.sender.try_send(WorkerWindow { test_id, worker, seq, figures, sessions, users, busy, last });
    }
}

/// Merges the workers' windows until all workers have ended; `None` if the last window is missing.
fn gather(merge: &mut Merge, windows: &Receiver<WorkerWindow>) -> Option<Measured> {
    let mut figures = Figures::default();
    let (mut busy_s, mut length_s) = (0.0, 0.0);
    let mut last: Option<Window> = None;
    for window in windows {
        for merged in merge.window(window) {
            let window = merged.window;
            let seconds = window.to_us.saturating_sub(window.from_us) as f64 / 1e6;
            figures.latencies += &window.figures.all.latencies;
            // Counters are cumulative: the last ones are those of the whole load.
            figures.counters.clone_from(&window.figures.all.counters);
            busy_s += window.busy * seconds;
            length_s += seconds;
            last = Some(window);
        }
    }
    let last = last.filter(|window| window.is_final)?;
    let Ending { schedule_from_us, schedule_to_us, engine, precision, .. } = last.ending?;
    Some(Measured {
        figures,
        schedule_s: (schedule_to_us.saturating_sub(schedule_from_us) as f64 / 1e6).max(1e-3),
        busy: if length_s > 0.0 { busy_s / length_s } else { 0.0 },
        precision_kept: precision.unwrap_or_default(),
        engine,
    })
}

#[cfg(test)]
mod tests {
    use common::latency::LatencyKind;

    use super::super::sink::Sink;
    use super::*;

    #[test]
    fn each_loop_is_measured_by_several_workers_against_the_sink() {
        let sink = Sink::start().unwrap();
        let setting = Setting {
            workers: 2,
            precision: Precision::Timer,
            sink: sink.address(),
            max_in_flight: 64,
            warmup: Duration::from_millis(100),
        };
        let ms = Duration::from_millis;
        let open = measure(&setting, Drive::Open { rate_per_s: 200.0 }, ms(500)).unwrap();
        assert_eq!(
            (open.figures.counters.scheduled, open.figures.counters.failed),
            (120, 0),
            "{:?}",
            open.figures.counters
        );
        assert_eq!(open.figures.counters.completed, open.figures.counters.sent);
        let lag = open.figures.latencies.of(LatencyKind::Lag).count();
        assert_eq!(lag, open.figures.counters.sent - open.figures.counters.warmup.sent);
        assert_eq!(
            (open.schedule_s, open.engine.as_str(), open.precision_kept.as_str()),
            (0.5, "wire", "timer")
        );
        let closed = measure(&setting, Drive::Closed { connections: 4 }, ms(200)).unwrap();
        assert!(
            closed.figures.counters.completed_in_schedule > 0 && closed.figures.counters.failed == 0,
            "{:?}",
            closed.figures.counters
        );
        assert!(sink.waited() > Duration::ZERO);
    }
}
