//! What sessions, groups and polls came to: counts and exact histograms that merge by addition, as those of requests do.
//! It knows neither the plan nor a clock.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Deserializer, Serialize};

use crate::counters::ErrorKind;
use crate::figures::MAX_REQUEST_NAMES;
use crate::ids::RequestName;
use crate::latency::Latency;

/// Most steps at which sessions end that are counted by name, over all scenarios.
pub const MAX_STEPS: usize = 1_024;

/// Counts of sessions. At every instant started = completed + failed + abandoned + those under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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
    /// By the key in `[shared]`: what the driver sent by itself.
    pub shared: BTreeMap<RequestName, SharedCounters>,
}

/// The attempts of one entry of `[shared]`, each counted when it is over. completed + failed = Σ status_codes + Σ errors -
/// check - extract, as for requests; a redirect that was followed is an attempt of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SharedCounters {
    /// Attempts.
    pub sent: u64,
    /// Answered as expected, with nothing missing.
    pub completed: u64,
    /// The others.
    pub failed: u64,
    /// Answers by status, expected or not.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub status_codes: BTreeMap<u16, u64>,
    /// Failures by kind.
    #[serde(deserialize_with = "known_kinds", skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<ErrorKind, u64>,
}

/// As [`ErrorKind::known`].
fn known_kinds<'de, D: Deserializer<'de>>(errors: D) -> Result<BTreeMap<ErrorKind, u64>, D::Error> {
    BTreeMap::deserialize(errors).map(ErrorKind::known)
}

impl SharedCounters {
    /// Counts an attempt that is over: its status, where an answer came, and why it failed other than by that.
    pub fn ended(&mut self, status: Option<u16>, error: Option<ErrorKind>, failed: bool) {
        self.sent += 1;
        *if failed { &mut self.failed } else { &mut self.completed } += 1;
        if let Some(status) = status {
            *self.status_codes.entry(status).or_default() += 1;
        }
        if let Some(kind) = error {
            *self.errors.entry(kind).or_default() += 1;
        }
    }
}

impl AddAssign<&Self> for SharedCounters {
    fn add_assign(&mut self, other: &Self) {
        self.sent += other.sent;
        self.completed += other.completed;
        self.failed += other.failed;
        for (status, n) in &other.status_codes {
            *self.status_codes.entry(*status).or_default() += n;
        }
        for (kind, n) in &other.errors {
            *self.errors.entry(*kind).or_default() += n;
        }
    }
}

impl SessionCounters {
    /// Sessions that began and did not end.
    pub fn under_way(&self) -> u64 {
        self.started.saturating_sub(self.completed + self.failed + self.abandoned)
    }

    /// Sessions that fell due, whether or not they began.
    pub fn due(&self) -> u64 {
        self.started + self.dropped
    }

    /// Sessions that ended by themselves.
    pub fn ended(&self) -> u64 {
        self.completed + self.failed
    }

    /// Sessions that count as slower than any completed one. An abandoned one is not among them: it was cut short from
    /// our side, so its time is unknown.
    pub fn slower(&self) -> u64 {
        self.failed + self.dropped
    }

    /// Whether so many were abandoned, more than 1 % of those that began, that figures of the completed ones are only
    /// lower bounds.
    pub fn leaves_open(&self) -> bool {
        self.abandoned.saturating_mul(100) > self.started
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
        for (name, counters) in &other.shared {
            *self.shared.entry(name.clone()).or_default() += counters;
        }
    }
}

/// Where sessions end that ended at a step beyond [`MAX_STEPS`].
pub const OTHER_STEPS: &str = "other";

impl AllSessions {
    /// Adds what a driver reported. Names beyond the bounds (256 scenarios, groups and polls, [`MAX_STEPS`] steps) are left
    /// out, so that no driver makes a sum grow without end; a step beyond them counts as `other`.
    pub fn add_within_bounds(&mut self, other: &Self) {
        let mut room = MAX_STEPS.saturating_sub(self.scenarios.values().map(|of| of.ended_at.len()).sum());
        for (name, more) in &other.scenarios {
            if self.scenarios.len() >= MAX_REQUEST_NAMES && !self.scenarios.contains_key(name) {
                continue;
            }
            let sum = self.scenarios.entry(name.clone()).or_default();
            sum.counters += &more.counters;
            sum.warmup += &more.warmup;
            sum.response.merge(&more.response);
            for (step, n) in &more.ended_at {
                let known = sum.ended_at.contains_key(step);
                let step = if known || room > 0 { step.as_str() } else { OTHER_STEPS };
                room = room.saturating_sub(usize::from(!known));
                *sum.ended_at.entry(step.to_owned()).or_default() += n;
            }
        }
        add_named(&mut self.groups, &other.groups);
        add_named(&mut self.polls, &other.polls);
        add_named(&mut self.shared, &other.shared);
    }

