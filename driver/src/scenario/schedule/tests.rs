//! Sessions of fleets: which worker has which, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use common::ids::NodeId;
use common::plan::program::Stage;
use common::plan::{Per, Plan, PlanFormat, read, share_out};
use proptest::prelude::*;

use super::*;

fn plan(per: &str, load: &str) -> Plan {
    let text = format!("per = '{per}'\n[target]\nurl = 'http://127.0.0.1:1/'\n[load]\n{load}\n");
    read(&text, PlanFormat::Toml).unwrap()
}

fn staged(per: &str, arrival: Arrival, warmup_ms: u64) -> Plan {
    let mut plan = plan(per, "rate = 1\nduration = '1s'");
    let stage = |level, ramp, hold| Stage {
        level,
        ramp: Duration::from_millis(ramp),
        hold: Duration::from_millis(hold),
    };
    plan.load.stages = vec![stage(100.0, 500, 500), stage(20.0, 300, 200), stage(0.0, 100, 0)];
    plan.load.mode = common::plan::Mode::Tsunami { pace: None, max_in_flight: 64 };
    (plan.load.duration, plan.load.arrival) = (None, arrival);
    plan.load.warmup = Duration::from_millis(warmup_ms);
    plan
}

/// The sessions of all workers of a fleet, by their number.
fn all(plan: &Plan, drivers: u32, workers: u32, seed: u64) -> BTreeMap<u64, (Nanos, bool)> {
    let nodes: Vec<_> = (0..drivers).map(|i| NodeId::new(&format!("d{i}")).unwrap()).collect();
    let mut found = BTreeMap::new();
    for (_, share) in share_out(plan, &nodes).unwrap() {
        for worker in 0..workers {
            let mut sessions = Sessions::new(&plan.load, &share, worker, workers, seed);
            let mut last = Nanos::MIN;
            while let Some(due) = sessions.next_due() {
                assert_eq!(due.g, due.k * u64::from(drivers) + u64::from(share.index));
                assert_eq!(due.k % u64::from(workers), u64::from(worker));
                assert!(due.at >= last, "in order");
                assert_eq!(due.at < sessions.from(), due.warmup, "{due:?}");
                assert!(due.at < sessions.to(), "{due:?} before {}", sessions.to());
                last = due.at;
                assert_eq!(found.insert(due.g, (due.at, due.warmup)), None, "one worker has it");
                sessions.advance();
            }
            sessions.advance();
            assert_eq!(sessions.next_due(), None, "it stays over");
        }
    }
    assert!(found.keys().copied().eq(0..found.len() as u64), "numbers are dense");
    found
}

#[test]
fn a_rate_has_the_instants_of_the_pacer() {
    for (per, load) in [
        ("driver", "rate = 700\nduration = '100ms'\nwarmup = '33ms'"),
        ("driver", "rate = 700\nrequests = 20"),
        ("fleet", "rate = 700\nduration = '100ms'\nwarmup = '33ms'\nrequests = 40"),
        ("fleet", "delay = '3ms'\nduration = '100ms'"),
    ] {
        let plan = plan(per, load);
        let nodes: Vec<_> = (0..3).map(|i| NodeId::new(&format!("d{i}")).unwrap()).collect();
        for (_, share) in share_out(&plan, &nodes).unwrap() {
            let (schedule, own) = Schedule::of_share(&share, &plan.load);
            for worker in 0..2 {
                let Own { first, step } = own.part(worker, 2);
                let ticks = (first..).step_by(step as usize).map_while(|number| schedule.tick(number));
                let mut sessions = Sessions::new(&plan.load, &share, worker, 2, 1);
                for tick in ticks {
                    let due = sessions.next_due().unwrap();
                    assert_eq!((due.at, due.warmup), (tick.due, tick.warmup));
                    sessions.advance();
                }
                assert_eq!(sessions.next_due(), None);
                assert_eq!((sessions.from(), sessions.to()), (schedule.from(), schedule.to()));
            }
        }
    }
}

