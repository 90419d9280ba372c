//! Any order, any repetition, any age: what holds at every step.

use common::latency::LatencyStats;

use super::*;
use crate::stopped_by::StoppedBy;

/// min ≤ median ≤ p90 ≤ … ≤ max, and mean and mode between the ends.
#[track_caller]
fn assert_in_order(stats: &LatencyStats) {
    let figures =
        [stats.min, stats.median, stats.p90, stats.p95, stats.p99, stats.p999, stats.p9999, stats.max];
    let known: Vec<f64> = figures.into_iter().flatten().collect();
    assert!(known.is_sorted(), "{stats:?}");
    for middle in [stats.mean, stats.mode].into_iter().flatten() {
        assert!(stats.min <= Some(middle) && Some(middle) <= stats.max, "{stats:?}");
    }
}

proptest! {
    #[test]
    fn any_order_and_any_repetition_of_windows_gives_the_same(
        a in owns(),
        b in owns(),
        shuffle in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..40),
    ) {
        let participants = [participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)];
        let records: Vec<Metrics> = [windows("a", 7, &a), windows("b", 9, &b)].concat();
        let mut one = Latencies::new();
        records.iter().for_each(|record| one.merge(&window_of(record).figures.all.latencies));

        let mut in_order = tally(&participants);
        for (offset, record) in (0..).zip(&records) {
            prop_assert_eq!(in_order.arrived(record, at(0, offset), START), Arrived::New);
            equations(&in_order, START);
        }

        let mut order: Vec<usize> = (0..records.len()).collect();
        for (index, _) in &shuffle {
            let place = index.index(order.len());
            let last = order.len() - 1;
            order.swap(place, last);
        }
        let mut shuffled = tally(&participants);
        for (step, index) in order.iter().enumerate() {
            let position = at(0, *index as i64);
            prop_assert_eq!(shuffled.arrived(&records[*index], position, START), Arrived::New);
            if let Some((again, same_offset)) = shuffle.get(step) {
                // Redelivered by Kafka (same offset), or sent twice by the driver (another offset).
                let again = order[again.index(step + 1)];
                let position = if *same_offset { at(0, again as i64) } else { at(1, step as i64) };
                prop_assert_eq!(shuffled.arrived(&records[again], position, START), Arrived::Duplicate);
            }
            equations(&shuffled, START);
        }

        prop_assert_eq!(shuffled.totals(), in_order.totals());
        prop_assert_eq!(shuffled.drivers(START), in_order.drivers(START));
        prop_assert_eq!(shuffled.completeness(), in_order.completeness());
        prop_assert!(shuffled.completeness().missing.is_empty() && shuffled.all_ended());

        let totals = in_order.totals();
        let slower = totals.dropped.unwrap() + totals.failed.unwrap();
        let all = one.spread(Outcome::All, LatencyKind::Response, slower).stats();
        prop_assert_eq!(totals.latency_ms.response, all, "one histogram of all samples");
        let failed = one.spread(Outcome::Failed, LatencyKind::Response, 0).stats();
        prop_assert_eq!(totals.latency_ms.failed.response, failed);
        let buckets = in_order.fleet.all.of(LatencyKind::Response).buckets();
        prop_assert!(buckets.eq(one.of(LatencyKind::Response).buckets()), "bit for bit");
    }

    #[test]
    fn the_equations_hold_between_heartbeats_and_windows_of_any_age(
        a in owns(),
        beats in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 1..20),
        lost in any::<bool>(),
    ) {
        let mut tally = tally(&[participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)]);
        let records = windows("a", 7, &a);
        let mut sent = 0;
        for (offset, (index, as_window)) in (0..).zip(&beats) {
            let record = &records[index.index(records.len())];
            if *as_window {
                tally.arrived(record, at(0, offset), START + offset);
            } else {
                tally.beat(&node("a"), Epoch(7), &window_of(record).figures.all.counters, Some(0.5), START + offset);
            }
            equations(&tally, START);
            let now = tally.totals().sent.unwrap();
            prop_assert!(now >= sent, "totals never go back: {} after {}", now, sent);
            sent = now;
        }
        if lost {
            tally.ended(&node("a"), Some(Epoch(7)), EndedBy::Lost);
        } else {
            tally.finish();
        }
        equations(&tally, START);
        let totals = tally.totals();
        prop_assert!(lost || totals.in_flight == Some(0));
    }

    #[test]
    fn a_test_counted_again_with_what_came_late_is_as_if_it_had_come_in_time(
        a in owns(),
        b in owns(),
        late in prop::collection::vec(any::<bool>(), 16),
        ends in prop::sample::select(&[None, Some(EndedBy::Lost), Some(EndedBy::Overdue), Some(EndedBy::Stopped)][..]),
        beats_on in any::<bool>(),
    ) {
        let participants = [participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)];
        let records: Vec<Metrics> = [windows("a", 7, &a), windows("b", 9, &b)].concat();
        let (mut live, mut in_time) = (tally(&participants), tally(&participants));
        for (offset, (record, late)) in (0..).zip(records.iter().zip(late.iter().cycle())) {
            in_time.arrived(record, at(0, offset), START);
            if !late {
                live.arrived(record, at(0, offset), START);
            }
        }
        if beats_on {
            // Heartbeats whose counters are ahead of the windows that arrived.
            for tally in [&mut live, &mut in_time] {
                tally.beat(&node("a"), Epoch(7), &window_of(&records[a.len() - 1]).figures.all.counters, Some(0.5), START);
            }
        }
        for (node_id, epoch) in [("a", 7), ("b", 9)] {
            if let Some(by) = ends {
                live.ended(&node(node_id), Some(Epoch(epoch)), by);
                in_time.ended(&node(node_id), Some(Epoch(epoch)), by);
            }
        }
        let closing = live.closing(Some(&StoppedBy::named("someone")));
        live.finish();
        let kept = serde_json::to_string(&closing).unwrap();
        let closing: Closing = serde_json::from_str(&kept).unwrap();
        in_time.finish();

        // From the store the records come in the order of arrival: the late ones last.
        let mut again = tally(&participants);
        let order = records.iter().zip(late.iter().cycle()).filter(|(_, late)| !**late);
        let order = order.chain(records.iter().zip(late.iter().cycle()).filter(|(_, late)| **late));
        for (offset, (record, _)) in (0..).zip(order) {
            again.arrived(record, at(0, offset), START);
        }
        again.close(&closing);
        prop_assert_eq!(again.totals(), in_time.totals());
        prop_assert_eq!(again.drivers(START), in_time.drivers(START));
        prop_assert_eq!(again.completeness(), in_time.completeness());
        prop_assert_eq!(again.facts(None).drivers.len(), 2);
        equations(&again, START);
    }

    #[test]
    fn every_figure_that_is_shown_lies_between_its_exact_ends(a in owns(), b in owns()) {
        let mut tally = tally(&[participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)]);
        let records: Vec<Metrics> = [windows("a", 7, &a), windows("b", 9, &b)].concat();
        let mut one = Latencies::new();
        for (offset, record) in (0..).zip(&records) {
            tally.arrived(record, at(0, offset), START);
            one.merge(&window_of(record).figures.all.latencies);
        }
        let totals = tally.totals();
        let seconds = tally.take_windows();
        let (drivers, fleet) = (tally.drivers(START), &totals.latency_ms);
        let shown = drivers.iter().map(|driver| &driver.totals.latency_ms);
        for latency in shown.chain(seconds.iter().map(|second| &second.latency_ms)).chain([fleet]) {
            for of in [&latency.success, &latency.failed] {
                assert_in_order(&of.response);
                assert_in_order(&of.service);
            }
            assert_in_order(&latency.response);
            assert_in_order(&latency.service);
            prop_assert_eq!(latency.response.min, latency.success.response.min, "of completed requests alone");
            prop_assert_eq!(latency.response.max, latency.success.response.max);
        }
        // Where any failed or was dropped, the highest percentile is among them.
        for second in &seconds {
            let bounds = &second.latency_ms.response.lower_bounds;
            let slower = second.failed + second.dropped > 0;
            prop_assert_eq!(bounds.iter().any(|name| name == "p99.99"), slower, "{:?}", second);
        }
        let completed = one.completed(LatencyKind::Response);
        let ms = |us: Option<u64>| us.map(|us| us as f64 / 1e3);
        prop_assert_eq!(fleet.response.min, ms(completed.min_us()));
        prop_assert_eq!(fleet.response.max, ms(completed.max_us()));
    }

    #[test]
    fn seconds_sum_to_the_totals(a in owns(), b in owns()) {
        let mut tally = tally(&[participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)]);
        for (offset, record) in (0..).zip(&[windows("a", 7, &a), windows("b", 9, &b)].concat()) {
            tally.arrived(record, at(0, offset), START);
        }
        let seconds = tally.take_windows();
        let totals = tally.totals();
        for fleet in [true, false] {
            let of = seconds.iter().filter(|second| second.node_id.is_none() == fleet);
            prop_assert_eq!(Some(of.clone().map(|second| second.sent).sum()), totals.sent);
            prop_assert_eq!(Some(of.map(|second| second.completed).sum()), totals.completed);
        }
        let seqs: Vec<u64> =
            seconds.iter().filter(|second| second.node_id.is_none()).map(|second| second.seq).collect();
        prop_assert_eq!(seqs, (0..a.len().max(b.len()) as u64).collect::<Vec<_>>());
    }
}
