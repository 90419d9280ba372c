//! Figures of some seconds, and windows of several.

use std::collections::BTreeMap;

use common::kafka::Position;
use common::latency::Outcome;
use proptest::prelude::*;

use super::*;
use crate::model::{Heat, SpanView};
use crate::statistics::Window;
use crate::tally::Tally;
use crate::tally::spans::SpanChange;

/// What a driver did in one second: how many requests it began, and the response of each that ended, µs.
type Did = (u64, Vec<(u64, bool)>);

/// The records of a driver that did this in its seconds; its windows are cumulative, as on the wire.
fn did(name: &str, epoch: u64, seconds: &[Did], named: bool) -> Vec<Metrics> {
    let mut sum = Counters::default();
    let mut records = Vec::new();
    for (seq, (begun, ended)) in (0..).zip(seconds) {
        let mut latencies = Latencies::new();
        sum.scheduled += begun + ended.len() as u64;
        sum.sent += begun + ended.len() as u64;
        for (us, completed) in ended {
            latencies.ended(*us, *us + 3, *completed);
            latencies.of_mut(LatencyKind::Lag).record_us(*us % 7);
            if *completed {
                sum.completed += 1;
                sum.completed_in_schedule += 1;
                *sum.status_codes.entry(200).or_default() += 1;
            } else {
                sum.failed += 1;
                *sum.errors.entry(ErrorKind::Reset).or_default() += 1;
            }
        }
        let mut window = fixtures::window(seq, START_US + seq as i64 * 1_000_000, sum.clone());
        window.epoch = Epoch(epoch);
        window.busy = (seq % 10) as f64 / 10.0;
        window.figures.all.latencies = latencies;
        if named {
            let mut of_a_name = window.figures.all.clone();
            of_a_name.latencies.of_mut(LatencyKind::Lag).clear();
            window.figures.named = [(fixtures::request_name("create"), of_a_name)].into();
        }
        records.push(metrics(name, "t", window));
    }
    records
}

fn stored(records: impl IntoIterator<Item = Metrics>) -> Fixture {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    let records: Vec<_> = (0..).zip(records).map(|(offset, metrics)| record(metrics, offset)).collect();
    let next = records.len() as i64;
    fixture.store.save_batch(&batch(records, next)).unwrap();
    fixture
}

/// What the tally of a test makes of these records. `restart_after`: as many are counted, and then all of them again from the
/// start, as a new process counts them that stored nothing.
fn tallied(records: &[Metrics], restart_after: usize) -> Vec<SpanChange> {
    let lives: std::collections::BTreeSet<_> =
        records.iter().map(|record| (record.node_id.clone(), record.ours.as_ref().unwrap().epoch)).collect();
    let participants: Vec<Participant> = lives
        .into_iter()
        .map(|(node_id, epoch)| Participant { node_id, epoch: Some(epoch), share: share(0, 2) })
        .collect();
    let count = |tally: &mut Tally, records: &[Metrics]| {
        for (offset, record) in (0..).zip(records) {
            let at = Position { topic: Topic::Metrics, partition: 0, offset };
            tally.arrived(record, at, START_US);
        }
    };
    let new = || {
        let mut tally = Tally::new(id("t"), plan("p"), &participants);
        tally.started(START_US);
        tally
    };
    let mut changes = Vec::new();
    if restart_after > 0 {
        let mut before = new();
        count(&mut before, &records[..restart_after.min(records.len())]);
        changes.extend(before.take_spans());
    }
    let mut tally = new();
    count(&mut tally, records);
    tally.finish();
    changes.extend(tally.take_spans());
    changes
}

/// A store with these records, and with the spans that a tally made of them.
fn with_spans(records: Vec<Metrics>, restart_after: usize) -> Fixture {
    let changes = tallied(&records, restart_after);
    let mut fixture = stored(records);
    fixture.store.save_spans(&id("t"), &changes, false).unwrap();
    fixture
}

/// The records of two drivers as they arrive: a second of each, in turn.
fn in_turn(a: Vec<Metrics>, b: Vec<Metrics>) -> Vec<Metrics> {
    let mut all = [a, b].concat();
    all.sort_by_key(|record| record.ours.as_ref().unwrap().seq);
    all
}

fn n_spans(fixture: &Fixture) -> usize {
    let sql = "SELECT seconds FROM spans WHERE test_id = 't' AND seconds > 1";
    fixture.store.rows(sql, [], |_| Ok(())).unwrap().len()
}

