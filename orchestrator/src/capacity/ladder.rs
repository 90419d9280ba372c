//! The rates that were tried, what each came to, and which to try next. A rate that held once and failed once decides
//! nothing: the bracket widens around it.

use super::level::{Calm, Decided, Level, Measure};

/// Most rates between the ends of the bracket that decide nothing: beyond it the knee is flat.
const MOST_OPEN: usize = 4;

/// How often a rate is repeated while the generator is too late for it.
const MOST_LATE: u32 = 3;

/// How much the rate goes up where a level near the limit decided nothing, in place of doubling.
const CAREFUL: f64 = 1.25;

/// A rate that was tried.
#[derive(Debug, Clone)]
pub struct Rung {
    pub rate: f64,
    held: u32,
    failed: u32,
    undecided: u32,
    /// As the last measurement over the whole horizon had it.
    full: Option<Decided>,
    generator: u32,
    /// Whether it was left early because no request was bad.
    clean: bool,
    /// How the target looked there while it held.
    pub calm: Option<Calm>,
}

/// How a rung stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Holds,
    Fails,
    /// The generator does not get there.
    OutOfReach,
    /// Undecided, or decided in both ways.
    Open,
}

impl Rung {
    fn stand(&self) -> Stand {
        match (self.held, self.failed) {
            (0, 0) if self.generator >= 2 => Stand::OutOfReach,
            (0, 0) => Stand::Open,
            (_, 0) if self.full == Some(Decided::Undecided) => Stand::Open,
            (0, _) if self.full == Some(Decided::Undecided) => Stand::Open,
            (_, 0) => Stand::Holds,
            (0, _) => Stand::Fails,
            _ => Stand::Open,
        }
    }
}

/// All rates that were tried, the lowest first.
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    rungs: Vec<Rung>,
}

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
    /// Notes what a level came to.
    pub fn note(&mut self, level: &Level, decided: Decided) {
        let (measure, calm) = (level.measure, level.calm());
        let rung = self.at(level.rate);
        rung.clean = false;
        match decided {
            Decided::Holds => {
                rung.held += 1;
                rung.calm = calm.or(rung.calm);
            }
            Decided::Fails | Decided::Stopped => rung.failed += 1,
            Decided::Undecided if measure == Measure::Climb && level.is_clean() => {
                rung.clean = true;
                rung.calm = calm.or(rung.calm);
            }
            Decided::Undecided => rung.undecided += 1,
            Decided::Generator => rung.generator += 1,
        }
        if measure == Measure::Full && decided != Decided::Generator {
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
            let rung = Rung {
                rate,
                held: 0,
                failed: 0,
                undecided: 0,
                full: None,
                generator: 0,
                clean: false,
                calm: None,
            };
            self.rungs.insert(place, rung);
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

    /// What to do next.
    pub fn next(&self, reach: &Reach) -> Next {
        let Some(top) = self.rungs.last() else { return Next::Try(reach.start, Measure::Climb) };
        let again = self.rungs.iter().find(|rung| rung.generator == 1 && rung.held + rung.failed == 0);
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
                (Stand::Holds, _) if top.full == Some(Decided::Holds) => Next::Done,
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
