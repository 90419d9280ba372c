//! From level to level: which rate the search wants, when a level begins and ends, and how long it waits for the target to
//! recover. What a rate is for is its phase (`phase`); the ways from one to the next are in `moves`. What the levels come to
//! together is the ladder's.

mod moves;
mod phase;

use self::phase::{CALM_FOR, Phase, RECOVER_BLINDLY, RECOVER_WITHIN, worst_bad};
use super::ladder::Ladder;
use super::level::{Level, Times};
use super::share::Share;
use super::{Look, Rules, Sign};
use crate::model::{CapacityDecided, CapacityDoing};

/// What the search wants of its caller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Want {
    /// Nothing: go on.
    Nothing,
    /// This rate, as the change of this number, from 1.
    Rate { number: u32, per_s: f64 },
    /// It is through: end the load.
    End,
}

/// Why a search ended, or how it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It goes on, or its time was over.
    Open,
    /// The bracket is as narrow as was asked for, or as it can be.
    Bracket,
    /// The objective does not hold at any rate.
    Nowhere,
    /// The target did not recover, even at a small part of the rate that it had held.
    NotRecovered,
}

/// A level that is over.
#[derive(Debug, Clone)]
pub struct LevelSeen {
    pub level: Level,
    pub decided: CapacityDecided,
    pub shares: Vec<Option<Share>>,
    /// Why the generator was the limit.
    pub sign: Option<Sign>,
}

/// A search.
#[derive(Debug, Clone)]
pub struct Search {
    rules: Rules,
    ladder: Ladder,
    phase: Phase,
    /// The rate that holds now, or from the last order on.
    rate: f64,
    /// The rate that held before the last order took effect.
    held: f64,
    /// How many rates were ordered.
    orders: u32,
    /// Whether the last order has not taken effect.
    awaits: bool,
    levels: Vec<LevelSeen>,
    refused: Option<String>,
    end: End,
}

impl Search {
    pub fn new(rules: Rules) -> Self {
        Self {
            rate: rules.start,
            held: rules.start,
            ladder: Ladder::default(),
            phase: Phase::WarmUp,
            orders: 0,
            awaits: false,
            levels: Vec::new(),
            refused: None,
            end: End::Open,
            rules,
        }
    }

    /// Takes the fleet's next second. `changes`: from when on each rate that was ordered holds, in seconds since the start,
    /// and which it is; those of a search that is fed again may be there before it orders them.
    pub fn take(&mut self, look: &Look, times: Option<Times<'_>>, changes: &[(f64, f64)]) {
        if look.seq < self.rules.first || self.end != End::Open {
            return;
        }
        if self.awaits {
            let Some((at_s, rate)) = self.orders.checked_sub(1).and_then(|order| changes.get(order as usize))
            else {
                return;
            };
            if (look.seq as f64) < *at_s {
                return;
            }
            self.awaits = false;
            (self.rate, self.held) = (*rate, *rate);
            if let Phase::Level { level, .. } = &mut self.phase {
                level.rate = *rate;
            }
        }
        match &mut self.phase {
            Phase::WarmUp => {
                self.go_on();
                // This second is at the start rate already.
                self.take(look, times, changes);
            }
            Phase::Level { level, settling, before } if *settling => {
                level.watch(look, &self.rules);
                if level.runs_away(&self.rules) {
                    return self.leave(CapacityDecided::Stopped);
                }
                let bad = worst_bad(look, &self.rules);
                let improves = before.is_some_and(|before| bad > 1.0 && bad < 0.7 * before);
                *before = Some(bad);
                if level.seen() >= self.rules.settle.1 || (level.seen() >= self.rules.settle.0 && !improves) {
                    *settling = false;
                }
            }
            Phase::Level { level, .. } => {
                level.watch(look, &self.rules);
                level.take(look, times);
                if level.runs_away(&self.rules) {
                    return self.leave(CapacityDecided::Stopped);
                }
                if let Some(decided) = level.decided(&self.rules) {
                    self.leave(decided);
                }
            }
            Phase::Recover { calm, seen, in_a_row, .. } => {
                *seen += 1;
                let fine = worst_bad(look, &self.rules) <= 1.0;
                let is_back = calm.map_or(fine, |calm| fine && calm.is_back(look));
                *in_a_row = if is_back { *in_a_row + 1 } else { 0 };
                if *in_a_row >= CALM_FOR || (calm.is_none() && *seen >= RECOVER_BLINDLY) {
                    self.go_on();
                } else if *seen >= RECOVER_WITHIN {
                    self.fall();
                }
            }
            Phase::Ended => {}
        }
    }

    /// What it wants now.
    pub fn wants(&self) -> Want {
        match self.end {
            End::Open if self.awaits => Want::Rate { number: self.orders, per_s: self.rate },
            End::Open => Want::Nothing,
            _ => Want::End,
        }
    }

    /// The drivers cannot take the rate that it wants.
    pub fn refused(&mut self, why: &str) {
        if !self.awaits {
            return;
        }
        // A rate to recover at is lower than what is known to hold: that it is refused says nothing of how high the drivers go.
        if matches!(self.phase, Phase::Level { .. }) {
            self.ladder.refused(self.rate);
            self.refused = Some(why.to_owned());
        }
        self.orders -= 1;
        self.awaits = false;
        self.rate = self.held;
        self.go_on();
    }

    /// The levels that are over, in their order.
    pub fn levels(&self) -> &[LevelSeen] {
        &self.levels
    }

    /// The rates that were tried.
    pub fn ladder(&self) -> &Ladder {
        &self.ladder
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether it is through, and why.
    pub fn end(&self) -> End {
        self.end
    }

    /// Why the drivers refused a rate.
    pub fn why_refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// What it does now.
    pub fn doing(&self) -> Option<CapacityDoing> {
        let (what, seconds) = self.phase.step()?;
        Some(CapacityDoing { rate: self.rate, what, seconds: seconds as u64 })
    }

    /// Whether the last order has not taken effect.
    pub fn awaits(&self) -> bool {
        self.awaits
    }

    /// The rate that it ordered last.
    pub fn rate(&self) -> f64 {
        self.rate
    }
}