fn span(store: &Store, from: u64, to: u64) -> SpanView {
    store.span(&id("t"), Some(from), Some(to)).unwrap().unwrap()
}

/// Requests by bin of the heat.
fn by_bin(
    windows: &[WindowView],
    of: impl Fn(&Heat) -> Option<&crate::model::HeatBins>,
) -> BTreeMap<u32, u64> {
    let mut sums = BTreeMap::new();
    for bins in windows.iter().filter_map(|window| window.heat.as_ref().and_then(&of)) {
        for (bin, n) in (bins.first..).zip(&bins.counts).filter(|(_, n)| **n > 0) {
            *sums.entry(bin).or_insert(0) += n;
        }
    }
    sums
}

/// What sums over windows have to agree in, whatever their length: counts, and completed and failed requests by bin.
fn sums(windows: &[WindowView]) -> ([u64; 5], [BTreeMap<u32, u64>; 2]) {
    let sum = |of: fn(&WindowView) -> u64| windows.iter().map(of).sum::<u64>();
    let counts = [
        sum(|window| window.sent),
        sum(|window| window.completed),
        sum(|window| window.failed),
        sum(|window| window.latency_ms.response.count),
        sum(|window| window.requests.get("create").map_or(0, |of| of.completed)),
    ];
    (counts, [by_bin(windows, |heat| heat.completed.as_ref()), by_bin(windows, |heat| heat.failed.as_ref())])
}

prop_compose! {
    fn seconds()(seconds in prop::collection::vec(
        (0..5_u64, prop::collection::vec((1..40_000_u64, any::<bool>()), 0..4)), 1..80,
    )) -> Vec<Did> {
        seconds
    }
}

proptest! {
    // A case writes and reads a store of some hundred records.
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// The figures of a span are those of all its samples, added up here from the stored records one by one.
    #[test]
    fn a_span_is_all_samples_of_its_seconds(a in seconds(), b in seconds(), from in 0..80_u64, length in 1..80_u64) {
        let records = [did("a", 5, &a, true), did("b", 1 << 53, &b, true)].concat();
        let fixture = stored(records.clone());
        let span = span(&fixture.store, from, from + length - 1);
        let within = |seq: u64| (span.from..=span.to).contains(&seq);
        let mut all = Latencies::new();
        let mut of_a = Latencies::new();
        for record in &records {
            let window = record.ours.as_ref().unwrap();
            if within(window.seq) {
                all.merge(&window.figures.all.latencies);
                if record.node_id == node("a") {
                    of_a.merge(&window.figures.all.latencies);
                }
            }
        }
        let last = a.len().max(b.len()) as u64 - 1;
        prop_assert!(span.from <= from.min(last) && span.to >= (from + length - 1).min(last));
        let ended: Vec<bool> = [&a, &b].into_iter().flat_map(|seconds| (0..).zip(seconds))
            .filter(|(seq, _)| within(*seq)).flat_map(|(_, (_, ended))| ended).map(|(_, ok)| *ok).collect();
        let failed = ended.iter().filter(|ok| !**ok).count() as u64;
        let totals = &span.totals;
        prop_assert_eq!((totals.completed, totals.failed), (ended.len() as u64 - failed, failed));
        prop_assert_eq!(&totals.latency_ms.response, &all.spread(Outcome::All, LatencyKind::Response, failed).stats());
        prop_assert_eq!(&totals.latency_ms.lag, &all.spread(Outcome::All, LatencyKind::Lag, 0).stats());
        prop_assert_eq!(&totals.latency_ms.failed.service, &all.spread(Outcome::Failed, LatencyKind::Service, 0).stats());
        if totals.completed + totals.failed > 0 {
            prop_assert_eq!(&span.requests["create"].latency_ms.response, &totals.latency_ms.response);
        }
        let driver = span.drivers.iter().find(|driver| driver.node_id == "a").unwrap();
        let failed_of_a = driver.totals.failed;
        prop_assert_eq!(&driver.totals.latency_ms.response, &of_a.spread(Outcome::All, LatencyKind::Response, failed_of_a).stats());
        let median = span.curve.fleet.iter().find(|point| point.0 == 0.5).and_then(|point| point.1);
        let known = totals.latency_ms.response.lower_bounds.iter().all(|name| name != "median");
        prop_assert_eq!(median, totals.latency_ms.response.median.filter(|_| known));
    }

    /// What is read from spans is what is read from the records, at any range, with a restart of the orchestrator or without.
    #[test]
    fn spans_change_no_figure(
        a in seconds(), b in seconds(), from in 0..80_u64, length in 1..80_u64, restart_after in 0..120_usize,
        gap in prop::option::of(1..70_u64),
    ) {
        let mut records = in_turn(did("a", 5, &a, true), did("b", 1 << 53, &b, true));
        if let Some(gap) = gap {
            // Windows that were lost: the next one has their counts.
            records.retain(|record| record.node_id != node("a") || !(gap..gap + 3).contains(&record.ours.as_ref().unwrap().seq));
        }
        prop_assume!(records.iter().any(|record| record.node_id == node("a")));
        let (plain, kept) = (stored(records.clone()), with_spans(records.clone(), restart_after));
        prop_assert_eq!(tallied(&records, 0), tallied(&records, 0));
        prop_assert_eq!(span(&kept.store, from, from + length - 1), span(&plain.store, from, from + length - 1));
        for driver in [None, Some("a")] {
            for step in [Step::Second, Step::Ten, Step::Minute] {
                let of = |fixture: &Fixture| stepped(&fixture.store, driver, from, from + length - 1, step);
                prop_assert_eq!(of(&kept), of(&plain), "{:?} {:?}", driver, step);
            }
        }
        let last = a.len().min(b.len());
        prop_assert!(n_spans(&kept) >= 3 * (last / 10).saturating_sub(1) || gap.is_some());
    }

    /// Windows of 10 s and of 60 s have the sums of the seconds in them.
    #[test]
    fn windows_of_any_length_agree_in_sums(a in seconds(), b in seconds(), of_a in any::<bool>()) {
        let fixture = stored([did("a", 5, &a, true), did("b", 7, &b, true)].concat());
        let driver = of_a.then_some("a");
        let by_seconds = stepped(&fixture.store, driver, 0, 79, Step::Second);
        for step in [Step::Ten, Step::Minute] {
            let windows = stepped(&fixture.store, driver, 0, 79, step);
            prop_assert_eq!(sums(&windows), sums(&by_seconds));
            prop_assert!(windows.iter().all(|window| window.seq % step.seconds() == 0 && window.seconds == step.seconds()));
            for window in &windows {
                let within: Vec<_> = by_seconds.iter().filter(|second| step.first_of(second.seq) == window.seq).collect();
                prop_assert_eq!(window.in_flight, within.last().unwrap().in_flight);
                prop_assert_eq!(window.busy, within.iter().map(|second| second.busy).fold(0.0, f64::max));
                prop_assert_eq!((&window.from, &window.to), (&within[0].from, &within.last().unwrap().to));
            }
        }
    }
}

