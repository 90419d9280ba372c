//! The guarantees of the merge: each window counts once, in whatever order; one histogram of all samples; the equations
//! hold at every step. This file has the helpers of the tests.

mod abort;
mod classic;
mod exposed;
mod parts;
mod properties;
mod reports;
mod search;
mod sessions;
mod throughput;

use common::clock::UnixMicros;
use common::counters::{Counters, ErrorKind};
use common::ids::Epoch;
use common::kafka::Position;
use common::latency::{Latencies, LatencyKind, Outcome};
use common::plan::{Plan, Share};
use common::wire::{ClassicMetrics, Metrics, Topic, Window};
use proptest::prelude::*;

use super::{Arrived, Closing, Tally};
use crate::fixtures::{self, ending, metrics, node_id as node, share, test_id};
use crate::model::Totals;
use crate::participant::{EndedBy, Participant};

/// When the tests here start: 2026-11-23T23:40:00Z.
const START: UnixMicros = 1_795_477_200_000_000;

fn plan() -> Plan {
    plan_of("mode = 'tsunami'\nrate = 1000\nmax_in_flight = 64\nduration = '30s'")
}

fn plan_of(load: &str) -> Plan {
    fixtures::plan(&format!("name = 'p'\n[target]\nurl = 'http://127.0.0.1:8081/ping'\n[load]\n{load}\n"))
}

fn participant(name: &str, epoch: Option<u64>, index: u32, of: u32) -> Participant {
    let share = Share { rate_per_s: Some(1_000.0), max_in_flight: Some(64), ..share(index, of) };
    Participant { node_id: node(name), epoch: epoch.map(Epoch), share }
}

fn tally(participants: &[Participant]) -> Tally {
    tally_of(plan(), participants)
}

fn tally_of(plan: Plan, participants: &[Participant]) -> Tally {
    let mut tally = Tally::new(test_id("t1"), plan, participants);
    tally.started(START);
    tally
}

fn at(partition: i32, offset: i64) -> Position {
    Position { topic: Topic::Metrics, partition, offset }
}

/// One window's own requests: (completed, failed, dropped, left open) and its latencies in µs.
#[derive(Debug, Clone, Default)]
struct Own {
    completed: u64,
    failed: u64,
    dropped: u64,
    opened: u64,
    latencies_us: Vec<u64>,
}

/// A driver's whole test: cumulative windows, the last of them final, with nothing in flight.
fn windows(name: &str, epoch: u64, owns: &[Own]) -> Vec<Metrics> {
    let mut counters = Counters::default();
    let mut all = Vec::new();
    for (seq, own) in owns.iter().enumerate() {
        let last = seq + 1 == owns.len();
        let closing = if last { counters.in_flight() } else { 0 };
        let opened = if last { 0 } else { own.opened };
        counters.scheduled += own.completed + own.failed + own.dropped + opened;
        counters.sent += own.completed + own.failed + opened;
        counters.completed += own.completed + closing;
        counters.completed_in_schedule += own.completed;
        counters.failed += own.failed;
        counters.dropped_in_flight += own.dropped;
        *counters.errors.entry(ErrorKind::Reset).or_default() += own.failed;
        let mut latencies = Latencies::new();
        let n = usize::try_from(own.completed + own.failed + closing).unwrap();
        let samples = own.latencies_us.iter().cycle().take(if own.latencies_us.is_empty() { 0 } else { n });
        for (place, us) in (0_u64..).zip(samples) {
            latencies.ended(*us, *us, place >= own.failed);
        }
        let window = fixtures::window(seq as u64, START + seq as i64 * 1_000_000, counters.clone());
        let mut window = Window { epoch: Epoch(epoch), is_final: last, ..window };
        window.figures.all.latencies = latencies;
        window.ending = last.then(|| ending(START, START + owns.len() as i64 * 1_000_000));
        all.push(metrics(name, "t1", window));
    }
    all
}

fn classic(name: &str, requests: Option<u64>, responses: Option<u64>, complete: bool) -> Metrics {
    Metrics {
        node_id: node(name),
        test_id: None,
        report_id: None,
        classic: ClassicMetrics {
            mean_ms: Some(1.5),
            num_requests: requests,
            num_responses: responses,
            complete,
            ..ClassicMetrics::default()
        },
        ours: None,
    }
}

fn window_of(metrics: &Metrics) -> &Window {
    metrics.ours.as_ref().unwrap()
}

#[track_caller]
fn equations(tally: &Tally, now: UnixMicros) {
    let sums = |totals: &Totals, who: &str| {
        let n = |value: Option<u64>| value.unwrap_or(0);
        assert_eq!(
            n(totals.scheduled),
            n(totals.sent) + n(totals.dropped),
            "{who}: scheduled = sent + dropped"
        );
        let ended = n(totals.completed) + n(totals.failed) + n(totals.unresolved);
        let parts = ended + n(totals.in_flight) + totals.end_unknown;
        let equation = "sent = completed + failed + in flight + unresolved + end unknown";
        assert_eq!(n(totals.sent), parts, "{who}: {equation}");
        assert_eq!(n(totals.dropped), totals.dropped_by.in_flight + totals.dropped_by.late, "{who}");
    };
    let fleet = tally.totals();
    sums(&fleet, "fleet");
    let drivers = tally.drivers(now);
    drivers.iter().filter(|driver| driver.totals.unknown_from.is_empty()).for_each(|driver| {
        sums(&driver.totals, &driver.node_id);
    });
    let sent: u64 = drivers.iter().filter_map(|driver| driver.totals.sent).sum();
    assert_eq!(fleet.sent.unwrap_or(0), sent, "the drivers' numbers sum to the fleet's");
}

fn owns() -> impl Strategy<Value = Vec<Own>> {
    let own = (0..20_u64, 0..5_u64, 0..5_u64, 0..4_u64, prop::collection::vec(1..5_000_000_u64, 1..6));
    let own = own.prop_map(|(completed, failed, dropped, opened, latencies_us)| Own {
        completed,
        failed,
        dropped,
        opened,
        latencies_us,
    });
    prop::collection::vec(own, 1..8)
}

/// Ten completed requests a second, each 1 ms.
fn steady(n: usize) -> Vec<Own> {
    vec![Own { completed: 10, latencies_us: vec![1_000], ..Own::default() }; n]
}
