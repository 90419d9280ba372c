//! A search for the capacity through the windows of a driver: what it orders, what it finds, and that a test that is counted
//! again has found the same.

use common::plan::RateChange;

use super::*;
use crate::capacity::Want;
use crate::model::{CapacityLimit, CapacityState, CapacityView};

/// Up to this rate the target answers at once, above it far too late.
const HOLDS: f64 = 220.0;

fn plan_of_search() -> Plan {
    let load = "rate = 50\nduration = '10m'\nwarmup = '1s'\n";
    plan_of(&format!("{load}[capacity]\nslo = 'response.p99 < 100ms'\nwithin = '20%'\nhorizon = '5s'\n"))
}

/// The windows of a driver whose target answers so, cumulative as ever, each made once.
#[derive(Default)]
struct Sent {
    counters: Counters,
    windows: Vec<Metrics>,
}

impl Sent {
    /// Another second, at this rate.
    fn second(&mut self, tally: &mut Tally, rate: f64) {
        let (n, us) = (rate as u64, if rate <= HOLDS { 1_000 } else { 500_000 });
        let seq = self.windows.len() as u64;
        for count in [
            &mut self.counters.scheduled,
            &mut self.counters.sent,
            &mut self.counters.completed,
            &mut self.counters.completed_in_schedule,
        ] {
            *count += n;
        }
        let window = fixtures::window(seq, START + seq as i64 * 1_000_000, self.counters.clone());
        let mut window = Window { epoch: Epoch(1), ..window };
        (0..n).for_each(|_| window.figures.all.latencies.ended(us, us, true));
        self.windows.push(metrics("a", "t1", window));
        fed(tally, &self.windows, self.windows.len() - 1);
    }
}

fn fed(tally: &mut Tally, windows: &[Metrics], from: usize) {
    for (offset, window) in windows.iter().enumerate().skip(from) {
        tally.arrived(window, at(0, offset as i64), START);
    }
}

/// The seconds of a search, and the rates that it ordered.
fn searched() -> (Tally, Vec<Metrics>, Vec<RateChange>) {
    let mut tally = tally_of(plan_of_search(), &[participant("a", Some(1), 0, 1)]);
    let (mut sent, mut changes) = (Sent::default(), Vec::<RateChange>::new());
    for second in 0..300_i64 {
        let holds = |change: &&RateChange| change.at_us <= START + second * 1_000_000;
        let rate = changes.iter().rev().find(holds).map_or(50.0, |change| change.rate_per_s);
        sent.second(&mut tally, rate);
        match tally.search_wants() {
            Want::Rate { number, per_s } if number as usize > changes.len() => {
                let at_us = START + (second + 2) * 1_000_000;
                changes.push(RateChange { number, rate_per_s: per_s, at_us });
                tally.rate_changed(changes.clone());
            }
            Want::End => break,
            _ => {}
        }
    }
    (tally, sent.windows, changes)
}

#[test]
fn a_search_moves_the_rate_until_it_knows_the_bracket() {
    let (tally, _, changes) = searched();
    assert_eq!(tally.search_wants(), Want::End);
    assert!(changes.len() >= 5 && changes[0].rate_per_s == 100.0, "{changes:?}");
    let found = tally.capacity().unwrap();
    assert_eq!((found.state, found.limit), (CapacityState::Found, Some(CapacityLimit::Target)), "{found:#?}");
    let (low, high) = (found.low_per_s.unwrap(), found.high_per_s.unwrap());
    assert!(low <= HOLDS && HOLDS < high && high <= 1.2 * low && found.repeated, "{found:#?}");
    let knee = found.knee.as_ref().unwrap();
    assert_eq!((knee.at_ms, knee.above_ms.is_some_and(|ms| ms > 490.0)), (Some(1.0), true), "{knee:?}");
    assert_eq!(tally.facts(None).capacity, Some(found));
}

#[test]
fn counted_again_it_has_found_the_same_also_where_windows_come_after_the_end() {
    let (live, windows, changes) = searched();
    let mut again = tally_of(plan_of_search(), &[participant("a", Some(1), 0, 1)]);
    again.rate_changed(changes.clone());
    fed(&mut again, &windows, 0);
    assert_eq!(again.capacity(), live.capacity());
    let closing = live.closing(None);
    let stored: Closing = serde_json::from_str(&serde_json::to_string(&closing).unwrap()).unwrap();
    let mut revised = tally_of(plan_of_search(), &[participant("a", Some(1), 0, 1)]);
    revised.rate_changed(changes);
    fed(&mut revised, &windows[..20], 0);
    revised.close(&stored);
    assert_eq!(revised.capacity(), live.capacity(), "windows are missing, and the search had them");
}

#[test]
fn a_rate_that_drivers_refuse_is_the_generators_limit() {
    let mut tally = tally_of(plan_of_search(), &[participant("a", Some(1), 0, 1)]);
    let (mut sent, mut changes) = (Sent::default(), Vec::<RateChange>::new());
    for second in 0..200_i64 {
        sent.second(&mut tally, changes.last().map_or(50.0, |change| change.rate_per_s));
        match tally.search_wants() {
            Want::Rate { per_s, .. } if per_s > 130.0 => tally.search_refused("its limit is 130/s"),
            Want::Rate { number, per_s } if number as usize > changes.len() => {
                changes.push(RateChange {
                    number,
                    rate_per_s: per_s,
                    at_us: START + (second + 1) * 1_000_000,
                });
                tally.rate_changed(changes.clone());
            }
            _ => {}
        }
    }
    let found: CapacityView = *tally.capacity().unwrap();
    assert_eq!(
        (found.limit, found.why.as_deref()),
        (Some(CapacityLimit::Generator), Some("its limit is 130/s"))
    );
    assert!(found.low_per_s.unwrap() >= 100.0 && found.high_per_s.is_none(), "{found:#?}");
    assert!(changes.iter().all(|change| change.rate_per_s <= 130.0), "{changes:?}");
}
