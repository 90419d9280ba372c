//! From one phase of a search to the next.

use super::phase::{MOST_FALLS, Phase};
use super::{End, LevelSeen, Search};
use crate::capacity::ladder::{Next, Reach};
use crate::capacity::level::Level;
use crate::model::CapacityDecided;

impl Search {
    /// The level is over.
    pub(super) fn leave(&mut self, decided: CapacityDecided) {
        let Phase::Level { level, .. } = std::mem::replace(&mut self.phase, Phase::Ended) else { return };
        // A late generator can make a rate fail, but not hold: what is late or dropped counts against it.
        let against = matches!(decided, CapacityDecided::Fails | CapacityDecided::Stopped);
        let sign = level.sign().filter(|_| decided != CapacityDecided::Holds);
        let decided = if against && sign.is_some() { CapacityDecided::Generator } else { decided };
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
    pub(super) fn fall(&mut self) {
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
    pub(super) fn go_on(&mut self) {
        match self.next() {
            Next::Try(rate, measure) => {
                let level = Level::new(rate, measure, &self.rules.limits);
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
