//! Shares of a fleet: what is shared, what is not, and what is refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::program::Stage;
use super::*;

fn plan(per: &str, load: Value) -> Plan {
    let text = json!({ "target": { "url": "http://127.0.0.1/" }, "per": per, "load": load });
    super::super::read_value(&text).unwrap()
}

fn nodes(n: u32) -> Vec<NodeId> {
    (0..n).map(|i| NodeId::new(&format!("d{i}")).unwrap()).collect()
}

fn shares(plan: &Plan, n: u32) -> Vec<Share> {
    share_out(plan, &nodes(n)).unwrap().into_iter().map(|(_, share)| share).collect()
}

#[test]
fn per_driver_each_does_all_of_it() {
    let plan = plan("driver", json!({ "rate": 1000, "requests": 10, "max_in_flight": 7 }));
    for (index, share) in shares(&plan, 3).into_iter().enumerate() {
        assert_eq!((share.index as usize, share.of), (index, 3));
        assert_eq!(
            (share.rate_per_s, share.requests, share.max_in_flight),
            (Some(1000.0), Some(10), Some(7))
        );
        assert_eq!((share.connections, share.target_throughput), (None, None));
    }
}

#[test]
fn a_fleet_shares_amounts_but_not_the_bound_in_flight() {
    let plan = plan(
        "fleet",
        json!({ "rate": 900, "target_throughput": 300, "requests": 11, "max_in_flight": 7, "duration": "1s" }),
    );
    let shares = shares(&plan, 3);
    assert_eq!(shares.iter().map(|share| share.requests.unwrap()).collect::<Vec<_>>(), [4, 4, 3]);
    for share in shares {
        assert_eq!(
            (share.rate_per_s, share.max_in_flight),
            (Some(100.0), Some(7)),
            "the ceiling is the rate"
        );
        assert_eq!(share.fleet, Some(FleetSchedule { rate_per_s: 300.0, requests: Some(11) }));
    }
}

#[test]
fn a_low_rate_of_a_fleet_leaves_nobody_out_and_few_requests_do() {
    let slow = plan("fleet", json!({ "rate": 0.25, "duration": "3s" }));
    assert_eq!(shares(&slow, 5).len(), 5, "a driver without a tick takes part");
    let few = plan("fleet", json!({ "rate": 0.25, "requests": 4, "duration": "3s" }));
    assert!(share_out(&few, &nodes(5)).is_err());
}

#[test]
fn a_share_says_when_it_begins_and_how_long_it_is_planned() {
    let ms = Duration::from_millis;
    for (per, load, begins, length) in [
        ("driver", json!({ "rate": 8, "duration": "3s" }), 25, Some(3_000)),
        ("driver", json!({ "rate": 8, "requests": 12, "duration": "3s" }), 25, Some(1_500)),
        ("driver", json!({ "rate": 8, "requests": 120, "duration": "3s" }), 25, Some(3_000)),
        ("fleet", json!({ "rate": 8, "duration": "3s" }), 0, Some(3_000)),
        ("fleet", json!({ "rate": 8, "requests": 12 }), 0, Some(1_500)),
        ("driver", json!({ "mode": "avalanche", "connections": 9, "requests": 99 }), 0, None),
        ("fleet", json!({ "mode": "avalanche", "connections": 9, "duration": "2s" }), 0, Some(2_000)),
    ] {
        let plan = plan(per, load);
        let share = &shares(&plan, 5)[1];
        assert_eq!((share.begins_after(), share.planned_length(&plan.load)), (ms(begins), length.map(ms)));
    }
}

fn with_stages(per: &str, mut load: Value, levels: &[(f64, u64, u64)]) -> Plan {
    load["duration"] = json!("1s");
    let mut plan = plan(per, load);
    let s = Duration::from_secs;
    let stage = |&(level, ramp, hold): &(f64, u64, u64)| Stage { level, ramp: s(ramp), hold: s(hold) };
    (plan.load.stages, plan.load.duration) = (levels.iter().map(stage).collect(), None);
    if let Mode::Tsunami { pace, .. } = &mut plan.load.mode {
        *pace = None;
    }
    plan
}

#[test]
fn stages_are_done_once_or_by_each_driver() {
    let levels = [(30.0, 10, 10), (12.0, 0, 5), (0.0, 5, 0)];
    for (per, times, rate) in [("fleet", 1, 10.0), ("driver", 3, 30.0)] {
        let plan = with_stages(per, json!({ "rate": 1, "warmup": "4s" }), &levels);
        assert_eq!(plan.load.sessions_of_stages(), Some(150 + 300 + 60 + 30));
        assert_eq!(plan.load.stages_length(), Some(Duration::from_secs(30)));
        for share in shares(&plan, 3) {
            assert_eq!((share.stages_times, share.rate_per_s, share.fleet), (Some(times), Some(rate), None));
            assert_eq!(share.begins_after(), Duration::ZERO);
            assert_eq!(share.planned_length(&plan.load), Some(Duration::from_secs(26)));
        }
    }
    let users = json!({ "mode": "avalanche", "connections": 8 });
    let plan = with_stages("fleet", users, &[(8.0, 4, 0), (5.0, 0, 4)]);
    assert_eq!((plan.load.sessions_of_stages(), plan.load.highest_stage_per_s()), (None, None));
    let shares = shares(&plan, 3);
    assert_eq!(shares.iter().map(|share| share.connections.unwrap()).collect::<Vec<_>>(), [3, 3, 2]);
    assert!(shares.iter().all(|share| share.stages_times == Some(1) && share.rate_per_s.is_none()));
}

