//! The change of a running test's rate: when it is refused and why, from which instant on it holds, and whether every
//! driver obeyed it.
//!
//! All drivers change at one instant, so it lies far enough ahead for the record to arrive at each of them and to reach
//! its workers, which look for it every 200 ms at the latest. It is counted from the start of the test, which all drivers
//! know by the orchestrator's clock, so their schedules agree to the nanosecond.

use std::collections::BTreeSet;
use std::time::Duration;

use common::ids::NodeId;
use common::plan::expect::Expect;
use common::plan::program::Order;
use common::plan::{Mode, RateChange, write_duration};
use common::wire::RateApplied;

use super::warned::{RATE_LATE, RATE_NOT_CHANGED, about};
use super::{Effect, Lifecycle, MAX_BLOCKERS, Phase, choose, ends};
use crate::blocker::Blocker;
use crate::human::rate;
use crate::model::TestState;
use crate::now::Now;
use crate::refusal::CommandError;
use crate::registry::NodeFacts;
use crate::verdict::Other;

/// From the record to the instant of the change, beyond what a start takes.
const BEYOND_A_START: Duration = Duration::from_millis(350);

/// How long after the instant a driver has to report the change: several heartbeats.
const REPORTED_WITHIN_US: i64 = 5_000_000;

/// Most changes of one test: its report lists them.
const MAX_CHANGES: usize = 1_000;

/// In a timeline: the rate was changed.
pub const RATE_CHANGED: &str = "rate_changed";

/// The changes of a test's rate.
#[derive(Debug, Default)]
pub(super) struct Changes {
    all: Vec<RateChange>,
    /// Those of an earlier process of the orchestrator, whose drivers it has looked at.
    resumed: usize,
    /// The drivers that are known to have been late or not to have obeyed, by the number of the change.
    warned: BTreeSet<(u32, NodeId)>,
}

/// What came of a rate that a search wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Moved {
    /// The change, which is to be stored and then published, and a sentence for the timeline.
    Changed(RateChange, String),
    /// The plan or a driver does not allow it, and why.
    Refused(String),
    /// The test does not run, or ends before it could take effect.
    NotNow,
}

impl Lifecycle {
    /// The changes of its rate so far, in order.
    pub fn rate_changes(&self) -> &[RateChange] {
        &self.rate.all
    }

    /// The same test, resumed with changes that an earlier process ordered.
    pub fn with_rate_changes(mut self, all: Vec<RateChange>) -> Self {
        self.rate = Changes { resumed: all.len(), all, warned: BTreeSet::new() };
        self
    }

    /// The rate of the plan, or of the last change.
    fn rate_now(&self) -> Option<f64> {
        let last = self.rate.all.last().map(|change| change.rate_per_s);
        last.or_else(|| self.plan.load.open_loop_rate_per_s())
    }

    /// Changes the rate of the running test; returns the change, which is to be stored and then published, and a
    /// sentence for the timeline. `None`: it has this rate already.
    ///
    /// # Errors
    /// Where the plan, its state or a driver forbids it.
    pub fn change_rate(
        &mut self,
        rate_per_s: f64,
        now: Now,
        nodes: &[NodeFacts],
    ) -> Result<Option<(RateChange, String)>, CommandError> {
        if self.plan.capacity.is_some() {
            let why = "the search of [capacity] moves its rate: stop the test, or let it end by itself";
            return Err(CommandError::Conflict(why.to_owned()));
        }
        self.order(rate_per_s, now, nodes)
    }

    /// The same for the search of a plan's `[capacity]`.
    pub fn move_rate(&mut self, rate_per_s: f64, now: Now, nodes: &[NodeFacts]) -> Moved {
        if !matches!(self.phase, Phase::Started { .. }) || self.state(now, nodes) != TestState::Running {
            return Moved::NotNow;
        }
        let refused = self.too_high(rate_per_s).map(CommandError::Conflict);
        if let Some(error) = refused.or_else(|| self.drivers_can(rate_per_s, nodes).err()) {
            return Moved::Refused(error.to_string());
        }
        match self.order(rate_per_s, now, nodes) {
            Ok(Some((change, detail))) => Moved::Changed(change, detail),
            Ok(None) | Err(_) => Moved::NotNow,
        }
    }

