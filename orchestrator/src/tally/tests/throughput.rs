//! Throughput: of a driver, and of a fleet in either loop; staggered, stopped, lost.

use common::plan::{FleetSchedule, RateChange};

use super::*;

/// A tally of this load over so many drivers, `a`, `b`, …
fn of_drivers(load: &str, n_drivers: u32, share: impl Fn(&mut Share)) -> Tally {
    let participants: Vec<Participant> = (0..n_drivers)
        .map(|index| {
            let mut one = participant(name(index), Some(7), index, n_drivers);
            share(&mut one.share);
            one
        })
        .collect();
    tally_of(plan_of(load), &participants)
}

fn name(index: u32) -> &'static str {
    ["a", "b", "c", "d"][index as usize]
}

/// The driver's only window, and its final one: so many completed in a schedule between two instants, in µs after the
/// start.
fn ended(index: u32, completed: u64, from_us: i64, to_us: i64, cut_short: Option<&str>) -> Metrics {
    let own = Own { completed, latencies_us: vec![1_000], ..Own::default() };
    let mut metrics = windows(name(index), 7, &[own]).remove(0);
    let ending = metrics.ours.as_mut().unwrap().ending.as_mut().unwrap();
    (ending.schedule_from_us, ending.schedule_to_us) = (START + from_us, START + to_us);
    ending.cut_short = cut_short.map(str::to_owned);
    metrics
}

fn arrive(tally: &mut Tally, records: &[Metrics]) {
    for (offset, record) in (0..).zip(records) {
        assert_eq!(tally.arrived(record, at(0, offset), START + 9_000_000), Arrived::New);
    }
}

/// A heartbeat with so many completed requests so far.
fn beat(tally: &mut Tally, index: u32, completed: u64, at_us: i64) {
    let counters = Counters {
        scheduled: completed,
        sent: completed,
        completed,
        completed_in_schedule: completed,
        ..Counters::default()
    };
    tally.beat(&node(name(index)), Epoch(7), &counters, None, START + at_us);
}

const OPEN: &str = "mode = \"tsunami\"\nrate = 15\nduration = \"4s\"";

fn fifteen(share: &mut Share) {
    share.rate_per_s = Some(15.0);
}

#[test]
fn drivers_that_start_staggered_and_keep_their_rate_sum_to_the_rate() {
    let mut tally = of_drivers(OPEN, 3, fifteen);
    // Each starts a third of a delay after the one before, and reports whole microseconds.
    let delay = 66_667;
    arrive(
        &mut tally,
        &[
            ended(0, 60, 0, 4_000_000, None),
            ended(1, 60, delay / 3, delay / 3 + 4_000_001, None),
            ended(2, 60, 2 * delay / 3, 2 * delay / 3 + 3_999_999, None),
        ],
    );
    assert_eq!(tally.totals().throughput_per_s, Some(45.0), "3 x 15/s");
    for driver in tally.drivers(START) {
        assert_eq!(driver.totals.throughput_per_s, Some(15.0), "{}", driver.node_id);
    }
    assert_eq!(tally.totals().completed_in_schedule, Some(180));
    assert_eq!(tally.facts(None).fleet.throughput_per_s, Some(45.0), "the verdict has the same");
}

#[test]
fn a_rate_that_was_changed_changes_how_long_requests_take() {
    let by_number = "mode = \"tsunami\"\nrate = 15\nrequests = 60";
    let share = |share: &mut Share| (share.rate_per_s, share.requests) = (Some(15.0), Some(60));
    let length = |changes: &[(i64, f64)]| {
        let mut tally = of_drivers(by_number, 1, share);
        let change = |(n, (at_s, rate)): (usize, &(i64, f64))| RateChange {
            number: n as u32 + 1,
            rate_per_s: *rate,
            at_us: START + at_s * 1_000_000,
        };
        tally.rate_changed(changes.iter().enumerate().map(change).collect());
        beat(&mut tally, 0, 30, 2_000_000);
        tally.ended(&node(name(0)), Some(Epoch(7)), EndedBy::Lost);
        let throughput = tally.totals().throughput_per_s;
        (tally.planned_end().map(|end| end.as_secs_f64()), throughput)
    };
    // Lost, it counts with its whole planned length.
    assert_eq!(length(&[]), (Some(4.0), Some(7.5)));
    assert_eq!(length(&[(2, 30.0)]), (Some(3.0), Some(10.0)), "30 at 15/s, 30 at 30/s");
    assert_eq!(length(&[(1, 45.0), (2, 5.0)]), (Some(2.0), Some(15.0)), "15 and 45");
    assert_eq!(length(&[(2, 5.0)]), (Some(8.0), Some(3.75)));
}

