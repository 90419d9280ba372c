//! One level of a search: the seconds that were measured at one rate, and what they decide. A level that decides nothing in
//! its time counts for neither side.

use common::latency::Latencies;

use super::objective::Samples;
use super::share::{Count, Share, share};
use super::{Limit, Look, Rules, Sign};
use crate::model::CapacityDecided;

/// Fewest seconds that decide against a rate.
const LEAST_AGAINST: usize = 3;

/// How a level is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// On the way up: where no request was bad, the next level is worth more than certainty.
    Climb,
    /// Until it is decided.
    Decide,
    /// Over the whole horizon.
    Full,
}

/// The times of a second: of all requests, and what the percentile of the objective is of.
#[derive(Debug, Clone, Copy)]
pub struct Times<'s> {
    pub latencies: &'s Latencies,
    pub samples: &'s Samples,
}

/// The seconds of one rate.
#[derive(Debug, Clone)]
pub struct Level {
    /// What the plan's rate counts, a second.
    pub rate: f64,
    pub measure: Measure,
    /// Of each condition.
    limits: Vec<Limit>,
    /// The first and the last second that were measured.
    pub from: Option<u64>,
    pub to: u64,
    /// By condition, then by second.
    counts: Vec<Vec<Count>>,
    in_flight: Vec<f64>,
    piles: Vec<f64>,
    medians: Vec<u64>,
    completed: u64,
    failed: u64,
    dropped: u64,
    ended: u64,
    signs: Vec<Sign>,
    /// All seconds at this rate, those of settling included: how many, and how many overloaded ones in a row up to now.
    seen: usize,
    overloaded: usize,
    flood: usize,
    last_pile: f64,
    pub latencies: Latencies,
    /// What the percentile of the objective is of.
    pub samples: Samples,
}

impl Level {
    pub fn new(rate: f64, measure: Measure, limits: &[Limit]) -> Self {
        Self {
            rate,
            measure,
            limits: limits.to_vec(),
            from: None,
            to: 0,
            counts: vec![Vec::new(); limits.len()],
            in_flight: Vec::new(),
            piles: Vec::new(),
            medians: Vec::new(),
            completed: 0,
            failed: 0,
            dropped: 0,
            ended: 0,
            signs: Vec::new(),
            seen: 0,
            overloaded: 0,
            flood: 0,
            last_pile: f64::MAX,
            latencies: Latencies::new(),
            samples: Samples::default(),
        }
    }

    /// Notes a second at this rate, whether it is measured or settling.
    pub fn watch(&mut self, look: &Look, rules: &Rules) {
        self.seen += 1;
        self.signs.extend(look.sign);
        self.overloaded = if rules.is_overloaded(look) { self.overloaded + 1 } else { 0 };
        // More under way than the objective allows on average, and growing (Little's law).
        let grows = look.pile > rules.most_under_way(self.rate, 2.0) && look.pile > self.last_pile;
        self.flood = if grows { self.flood + 1 } else { 0 };
        self.last_pile = look.pile;
    }

    /// Measures a second.
    pub fn take(&mut self, look: &Look, times: Option<Times<'_>>) {
        self.from.get_or_insert(look.seq);
        self.to = look.seq;
        for (counts, count) in self.counts.iter_mut().zip(&look.counts) {
            counts.push(*count);
        }
        self.in_flight.push(look.in_flight);
        self.piles.push(look.pile);
        self.medians.extend(look.median_us);
        self.completed += look.completed;
        self.failed += look.failed;
        self.dropped += look.dropped;
        self.ended += look.completed + look.failed;
        if let Some(Times { latencies, samples }) = times {
            self.latencies += latencies;
            self.samples.completed.merge(&samples.completed);
            self.samples.slower += samples.slower;
        }
    }

