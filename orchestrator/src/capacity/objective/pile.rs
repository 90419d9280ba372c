//! How many requests may be under way at a rate at which the objective holds, by Little's law: the rate times how long each
//! may take. More of them, growing, is a target that is overloaded, seconds before its answers show it.

use common::plan::expect::Expect;
use common::plan::program::Program;
use common::plan::{Plan, ThresholdOf};

use super::condition::Condition;
use crate::tally::Second;
use common::ids::RequestName;

/// What is under way, and how much of it the objective allows.
#[derive(Debug, Clone)]
pub struct Pile {
    /// The requests of which name; `None`: all of them.
    of: Option<RequestName>,
    /// Requests of that name under way, as counted since the start.
    under_way: i64,
    /// How many may be under way for each unit of the rate, s.
    per_rate_s: f64,
}

impl Pile {
    /// Of the conditions on all requests or on all sessions; without them, of the first one on a request's name. `None`: the
    /// objective says nothing of how many requests there may be.
    pub fn of(plan: &Plan, conditions: &[Condition]) -> Option<Self> {
        let program = plan.program.as_deref();
        let expect = program.map(Expect::of);
        let all = conditions.iter().filter_map(|one| {
            let limit_s = one.limit_s()?;
            match one.threshold.of {
                ThresholdOf::All => Some(expect.as_ref().map_or(1.0, Expect::requests_per_session) * limit_s),
                // The steps of a session follow each other.
                ThresholdOf::Sessions(None) => Some(limit_s),
                _ => None,
            }
        });
        if let Some(per_rate_s) = all.reduce(f64::min) {
            return Some(Self { of: None, under_way: 0, per_rate_s });
        }
        let expect = expect?;
        let named = conditions.iter().find_map(|one| match &one.threshold.of {
            ThresholdOf::Request(name) => {
                Some((name, one.limit_s()? * sent_per_session(program?, &expect, name)?))
            }
            _ => None,
        });
        named.map(|(name, per_rate_s)| Self { of: Some(name.clone()), under_way: 0, per_rate_s })
    }

    /// How many may be under way for each unit of the rate, s.
    pub fn per_rate_s(&self) -> f64 {
        self.per_rate_s
    }

    /// What is under way at the end of the fleet's next second.
    pub fn after(&mut self, second: &Second) -> f64 {
        let Some(name) = &self.of else { return second.in_flight as f64 };
        if let Some(figures) = second.figures.named.get(name) {
            let counters = &figures.counters;
            let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            self.under_way += whole(counters.sent) - whole(counters.completed + counters.failed);
        }
        self.under_way.max(0) as f64
    }
}

/// How often a session sends the requests of a name. `None` for a redirect's and a part's: the plan does not say it.
fn sent_per_session(program: &Program, expect: &Expect, name: &RequestName) -> Option<f64> {
    let at = program.requests.iter().position(|request| request.name == *name)?;
    expect.requests.get(at).copied()
}
