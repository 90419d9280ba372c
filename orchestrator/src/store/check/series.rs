//! The series a second.

use common::clock::rfc3339;
use common::latency::Outcome;
use common::session_figures::SessionCounters;

use super::*;

#[test]
fn the_series_is_what_happened_within_each_second() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    let mut records = Vec::new();
    for seq in [0, 1, 2, 5] {
        records.push(record(window("a", 5, seq), seq as i64));
        records.push(record(window("b", 1 << 53, seq), 100 + seq as i64));
    }
    fixture.store.save_batch(&batch(records, 200)).unwrap();
    let seconds = |driver: Option<&str>, from, to| {
        windows(&fixture.store, driver, from, to)
            .into_iter()
            .map(|window| (window.seq, window.sent, window.latency_ms.response.count))
            .collect::<Vec<_>>()
    };
    assert_eq!(seconds(Some("a"), 0, 2), [(0, 10, 10), (1, 10, 10), (2, 10, 10)]);
    assert_eq!(seconds(None, 0, 2), [(0, 20, 20), (1, 20, 20), (2, 20, 20)]);
    assert_eq!(seconds(None, 1, 1), [(1, 20, 20)], "the difference is to the window before the range");
    assert_eq!(seconds(Some("a"), 2, 9), [(2, 10, 10), (5, 30, 10)], "counts after a gap span it");
    assert_eq!(seconds(Some("c"), 0, 9), []);
    assert_eq!(seconds(None, 6, 9), []);
    let fleet = windows(&fixture.store, None, 1, 1);
    assert_eq!(
        (fleet[0].latency_ms.coverage, fleet[0].node_id.as_deref(), fleet[0].busy),
        (Some(1.0), None, 0.25)
    );
    assert_eq!(fleet[0].from, "2026-11-23T17:57:19.000000Z");
}

/// Sessions, and figures by name, are stored in the record as it came: read again they are the same.
#[test]
fn sessions_and_names_survive_a_restart() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    let counters = SessionCounters { started: 9, completed: 6, failed: 2, abandoned: 1, dropped: 3 };
    let sent: Vec<Metrics> = [0, 1]
        .map(|seq| {
            let mut metrics = window("a", 5, seq);
            let ours = metrics.ours.as_mut().unwrap();
            ours.sessions = fixtures::sessions_of(counters, 1_234 * (seq + 1));
            let mut of_a_name = ours.figures.all.clone();
            of_a_name.latencies.of_mut(LatencyKind::Lag).clear();
            ours.figures.named = [(fixtures::request_name("create"), of_a_name)].into();
            metrics
        })
        .into();
    let records = (0..).zip(&sent).map(|(at, metrics)| record(metrics.clone(), at)).collect();
    fixture.store.save_batch(&batch(records, 200)).unwrap();
    let store = fixture.reopened();
    let read = store.metrics(&id("t"), 0, 10).unwrap().records;
    let ours = |metrics: &Metrics| metrics.ours.clone().unwrap();
    assert_eq!(
        read.iter().map(|stored| ours(&stored.metrics)).collect::<Vec<_>>(),
        sent.iter().map(ours).collect::<Vec<_>>()
    );
    let seconds = windows(&store, None, 0, 1);
    let started = seconds.iter().map(|second| second.sessions.as_ref().map(|all| all.counts.started));
    assert_eq!(started.collect::<Vec<_>>(), [Some(9), Some(9)], "each of its second alone");
    assert_eq!(seconds[1].requests["create"].sent, 10);
}

#[test]
fn an_answer_holds_an_hour_at_most() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    let records = [0, 40, 3_599, 3_600].map(|seq| record(window("a", 5, seq), seq as i64));
    fixture.store.save_batch(&batch(records.to_vec(), 9_999)).unwrap();
    let seqs = |from, to| {
        windows(&fixture.store, None, from, to).into_iter().map(|window| window.seq).collect::<Vec<_>>()
    };
    assert_eq!(seqs(0, u64::MAX), [0, 40, 3_599]);
    assert_eq!(seqs(1, u64::MAX), [40, 3_599, 3_600]);
    assert!(seqs(u64::MAX, u64::MAX).is_empty());
}

#[test]
fn each_second_has_its_statuses_errors_bytes_and_warm_up() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    let mut records = Vec::new();
    for seq in [0, 1] {
        records.push(record(window("a", 5, seq), seq as i64));
        records.push(record(window("b", 7, seq), 100 + seq as i64));
    }
    fixture.store.save_batch(&batch(records, 200)).unwrap();
    let seconds = |driver: Option<&str>| {
        windows(&fixture.store, driver, 0, 1)
            .into_iter()
            .map(|window| {
                (
                    window.status_codes,
                    window.errors,
                    window.bytes_received,
                    window.warmup.sent,
                    window.dropped_by.late,
                )
            })
            .collect::<Vec<_>>()
    };
    let codes = |n| [("200".to_owned(), n)].into();
    let refused = |n| [("refused".to_owned(), n)].into();
    assert_eq!(
        seconds(Some("a")),
        [(codes(9), refused(1), 9 * 130, 4, 1), (codes(10), [].into(), 10 * 130, 0, 0)],
        "counters are cumulative: a later second has what came on top"
    );
    assert_eq!(
        seconds(None),
        [(codes(18), refused(2), 18 * 130, 8, 2), (codes(20), [].into(), 20 * 130, 0, 0)],
        "of the fleet"
    );
}

