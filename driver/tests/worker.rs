//! A worker's loops on a thread of its own, with the hooks that measure how busy it is.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::counters::{Counters, ErrorKind};
use common::ids::{NodeId, TestId};
use common::latency::{Latencies, LatencyKind};
use common::plan::{PlanFormat, read, share_out};
use driver::assignment::Assignment;
use driver::driver_test::DriverTest;
use driver::engine::{AnswerSink, Client, Exchange, FutureEngine, Opened, Outcome, RequestIndex, Spans};
use driver::precision::Precision;
use driver::start_at::{Nanos, StartAt};
use driver::worker::report::WorkerEnding;
use driver::worker::windows::Closed;
use driver::worker::{Outlet, run};

fn test_of(load: &str) -> Arc<DriverTest> {
    test_on_driver("driver", (0, 1), load)
}

/// The test on driver `index` of `of`, whose amounts are per driver or per fleet.
fn test_on_driver(per: &str, (index, of): (usize, usize), load: &str) -> Arc<DriverTest> {
    let text = format!(
        "per = '{per}'\n[target]\nurl = 'http://127.0.0.1:1/'\n[request]\ntimeout = '2s'\n[load]\n{load}\n"
    );
    let plan = read(&text, PlanFormat::Toml).unwrap_or_else(|faults| panic!("{faults:?}"));
    let nodes: Vec<_> = (0..of).map(|n| NodeId::new(&format!("d{n}")).unwrap()).collect();
    let (node_id, share) = share_out(&plan, &nodes).unwrap().remove(index);
    Arc::new(DriverTest {
        script: None,
        shared: None,
        test_id: TestId::new("t").unwrap(),
        node_id,
        assignment: Assignment::of_plan(&plan, share),
        hosts: Vec::new(),
        start: StartAt { monotonic: Instant::now(), unix_us: 0 },
        rates: Default::default(),
    })
}

/// Answers after a while, or fails to connect, as the script of its attempts lists.
struct Scripted {
    script: fn(u64) -> Step,
    attempts: Cell<u64>,
    under_way: Rc<Cell<i64>>,
    answered: Rc<Cell<Option<Instant>>>,
}

enum Step {
    Answers(Duration),
    /// Once so many attempts have begun.
    AnswersAfter(u64),
    CannotConnect,
}

/// Counts itself out however it ends.
struct UnderWay(Rc<Cell<i64>>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Client for Scripted {
    fn name(&self) -> &'static str {
        "scripted"
    }

    async fn exchange(&self, _: RequestIndex, _: Rc<Cell<Spans>>, _: AnswerSink) -> Exchange {
        let step = (self.script)(self.attempts.replace(self.attempts.get() + 1));
        self.under_way.set(self.under_way.get() + 1);
        let _under_way = UnderWay(Rc::clone(&self.under_way));
        let (outcome, unconnected) = match step {
            Step::Answers(after) => {
                if !after.is_zero() {
                    tokio::time::sleep(after).await;
                }
                (Outcome::Status(200), false)
            }
            Step::AnswersAfter(attempts) => {
                while self.attempts.get() < attempts {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                (Outcome::Status(200), false)
            }
            Step::CannotConnect => (Outcome::Failed(ErrorKind::Refused), true),
        };
        if !unconnected {
            self.answered.set(Some(Instant::now()));
        }
        Exchange { unconnected, ..Exchange::of(outcome) }
    }

    fn opened(&self) -> Opened {
        Opened::default()
    }
}

#[derive(Clone, Default)]
struct Collected(Rc<RefCell<Reported>>);

#[derive(Default)]
struct Reported {
    counters: Counters,
    latencies: Latencies,
    busy: Vec<f64>,
    ending: Option<WorkerEnding>,
}

impl Outlet for Collected {
    fn progress(&mut self, _: Counters, _: bool) {}

    fn window(&mut self, closed: Closed, busy: f64, last: Option<WorkerEnding>) {
        let mut reported = self.0.borrow_mut();
        assert_eq!(closed.seq as usize, reported.busy.len());
        reported.counters.add(&closed.figures.all.counters);
        reported.latencies.merge(&closed.figures.all.latencies);
        reported.busy.push(busy);
        reported.ending = last;
    }
}

struct After {
    reported: Reported,
    /// Exchanges that were still under way once the load was over.
    under_way: i64,
    /// When the last answer came, in the nanoseconds of the schedule.
    answered: Option<Nanos>,
}

impl After {
    fn ending(&self) -> &WorkerEnding {
        self.reported.ending.as_ref().unwrap()
    }
}

/// Runs a load as a worker's thread does; it is stopped once so many exchanges are under way.
fn load(load: &str, script: fn(u64) -> Step, stop_at: Option<i64>) -> After {
    run_test(test_of(load), script, stop_at)
}

fn run_test(test: Arc<DriverTest>, script: fn(u64) -> Step, stop_at: Option<i64>) -> After {
    let runtime = driver::reactor::worker_runtime().unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let (collected, under_way) = (Collected::default(), Rc::new(Cell::new(0)));
        let (start, answered) = (test.start, Rc::new(Cell::new(None)));
        let scripted = Scripted {
            script,
            attempts: Cell::new(0),
            under_way: Rc::clone(&under_way),
            answered: Rc::clone(&answered),
        };
        let engine = FutureEngine::new(scripted, test.start);
        let (stop, stopped) = tokio::sync::watch::channel(None);
        if let Some(n) = stop_at {
            let under_way = Rc::clone(&under_way);
            tokio::task::spawn_local(async move {
                while under_way.get() < n {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                let _ = stop.send(Some("stopped".to_owned()));
                std::future::pending::<()>().await;
            });
        }
        let slice = test.slices(1)[0];
        run(test, slice, engine, collected.clone(), Precision::Timer, stopped).await.unwrap();
        tokio::task::yield_now().await;
        let reported = collected.0.take();
        assert_eq!(
            reported.counters.scheduled,
            reported.counters.sent + reported.counters.dropped(),
            "{:?}",
            reported.counters
        );
        assert_eq!(reported.counters.in_flight(), 0, "{:?}", reported.counters);
        let answered = answered.get().map(|at| start.nanos(at));
        After { reported, under_way: under_way.get(), answered }
    })
}