    fn order(
        &mut self,
        rate_per_s: f64,
        now: Now,
        nodes: &[NodeFacts],
    ) -> Result<Option<(RateChange, String)>, CommandError> {
        let refused = |why: String| Err(CommandError::Conflict(why));
        if let Some(why) = self.fixed() {
            return refused(why);
        }
        let state = self.state(now, nodes);
        let (Phase::Started { at_us: start, .. }, TestState::Running) = (self.phase, state) else {
            return refused(not_running(self.test_id.as_str(), state));
        };
        let Some(before) = self.rate_now() else {
            return refused("the plan has no rate to change".to_owned());
        };
        if before == rate_per_s {
            return Ok(None);
        }
        if self.rate.all.len() >= MAX_CHANGES {
            return refused(format!("its rate was changed {MAX_CHANGES} times already, which is the most"));
        }
        if let Some(why) = self.too_high(rate_per_s) {
            return refused(why);
        }
        self.drivers_can(rate_per_s, nodes)?;
        let at_us = self.instant(now, start);
        let ends =
            self.participants.iter().map(|one| one.share.planned_end(&self.plan, start, &self.rate.all));
        let end = ends.collect::<Option<Vec<_>>>().and_then(|ends| ends.into_iter().max());
        let from = Duration::from_micros(u64::try_from(at_us - start).unwrap_or(0));
        if let Some(end) = end.filter(|end| from >= *end) {
            return refused(format!(
                "its load ends {:.1} s after the start, before another rate could take effect",
                end.as_secs_f64()
            ));
        }
        let number = u32::try_from(self.rate.all.len()).unwrap_or(u32::MAX).saturating_add(1);
        let change = RateChange { number, rate_per_s, at_us };
        self.rate.all.push(change);
        let detail = format!("from {} to {} at {:.1} s", rate(before), rate(rate_per_s), from.as_secs_f64());
        Ok(Some((change, detail)))
    }

    /// The last change was not published: the rate stays as it was.
    pub fn take_back_rate(&mut self) {
        self.rate.all.pop();
    }

    /// Why the plan's rate cannot change; `None`: it can.
    fn fixed(&self) -> Option<String> {
        let load = &self.plan.load;
        if matches!(load.mode, Mode::Avalanche { .. }) {
            return Some(
                "a closed loop (avalanche) has no rate: each request waits for the answer before it"
                    .to_owned(),
            );
        }
        if !load.stages.is_empty() {
            return Some("its stages say how the rate changes (load.stages)".to_owned());
        }
        let program = self.plan.program.as_ref()?;
        let once = program.data.iter().find(|data| data.order == Order::Once)?;
        Some(format!(
            "data.{} has order = \"once\": its rows were counted for the sessions of the planned rate",
            once.name
        ))
    }

    /// Why a rate is too high for the plan; `None`: it is not.
    fn too_high(&self, rate_per_s: f64) -> Option<String> {
        let load = &self.plan.load;
        if let Some(ceiling) = load.target_throughput.filter(|ceiling| rate_per_s > *ceiling) {
            return Some(format!("{} are more than load.target_throughput = {ceiling}", rate(rate_per_s)));
        }
        let Mode::Tsunami { max_in_flight, .. } = load.mode else { return None };
        // Little's law, as when the plan was checked: fewer places than sessions that think at a time drop the rest.
        let thinking = Expect::of(self.plan.program.as_ref()?).thinking;
        let own = self.participants.iter().map(|one| one.share.own_rate(self.plan.per, rate_per_s));
        let at_a_time = own.fold(0.0, f64::max) * thinking.as_secs_f64();
        (at_a_time > f64::from(max_in_flight)).then(|| {
            format!(
                "{} sessions/s that think {} each are {} at a time on a driver, and load.max_sessions is {max_in_flight}",
                rate_per_s,
                write_duration(Duration::from_millis(thinking.as_millis() as u64)),
                at_a_time.ceil()
            )
        })
    }

