//! From level to level: which rate the search wants, when a level begins and ends, and how long it waits for the target to
//! recover. What the levels come to together is the ladder's.

use common::latency::Latencies;

use super::ladder::{Ladder, Next, Reach};
use super::level::{Calm, Decided, Level};
use super::share::Share;
use super::{Look, Rules, Sign};
use crate::model::{CapacityDoing, CapacityStep};

/// Seconds at a new rate that are not measured, at least and at most: the most where the target still gets better.
const SETTLE: (usize, usize) = (2, 8);

/// Seconds in a row that look as before, until the target has recovered.
const CALM_FOR: usize = 2;

/// How long it has to recover, seconds, before the rate falls again; and where nothing is known to compare with.
const RECOVER_WITHIN: usize = 30;
const RECOVER_BLINDLY: usize = 10;

/// How often the rate falls for it.
const MOST_FALLS: u32 = 4;

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
    pub decided: Decided,
    pub shares: Vec<Option<Share>>,
    /// Why the generator was the limit.
    pub sign: Option<Sign>,
}

/// What the current rate is for.
#[derive(Debug, Clone)]
enum Phase {
    WarmUp,
    /// The rate is measured, after it has settled.
    Level {
        level: Box<Level>,
        settling: bool,
        before: Option<f64>,
    },
    /// The rate is low until the target looks as before; `next` follows.
    Recover {
        calm: Option<Calm>,
        seen: usize,
        in_a_row: usize,
        falls: u32,
    },
    Ended,
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
    pub fn take(&mut self, look: &Look, latencies: Option<&Latencies>, changes: &[(f64, f64)]) {
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
                self.take(look, latencies, changes);
            }
            Phase::Level { level, settling, before } if *settling => {
                level.watch(look, &self.rules);
                if level.runs_away(&self.rules) {
                    return self.leave(Decided::Stopped);
                }
                let bad = worst_bad(look, &self.rules);
                let improves = before.is_some_and(|before| bad > 1.0 && bad < 0.7 * before);
                *before = Some(bad);
                if level.seen() >= SETTLE.1 || (level.seen() >= SETTLE.0 && !improves) {
                    *settling = false;
                }
            }
            Phase::Level { level, .. } => {
                level.watch(look, &self.rules);
                level.take(look, latencies);
                if level.runs_away(&self.rules) {
                    return self.leave(Decided::Stopped);
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
        self.ladder.refused(self.rate);
        self.refused = Some(why.to_owned());
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
        let (what, seconds) = match &self.phase {
            Phase::WarmUp => (CapacityStep::WarmUp, 0),
            Phase::Level { settling: true, .. } => (CapacityStep::Settle, 0),
            Phase::Level { level, .. } if level.is_full() => (CapacityStep::Repeat, level.seconds()),
            Phase::Level { level, .. } => (CapacityStep::Measure, level.seconds()),
            Phase::Recover { seen, .. } => (CapacityStep::Recover, *seen),
            Phase::Ended => return None,
        };
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

    /// The level is over.
    fn leave(&mut self, decided: Decided) {
        let Phase::Level { level, .. } = std::mem::replace(&mut self.phase, Phase::Ended) else { return };
        // A late generator can make a rate fail, but not hold: what is late or dropped counts against it.
        let against = matches!(decided, Decided::Fails | Decided::Stopped);
        let sign = level.sign().filter(|_| decided != Decided::Holds);
        let decided = if against && sign.is_some() { Decided::Generator } else { decided };
        self.ladder.note(&level, decided);
        let look = (level.lull() + 2).min(self.rules.horizon_s);
        self.rules.least_for = self.rules.least_for.max(look);
        let shares = level.shares();
        self.levels.push(LevelSeen { level: *level, decided, shares, sign });
        match self.next() {
            Next::Try(..) if against => self.recover(),
            _ => self.go_on(),
        }
    }

    fn next(&self) -> Next {
        self.ladder.next(&Reach {
            start: self.rules.start,
            max: self.rules.max,
            floor: self.rules.floor(),
            within: self.rules.within,
        })
    }

    /// Goes to half of what holds, where the target gets over it.
    fn recover(&mut self) {
        let known = self.ladder.low().map(|rung| rung.rate).filter(|low| *low < self.rate);
        let rate = known.unwrap_or(self.rate / 2.0) / 2.0;
        self.phase = Phase::Recover { calm: self.ladder.calm(), seen: 0, in_a_row: 0, falls: 0 };
        self.order(rate);
    }

    /// Goes lower still.
    fn fall(&mut self) {
        let Phase::Recover { calm, falls, .. } = self.phase else { return };
        if falls >= MOST_FALLS {
            self.end = End::NotRecovered;
            self.phase = Phase::Ended;
            return;
        }
        self.phase = Phase::Recover { calm, seen: 0, in_a_row: 0, falls: falls + 1 };
        self.order(self.rate / 2.0);
    }

    /// Goes to the next level, or ends.
    fn go_on(&mut self) {
        match self.next() {
            Next::Try(rate, measure) => {
                let level = Level::new(rate, measure, self.rules.limits.len());
                self.phase = Phase::Level { level: Box::new(level), settling: true, before: None };
                self.order(rate);
            }
            Next::Done => self.end = End::Bracket,
            Next::Nowhere => self.end = End::Nowhere,
        }
        if self.end != End::Open {
            self.phase = Phase::Ended;
        }
    }

    fn order(&mut self, rate: f64) {
        if rate != self.rate {
            self.rate = rate;
            self.orders += 1;
            self.awaits = true;
        }
    }
}

/// How bad the worst condition of a second is, as a part of what its limit allows.
fn worst_bad(look: &Look, rules: &Rules) -> f64 {
    let part = |(count, limit): (&super::Count, &super::Limit)| {
        let share = count.part().unwrap_or(0.0);
        if limit.share > 0.0 { share / limit.share } else { share * 1e9 }
    };
    look.counts.iter().zip(&rules.limits).map(part).fold(0.0, f64::max)
}
