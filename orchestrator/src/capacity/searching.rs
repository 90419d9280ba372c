//! The search of a test that runs: its objective and its state together, fed with the fleet's seconds.

use std::time::Duration;

use common::clock::UnixMicros;
use common::plan::{Plan, RateChange};

use super::level::Times;
use super::objective::Objective;
use super::outcome;
use super::search::{Search, Want};
use crate::model::CapacityView;
use crate::tally::Second;

/// What a plan's `[capacity]` makes of a test.
#[derive(Debug, Clone)]
pub struct Searching {
    objective: Objective,
    search: Search,
}

impl Searching {
    /// `None` for a plan without a search. `drivers`: how many take part.
    pub fn of(plan: &Plan, drivers: usize) -> Option<Self> {
        let objective = Objective::of(plan, drivers)?;
        let search = Search::new(objective.rules(plan));
        Some(Self { objective, search })
    }

    /// Takes the fleet's next second. `planned`: how long the load goes on after the start; what comes at its end and
    /// after it is not of the rate.
    pub fn take(
        &mut self,
        second: &Second,
        planned: Option<Duration>,
        start_at: UnixMicros,
        changes: &[RateChange],
    ) {
        let due = (!self.search.awaits()).then(|| self.search.rate());
        let look = self.objective.look(second, due);
        let ends_at = Duration::from_secs(second.seq.saturating_add(1));
        if planned.is_some_and(|end| ends_at >= end) {
            return;
        }
        let changes: Vec<(f64, f64)> = changes
            .iter()
            .map(|change| (change.at_us.saturating_sub(start_at) as f64 / 1e6, change.rate_per_s))
            .collect();
        let samples = self.objective.samples(second);
        let times = Times { latencies: &second.figures.all.latencies, samples: &samples };
        self.search.take(&look, Some(times), &changes);
    }

    /// What it wants now.
    pub fn wants(&self) -> Want {
        self.search.wants()
    }

    /// The drivers cannot take the rate that it wants.
    pub fn refused(&mut self, why: &str) {
        self.search.refused(why);
    }

    /// What it found, or knows so far; `over`: no further second comes.
    pub fn view(&self, over: bool) -> CapacityView {
        outcome::view(&self.objective, &self.search, over)
    }
}
