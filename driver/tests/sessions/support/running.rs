//! A plan's text becomes the test of a driver, one worker runs its part, and what it reports is summed up.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::counters::{Counters, ErrorKind};
use common::figures::{ByRequest, Figures};
use common::ids::{NodeId, RequestName, TestId};
use common::plan::program::Program;
use common::plan::{PlanFormat, read, share_out};
use common::session_figures::{AllSessions, SessionCounters, SessionFigures};
use driver::assignment::Assignment;
use driver::driver_test::{DriverTest, HostOf};
use driver::engine::{Engine, RequestSpec, WireEngine};
use driver::precision::Precision;
use driver::scenario::files::Files;
use driver::start_at::StartAt;
use driver::worker::report::WorkerEnding;
use driver::worker::windows::Closed;
use driver::worker::{Outlet, run, specs};

use super::server::Server;

#[derive(Clone, Default)]
struct Collected(Rc<RefCell<Reported>>);

#[derive(Default)]
pub struct Reported {
    pub figures: ByRequest<Figures>,
    pub sessions: AllSessions,
    n_windows: u64,
    /// Of each window.
    pub users: Vec<Option<u32>>,
    pub ending: Option<WorkerEnding>,
}

impl Outlet for Collected {
    fn progress(&mut self, _: Counters, _: bool) {}

    fn window(&mut self, closed: Closed, _: f64, last: Option<WorkerEnding>) {
        let mut reported = self.0.borrow_mut();
        assert_eq!(closed.seq, reported.n_windows);
        reported.n_windows += 1;
        reported.users.push(closed.users);
        reported.figures += &closed.figures;
        reported.sessions += &closed.sessions.unwrap();
        reported.ending = last;
    }
}

impl Reported {
    pub fn of(&self, name: &str) -> Counters {
        self.figures.named[&RequestName::new(name).unwrap()].counters.clone()
    }

    pub fn scenario(&self, name: &str) -> &SessionFigures {
        &self.sessions.scenarios[name]
    }

    pub fn started(&self) -> u64 {
        self.sessions.scenarios.values().map(|of| of.counters.started + of.warmup.started).sum()
    }
}

pub fn test_of(server: &Server, plan: &str, (index, of): (usize, usize)) -> Arc<DriverTest> {
    test_with(server, plan, (index, of), |_| {})
}

/// A test whose program is changed after it was read.
pub fn test_with(
    server: &Server,
    plan: &str,
    (index, of): (usize, usize),
    change: impl FnOnce(&mut Program),
) -> Arc<DriverTest> {
    let text =
        format!("target.url = 'http://{}/'\nseed = 7\nhonesty.max_catch_up = '60s'\n{plan}", server.address);
    let mut plan = read(&text, PlanFormat::Toml).unwrap_or_else(|faults| panic!("{faults:#?}"));
    change(Arc::make_mut(plan.program.as_mut().unwrap()));
    let nodes: Vec<_> = (0..of).map(|n| NodeId::new(&format!("d{n}")).unwrap()).collect();
    let (node_id, share) = share_out(&plan, &nodes).unwrap().remove(index);
    let assignment = Assignment::of_plan(&plan, share);
    let test_id = TestId::new("t").unwrap();
    Arc::new(DriverTest {
        shared: None,
        script: DriverTest::script_of(
            &assignment,
            (&test_id, &node_id),
            &[],
            &BTreeMap::new(),
            Files::default(),
        ),
        test_id,
        node_id,
        assignment,
        hosts: vec![HostOf::new(plan.target.clone(), vec![server.address])],
        start: StartAt { monotonic: Instant::now(), unix_us: 1_700_000_000_000_000 },
        rates: Default::default(),
    })
}

/// Whether the test is to be stopped now; looked at every few milliseconds.
type StopWhen<'a> = &'a dyn Fn() -> bool;

/// Runs the part of one worker, and checks what always holds.
pub fn run_worker(
    test: &Arc<DriverTest>,
    worker: usize,
    workers: u32,
    stop_when: Option<StopWhen<'_>>,
) -> Reported {
    run_over(test, worker, workers, stop_when, |specs| WireEngine::of_each(test, specs).unwrap())
}

/// The same over the engine that is made of the requests.
pub fn run_over<E: Engine>(
    test: &Arc<DriverTest>,
    worker: usize,
    workers: u32,
    stop_when: Option<StopWhen<'_>>,
    engine: impl FnOnce(&[RequestSpec<'_>]) -> E,
) -> Reported {
    let runtime = driver::reactor::worker_runtime().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let collected = Collected::default();
        let engine = specs(test, |specs| Ok(engine(specs))).unwrap();
        let (stop, stopped) = tokio::sync::watch::channel(None);
        let stopping = async {
            if let Some(now) = stop_when {
                while !now() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                let _ = stop.send(Some("stopped".to_owned()));
            }
            std::future::pending::<()>().await;
        };
        let slice = test.slices(workers)[worker];
        tokio::select! {
            ended = run(Arc::clone(test), slice, engine, collected.clone(), Precision::Timer, stopped) => ended.unwrap(),
            () = stopping => {}
        }
        let reported = collected.0.take();
        check_equations(&reported);
        reported
    })
}

fn check_equations(reported: &Reported) {
    let of_each = reported.figures.named.values().map(|figures| &figures.counters);
    let mut sum = Counters::default();
    of_each.clone().for_each(|counters| sum += counters);
    assert_eq!(sum, reported.figures.all.counters, "names sum up to all");
    for counters in of_each.chain([&sum]) {
        assert_eq!(counters.scheduled, counters.sent + counters.dropped(), "{counters:?}");
        assert_eq!(counters.in_flight(), 0, "{counters:?}");
        let both = counters.errors_of(ErrorKind::Check) + counters.errors_of(ErrorKind::Extract);
        let (statuses, errors) =
            (counters.status_codes.values().sum::<u64>(), counters.errors.values().sum::<u64>());
        assert_eq!(counters.completed + counters.failed + both, statuses + errors, "{counters:?}");
    }
    let mut dropped = 0;
    for of in reported.sessions.scenarios.values() {
        for SessionCounters { started, completed, failed, abandoned, dropped: its } in
            [of.counters, of.warmup]
        {
            assert_eq!(started, completed + failed + abandoned);
            dropped += its;
        }
        assert_eq!(of.response.count(), of.counters.completed);
        assert_eq!(of.ended_at.values().sum::<u64>(), of.counters.failed + of.counters.abandoned);
    }
    assert_eq!(dropped, sum.dropped(), "a dropped session is one dropped request");
}

/// Runs a plan on one worker.
pub fn run_plan(server: &Server, plan: &str) -> Reported {
    run_worker(&test_of(server, plan, (0, 1)), 0, 1, None)
}