#[test]
fn a_lost_driver_counts_with_its_whole_planned_length() {
    let mut tally = of_drivers(OPEN, 2, fifteen);
    arrive(&mut tally, &[ended(0, 60, 0, 4_000_000, None)]);
    beat(&mut tally, 1, 24, 1_700_000);
    let live = tally.drivers(START)[1].totals.throughput_per_s.unwrap();
    assert!((live - 24.0 / 1.666).abs() < 0.1, "while it runs, up to its last report: {live}");
    tally.ended(&node("b"), Some(Epoch(7)), EndedBy::Lost);
    assert_eq!(tally.drivers(START)[1].totals.throughput_per_s, Some(6.0), "24 in 4 s");
    assert_eq!(tally.totals().throughput_per_s, Some(21.0));
}

#[test]
fn a_stopped_test_counts_to_the_stop() {
    let mut tally = of_drivers(OPEN, 3, fifteen);
    arrive(
        &mut tally,
        &[ended(0, 24, 0, 1_600_000, Some("stopped")), ended(1, 24, 20_000, 1_620_000, Some("stopped"))],
    );
    // The third was lost before the stop: its length also ends at the stop.
    beat(&mut tally, 2, 6, 400_000);
    tally.ended(&node("c"), Some(Epoch(7)), EndedBy::Lost);
    let of: Vec<f64> =
        tally.drivers(START).iter().map(|driver| driver.totals.throughput_per_s.unwrap()).collect();
    assert_eq!(of[..2], [15.0, 15.0]);
    assert!((of[2] - 6.0 / 1.575).abs() < 0.01, "from its own start to the stop: {}", of[2]);
    let fleet = tally.totals().throughput_per_s.unwrap();
    assert!((fleet - of.iter().sum::<f64>()).abs() < 1e-9, "{fleet}");
}

#[test]
fn a_closed_loop_is_what_all_completed_over_the_longest_length() {
    let load = "mode = \"avalanche\"\nconnections = 2\nrequests = 90";
    let mut tally = of_drivers(load, 3, |share| share.rate_per_s = None);
    arrive(
        &mut tally,
        &[
            ended(0, 90, 0, 1_500_000, None),
            ended(1, 90, 0, 2_250_000, None),
            ended(2, 90, 0, 3_000_000, None),
        ],
    );
    assert_eq!(tally.totals().throughput_per_s, Some(90.0), "270 in 3 s, and not 60 + 40 + 30 a second");
    let of: Vec<_> = tally.drivers(START).iter().map(|driver| driver.totals.throughput_per_s).collect();
    assert_eq!(of, [Some(60.0), Some(40.0), Some(30.0)]);
}

#[test]
fn a_fleet_that_shares_one_schedule_has_the_length_of_the_duration() {
    // 2.5/s for 2 s are five requests: three by the first driver, two by the second, none by the third.
    let load = "mode = \"tsunami\"\nrate = 2.5\nduration = \"2s\"";
    let mut tally = of_drivers(load, 3, |share| {
        share.rate_per_s = Some(2.5 / 3.0);
        share.fleet = Some(FleetSchedule { rate_per_s: 2.5, requests: None });
    });
    arrive(
        &mut tally,
        &[ended(0, 3, 0, 2_000_000, None), ended(1, 2, 0, 2_000_000, None), ended(2, 0, 0, 2_000_000, None)],
    );
    assert_eq!(tally.totals().throughput_per_s, Some(2.5));
    assert_eq!(tally.drivers(START)[2].totals.throughput_per_s, Some(0.0), "it takes part and sends nothing");
}

#[test]
fn a_number_of_requests_at_a_rate_has_a_planned_length_as_well() {
    // 20 at 3/s take 6.666666… s, which is not a whole number of microseconds.
    let load = "mode = \"tsunami\"\nrate = 3\nrequests = 20";
    let mut tally = of_drivers(load, 1, |share| (share.rate_per_s, share.requests) = (Some(3.0), Some(20)));
    arrive(&mut tally, &[ended(0, 20, 0, 6_666_667, None)]);
    assert_eq!(tally.totals().throughput_per_s, Some(3.0));
}

#[test]
fn below_a_millisecond_there_is_no_throughput() {
    let mut tally = of_drivers("mode = \"avalanche\"\nconnections = 2\nrequests = 1", 1, |share| {
        share.rate_per_s = None;
    });
    arrive(&mut tally, &[ended(0, 1, 0, 999, None)]);
    assert_eq!((tally.totals().throughput_per_s, tally.totals().completed_in_schedule), (None, Some(1)));
}
