//! Any order, any repetition, any age: what holds at every step.

use super::*;

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
        records.iter().for_each(|record| one.merge(&window_of(record).latencies));

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

        let dropped = in_order.totals().dropped.unwrap();
        let response = in_order.totals().latency_ms.response;
        prop_assert_eq!(response, one.of(LatencyKind::Response).stats(dropped), "one histogram of all samples");
        let buckets = in_order.fleet.of(LatencyKind::Response).buckets();
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
                tally.beat(&node("a"), Epoch(7), &window_of(record).counters, Some(0.5), START + offset);
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
            // Heartbeats told more than the windows that arrived.
            for tally in [&mut live, &mut in_time] {
                tally.beat(&node("a"), Epoch(7), &window_of(&records[a.len() - 1]).counters, Some(0.5), START);
            }
        }
        for (node_id, epoch) in [("a", 7), ("b", 9)] {
            if let Some(by) = ends {
                live.ended(&node(node_id), Some(Epoch(epoch)), by);
                in_time.ended(&node(node_id), Some(Epoch(epoch)), by);
            }
        }
        let closing = live.closing(Some("someone"));
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