#[test]
fn a_fleet_starts_the_same_sessions_however_many_drivers_it_has() {
    let poisson = || {
        let mut plan = plan("fleet", "rate = 500\nduration = '1s'\nwarmup = '300ms'");
        plan.load.arrival = Arrival::Poisson;
        plan
    };
    let limited = || {
        let mut plan = poisson();
        (plan.load.requests, plan.load.duration) = (Some(200), None);
        plan
    };
    for plan in
        [poisson(), limited(), staged("fleet", Arrival::Even, 250), staged("fleet", Arrival::Poisson, 250)]
    {
        let one = all(&plan, 1, 1, 7);
        assert!(one.len() > 50);
        for (drivers, workers) in [(1, 3), (2, 1), (3, 2), (5, 4)] {
            assert_eq!(all(&plan, drivers, workers, 7), one, "{drivers} drivers, {workers} workers");
        }
        if plan.load.arrival == Arrival::Poisson {
            assert_ne!(all(&plan, 1, 1, 8), one, "another seed");
        }
    }
    assert_eq!(all(&limited(), 2, 1, 7).values().filter(|(_, warmup)| !warmup).count(), 200);
}

/// The sessions of all workers of a fleet whose rate changes: each takes up its changes before the first session that
/// is due after `known_at`.
fn changed(
    plan: &Plan,
    (drivers, workers): (u32, u32),
    changes: &[(Nanos, f64)],
    known_at: Nanos,
) -> BTreeMap<u64, (Nanos, bool)> {
    let nodes: Vec<_> = (0..drivers).map(|i| NodeId::new(&format!("d{i}")).unwrap()).collect();
    let mut found = BTreeMap::new();
    for (_, share) in share_out(plan, &nodes).unwrap() {
        for worker in 0..workers {
            let mut sessions = Sessions::new(&plan.load, &share, worker, workers, 7);
            let (mut known, mut last) = (false, Nanos::MIN);
            loop {
                if !known && sessions.next_due().is_none_or(|due| due.at >= known_at) {
                    known = true;
                    for (at, rate) in changes {
                        sessions.change(*at, share.rate_of_schedule(plan.per, *rate));
                    }
                }
                let Some(due) = sessions.next_due() else { break };
                assert!(due.at >= last, "in order");
                assert_eq!(found.insert(due.g, (due.at, due.warmup)), None, "one worker has it");
                last = due.at;
                sessions.advance();
            }
        }
    }
    // Drivers with a schedule each begin one after the other, and end so: where the rate rose, the later ones have a tick
    // more, and only the numbers of each are dense.
    let streams = if plan.per == Per::Fleet { 1 } else { u64::from(drivers) };
    for stream in 0..streams {
        let of_it: Vec<u64> = found.keys().copied().filter(|g| g % streams == stream).collect();
        let n = of_it.len() as u64;
        assert!(of_it.into_iter().eq((0..n).map(|k| k * streams + stream)), "numbers are dense");
    }
    found
}

#[test]
fn a_fleet_whose_rate_changes_starts_the_same_sessions_however_many_drivers_it_has() {
    const S: Nanos = 1_000_000_000;
    let changes = [(S, 300.0), (2 * S, 50.0)];
    for (arrival, per) in [
        (Arrival::Even, "fleet"),
        (Arrival::Even, "driver"),
        (Arrival::Poisson, "fleet"),
        (Arrival::Poisson, "driver"),
    ] {
        let mut plan = plan(per, "rate = 100\nduration = '3s'");
        plan.load.arrival = arrival;
        let one = changed(&plan, (1, 1), &changes, 0);
        if per == "fleet" {
            for (drivers, workers) in [(1, 3), (2, 1), (3, 2)] {
                assert_eq!(changed(&plan, (drivers, workers), &changes, 0), one, "{arrival:?}");
            }
        }
        let times = if per == "fleet" { 1 } else { 3 };
        let all = changed(&plan, (3, 2), &changes, 0);
        let in_second = |s: Nanos| all.values().filter(|(at, _)| (s * S..(s + 1) * S).contains(at)).count();
        let found = [0, 1, 2].map(in_second);
        for (found, rate) in found.into_iter().zip([100, 300, 50]) {
            let expected = rate * times;
            match arrival {
                Arrival::Even => assert_eq!(found, expected, "{per}"),
                // Within five standard deviations.
                Arrival::Poisson => {
                    assert!(
                        found.abs_diff(expected) < 5 * expected.isqrt() + 1,
                        "{per}: {found}, not {expected}"
                    );
                }
            }
        }
        // Known before they begin, or when they begin: what came before a change stays, and nothing comes twice.
        for known_at in [S / 2, S - 10_000_000] {
            assert_eq!(
                changed(&plan, (3, 2), &changes[..1], known_at),
                changed(&plan, (3, 2), &changes[..1], 0)
            );
        }
    }
}