#[test]
fn independent_arrivals_are_one_stream_of_the_fleet() {
    for (per, rate, requests) in [("fleet", 90.0, 30), ("driver", 270.0, 90)] {
        let mut plan = plan(per, json!({ "rate": 90, "requests": 30 }));
        plan.load.arrival = Arrival::Poisson;
        for share in shares(&plan, 3) {
            assert_eq!(share.fleet, Some(FleetSchedule { rate_per_s: rate, requests: Some(requests) }));
            assert_eq!((share.rate_per_s, share.begins_after()), (Some(rate / 3.0), Duration::ZERO));
        }
    }
}

#[test]
fn a_closed_loop_shares_connections_and_its_ceiling() {
    let plan = plan(
        "fleet",
        json!({ "mode": "avalanche", "connections": 5, "target_throughput": 100, "duration": "1s" }),
    );
    let shares = shares(&plan, 2);
    assert_eq!(shares.iter().map(|share| share.connections.unwrap()).collect::<Vec<_>>(), [3, 2]);
    assert!(shares.iter().all(|share| share.target_throughput == Some(50.0) && share.rate_per_s.is_none()));
}

#[test]
fn a_driver_without_a_share_is_named() {
    let plan = plan("fleet", json!({ "rate": 1, "requests": 2 }));
    let error = share_out(&plan, &nodes(3)).unwrap_err();
    assert_eq!(error.to_string(), "load.requests = 2 leaves driver d2 without a share: 3 drivers take part");
    assert_eq!(share_out(&plan, &[]), Err(ShareError::NoDrivers));
}

#[test]
fn no_worker_is_left_without_work() {
    let share = |requests, connections, max_in_flight| Share {
        index: 0,
        of: 1,
        rate_per_s: None,
        target_throughput: None,
        requests,
        connections,
        max_in_flight,
        fleet: None,
        stages_times: None,
    };
    for (workers, share, expected) in [
        (8, share(None, None, Some(1024)), 8),
        (8, share(None, None, Some(3)), 3),
        (8, share(Some(2), None, Some(1024)), 2),
        (8, share(Some(u64::MAX), Some(5), None), 5),
        (1, share(Some(9), Some(5), None), 1),
    ] {
        assert_eq!(workers_used(workers, &share), expected, "{workers} {share:?}");
    }
}

#[test]
fn rows_that_are_taken_once_suffice_for_the_sessions_of_all_drivers() {
    let plan = |per: &str, load: Value| {
        let rows: Vec<Value> = (0..30).map(|row| json!([row.to_string()])).collect();
        let data = json!({ "guest": { "columns": ["id"], "rows": rows, "order": "once" } });
        let text = json!({
            "target": { "url": "http://127.0.0.1/" }, "per": per, "load": load, "data": data,
            "requests": { "a": { "path": "/{{guest.id}}" } },
        });
        super::super::read_value(&text).unwrap()
    };
    let load = json!({ "rate": 10, "sessions": 10 });
    assert_eq!(shares(&plan("driver", load.clone()), 3).len(), 3);
    assert_eq!(shares(&plan("fleet", load.clone()), 9).len(), 9, "they share the ten");
    let error = share_out(&plan("driver", load), &nodes(4)).unwrap_err().to_string();
    assert_eq!(
        error,
        "data.guest has 30 rows, each for one session, and up to 40 sessions of a start, the warm-up included; add rows, \
         start fewer sessions, or take them in another order (\"shuffle\" repeats them): 4 drivers take part, and each \
         starts as many (per = \"driver\")"
    );
    // Users without a number of sessions stop when their rows are used up.
    let users = json!({ "mode": "avalanche", "users": 5, "duration": "1s" });
    assert_eq!(shares(&plan("driver", users), 9).len(), 9);
}

proptest! {
    #[test]
    fn parts_sum_to_the_whole_and_differ_by_one(total in any::<u64>(), parts in 1..2_000_u64) {
        let split: Vec<u64> = (0..parts).map(|index| split(total, parts, index)).collect();
        prop_assert_eq!(split.iter().sum::<u64>(), total);
        prop_assert!(split[0] - split[split.len() - 1] <= 1);
        prop_assert!(split.is_sorted_by(|a, b| a >= b), "remainders go to the first");
    }

    #[test]
    fn a_fleets_shares_sum_exactly(n in 1..50_u32, requests in 50..1_000_000_u64, connections in 50..100_000_u32) {
        let load = json!({ "mode": "avalanche", "connections": connections, "requests": requests });
        let shares = shares(&plan("fleet", load), n);
        prop_assert_eq!(shares.iter().map(|share| share.requests.unwrap()).sum::<u64>(), requests);
        prop_assert_eq!(shares.iter().map(|share| share.connections.unwrap()).sum::<u32>(), connections);
        for (i, share) in shares.iter().enumerate() {
            prop_assert_eq!((share.index as usize, share.of), (i, n));
            let read: Share = serde_json::from_value(serde_json::to_value(share).unwrap()).unwrap();
            prop_assert_eq!(&read, share);
        }
    }
}