    /// Whether every driver that takes part can obey, and no classic one could misunderstand.
    fn drivers_can(&self, rate_per_s: f64, nodes: &[NodeFacts]) -> Result<(), CommandError> {
        let classic = nodes.iter().filter(|node| ends::listens_as_classic(node));
        let take_part = self.participants.iter().filter(|one| one.epoch.is_none()).map(|one| &one.node_id);
        let mut names = classic.map(|node| &node.node_id).chain(take_part);
        if let Some(name) = names.next() {
            let why = "is a classic driver, which cannot change its rate, and may take the order for a start";
            return Err(CommandError::Conflict(format!("{name} {why}")));
        }
        let most = self.plan.program.as_ref().map_or(1.0, |program| Expect::of(program).most_requests as f64);
        let mut blockers = Vec::new();
        for one in &self.participants {
            let Some(node) = nodes.iter().find(|node| node.node_id == one.node_id) else { continue };
            if !node.changes_rate {
                let why =
                    "does not change the rate of a running test: install this orchestrator's version on it";
                return Err(CommandError::Conflict(format!("{} {why}", one.node_id)));
            }
            let rate = one.share.own_rate(self.plan.per, rate_per_s) * most;
            if let Some(max_rate) = node.max_rate.filter(|max_rate| rate > *max_rate) {
                blockers.push((one.node_id.to_string(), Blocker::AboveMaxRate { max_rate, rate }));
            }
        }
        blockers.truncate(MAX_BLOCKERS);
        if blockers.is_empty() { Ok(()) } else { Err(choose::refused(blockers)) }
    }

    /// From when on a change that is ordered now holds: a whole number of milliseconds after the start, and after the
    /// change before.
    fn instant(&self, now: Now, start: i64) -> i64 {
        let lead = self.lead.saturating_add(BEYOND_A_START);
        let lead_us = i64::try_from(lead.as_micros()).unwrap_or(i64::MAX);
        let earliest = now.unix_us.saturating_add(lead_us).saturating_sub(start).max(0);
        let ms = earliest.saturating_add(999) / 1_000;
        let at_us = start.saturating_add(ms.saturating_mul(1_000));
        self.rate.all.last().map_or(at_us, |last| at_us.max(last.at_us.saturating_add(1_000)))
    }

    /// Warns of drivers that obeyed the last change too late, or not at all.
    pub(super) fn watch_rate(&mut self, now: Now, nodes: &[NodeFacts]) -> Vec<Effect> {
        let Some(change) = self.rate.all.last().copied() else { return Vec::new() };
        if self.rate.all.len() <= self.rate.resumed {
            return Vec::new();
        }
        let overdue = now.unix_us > change.at_us.saturating_add(REPORTED_WITHIN_US);
        let mut effects = Vec::new();
        for one in self.participants.iter().filter(|one| one.epoch.is_some()) {
            let runs = |node: &&NodeFacts| {
                node.node_id == one.node_id
                    && node.epoch == one.epoch
                    && node.is_alive()
                    && node.test_id.as_ref() == Some(&self.test_id)
            };
            let Some(node) = nodes.iter().find(runs) else { continue };
            let obeyed = node.rate_change.filter(|applied| applied.change >= change.number);
            let (what, text) = match obeyed {
                Some(RateApplied { at, .. }) if at > change.at_us => (
                    RATE_LATE,
                    format!(
                        "changed its rate to {} {:.1} s after the other drivers: the order reached it late",
                        rate(change.rate_per_s),
                        (at - change.at_us) as f64 / 1e6
                    ),
                ),
                None if overdue => (
                    RATE_NOT_CHANGED,
                    format!("did not change its rate to {}: see its log", rate(change.rate_per_s)),
                ),
                _ => continue,
            };
            if self.rate.warned.len() < MAX_BLOCKERS
                && self.rate.warned.insert((change.number, one.node_id.clone()))
            {
                effects.push(about(&one.node_id, what, Other::Warned(text)));
            }
        }
        effects
    }
}

/// Why a test that is not running has no rate to change.
pub fn not_running(test_id: &str, state: TestState) -> String {
    let state = match state {
        TestState::Configured => "configured",
        TestState::Starting => "starting",
        TestState::Running => "running",
        TestState::Draining => "draining",
        TestState::Finished => "finished",
    };
    format!("test {test_id} is {state}: only a running test's rate can be changed")
}
