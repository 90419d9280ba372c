//! What `/metrics` shows of a test: it only grows, and comes to what the report says.

use common::figures::Figures;
use common::latency::UpTo;
use common::plan::RateChange;

use super::*;
use crate::exposed::{Exposed, ExposedDriver, MAX_DRIVERS, OTHERS, Phase};

fn exposed(tally: &Tally) -> Exposed {
    tally.exposed(Phase::default(), START)
}

fn counters(exposed: &Exposed) -> Vec<u64> {
    let of = |up_to: &UpTo| -> Vec<u64> { up_to.counts.into_iter().chain([up_to.count]).collect() };
    let fleet = &exposed.fleet;
    let mut all = vec![fleet.scheduled, fleet.sent, fleet.completed, fleet.failed, fleet.dropped_in_flight];
    for (_, times) in &exposed.requests {
        for outcomes in [&times.response, &times.service] {
            all.extend([of(&outcomes.completed), of(&outcomes.failed)].concat());
        }
    }
    for ExposedDriver { counted, response, lag, .. } in &exposed.drivers {
        all.extend([counted.sent, counted.completed, counted.failed]);
        all.extend([of(&response.completed), of(&response.failed), of(lag)].concat());
    }
    all
}

proptest! {
    // Each case counts all histograms again after each record.
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn no_counter_falls_whatever_the_order_and_sums_are_those_of_the_report(
        a in owns(),
        b in owns(),
        swaps in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let mut tally = tally(&[participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)]);
        let mut records: Vec<Metrics> = [windows("a", 7, &a), windows("b", 9, &b)].concat();
        for index in &swaps {
            let (place, last) = (index.index(records.len()), records.len() - 1);
            records.swap(place, last);
        }
        let mut before = counters(&exposed(&tally));
        for (offset, record) in (0..).zip(&records) {
            tally.arrived(record, at(0, offset), START);
            let now = counters(&exposed(&tally));
            prop_assert!(now.iter().zip(&before).all(|(now, before)| now >= before), "{:?} after {:?}", now, before);
            before = now;
        }
        let (shown, totals) = (exposed(&tally), tally.totals());
        let fleet = &shown.fleet;
        prop_assert_eq!(
            (Some(fleet.scheduled), Some(fleet.sent), Some(fleet.completed), Some(fleet.failed)),
            (totals.scheduled, totals.sent, totals.completed, totals.failed)
        );
        let [(None, times)] = &shown.requests[..] else { panic!("one request, without a name") };
        let outcomes = &times.response;
        prop_assert_eq!(outcomes.completed.count, totals.latency_ms.success.response.count);
        prop_assert_eq!(outcomes.failed.count, totals.latency_ms.failed.response.count);
        let mut sum = UpTo::default();
        shown.drivers.iter().for_each(|driver| sum += &driver.response.completed);
        prop_assert_eq!(sum, outcomes.completed);
        prop_assert_eq!(shown.named.requests, vec![(String::new(), [fleet.completed, fleet.failed])]);
    }
}

#[test]
fn drivers_past_the_bound_are_shown_together_and_lives_of_one_node_as_one() {
    let n = u32::try_from(MAX_DRIVERS).unwrap() + 3;
    let name = |index: u32| format!("driver-{index}");
    let participants: Vec<Participant> =
        (0..n).map(|index| participant(&name(index), Some(7), index, n)).collect();
    let mut tally = tally(&participants);
    for index in 0..n {
        tally.arrived(&windows(&name(index), 7, &steady(2))[0], at(0, i64::from(index)), START);
    }
    tally.ended(&node("driver-0"), Some(Epoch(7)), EndedBy::Lost);
    tally.arrived(&windows("driver-0", 8, &steady(2))[0], at(0, i64::from(n)), START);
    let shown = exposed(&tally);
    assert_eq!(shown.drivers.len(), MAX_DRIVERS + 1);
    assert_eq!((&*shown.drivers[0].node_id, shown.drivers[0].counted.sent), ("driver-0", 20), "both lives");
    let others = &shown.drivers[MAX_DRIVERS];
    assert_eq!((&*others.node_id, others.counted.sent), (OTHERS, 30));
    assert_eq!(shown.fleet.sent, shown.drivers.iter().map(|driver| driver.counted.sent).sum::<u64>());
    assert_eq!((shown.drivers_lost, shown.drivers_running), (1, u64::from(n)));
    assert!(shown.drivers[1].health.is_some_and(|health| health.busy == 0.25), "its last second");
    tally.finish();
    assert!(exposed(&tally).drivers.iter().all(|driver| driver.health.is_none()), "it is over");
}

#[test]
fn names_of_the_plan_are_there_from_the_start_and_values_of_a_split_count_once() {
    let mut tally = tally_of(fixtures::plan_of_sessions(None), &[participant("a", Some(7), 0, 1)]);
    let names = |shown: &Exposed| -> Vec<(String, u64)> {
        let named = shown.requests.iter();
        named.map(|(name, times)| (name.clone().unwrap(), times.response.count())).collect()
    };
    let none = ["create", "confirm", "status"].map(|name| (name.to_owned(), 0));
    assert_eq!(names(&exposed(&tally)), none);
    let counted = ["confirm", "create", "status"].map(|name| (name.to_owned(), [0, 0]));
    assert_eq!(exposed(&tally).named.requests, counted);
    let mut window = fixtures::window(0, START, fixtures::answered(3));
    window.epoch = Epoch(7);
    let figures = |n: u64| {
        let mut latencies = Latencies::new();
        (0..n).for_each(|_| latencies.ended(900, 1_100, true));
        Figures { counters: fixtures::answered(n), latencies }
    };
    window.figures.all = figures(4);
    for (name, n) in [("create", 1), ("status", 2), ("status/paid", 1)] {
        window.figures.named.insert(fixtures::request_name(name), figures(n));
    }
    tally.arrived(&metrics("a", "t1", window), at(0, 0), START);
    let shown = exposed(&tally);
    let expected = [("create", 1), ("confirm", 0), ("status", 2), (OTHERS, 1)];
    assert_eq!(
        names(&shown),
        expected.map(|(name, n)| (name.to_owned(), n)),
        "one has a name that is not there"
    );
    assert_eq!(shown.named.requests.len(), 4, "counts have the value as well, in a family of its own");
    assert_eq!(shown.named.scenarios, [("pay".to_owned(), [0; 4])]);
}

#[test]
fn the_target_rate_is_that_of_all_drivers_now() {
    let two = [participant("a", Some(7), 0, 2), participant("b", Some(9), 1, 2)];
    let rate = |tally: &Tally, at_s: i64| {
        let target = tally.exposed(Phase::default(), START + at_s * 1_000_000).target.unwrap();
        assert_eq!(target.unit, "requests");
        target.per_s
    };
    let mut tally = tally(&two);
    assert_eq!([-1, 0, 29].map(|at_s| rate(&tally, at_s)), [0.0, 2_000.0, 2_000.0]);
    assert_eq!(rate(&tally, 31), 0.0, "its schedule is over");
    tally.rate_changed(vec![RateChange { number: 1, rate_per_s: 50.0, at_us: START + 5_000_000 }]);
    assert_eq!([4, 5].map(|at_s| rate(&tally, at_s)), [2_000.0, 100.0]);
    tally.finish();
    assert_eq!(rate(&tally, 6), 0.0);
    let closed = tally_of(plan_of("mode = 'avalanche'\nconnections = 4\nduration = '30s'"), &two);
    assert_eq!(exposed(&closed).target, None, "a closed loop has no rate");
}