#[test]
fn a_span_leaves_the_warm_up_out_and_is_by_default_all_that_follows_it() {
    let mut fixture = Fixture::new();
    let mut with_warmup = test("t", 5);
    with_warmup.plan = fixtures::plan(
        "[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nmode = 'tsunami'\nrate = 10\nwarmup = '2s'\nduration = '3s'\n",
    )
    .into();
    with_warmup.started_at = Some(START_US);
    fixture.store.save_test(&with_warmup).unwrap();
    let mut records = did("a", 5, &vec![(0, vec![(1_000, true); 10]); 5], false);
    for (seq, record) in (0..).zip(&mut records) {
        let warmup: u64 = 10 * (seq + 1_u64).min(2);
        let counters = &mut record.ours.as_mut().unwrap().figures.all.counters;
        counters.warmup = WarmupCounters {
            sent: warmup,
            scheduled: warmup,
            completed: warmup,
            ..WarmupCounters::default()
        };
        counters.completed_in_schedule -= warmup;
    }
    let records: Vec<_> = (0..).zip(records).map(|(offset, metrics)| record(metrics, offset)).collect();
    fixture.store.save_batch(&batch(records, 9)).unwrap();
    let span = |from, to| fixture.store.span(&id("t"), from, to).unwrap().unwrap();
    let whole = span(None, None);
    assert_eq!((whole.from, whole.to, whole.step), (2, 4, 1));
    assert_eq!((whole.totals.sent, whole.totals.completed, whole.totals.warmup.sent), (30, 30, 0));
    assert_eq!(whole.totals.throughput_per_s, Some(10.0));
    let from_the_start = span(Some(0), None);
    assert_eq!((from_the_start.totals.sent, from_the_start.totals.warmup.sent), (30, 20));
    assert_eq!(from_the_start.totals.throughput_per_s, Some(10.0), "the warm-up has no throughput");
    assert_eq!(span(Some(1), Some(2)).totals.throughput_per_s, Some(10.0));
    assert_eq!(fixture.store.span(&id("nobody"), None, None).unwrap(), None);
}

