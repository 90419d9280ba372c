//! Numbers that add up: what the report says was sent is what the target received, on the embedded broker
//! and on Apache Kafka, with two, three and eight drivers, in both modes.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test: what fails, fails it

mod fleet_histograms;

use e2e::kafka::Kafka;
use e2e::system::{System, Target, assert_sound, avalanche, tsunami};
use fleet_histograms::MetricsTap;
use serde_json::Value;

/// Runs a plan and checks its report against the target's own count and against the records on Kafka.
#[track_caller]
fn check(system: &System, target: &Target, plan: &Value, drivers: usize, sent: u64) {
    let before = target.received();
    let tap = MetricsTap::from_now_on(&system.kafka);
    let report = system.run(plan);
    assert_sound(&report);
    assert_eq!(report["drivers"].as_array().unwrap().len(), drivers);
    assert_eq!(report["totals"]["sent"], target.received() - before, "{report:#}");
    assert_eq!(report["totals"]["scheduled"], sent, "{report:#}");
    tap.assert_percentiles_are_those_of_all_samples(&report);
}

fn both_modes_with_two_three_and_eight_drivers(kafka: &str) {
    let mut system = System::start(kafka, 2);
    let target = system.add_target(&[]);
    for drivers in [2_usize, 3, 8] {
        while system.drivers.len() < drivers {
            system.add_driver(&[]);
        }
        system.wait_alive(drivers);
        let n = drivers as u64;
        check(&system, &target, &tsunami(&target.url(), 100.0, "3s"), drivers, 300 * n);
        check(&system, &target, &avalanche(&target.url(), 4, 1_000), drivers, 1_000 * n);
    }
}

#[test]
fn the_embedded_broker_loses_no_request() {
    both_modes_with_two_three_and_eight_drivers("embedded");
}

#[test]
fn apache_kafka_loses_no_request() {
    let kafka = Kafka::start();
    both_modes_with_two_three_and_eight_drivers(&kafka.address);
}

#[test]
fn shares_of_a_fleet_sum_exactly_and_requests_are_kept() {
    let mut system = System::start("embedded", 3);
    let target = system.add_target(&[]);
    let mut plan = avalanche(&target.url(), 7, 1_000);
    plan["per"] = "fleet".into();
    let report = system.run(&plan);
    assert_sound(&report);
    assert_eq!(target.received(), 1_000);
    let shares: Vec<u64> =
        report["drivers"].as_array().unwrap().iter().map(|driver| driver["sent"].as_u64().unwrap()).collect();
    assert_eq!(shares, [334, 333, 333], "remainders go to the first");

    let mut plan = tsunami(&target.url(), 301.0, "10s");
    plan["per"] = "fleet".into();
    plan["load"]["requests"] = 500.into();
    let report = system.run(&plan);
    assert_sound(&report);
    assert_eq!(report["totals"]["scheduled"], 500, "{report:#}");

    // Fewer ticks than drivers: as many as one driver would send.
    let before = target.received();
    let mut plan = tsunami(&target.url(), 0.8, "2s");
    plan["per"] = "fleet".into();
    let report = system.run(&plan);
    assert_sound(&report);
    assert_eq!(
        (report["totals"]["completed"].as_u64(), target.received() - before),
        (Some(2), 2),
        "{report:#}"
    );
}

#[test]
fn a_warm_up_is_counted_apart_and_kept_out_of_throughput() {
    let mut system = System::start("embedded", 2);
    let target = system.add_target(&[]);
    let mut plan = tsunami(&target.url(), 100.0, "2s");
    plan["load"]["warmup"] = "1s".into();
    let report = system.run(&plan);
    assert_sound(&report);
    let totals = &report["totals"];
    assert_eq!(totals["scheduled"], 600, "{report:#}");
    assert_eq!(totals["warmup"]["scheduled"], 200, "{report:#}");
    assert_eq!(totals["sent"], target.received());
    let measured = totals["latency_ms"]["lag"]["count"].as_u64().unwrap();
    let warm = totals["warmup"]["sent"].as_u64().unwrap();
    assert_eq!(measured + warm, totals["sent"].as_u64().unwrap(), "{report:#}");
}
