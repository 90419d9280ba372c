//! Searches on simulated targets whose capacity is known, or is found by long tests at a fixed rate. Seeds are fixed, so
//! that a search that goes wrong can be looked at.

mod load;
mod target;

use self::load::Load;
use self::target::{Kind, Random};
use super::ladder::round;
use super::search::{End, LevelSeen, Search, Want};
use super::{Limit, Rules};
use crate::model::CapacityDecided;

/// Longest search, seconds.
const FOR_S: u64 = 600;

fn rules(quantile: f64, limit_s: f64) -> Rules {
    Rules {
        limits: vec![Limit { share: 1.0 - quantile, is_latency: true }],
        pile_s: Some(limit_s),
        within: 0.05,
        horizon_s: 30,
        level_s: 60,
        settle: super::SETTLE,
        start: 50.0,
        max: None,
        first: 0,
        least_for: super::LEAST_FOR,
    }
}

/// The latency that counts as slow, seconds.
fn limit_of(rules: &Rules) -> f64 {
    rules.pile_s.unwrap_or(f64::INFINITY)
}

/// What a search found, and how long it took, seconds.
#[derive(Debug)]
struct Found {
    low: Option<f64>,
    high: Option<f64>,
    took_s: u64,
    search: Search,
}

impl Found {
    /// The middle of the bracket.
    fn capacity(&self) -> f64 {
        match (self.low, self.high) {
            (Some(low), Some(high)) => (low * high).sqrt(),
            _ => f64::NAN,
        }
    }

    fn holds(&self, rate: f64) -> bool {
        self.low.is_some_and(|low| low <= rate) && self.high.is_some_and(|high| rate <= high)
    }

    fn levels(&self) -> String {
        let levels = self.search.levels().iter();
        let line = |seen: &LevelSeen| {
            let share = seen.shares[0].map(|share| (share.share, share.low, share.high));
            format!(
                "{:>8} {:?} {:?} {:?}-{} {share:.4?}\n",
                round(seen.level.rate),
                seen.level.measure,
                seen.decided,
                seen.level.from,
                seen.level.to
            )
        };
        levels.map(line).collect()
    }
}

/// Searches, with changes of the rate that take effect as late as real ones.
fn search(kind: Kind, seed: u64, rules: Rules) -> Found {
    let mut random = Random::new(seed ^ 0x00C0_FFEE);
    let mut load = Load::new(kind, seed, rules.start, limit_of(&rules));
    let mut search = Search::new(rules);
    let mut changes: Vec<(f64, f64)> = Vec::new();
    let mut took_s = 0;
    while took_s < FOR_S {
        let look = load.second(changes.last().copied());
        search.take(&look, None, &changes);
        took_s += 1;
        match search.wants() {
            Want::Rate { number, per_s } if number as usize > changes.len() => {
                changes.push((took_s as f64 + 0.6 + 0.5 * random.next(), per_s));
            }
            Want::End => break,
            _ => {}
        }
    }
    let rate = |rung: Option<&super::ladder::Rung>| rung.map(|rung| rung.rate);
    Found { low: rate(search.ladder().low()), high: rate(search.ladder().high()), took_s, search }
}

