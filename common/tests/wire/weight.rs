//! What a window weighs where a plan has as many names as there may be: below what Kafka takes, with room.

use crate::messages;
use common::counters::{Counters, ErrorKind};
use common::figures::{ByRequest, Figures, MAX_REQUEST_NAMES};
use common::ids::RequestName;
use common::latency::{Latencies, Latency, LatencyKind};
use common::session_figures::{AllSessions, PassFigures, SessionCounters, SessionFigures};
use common::wire::{Inbound, MAX_WRITTEN_BYTES, Metrics, Outbound, ReadAs, Topic, Unit, read};

/// A stream of numbers that looks random, so that histograms do not deflate better than real ones.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// A latency as servers have them: most near the lowest, some far above it.
    fn us(&mut self) -> u64 {
        let base = 800 + self.next() % 4_000;
        base << (self.next() % 64).saturating_sub(57)
    }
}

fn figures(numbers: &mut Numbers, n: u64) -> Figures {
    let mut latencies = Latencies::new();
    let failed = n / 50;
    for place in 0..n {
        let us = numbers.us();
        latencies.ended(us, us + 20, place >= failed);
        for kind in [LatencyKind::Lag, LatencyKind::FirstByte, LatencyKind::Turn] {
            latencies.of_mut(kind).record_us(us / 20);
        }
    }
    let so_far = 3_600 * n;
    let counters = Counters {
        scheduled: so_far,
        sent: so_far,
        completed: so_far - 3_600 * failed,
        failed: 3_600 * failed,
        bytes_received: 40_000 * so_far,
        completed_in_schedule: so_far / 2,
        errors: [(ErrorKind::Check, 3_600 * failed)].into(),
        status_codes: [(200, so_far), (503, 17)].into(),
        ..Counters::default()
    };
    Figures { counters, latencies }
}

fn latency(numbers: &mut Numbers, n: u64) -> Latency {
    let mut latency = Latency::new();
    (0..n).for_each(|_| latency.record_us(numbers.us()));
    latency
}

/// A window in which each of 256 names was requested `n` times, each by its own scenario (as without `[scenarios]`).
fn window(n: u64) -> Metrics {
    let numbers = &mut Numbers(7);
    let mut metrics = messages::metrics(false);
    let window = metrics.ours.as_deref_mut().unwrap();
    let name = |place: usize| RequestName::new(&format!("name-of-a-request-{place}")).unwrap();
    let named: std::collections::BTreeMap<_, _> =
        (0..MAX_REQUEST_NAMES).map(|place| (name(place), figures(numbers, n))).collect();
    let mut all = Figures::default();
    named.values().for_each(|of| all += of);
    window.figures = ByRequest { all, named };
    let counters = SessionCounters { started: n, completed: n, failed: n / 50, abandoned: 0, dropped: 1 };
    let ended_at: std::collections::BTreeMap<_, _> =
        (0..4).map(|step| (format!("step-of-a-flow.{step}"), n / 50)).collect();
    for place in 0..MAX_REQUEST_NAMES {
        let response = latency(numbers, n);
        let (warmup, ended_at) = (SessionCounters::default(), ended_at.clone());
        let figures = SessionFigures { counters, warmup, response, ended_at };
        window.sessions.scenarios.insert(name(place).to_string(), figures);
    }
    metrics
}

#[track_caller]
fn weight(metrics: Metrics) -> usize {
    let record = Outbound::Metrics(Box::new(metrics)).write().unwrap();
    let read = read(Topic::Metrics, Some(record.payload.as_bytes()), &ReadAs::of(Unit::Seconds));
    assert!(matches!(read, Ok(Inbound::Metrics(_))), "{read:?}");
    record.payload.len()
}

/// The figures of docs/wire.md: run it with --nocapture to see them.
#[test]
fn a_window_with_256_names_stays_below_a_megabyte() {
    for (n, bound) in [(1, 250_000), (10, 400_000), (40, 700_000)] {
        let bytes = weight(window(n));
        println!("256 names, {n} requests of each and one scenario each in a second: {bytes} bytes");
        assert!(bytes < bound, "{n} of each: {bytes} bytes");
    }
    let mut few = window(200);
    let window = few.ours.as_deref_mut().unwrap();
    window.sessions = AllSessions::default();
    let bytes = weight(few);
    println!("256 names, 200 requests of each, no scenarios: {bytes} bytes");
    assert!(bytes < MAX_WRITTEN_BYTES, "{bytes} bytes");
}

/// A plan may have more steps than a window names: a driver writes nothing that is then rejected.
#[test]
fn steps_beyond_the_bound_are_written_together() {
    let mut metrics = messages::metrics(false);
    let ended_at: std::collections::BTreeMap<_, _> = (0..700).map(|n| (format!("step {n}"), 1)).collect();
    for name in ["a", "b", "c"] {
        let figures = SessionFigures { ended_at: ended_at.clone(), ..SessionFigures::default() };
        metrics.ours.as_deref_mut().unwrap().sessions.scenarios.insert(name.to_owned(), figures);
    }
    let record = Outbound::Metrics(Box::new(metrics)).write().unwrap();
    let Ok(Inbound::Metrics(metrics)) =
        read(Topic::Metrics, Some(record.payload.as_bytes()), &ReadAs::of(Unit::Seconds))
    else {
        panic!("a metrics record")
    };
    let scenarios = metrics.ours.unwrap().sessions.scenarios;
    let steps = |name: &str| scenarios[name].ended_at.len();
    assert_eq!((steps("a"), steps("b"), steps("c")), (700, 324, 0));
    assert_eq!(scenarios["b"].ended_at["other"], 700 - 323);
}

/// What does not fit goes without histograms by name, and all counts arrive.
#[test]
fn a_window_that_is_too_heavy_loses_histograms_and_no_count() {
    let mut heavy = window(1_000);
    let group = PassFigures { completed: 9, failed: 1, response: latency(&mut Numbers(3), 9) };
    let sent = heavy.ours.as_deref_mut().unwrap();
    sent.sessions.groups.insert(RequestName::new("checkout").unwrap(), group);
    let sent = sent.clone();
    let record = Outbound::Metrics(Box::new(heavy)).write().unwrap();
    assert!(record.payload.len() < MAX_WRITTEN_BYTES / 2, "{} bytes", record.payload.len());
    let Ok(Inbound::Metrics(metrics)) =
        read(Topic::Metrics, Some(record.payload.as_bytes()), &ReadAs::of(Unit::Seconds))
    else {
        panic!("a metrics record")
    };
    let window = metrics.ours.unwrap();
    assert_eq!(window.figures.all, sent.figures.all);
    assert_eq!(window.figures.counters(), sent.figures.counters());
    assert!(window.figures.named.values().all(|of| of.latencies == Latencies::new()));
    let counts = |all: &AllSessions| -> Vec<_> {
        all.scenarios.values().map(|of| (of.counters, of.warmup, of.ended_at.clone())).collect()
    };
    assert_eq!(counts(&window.sessions), counts(&sent.sessions));
    let passes = &window.sessions.groups[&RequestName::new("checkout").unwrap()];
    assert_eq!((passes.completed, passes.failed, passes.response.count()), (9, 1, 0));
}