const AT_ONCE: fn(u64) -> Step = |_| Step::Answers(Duration::ZERO);

#[test]
fn the_sliver_of_a_last_window_does_not_make_a_worker_busy() {
    let after = load("mode = 'tsunami'\nrate = 100\nduration = '2s'", AT_ONCE, None);
    assert_eq!(after.reported.counters.completed, 200);
    // A worker whose core others take is busy in its whole seconds, too; no more than in these in the sliver.
    let (sliver, whole) = after.reported.busy.split_last().unwrap();
    let most = whole.iter().copied().fold(0.5, f64::max);
    assert!(*sliver <= most, "{:?}", after.reported.busy);
}

#[test]
fn a_fleets_drivers_send_what_one_would_and_are_all_as_long() {
    // 2.5/s for 600 ms: ticks at 0 and 400 ms, so that the third driver has none.
    let sent: Vec<u64> = (0..3)
        .map(|index| {
            let test =
                test_on_driver("fleet", (index, 3), "mode = 'tsunami'\nrate = 2.5\nduration = '600ms'");
            let after = run_test(test, AT_ONCE, None);
            assert_eq!((after.ending().schedule_from, after.ending().schedule_to), (0, 600_000_000));
            after.reported.counters.completed
        })
        .collect();
    assert_eq!(sent, [1, 1, 0]);
}

#[test]
fn connections_that_wait_for_a_permit_cost_nothing() {
    let plan = "mode = 'avalanche'\nconnections = 2000\ntarget_throughput = 500\nduration = '2s'";
    let after = load(plan, AT_ONCE, None);
    assert!((2..=1_001).contains(&after.reported.counters.sent), "{:?}", after.reported.counters);
    // Others may take the core for a while; if waiting cost something, it would in every second.
    assert!(after.reported.busy.iter().any(|busy| *busy < 0.4), "{:?}", after.reported.busy);
}

#[test]
fn nothing_is_under_way_once_the_drain_is_over() {
    let slow: fn(u64) -> Step = |_| Step::Answers(Duration::from_secs(2));
    for mode in ["mode = 'avalanche'\nconnections = 3", "mode = 'tsunami'\nrate = 30\nmax_in_flight = 3"] {
        let after = load(&format!("{mode}\nduration = '100ms'\ndrain_timeout = '50ms'"), slow, None);
        assert_eq!(after.reported.counters.errors_of(ErrorKind::Timeout), 3);
        assert_eq!(after.under_way, 0, "{mode}");
    }
}

#[test]
fn a_closed_loop_ends_with_its_last_attempt_though_a_connection_waits_to_try_again() {
    // One connection fails and waits 10, 20, 40, 80, 160, 320 and 640 ms and then a second. Once it waits for the eighth
    // time, at 1.27 s or later, the other one's first answer comes, and it makes the last attempt. A pause of the machine
    // between its answer and the end may be as long as that wait, so the best of several tries counts.
    let script: fn(u64) -> Step = |n| match n {
        0 | 2..=8 => Step::CannotConnect,
        1 => Step::AnswersAfter(9),
        _ => Step::Answers(Duration::from_millis(1)),
    };
    let ends_with_its_answer = || {
        let after = load("mode = 'avalanche'\nconnections = 2\nrequests = 10", script, None);
        let ending = after.ending();
        assert!(ending.schedule_to - ending.schedule_from >= 1_270_000_000, "{ending:?}");
        assert_eq!(after.reported.counters.completed_in_schedule, 2);
        ending.schedule_to - after.answered.unwrap() < 500_000_000
    };
    assert!((0..4).any(|_| ends_with_its_answer()), "it waits to try again, at each try");
}

