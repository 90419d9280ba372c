//! Which rate to try next: up until one fails, then between the highest that holds and the lowest that does not, and at last
//! both of them over the whole horizon.

use super::rung::{Rung, Stand};
use super::{Ladder, round};
use crate::capacity::level::Measure;
use crate::model::CapacityDecided;

/// Most rates between the ends of the bracket that decide nothing: beyond it the knee is flat.
const MOST_OPEN: usize = 4;

/// How often a rate is repeated while the generator is too late for it.
const MOST_LATE: u32 = 3;

/// How much the rate goes up where a level near the limit decided nothing, in place of doubling.
const CAREFUL: f64 = 1.25;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    /// Measure at this rate.
    Try(f64, Measure),
    /// Nothing more can be learned.
    Done,
    /// It does not hold at any rate that makes sense.
    Nowhere,
}

/// How far a search goes.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    pub start: f64,
    pub max: Option<f64>,
    /// Below it there are too few requests to say anything.
    pub floor: f64,
    /// How far apart the ends of the bracket may be, as a share.
    pub within: f64,
}

impl Ladder {
    /// What to do next.
    pub fn next(&self, reach: &Reach) -> Next {
        let Some(top) = self.rungs.last() else { return Next::Try(reach.start, Measure::Climb) };
        let is_late_once =
            |rung: &&Rung| rung.generator == 1 && rung.held + rung.failed + rung.undecided == 0;
        let again = self.rungs.iter().find(is_late_once);
        if let Some(rung) = again {
            return Next::Try(rung.rate, Measure::Decide);
        }
        let cap = match (self.high(), self.out_of_reach()) {
            (_, Some(rung)) => Some((rung.rate, false)),
            (Some(rung), None) => Some((rung.rate, true)),
            (None, None) => None,
        };
        match (self.low(), cap) {
            (_, None) => self.up(top, reach),
            (None, Some((cap, _))) => self.down(cap, reach),
            (Some(low), Some((cap, is_target))) => self.between(low, cap, is_target, reach),
        }
    }

    fn up(&self, top: &Rung, reach: &Reach) -> Next {
        let at_most = reach.max.unwrap_or(f64::MAX);
        if top.rate >= at_most {
            return match (top.stand(), self.low()) {
                (Stand::Holds, _) if top.full == Some(CapacityDecided::Holds) => Next::Done,
                (Stand::Holds, _) if top.generator < MOST_LATE => Next::Try(top.rate, Measure::Full),
                (Stand::Holds, _) => Next::Done,
                _ if top.clean => Next::Try(top.rate, Measure::Full),
                (_, Some(low)) => self.between(low, top.rate, false, reach),
                (_, None) => self.down(top.rate, reach),
            };
        }
        let easy = top.clean || top.stand() == Stand::Holds && top.undecided + top.failed == 0;
        let rate = round(top.rate * if easy { 2.0 } else { CAREFUL }).min(at_most);
        Next::Try(rate, Measure::Climb)
    }

    /// Nothing has held so far below a rate that fails.
    fn down(&self, cap: f64, reach: &Reach) -> Next {
        let below = || self.rungs.iter().rev().filter(|rung| rung.rate < cap);
        if let Some(clean) = below().find(|rung| rung.clean) {
            return Next::Try(clean.rate, Measure::Decide);
        }
        let lowest = self.rungs.first().map_or(reach.start, |rung| rung.rate);
        let rate = round(lowest / 4.0);
        match (rate < reach.floor, self.high()) {
            (false, _) => Next::Try(rate, Measure::Decide),
            // The generator was too late to say so of any rate.
            (true, None) => Next::Done,
            (true, Some(_)) => Next::Nowhere,
        }
    }

    fn between(&self, low: &Rung, cap: f64, is_target: bool, reach: &Reach) -> Next {
        let open = self.open(low.rate, cap);
        let mut points = vec![low.rate];
        points.extend(&open);
        points.push(cap);
        let gaps = points.windows(2).map(|pair| (pair[0], pair[1]));
        let widest = gaps.max_by(|a, b| (a.1 / a.0).total_cmp(&(b.1 / b.0)));
        if let Some((from, to)) = widest.filter(|(from, to)| to / from > 1.0 + reach.within)
            && open.len() < MOST_OPEN
        {
            let rate = round((from * to).sqrt());
            // A rounded rate that is one of the ends leaves nothing between them.
            if rate > from && rate < to {
                return Next::Try(rate, Measure::Decide);
            }
        }
        let is_due = |rung: &Rung| rung.full.is_none() && rung.generator < MOST_LATE;
        if is_due(low) {
            return Next::Try(low.rate, Measure::Full);
        }
        let high = self.rungs.iter().find(|rung| rung.rate == cap && is_target);
        match high {
            Some(high) if is_due(high) => Next::Try(high.rate, Measure::Full),
            _ => Next::Done,
        }
    }
}