    /// The counts of all sessions after the warm-up.
    pub fn counters(&self) -> SessionCounters {
        let mut sum = SessionCounters::default();
        self.scenarios.values().for_each(|of| sum += &of.counters);
        sum
    }

    /// All sessions as one scenario's; where they ended is left to each scenario.
    pub fn of_all(&self) -> SessionFigures {
        let mut sum = SessionFigures::default();
        for of in self.scenarios.values() {
            sum.counters += &of.counters;
            sum.warmup += &of.warmup;
            sum.response.merge(&of.response);
        }
        sum
    }

    /// Whether nothing is counted, as in a plan with one request.
    pub fn is_empty(&self) -> bool {
        self.scenarios.is_empty() && self.groups.is_empty() && self.polls.is_empty() && self.shared.is_empty()
    }
}

/// Adds by name, as far as there is room for names.
fn add_named<T: Clone + for<'t> AddAssign<&'t T>>(
    sums: &mut BTreeMap<RequestName, T>,
    more: &BTreeMap<RequestName, T>,
) {
    for (name, more) in more {
        let full = sums.len() >= MAX_REQUEST_NAMES;
        match sums.get_mut(name) {
            Some(sum) => *sum += more,
            None if full => {}
            None => drop(sums.insert(name.clone(), more.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(steps: impl IntoIterator<Item = String>) -> SessionFigures {
        let ended_at: BTreeMap<String, u64> = steps.into_iter().map(|step| (step, 1)).collect();
        let failed = ended_at.values().sum();
        let counters = SessionCounters { started: failed, failed, ..SessionCounters::default() };
        SessionFigures { counters, ended_at, ..SessionFigures::default() }
    }

    fn of(name: &str, figures: SessionFigures) -> AllSessions {
        AllSessions { scenarios: [(name.to_owned(), figures)].into(), ..AllSessions::default() }
    }

    #[test]
    fn sums_keep_to_their_bounds_and_lose_no_session() {
        let mut sum = AllSessions::default();
        for n in 0..2 * MAX_STEPS {
            sum.add_within_bounds(&of("a", scenario([format!("step {n}")])));
        }
        let a = &sum.scenarios["a"];
        assert_eq!((a.counters.failed, a.ended_at.values().sum::<u64>()), (2_048, 2_048));
        assert_eq!((a.ended_at.len(), a.ended_at["other"]), (MAX_STEPS + 1, 1_024));
        for n in 0..2 * MAX_REQUEST_NAMES {
            sum.add_within_bounds(&of(&format!("s{n}"), scenario([])));
            let name = RequestName::new(&format!("g{n}")).unwrap();
            let groups = [(name, PassFigures { completed: 1, ..PassFigures::default() })].into();
            sum.add_within_bounds(&AllSessions { groups, ..AllSessions::default() });
        }
        assert_eq!((sum.scenarios.len(), sum.groups.len()), (MAX_REQUEST_NAMES, MAX_REQUEST_NAMES));
    }

    #[test]
    fn within_its_bounds_a_sum_is_the_sum() {
        let part = of("a", scenario(["x".to_owned(), "y".to_owned()]));
        let (mut bounded, mut plain) = (part.clone(), part.clone());
        bounded.add_within_bounds(&part);
        plain += &part;
        assert_eq!(bounded, plain);
        assert_eq!(bounded.of_all().counters, bounded.counters());
    }

    #[test]
    fn abandoned_sessions_leave_open_what_more_than_one_in_a_hundred_took() {
        let of = |started, abandoned| SessionCounters { started, abandoned, ..SessionCounters::default() };
        assert!(!of(0, 0).leaves_open() && !of(100, 1).leaves_open() && of(100, 2).leaves_open());
        let counters = SessionCounters { started: 9, completed: 4, failed: 2, abandoned: 1, dropped: 5 };
        assert_eq!(
            (counters.under_way(), counters.due(), counters.ended(), counters.slower()),
            (2, 14, 6, 7)
        );
    }
}
