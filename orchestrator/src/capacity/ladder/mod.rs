//! The rates that were tried, what each came to (`rung`), and which to try next (`next`). A rate that held once and failed
//! once decides nothing: the bracket widens around it.

mod next;
mod rung;
#[cfg(test)]
mod tests;

pub use self::next::{Next, Reach};
pub use self::rung::Rung;
use self::rung::Stand;
use super::level::{Calm, Level, Measure};
use crate::model::CapacityDecided;

/// All rates that were tried, the lowest first.
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    rungs: Vec<Rung>,
}

impl Ladder {
    /// Notes what a level came to.
    pub fn note(&mut self, level: &Level, decided: CapacityDecided) {
        let (measure, calm) = (level.measure, level.calm());
        let rung = self.at(level.rate);
        rung.clean = false;
        match decided {
            CapacityDecided::Holds => {
                rung.held += 1;
                rung.calm = calm.or(rung.calm);
            }
            CapacityDecided::Fails | CapacityDecided::Stopped => rung.failed += 1,
            CapacityDecided::Undecided if measure == Measure::Climb && level.is_clean() => {
                rung.clean = true;
                rung.calm = calm.or(rung.calm);
            }
            CapacityDecided::Undecided => rung.undecided += 1,
            CapacityDecided::Generator => rung.generator += 1,
        }
        if measure == Measure::Full && decided != CapacityDecided::Generator {
            rung.full = Some(decided);
        }
    }

    /// Drivers refuse this rate.
    pub fn refused(&mut self, rate: f64) {
        self.at(rate).generator = 2;
    }

    fn at(&mut self, rate: f64) -> &mut Rung {
        let place = self.rungs.partition_point(|rung| rung.rate < rate);
        if self.rungs.get(place).is_none_or(|rung| rung.rate != rate) {
            self.rungs.insert(place, Rung::new(rate));
        }
        &mut self.rungs[place]
    }

    /// The lowest rate that does not hold.
    pub fn high(&self) -> Option<&Rung> {
        self.rungs.iter().find(|rung| rung.stand() == Stand::Fails)
    }

    /// The highest rate that holds, below all that do not.
    pub fn low(&self) -> Option<&Rung> {
        let high = self.high().map_or(f64::MAX, |rung| rung.rate);
        self.rungs.iter().rfind(|rung| rung.stand() == Stand::Holds && rung.rate < high)
    }

    /// The lowest rate that the generator does not reach, where it is below all that fail.
    pub fn out_of_reach(&self) -> Option<&Rung> {
        let high = self.high().map_or(f64::MAX, |rung| rung.rate);
        self.rungs.iter().find(|rung| rung.stand() == Stand::OutOfReach && rung.rate < high)
    }

    /// How the target looked at the highest rate that it kept.
    pub fn calm(&self) -> Option<Calm> {
        let low = self.low().and_then(|rung| rung.calm);
        low.or_else(|| self.rungs.iter().rev().find(|rung| rung.clean).and_then(|rung| rung.calm))
    }

    /// The rates between the ends that decide nothing.
    fn open(&self, low: f64, high: f64) -> Vec<f64> {
        let between = |rung: &&Rung| rung.rate > low && rung.rate < high && rung.stand() == Stand::Open;
        self.rungs.iter().filter(between).map(|rung| rung.rate).collect()
    }

    /// Whether rates between the ends of the bracket decide nothing, so that it is wider than was asked for.
    pub fn is_flat(&self, within: f64) -> bool {
        match (self.low(), self.high()) {
            (Some(low), Some(high)) => {
                high.rate > low.rate * (1.0 + within) && !self.open(low.rate, high.rate).is_empty()
            }
            _ => false,
        }
    }

    /// Whether both ends of the bracket were measured over the whole horizon.
    pub fn is_repeated(&self) -> bool {
        let full = |rung: Option<&Rung>| rung.is_none_or(|rung| rung.full.is_some());
        full(self.low()) && full(self.high())
    }
}

/// To four significant digits, which people can read.
pub fn round(rate: f64) -> f64 {
    if rate <= 0.0 {
        return rate;
    }
    let step = 10_f64.powf(rate.log10().floor() - 3.0);
    let rounded = (rate / step).round() * step;
    // Without the noise of the last binary digits.
    format!("{rounded:.6}").parse().unwrap_or(rounded)
}
