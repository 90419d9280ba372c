//! What sessions, groups and polls came to: counts and exact histograms that merge by addition, as those of requests do.
//! It knows neither the plan nor a clock.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::ids::RequestName;
use crate::latency::Latency;

/// Counts of sessions. At every instant started = completed + failed + abandoned + those under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionCounters {
    /// Sessions that began.
    pub started: u64,
    /// Ended, and no step failed.
    pub completed: u64,
    /// Ended with a failed step.
    pub failed: u64,
    /// Ended by us between two steps: by the end of the drain, or by a stop.
    pub abandoned: u64,
    /// Fell due and never began: as many as requests dropped.
    pub dropped: u64,
}

/// One scenario's sessions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionFigures {
    /// All but those of the warm-up.
    pub counters: SessionCounters,
    /// Those due in the warm-up.
    pub warmup: SessionCounters,
    /// Of completed sessions after the warm-up: due time to last byte, less what they thought or waited for an `at`.
    pub response: Latency,
    /// Sessions after the warm-up that failed or were abandoned, by the step at which they ended.
    pub ended_at: BTreeMap<String, u64>,
}

/// The passes of a group, or the polls of a request, after the warm-up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PassFigures {
    /// Passes in which no step failed, or polls whose condition held.
    pub completed: u64,
    /// The others.
    pub failed: u64,
    /// Of completed ones. A group's: the sum of its steps' responses; a poll's: first attempt begun to the last byte of the
    /// answer that held.
    pub response: Latency,
}

/// All that is counted beside requests, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AllSessions {
    /// By scenario.
    pub scenarios: BTreeMap<String, SessionFigures>,
    /// By group.
    pub groups: BTreeMap<RequestName, PassFigures>,
    /// By the name of the request that is polled.
    pub polls: BTreeMap<RequestName, PassFigures>,
}

impl SessionCounters {
    /// Sessions that began and did not end.
    pub fn under_way(&self) -> u64 {
        self.started.saturating_sub(self.completed + self.failed + self.abandoned)
    }
}

impl AddAssign<&Self> for SessionCounters {
    fn add_assign(&mut self, other: &Self) {
        self.started += other.started;
        self.completed += other.completed;
        self.failed += other.failed;
        self.abandoned += other.abandoned;
        self.dropped += other.dropped;
    }
}

impl AddAssign<&Self> for SessionFigures {
    fn add_assign(&mut self, other: &Self) {
        self.counters += &other.counters;
        self.warmup += &other.warmup;
        self.response.merge(&other.response);
        for (step, n) in &other.ended_at {
            *self.ended_at.entry(step.clone()).or_default() += n;
        }
    }
}

impl AddAssign<&Self> for PassFigures {
    fn add_assign(&mut self, other: &Self) {
        self.completed += other.completed;
        self.failed += other.failed;
        self.response.merge(&other.response);
    }
}

impl AddAssign<&Self> for AllSessions {
    fn add_assign(&mut self, other: &Self) {
        for (name, figures) in &other.scenarios {
            *self.scenarios.entry(name.clone()).or_default() += figures;
        }
        for (name, figures) in &other.groups {
            *self.groups.entry(name.clone()).or_default() += figures;
        }
        for (name, figures) in &other.polls {
            *self.polls.entry(name.clone()).or_default() += figures;
        }
    }
}

impl AllSessions {
    /// Whether nothing is counted, as in a plan with one request.
    pub fn is_empty(&self) -> bool {
        self.scenarios.is_empty() && self.groups.is_empty() && self.polls.is_empty()
    }
}