/// The highest rate that holds in long tests at a fixed rate, to a thousandth.
fn truth(kind: Kind, quantile: f64, limit_s: f64) -> f64 {
    let holds = |rate: f64| {
        let bad = |seed| {
            let mut load = Load::new(kind, seed, rate, limit_s);
            let (mut bad, mut of) = (0.0, 0.0);
            for _ in 0..300 {
                let look = load.second(None);
                (bad, of) = (bad + look.counts[0].bad as f64, of + look.counts[0].of as f64);
            }
            bad / of
        };
        let mean = (0..3).map(|seed| bad(1_000 + seed)).sum::<f64>() / 3.0;
        mean <= 1.0 - quantile
    };
    let (mut low, mut high) = (100.0_f64, 1_600.0_f64);
    while high / low > 1.001 {
        let middle = (low * high).sqrt();
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

fn searches(kind: Kind, quantile: f64, limit_s: f64, n: u64) -> Vec<Found> {
    // Each begins elsewhere, so that no capacity lies on the rates that doubling comes to.
    let start = |seed: u64| 40.0 + 3.7 * seed as f64;
    (0..n).map(|seed| search(kind, seed, Rules { start: start(seed), ..rules(quantile, limit_s) })).collect()
}

#[track_caller]
fn assert_most(found: &[Found], least: usize, right: impl Fn(&Found) -> bool, truth: f64) {
    let wrong: Vec<String> = found
        .iter()
        .enumerate()
        .filter(|(_, found)| !right(found))
        .map(|(seed, found)| {
            format!(
                "seed {seed}: {:?} to {:?} in {} s\n{}",
                found.low,
                found.high,
                found.took_s,
                found.levels()
            )
        })
        .collect();
    let took: u64 = found.iter().map(|found| found.took_s).sum();
    eprintln!(
        "| search, true capacity {truth:.0}/s | {} of {} right | {} s each |",
        found.len() - wrong.len(),
        found.len(),
        took / found.len() as u64
    );
    assert!(
        found.len() - wrong.len() >= least,
        "truth {truth}, {} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn a_known_capacity_is_found_within_5_percent_in_19_of_20_searches() {
    let found = searches(Kind::Plain, 0.99, 0.1, 20);
    let right = |found: &Found| {
        (found.capacity() / 800.0 - 1.0).abs() <= 0.05
            && found.took_s <= 300
            && found.search.end() == End::Bracket
    };
    assert_most(&found, 19, right, 800.0);
}

#[test]
fn pauses_are_part_of_what_long_tests_find() {
    let truth = truth(Kind::Pauses, 0.95, 0.1);
    assert!((600.0..650.0).contains(&truth), "by arithmetic 624/s: {truth}");
    let found = searches(Kind::Pauses, 0.95, 0.1, 10);
    assert_most(&found, 9, |found| found.holds(truth), truth);
}

#[test]
fn a_capacity_that_wobbles_is_in_the_bracket() {
    let truth = truth(Kind::Wobbles, 0.99, 0.1);
    let found = searches(Kind::Wobbles, 0.99, 0.1, 10);
    assert_most(&found, 9, |found| found.holds(truth), truth);
}

#[test]
fn a_target_that_stays_overloaded_is_measured_from_below() {
    let truth = truth(Kind::Metastable, 0.99, 0.1);
    let found = searches(Kind::Metastable, 0.99, 0.1, 10);
    assert_most(&found, 9, |found| found.holds(truth), truth);
}

#[test]
fn what_never_holds_is_said_so_and_what_holds_to_the_most_asked_too() {
    let slow = search(Kind::Plain, 1, rules(0.99, 0.005));
    assert_eq!((slow.search.end(), slow.low), (End::Nowhere, None), "{}", slow.levels());
    let most = search(Kind::Plain, 1, Rules { max: Some(300.0), ..rules(0.99, 0.1) });
    assert_eq!(
        (most.search.end(), most.low, most.high),
        (End::Bracket, Some(300.0), None),
        "{}",
        most.levels()
    );
    assert!(most.search.levels().iter().all(|seen| seen.level.rate <= 300.0));
}

#[test]
fn a_start_above_the_capacity_is_left_downwards() {
    let found = search(Kind::Metastable, 3, Rules { start: 3_000.0, ..rules(0.99, 0.1) });
    assert!(found.holds(795.0) || (found.capacity() / 800.0 - 1.0).abs() < 0.06, "{}", found.levels());
    assert_eq!(found.search.levels()[0].decided, CapacityDecided::Stopped);
}

#[test]
fn a_search_that_is_fed_again_comes_to_the_same() {
    let rules = rules(0.99, 0.1);
    let mut random = Random::new(5);
    let mut load = Load::new(Kind::Wobbles, 5, rules.start, limit_of(&rules));
    let (mut first, mut changes, mut looks) = (Search::new(rules.clone()), Vec::new(), Vec::new());
    for second in 1..=200 {
        let look = load.second(changes.last().copied());
        first.take(&look, None, &changes);
        looks.push(look);
        if let Want::Rate { number, per_s } = first.wants()
            && number as usize > changes.len()
        {
            changes.push((f64::from(second) + 0.6 + 0.5 * random.next(), per_s));
        }
    }
    let mut again = Search::new(rules);
    looks.iter().for_each(|look| again.take(look, None, &changes));
    let seen = |search: &Search| -> Vec<(f64, CapacityDecided, Option<u64>)> {
        search.levels().iter().map(|seen| (seen.level.rate, seen.decided, seen.level.from)).collect()
    };
    assert!(seen(&first).len() > 4);
    assert_eq!(seen(&again), seen(&first));
    assert_eq!(again.wants(), first.wants());
}