/// An hour is read from them, so a sum over ten minutes is that of its seconds.
#[test]
fn spans_of_ten_minutes_change_no_figure() {
    let seconds = (0..625_u64).map(|second| match second % 7 {
        0 => (1, vec![(1_000 + 13 * second, second % 3 > 0), (900, true)]),
        _ => (0, Vec::new()),
    });
    let records = did("a", 5, &seconds.collect::<Vec<_>>(), false);
    let (plain, kept) = (stored(records.clone()), with_spans(records, 0));
    let sql = "SELECT node_id, first_seq, payload IS NULL FROM spans WHERE seconds = 600";
    let row = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get(2)?));
    assert_eq!(
        kept.store.rows(sql, [], row).unwrap(),
        [("a".to_owned(), 0, false), (String::new(), 0, false)]
    );
    for (from, to) in [(0, 624), (0, 602), (3, 700)] {
        assert_eq!(span(&kept.store, from, to), span(&plain.store, from, to), "{from} to {to}");
    }
    for step in [Step::Ten, Step::Minute] {
        let of = |fixture: &Fixture| stepped(&fixture.store, None, 0, 624, step);
        assert_eq!(of(&kept), of(&plain), "{step:?}");
    }
    let (latencies, slower) = kept.store.whole_latencies(&id("t")).unwrap();
    assert_eq!((&latencies, slower), (&plain.store.whole_latencies(&id("t")).unwrap().0, 30));
    assert_eq!(latencies.of(LatencyKind::Response).count(), 180);
}

/// What a comparison reads of a second is what the series has of it.
#[test]
fn compared_seconds_are_those_of_the_series() {
    let seconds: Vec<Did> =
        vec![(2, vec![(1_000, true), (2_500, true), (90_000, false)]), (0, vec![]), (1, vec![(70, true)])];
    let fixture = stored(in_turn(did("a", 5, &seconds, true), did("b", 7, &seconds[..2], false)));
    let compared = fixture.store.all_compared_seconds(&id("t")).unwrap();
    let shown = stepped(&fixture.store, None, 0, 9, Step::Second);
    assert_eq!(compared.len(), shown.len());
    for (compared, shown) in compared.iter().zip(&shown) {
        let window = &compared.window;
        assert_eq!((compared.seq, compared.scheduled), (shown.seq, shown.scheduled));
        assert_eq!(
            (window.completed(), window.failed, window.slower),
            (shown.completed, shown.failed, shown.failed)
        );
        assert_eq!(window.ended, shown.completed + shown.failed);
    }
    let mut histogram = Latencies::new();
    [1_000, 1_000, 2_500, 2_500].into_iter().for_each(|us| histogram.ended(us, us + 3, true));
    let buckets = histogram.of(LatencyKind::Response).buckets();
    assert_eq!(
        compared[0].window,
        Window { in_schedule: 4, slower: 2, failed: 2, ended: 6, ..Window::new(buckets) }
    );
}

#[test]
fn spans_are_removed_by_a_late_window_and_with_their_test() {
    let seconds: Vec<Did> = vec![(0, vec![(1_000, true); 3]); 25];
    let records = in_turn(did("a", 5, &seconds, true), did("b", 7, &seconds, true));
    let mut late = did("b", 7, &[seconds, vec![(0, vec![(9_000, true)])]].concat(), true).pop().unwrap();
    late.ours.as_mut().unwrap().epoch = Epoch(u64::MAX);
    let mut fixture = with_spans(records, 0);
    assert_eq!(n_spans(&fixture), 6, "two tens of a, b and the fleet");
    let late = StoredMetrics { counted: false, ..record(late, 900) };
    let saved = fixture.store.save_batch(&batch(vec![late], 901)).unwrap().saved;
    assert_eq!((saved.late.len(), n_spans(&fixture)), (1, 0));
    assert_eq!(stepped(&fixture.store, None, 0, 99, Step::Ten).len(), 3, "read from the records");
}

