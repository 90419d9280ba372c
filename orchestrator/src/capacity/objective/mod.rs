//! The objective of a plan: what of a second counts against each of its conditions (`condition`), how many requests it
//! allows to be under way (`pile`), and whether the generator was the limit (`generator`).

mod condition;
mod generator;
mod pile;
#[cfg(test)]
mod tests;

use common::figures::Figures;
use common::latency::LatencyKind;
use common::plan::expect::Expect;
use common::plan::{Capacity, Plan};

pub use self::condition::Samples;
use self::condition::{Condition, failed};
use self::generator::Generator;
use self::pile::Pile;
use super::{Look, Rules, SETTLE};
use crate::tally::{Second, Unstarted};

/// The objective of a plan, and what the generator is allowed.
#[derive(Debug, Clone)]
pub struct Objective {
    pub capacity: Capacity,
    conditions: Vec<Condition>,
    pile: Option<Pile>,
    generator: Generator,
}

impl Objective {
    /// `None` for a plan without a search.
    pub fn of(plan: &Plan, drivers: usize) -> Option<Self> {
        let capacity = plan.capacity.clone()?;
        let conditions: Vec<Condition> = capacity.conditions().into_iter().map(Condition::of).collect();
        let pile = Pile::of(plan, &conditions);
        let generator = Generator::of(plan, drivers, pile.as_ref().map(Pile::per_rate_s));
        Some(Self { capacity, conditions, pile, generator })
    }

    /// What the search goes by.
    pub fn rules(&self, plan: &Plan) -> Rules {
        let warmup = plan.load.warmup;
        let seconds = |time: std::time::Duration| usize::try_from(time.as_secs()).unwrap_or(usize::MAX);
        let max = self.capacity.max_rate;
        let start = plan.load.open_loop_rate_per_s().unwrap_or(1.0);
        let level_s = seconds(self.capacity.level_for);
        let thinks = plan.program.as_deref().map_or(0, |program| thinks_s(&Expect::of(program)));
        let settles = SETTLE.0.max(thinks).min(level_s);
        Rules {
            limits: self.conditions.iter().map(|one| one.limit).collect(),
            pile_s: self.pile.as_ref().map(Pile::per_rate_s),
            within: self.capacity.within,
            horizon_s: seconds(self.capacity.horizon),
            level_s,
            settle: (settles, settles + SETTLE.1 - SETTLE.0),
            start: max.map_or(start, |max| start.min(max)),
            max,
            least_for: super::LEAST_FOR,
            first: warmup.as_secs() + u64::from(warmup.subsec_nanos() > 0),
        }
    }

    /// The percentile of the condition that is named first: its quantile, and what people call it.
    pub fn quantile(&self) -> Option<(f64, String)> {
        self.conditions.iter().find_map(Condition::quantile)
    }

    /// What that percentile is of, in a second.
    pub fn samples(&self, second: &Second) -> Samples {
        let first = self.conditions.iter().find(|one| one.limit.is_latency);
        first.map(|one| one.samples(second)).unwrap_or_default()
    }

    /// The fleet's next second as the search sees it; `rate`: what was to fall due in it, where that is known.
    pub fn look(&mut self, second: &Second, rate: Option<f64>) -> Look {
        let Figures { counters, latencies } = &second.figures.all;
        let measured = counters.after_warmup();
        let unsent = Unstarted::of(&second.sessions.counters()).beyond(counters);
        Look {
            seq: second.seq,
            counts: self.conditions.iter().map(|one| one.count(second)).collect(),
            completed: measured.completed,
            failed: failed(&measured),
            dropped: measured.dropped() + unsent,
            in_flight: second.in_flight as f64,
            pile: self.pile.as_mut().map_or(0.0, |pile| pile.after(second)),
            median_us: latencies.completed(LatencyKind::Response).quantile_us(0.5, 0),
            sign: self.generator.sign(second, &measured, rate),
        }
    }
}

/// How long sessions go on at the old rate: what they think. A few may think far longer than most, where it is at random.
fn thinks_s(expect: &Expect) -> usize {
    let most = expect.longest_thinking.as_secs_f64().min(2.0 * expect.thinking.as_secs_f64());
    most.ceil() as usize
}