#[test]
fn a_change_in_the_warm_up_or_of_a_limited_number_keeps_the_rules() {
    const S: Nanos = 1_000_000_000;
    for arrival in [Arrival::Even, Arrival::Poisson] {
        let mut plan = plan("fleet", "rate = 100\nrequests = 200\nwarmup = '1s'");
        plan.load.arrival = arrival;
        for at in [S / 2, 3 * S / 2] {
            let known = changed(&plan, (2, 2), &[(at, 400.0)], 0);
            assert_eq!(
                known,
                changed(&plan, (1, 1), &[(at, 400.0)], at / 2),
                "however late a worker receives it"
            );
            assert_eq!(known.values().filter(|(_, warmup)| !warmup).count(), 200);
            assert!(known.values().all(|(due, warmup)| *warmup == (*due < S)));
        }
    }
}

#[test]
fn a_change_before_the_first_session_moves_the_begin_of_the_schedule_with_it() {
    const S: Nanos = 1_000_000_000;
    let nodes: Vec<_> = (0..3).map(|i| NodeId::new(&format!("d{i}")).unwrap()).collect();
    for (warmup_s, worker) in [(0, 0), (7, 0), (7, 1)] {
        let load = format!("rate = '12/m'\nduration = '20s'\nwarmup = '{warmup_s}s'");
        let plan = plan("driver", &load);
        let (_, share) = share_out(&plan, &nodes).unwrap().remove(2);
        let mut sessions = Sessions::new(&plan.load, &share, worker, 2, 7);
        // The third driver was to begin at 3.333 s.
        assert_eq!(sessions.from() / 1_000_000, 3_333 + warmup_s * 1_000);
        sessions.change(S, 50.0);
        let begins = sessions.next_due().unwrap().at - Nanos::from(worker) * S / 50;
        assert!((S..S + S / 50).contains(&begins), "{begins}");
        assert!((sessions.from() - begins - warmup_s * S).abs() < 1_000, "{} {begins}", sessions.from());
        assert_eq!(sessions.to() - sessions.from(), 20 * S);
        let from = sessions.from();
        sessions.change(from + S, 5.0);
        assert_eq!(sessions.from(), from, "once it has begun it stays");
    }
}

#[test]
fn each_driver_does_all_of_the_stages_where_the_plan_says_so() {
    let even = |per| staged(per, Arrival::Even, 0);
    // 25 + 50 + 18 + 4 + 1
    assert_eq!(all(&even("fleet"), 3, 2, 1).len(), 98);
    assert_eq!(all(&even("driver"), 3, 2, 1).len(), 3 * 98);
    let mut poisson = plan("driver", "rate = 100\nrequests = 300");
    poisson.load.arrival = Arrival::Poisson;
    assert_eq!(all(&poisson, 3, 2, 1).len(), 900);
}

#[test]
fn a_load_without_sessions_has_none() {
    let mut plan = staged("driver", Arrival::Even, 0);
    plan.load.stages.truncate(0);
    plan.load.stages.push(Stage { level: 0.0, ramp: Duration::ZERO, hold: Duration::from_secs(1) });
    assert!(all(&plan, 2, 2, 1).is_empty());
}

proptest! {
    #[test]
    fn every_session_of_a_fleet_has_one_worker(
        levels in prop::collection::vec((0..300_u32, 0..200_u64, 0..200_u64), 1..4),
        (drivers, workers, per_driver, poisson, seed) in (1..5_u32, 1..4_u32, any::<bool>(), any::<bool>(), any::<u64>()),
    ) {
        let arrival = if poisson { Arrival::Poisson } else { Arrival::Even };
        let mut plan = staged(if per_driver { "driver" } else { "fleet" }, arrival, 50);
        plan.load.stages = levels
            .into_iter()
            .map(|(level, ramp, hold)| Stage {
                level: f64::from(level),
                ramp: Duration::from_millis(ramp),
                hold: Duration::from_millis(hold),
            })
            .collect();
        let found = all(&plan, drivers, workers, seed);
        prop_assert!(found.values().is_sorted());
    }
}