#[test]
fn a_second_that_the_fleet_went_on_without_takes_its_spans_back() {
    let seconds: Vec<Did> = vec![(0, vec![(1_000, true); 3]); 100];
    let (a, b) = (did("a", 5, &seconds, true), did("b", 7, &seconds, true));
    // b is behind by more than the fleet waits for, and comes back.
    let records: Vec<Metrics> = [&b[..15], &a[..], &b[15..]].concat();
    let kept = with_spans(records.clone(), 0);
    let plain = stored(records);
    for driver in [None, Some("b")] {
        for step in [Step::Second, Step::Ten, Step::Minute] {
            let of = |fixture: &Fixture| stepped(&fixture.store, driver, 0, 99, step);
            assert_eq!(of(&kept), of(&plain), "{driver:?} {step:?}");
        }
    }
    assert_eq!(span(&kept.store, 0, 99), span(&plain.store, 0, 99));
}

#[test]
fn a_series_with_a_window_out_of_order_has_no_spans() {
    let seconds: Vec<Did> = vec![(0, vec![(1_000, true); 3]); 40];
    let mut records = did("a", 5, &seconds, true);
    let early = records.remove(12);
    records.insert(30, early);
    let kept = with_spans(records.clone(), 0);
    assert_eq!(n_spans(&kept), 0);
    let plain = stored(records);
    assert_eq!(
        stepped(&kept.store, None, 0, 39, Step::Second),
        stepped(&plain.store, None, 0, 39, Step::Second)
    );
}

/// Throughput of the fleet, and of each driver, in their order.
fn throughputs(span: &SpanView) -> (Option<f64>, Vec<Option<f64>>) {
    let drivers = span.drivers.iter().map(|driver| driver.totals.throughput_per_s);
    (span.totals.throughput_per_s, drivers.collect())
}

/// As in the report, a driver that is lost goes on to count with the schedule that it was to keep.
#[test]
fn a_lost_driver_lowers_the_throughput_of_the_seconds_that_it_lacks() {
    let seconds = |n: usize| -> Vec<Did> { vec![(0, vec![(1_000, true); 10]); n] };
    let check = |state: TestState, ends: bool, of_b: usize, expected: [f64; 3]| {
        let mut fixture = Fixture::new();
        let plan = fixtures::plan(
            "[target]\nurl = 'http://127.0.0.1:1/'\n[load]\nmode = 'tsunami'\nrate = 10\nduration = '20s'\n",
        );
        let part = |name: &str| Participant {
            node_id: node(name),
            epoch: Some(Epoch(7)),
            share: Share { rate_per_s: Some(10.0), ..share(0, 2) },
        };
        let started_at = Some(START_US);
        let participants = vec![part("a"), part("b")];
        let stored = StoredTest { plan: plan.into(), state, started_at, participants, ..test("t", 5) };
        fixture.store.save_test(&stored).unwrap();
        let mut of_a = did("a", 7, &seconds(20), false);
        if ends {
            let last = of_a.last_mut().unwrap().ours.as_mut().unwrap();
            (last.is_final, last.ending) = (true, Some(ending(START_US, START_US + 20_000_001)));
        }
        let records = in_turn(of_a, did("b", 7, &seconds(of_b), false));
        let records: Vec<_> = (0..).zip(records).map(|(offset, metrics)| record(metrics, offset)).collect();
        fixture.store.save_batch(&batch(records, 99)).unwrap();
        let [whole, around, after] =
            [(0, 19), (4, 11), (15, 18)].map(|(from, to)| span(&fixture.store, from, to));
        assert_eq!(throughputs(&whole), (Some(10.0 + expected[0]), vec![Some(10.0), Some(expected[0])]));
        assert_eq!(throughputs(&around).0, Some(10.0 + expected[1]));
        assert_eq!(throughputs(&after), (Some(10.0 + expected[2]), vec![Some(10.0), Some(expected[2])]));
    };
    check(TestState::Finished, true, 8, [4.0, 5.0, 0.0]);
    check(TestState::Finished, false, 8, [4.0, 5.0, 0.0]);
    check(TestState::Running, false, 8, [4.0, 5.0, 0.0]);
    // Its window of the last second is on its way.
    check(TestState::Running, false, 19, [10.0; 3]);
}

#[test]
fn a_span_of_a_test_without_windows_has_no_figures() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    let span = fixture.store.span(&id("t"), None, Some(70)).unwrap().unwrap();
    assert_eq!((span.from, span.to, span.totals.sent, span.curve.fleet.len()), (0, 0, 0, 0));
    assert_eq!(span.drivers.len(), 2, "those that take part");
}