/// However a test is divided into pages, its seconds are those of the series.
#[test]
fn pages_of_seconds_make_the_whole_series() {
    let mut fixture = Fixture::new();
    fixture.store.save_test(&test("t", 5)).unwrap();
    // Two seconds of a page's size together, a gap, and a second that is longer than a page by itself.
    let mut records = Vec::new();
    let mut take = |name: &str, seq: u64| records.push(record(window(name, 5, seq), records.len() as i64));
    for seq in (0..40).chain([47]) {
        ["a", "b", "c"].iter().for_each(|name| take(name, seq));
    }
    (0..70).for_each(|n| take(&format!("d{n:02}"), 48));
    let n_records = records.len() as u64;
    fixture.store.save_batch(&batch(records, 9_999)).unwrap();
    assert_eq!(fixture.store.count_windows(&id("t")).unwrap(), n_records);

    let (mut lines, mut samples, mut pages, mut from) = (Vec::new(), Vec::new(), 0, Some(0));
    while let Some(first) = from {
        let page = fixture.store.figures_page(&id("t"), first).unwrap();
        assert!(page.next.is_none_or(|next| next > first));
        let of_samples = fixture.store.samples_page(&id("t"), &[LatencyKind::Response], first).unwrap();
        assert_eq!(of_samples.next, page.next);
        lines.extend(page.lines);
        samples.extend(of_samples.lines);
        (from, pages) = (page.next, pages + 1);
    }
    assert!(pages > 2, "{pages}");
    assert_eq!(lines.iter().filter(|line| line.node_id.is_some()).count() as u64, n_records);
    for name in [None, Some("a"), Some("c"), Some("d69")] {
        let of_it: Vec<_> = lines.iter().filter(|view| view.node_id.as_deref() == name).cloned().collect();
        let mut series = windows(&fixture.store, name, 0, 3_599);
        series.iter_mut().for_each(|window| window.heat = None);
        assert_eq!(of_it, series, "{name:?}");
    }
    assert_eq!(samples.len(), lines.len());
    for (samples, line) in samples.iter().zip(&lines) {
        assert_eq!(samples.node.as_ref().map(ToString::to_string), line.node_id);
        assert_eq!((rfc3339(samples.from_us), rfc3339(samples.to_us)), (line.from.clone(), line.to.clone()));
        let latencies = samples.sums.latencies();
        let response = latencies.spread(Outcome::All, LatencyKind::Response, samples.slower);
        assert_eq!(response.stats(), line.latency_ms.response);
        assert!(latencies.of(LatencyKind::Service).is_empty(), "what is not asked for is not read");
    }
    assert!(fixture.store.figures_page(&id("t"), 49).unwrap().next.is_none());
    assert!(fixture.store.figures_page(&id("other"), 0).unwrap().lines.is_empty());
    // A test that is deleted while its report is written: the begin must not be taken for the whole.
    fixture.store.save_test(&StoredTest { state: TestState::Finished, ..test("t", 5) }).unwrap();
    assert!(fixture.store.remove_test(&id("t")).unwrap());
    assert!(matches!(fixture.store.figures_page(&id("t"), 20), Err(StoreError::Deleted)));
}

/// A test of days has more windows than one answer.
#[test]
fn the_whole_series_of_a_test_is_asked_for_in_parts() {
    #[track_caller]
    fn check(last: u64, expected: &[(u64, u64, Step)]) {
        let parts = WindowsAsked::whole(id("t"), last).map(|asked| (asked.from, asked.to, asked.step));
        assert_eq!(parts.collect::<Vec<_>>(), expected);
    }
    check(0, &[(0, 0, Step::Second)]);
    check(299, &[(0, 299, Step::Second)]);
    check(3_599, &[(0, 3_599, Step::Ten)]);
    check(215_999, &[(0, 215_999, Step::Minute)]);
    check(216_001, &[(0, 215_999, Step::Minute), (216_000, 216_001, Step::Minute)]);
    let weeks: Vec<_> = WindowsAsked::whole(id("t"), 30 * 86_400).collect();
    assert_eq!((weeks.len(), weeks[0].from), (6, 30 * 86_400 + 60 - 14 * 86_400));
    assert_eq!(weeks.iter().map(|part| part.to - part.from + 1).sum::<u64>(), 14 * 86_400 - 59);
}