#[test]
fn requests_that_are_used_up_end_the_loop_whoever_still_waits_for_a_permit() {
    let began = Instant::now();
    let plan = "mode = 'avalanche'\nconnections = 50\ntarget_throughput = 5\nrequests = 3";
    let after = load(plan, AT_ONCE, None);
    assert_eq!(after.reported.counters.completed, 3);
    assert!(
        after.ending().schedule_to < 9_000_000_000,
        "the third permit falls due at 400 ms, the fiftieth after 9.8 s: {:?}",
        after.ending()
    );
    assert!(began.elapsed() < Duration::from_secs(9));
}

#[test]
fn a_stop_cancels_what_is_in_flight_and_the_schedule_is_as_long_as_it_was() {
    let slow: fn(u64) -> Step = |_| Step::Answers(Duration::from_secs(600));
    for mode in ["mode = 'avalanche'\nconnections = 3", "mode = 'tsunami'\nrate = 30\nmax_in_flight = 3"] {
        let after = load(&format!("{mode}\nwarmup = '60s'\nduration = '9s'"), slow, Some(3));
        assert_eq!(after.reported.counters.errors_of(ErrorKind::Cancelled), 3, "{mode}");
        assert_eq!(after.ending().cut_short.as_deref(), Some("stopped"));
        assert_eq!(after.under_way, 0, "{mode}");
        assert_eq!(
            after.ending().schedule_to,
            after.ending().schedule_from,
            "stopped in the warm-up: {mode}"
        );
    }
}

/// The sum of all samples, in ms.
fn sum_ms(latencies: &Latencies, kind: LatencyKind) -> f64 {
    let latency = latencies.of(kind);
    latency.mean_us().unwrap_or(0.0) * latency.count() as f64 / 1e3
}

#[test]
fn requests_wait_for_one_of_so_many_connections_and_response_is_held_and_lag_and_service() {
    // 100/s to one connection that takes 20 ms and more: each request begins when the one before is answered. So the last
    // of 20, due at 190 ms, is answered after all services one after the other, and after the lag of the first.
    let plan = "mode = 'tsunami'\nrate = 100\nrequests = 20\nconnections = 1\ndrain_timeout = '30s'";
    let after = load(plan, |_| Step::Answers(Duration::from_millis(20)), None);
    let Reported { counters, latencies, .. } = &after.reported;
    assert_eq!((counters.completed, counters.dropped()), (20, 0));
    let (services, lags) = (sum_ms(latencies, LatencyKind::Service), sum_ms(latencies, LatencyKind::Lag));
    assert!(services >= 20.0 * 20.0 * 0.99, "{services} ms");
    let last = latencies.of(LatencyKind::Response).max_us().unwrap() as f64 / 1e3;
    let computed = services + lags - 190.0;
    assert!((last - computed).abs() < 0.02 * computed, "{last} ms, and {computed} ms as computed");
    // Waiting for a connection (held) does not count as lag: only requests that found the connection free have any.
    let mean = sum_ms(latencies, LatencyKind::Response) / 20.0;
    assert!(
        mean > (services + lags) / 20.0 + 0.99 * 95.0,
        "each waits 10 ms longer than the one before: {mean} ms"
    );
}

#[test]
fn what_waits_and_what_flies_is_bounded_and_dropped_where_it_never_had_a_connection() {
    let slow: fn(u64) -> Step = |_| Step::Answers(Duration::from_secs(2));
    let plan = "mode = 'tsunami'\nrate = 100\nduration = '100ms'\nconnections = 1\nmax_in_flight = 3\n\
                drain_timeout = '50ms'";
    let after = load(plan, slow, None);
    let counters = &after.reported.counters;
    assert_eq!((counters.scheduled, counters.sent, counters.dropped()), (10, 1, 9), "{counters:?}");
    assert_eq!((counters.errors_of(ErrorKind::Timeout), after.under_way), (1, 0));
    let stopped = load(
        "mode = 'tsunami'\nrate = 100\nduration = '9s'\nconnections = 2\ndrain_timeout = '9s'",
        slow,
        Some(2),
    );
    let counters = &stopped.reported.counters;
    assert_eq!((counters.sent, counters.errors_of(ErrorKind::Cancelled)), (2, 2), "{counters:?}");
}

#[test]
fn every_worker_has_a_part_of_the_connections() {
    let plan = "mode = 'tsunami'\nrate = 100\nduration = '1s'\nconnections = 5\nmax_in_flight = 90";
    let parts = |test: &DriverTest, workers: u32| -> Vec<_> {
        test.slices(workers).iter().map(|slice| (slice.connections, slice.places)).collect()
    };
    assert_eq!(parts(&test_of(plan), 2), [(Some(3), 45), (Some(2), 45)]);
    assert_eq!(test_of(plan).slices(8).len(), 5, "none is left without one");
    assert_eq!(parts(&test_on_driver("fleet", (1, 2), plan), 1), [(Some(2), 90)]);
    assert_eq!(parts(&test_of("mode = 'tsunami'\nrate = 1\nduration = '1s'"), 1), [(None, 1_024)]);
}