    /// Seconds at this rate, those of settling included.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// Measured seconds.
    pub fn seconds(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether it has to end at once: the target cannot keep this rate, and gets worse with each second.
    pub fn runs_away(&self, rules: &Rules) -> bool {
        self.overloaded >= rules.most_overloaded() || self.flood >= 3
    }

    /// Why the generator was the limit, where it was in enough of the seconds.
    pub fn sign(&self) -> Option<Sign> {
        let least = (self.seen as f64 * 0.2).max(2.0);
        if (self.signs.len() as f64) < least {
            return None;
        }
        // The most frequent one.
        self.signs.iter().copied().max_by_key(|sign| self.signs.iter().filter(|other| *other == sign).count())
    }

    /// The share of each condition.
    pub fn shares(&self) -> Vec<Option<Share>> {
        self.counts.iter().map(|counts| share(counts)).collect()
    }

    /// What the seconds so far decide; `None`: more are needed.
    pub fn decided(&self, rules: &Rules) -> Option<CapacityDecided> {
        let n = self.seconds();
        if self.measure == Measure::Full && n < rules.horizon_s {
            return None;
        }
        let shares = self.shares();
        let against = |(share, condition): (&Option<Share>, &Limit)| {
            share.is_some_and(|share| share.low > condition.share && share.without_worst > condition.share)
        };
        if n >= LEAST_AGAINST && shares.iter().zip(&rules.limits).any(against) {
            return Some(CapacityDecided::Fails);
        }
        let holds = |(share, condition): (&Option<Share>, &Limit)| match share {
            // Of what did not happen at all there is nothing to estimate.
            None => !condition.is_latency,
            Some(share) if condition.is_latency => {
                share.high < condition.share && share.with_another < condition.share
            }
            Some(share) => share.share <= condition.share,
        };
        if n >= rules.least_for && !self.grows(rules) && shares.iter().zip(&rules.limits).all(holds) {
            return Some(CapacityDecided::Holds);
        }
        if self.measure == Measure::Climb && n >= rules.least_for && self.is_clean() && !self.grows(rules) {
            return Some(CapacityDecided::Undecided);
        }
        (n >= rules.level_s).then_some(CapacityDecided::Undecided)
    }

    /// The most seconds without a bad request between two with one: how long the target may look better than it is.
    pub fn lull(&self) -> usize {
        let is_bad =
            |t: &usize| self.counts.iter().any(|counts| counts.get(*t).is_some_and(|count| count.bad > 0));
        let bad: Vec<usize> = (0..self.seconds()).filter(is_bad).collect();
        bad.windows(2).map(|pair| pair[1] - pair[0] - 1).max().unwrap_or(0)
    }

    /// Whether no request was bad so far, and there were some for each percentile: of what was never sent nothing is known.
    pub fn is_clean(&self) -> bool {
        let is_counted = |(counts, limit): (&Vec<Count>, &Limit)| {
            !limit.is_latency || counts.iter().any(|count| count.of > 0)
        };
        self.counts.iter().flatten().all(|count| count.bad == 0)
            && self.counts.iter().zip(&self.limits).all(is_counted)
    }

    /// Whether so much more is under way with each second that the objective would not hold to the end of the horizon.
    fn grows(&self, rules: &Rules) -> bool {
        let n = self.seconds();
        let left = rules.horizon_s.saturating_sub(n) as f64;
        if n < LEAST_AGAINST || left <= 0.0 {
            return false;
        }
        let mean = self.piles.iter().sum::<f64>() / n as f64;
        let middle = (n as f64 - 1.0) / 2.0;
        let (mut across, mut along) = (0.0, 0.0);
        for (t, pile) in self.piles.iter().enumerate() {
            across += (t as f64 - middle) * (pile - mean);
            along += (t as f64 - middle).powi(2);
        }
        let slope = across / along;
        let off = |(t, pile): (usize, &f64)| (pile - mean - slope * (t as f64 - middle)).powi(2);
        let square = self.piles.iter().enumerate().map(off).sum::<f64>() / (n as f64 - 2.0).max(1.0) / along;
        let end = mean + slope * (n as f64 - 1.0 - middle + left);
        slope > 2.0 * square.sqrt() && end > rules.most_under_way(self.rate, 1.0)
    }

    /// The median of the seconds' medians, µs, and the mean number in flight: how the target looks while it keeps up.
    pub fn calm(&self) -> Option<Calm> {
        let mut medians = self.medians.clone();
        medians.sort_unstable();
        let median_us = *medians.get(medians.len() / 2)?;
        let in_flight = self.in_flight.iter().sum::<f64>() / self.seconds().max(1) as f64;
        Some(Calm { median_us, in_flight })
    }

    /// Whether it repeats an earlier one.
    pub fn is_full(&self) -> bool {
        self.measure == Measure::Full
    }

    /// Requests that failed or were dropped, which are slower than any other.
    pub fn slower(&self) -> u64 {
        self.failed + self.dropped
    }

    /// Completed a second.
    pub fn throughput_per_s(&self) -> Option<f64> {
        (self.seconds() > 0).then(|| self.completed as f64 / self.seconds() as f64)
    }

    /// Share of what ended that failed.
    pub fn errors_ratio(&self) -> Option<f64> {
        (self.ended > 0).then(|| self.failed as f64 / self.ended as f64)
    }
}

/// How the target looks at a rate that it keeps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calm {
    pub median_us: u64,
    pub in_flight: f64,
}

impl Calm {
    /// Whether a second looks like that again.
    pub fn is_back(self, look: &Look) -> bool {
        let median = look.median_us.is_some_and(|us| us as f64 <= 1.5 * self.median_us as f64 + 1_000.0);
        median && look.in_flight <= 2.0 * self.in_flight + 4.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules {
            limits: vec![Limit { share: 0.1, is_latency: true }, Limit { share: 0.01, is_latency: false }],
            pile_s: None,
            within: 0.05,
            horizon_s: 30,
            level_s: 60,
            settle: super::super::SETTLE,
            start: 50.0,
            max: None,
            first: 0,
            least_for: super::super::LEAST_FOR,
        }
    }

    /// So many seconds on the way up, each with these counts of both conditions: (bad, of).
    fn climbed(seconds: u64, counts: [(u64, u64); 2]) -> Level {
        let mut level = Level::new(50.0, Measure::Climb, &rules().limits);
        for seq in 0..seconds {
            let counts = counts.map(|(bad, of)| Count { bad, of }).to_vec();
            level.take(&Look { seq, counts, ..Look::default() }, None);
        }
        level
    }

    #[test]
    fn a_level_without_a_bad_request_is_left_early_on_the_way_up() {
        assert_eq!(climbed(4, [(0, 3), (0, 3)]).decided(&rules()), None);
        let clean = climbed(5, [(0, 3), (0, 3)]);
        assert!(clean.is_clean());
        assert_eq!(clean.decided(&rules()), Some(CapacityDecided::Undecided));
        assert!(!climbed(5, [(0, 3), (1, 3)]).is_clean());
    }

    #[test]
    fn where_nothing_was_sent_that_the_objective_is_of_the_rate_does_not_double() {
        let none = climbed(5, [(0, 0), (0, 50)]);
        assert!(!none.is_clean());
        assert_eq!(none.decided(&rules()), None, "another second may have some");
        assert_eq!(climbed(60, [(0, 0), (0, 50)]).decided(&rules()), Some(CapacityDecided::Undecided));
        assert!(climbed(5, [(0, 3), (0, 0)]).is_clean(), "errors of what was not sent are none");
    }
}
