//! One test's life, from its trigger to its end, as a pure state machine. The caller passes it the time, the nodes and
//! the tally's parts again and again ([`Lifecycle::step`]), and it returns the effects to carry out. It has no access
//! to Kafka, actors or a clock. Its decisions do not depend on how often `step` is called.

mod barrier;
mod choose;
mod doubtful;
mod effect;
mod ends;
mod lead;
mod machines;
mod rate;
mod steps;
#[cfg(test)]
mod tests;
mod warned;

use std::collections::BTreeMap;
use std::time::Duration;

use common::clock::UnixMicros;
use common::ids::{Epoch, NodeId, TestId};
use common::plan::Plan;
use common::wire::{DriverState, StepsOf};

pub use choose::{ClassicRules, choose, count_of, delay_of};
pub use doubtful::is_doubtful;
pub use effect::Effect;
pub use machines::{builds_of, ceilings_of};
pub use rate::{Moved, RATE_CHANGED, not_running};
pub use steps::began_setup;
pub use warned::{decides, driver_of, since_trigger, warnings};

use crate::model::{StepsView, TestState};
use crate::now::Now;
use crate::participant::{EndedBy, PartSeen, Participant};
use crate::refusal::CommandError;
use crate::registry::NodeFacts;
use crate::stopped_by::StoppedBy;

/// After a stop: how long drivers have to send their last windows.
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// In a timeline: the trigger was published.
const RUNNING: &str = "running";

/// In a timeline: the test was stopped.
pub const STOPPED: &str = "stopped";

/// Most drivers that one refusal names.
const MAX_BLOCKERS: usize = 32;

/// `[test]` and `[classic]`, as far as a test's life depends on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How long the chosen drivers have to become ready.
    pub ready_timeout: Duration,
    /// From the trigger to the common start; less where all drivers are on this host (`lead`).
    pub start_delay: Duration,
    /// How classic drivers are led.
    pub classic: ClassicRules,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Configured,
    /// Waits until every classic driver has been known for long enough, or has sent its next heartbeat. `since`: the
    /// first look.
    AwaitingClassic {
        since: Option<Duration>,
    },
    /// The config is published (`since`); waits until every driver of ours is ready.
    Barrier {
        since: Duration,
    },
    /// All of ours are ready; the classic drivers need time between config and trigger.
    Gap {
        until: Duration,
    },
    /// All are ready, and drivers were asked to run setup at `since`.
    Setup {
        since: Duration,
    },
    /// After a restart: whether the trigger was published is not known yet (`doubtful`).
    Doubtful {
        resumed_at: Duration,
        /// Since when every driver that is not gone reports that it does not run the test.
        idle_since: Option<Duration>,
        at: Duration,
        at_us: UnixMicros,
    },
    /// The trigger is published.
    Started {
        at: Duration,
        at_us: UnixMicros,
    },
    /// A stop was published at `since`.
    Stopping {
        since: Duration,
        at_us: Option<UnixMicros>,
    },
    /// The load is over, or was never started; a driver was asked to run teardown at `since`, or is to be.
    Teardown {
        since: Option<Duration>,
        at_us: Option<UnixMicros>,
    },
    Finished,
}

#[derive(Debug)]
pub struct Lifecycle {
    test_id: TestId,
    plan: Plan,
    rules: Rules,
    phase: Phase,
    revision: u32,
    participants: Vec<Participant>,
    stopped_by: Option<StoppedBy>,
    /// When the config was published in this life of the orchestrator; a classic driver may run the test from then on.
    configured_at: Option<Duration>,
    /// From the trigger to the start.
    lead: Duration,
    /// What that was when the drivers were ready, where setup came in between.
    ready_lead: Option<Duration>,
    /// What setup and teardown came to, from when they were asked for.
    steps: BTreeMap<StepsOf, StepsView>,
    /// What setup extracted, where it travels.
    setup_values: BTreeMap<String, String>,
    /// When a driver last reported, at this barrier, that it is resolving the target's name.
    resolving_at: Option<Duration>,
    /// How far each driver was that fetches data files at this barrier: its count of bytes, and when that last grew.
    fetching: BTreeMap<NodeId, (u64, Duration)>,
    /// Classic drivers may have received the config and cannot be made to discard it, so a failed barrier finishes the
    /// test instead of going back to `configured`.
    classic_has_config: bool,
    /// Classic drivers that went on after their end, and when we published a stop for them.
    runaways: BTreeMap<NodeId, Duration>,
    /// Since when the parts of all drivers of ours are over.
    ours_done_at: Option<Duration>,
    /// Our drivers that send heartbeats while their windows are overdue, and since when.
    overdue_since: BTreeMap<(NodeId, Option<Epoch>), Duration>,
    /// How its rate was changed, in order.
    rate: rate::Changes,
}

impl Lifecycle {
    /// A test that is configured; `revision`: the last one published for it.
    pub fn new(test_id: TestId, plan: Plan, rules: Rules, revision: u32) -> Self {
        Self {
            test_id,
            plan,
            rules,
            phase: Phase::Configured,
            revision,
            participants: Vec::new(),
            stopped_by: None,
            configured_at: None,
            lead: rules.start_delay,
            ready_lead: None,
            steps: BTreeMap::new(),
            setup_values: BTreeMap::new(),
            resolving_at: None,
            fetching: BTreeMap::new(),
            classic_has_config: false,
            runaways: BTreeMap::new(),
            ours_done_at: None,
            overdue_since: BTreeMap::new(),
            rate: rate::Changes::default(),
        }
    }

    /// A test that ran when the orchestrator ended; `started_at`: its `start_at`.
    pub fn resumed(
        test_id: TestId,
        plan: Plan,
        rules: Rules,
        revision: u32,
        participants: Vec<Participant>,
        started_at: UnixMicros,
        now: Now,
    ) -> Self {
        let at = now.elapsed_at(started_at);
        let phase = Phase::Started { at, at_us: started_at };
        Self { phase, participants, ..Self::new(test_id, plan, rules, revision) }
    }

    /// The same test, where it had been stopped and its drivers may not have sent their last windows.
    pub fn stopping(self, by: StoppedBy, now: Now) -> Self {
        let phase = Phase::Stopping { since: now.elapsed, at_us: self.started_at() };
        Self { phase, stopped_by: Some(by), ..self }
    }

    /// The same test, where it is not known whether the trigger was published.
    pub fn doubtful(self, now: Now) -> Self {
        match self.phase {
            Phase::Started { at, at_us } => {
                let phase = Phase::Doubtful { resumed_at: now.elapsed, idle_since: None, at, at_us };
                Self { phase, ..self }
            }
            _ => self,
        }
    }

    pub fn test_id(&self) -> &TestId {
        &self.test_id
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The drivers that take part.
    pub fn participants(&self) -> &[Participant] {
        &self.participants
    }

    /// The last revision of its config.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Who or what stopped it.
    pub fn stopped_by(&self) -> Option<&StoppedBy> {
        self.stopped_by.as_ref()
    }

    /// The common start, as the trigger has it.
    pub fn started_at(&self) -> Option<UnixMicros> {
        match self.phase {
            Phase::Started { at_us, .. } | Phase::Doubtful { at_us, .. } => Some(at_us),
            Phase::Stopping { at_us, .. } | Phase::Teardown { at_us, .. } => at_us,
            _ => None,
        }
    }

    /// Its state; `nodes` decide between running and draining.
    pub fn state(&self, now: Now, nodes: &[NodeFacts]) -> TestState {
        match self.phase {
            Phase::Configured => TestState::Configured,
            Phase::AwaitingClassic { .. } | Phase::Barrier { .. } | Phase::Gap { .. } => TestState::Starting,
            Phase::Setup { .. } | Phase::Doubtful { .. } => TestState::Starting,
            Phase::Started { at, .. } if now.elapsed < at => TestState::Starting,
            Phase::Started { .. } if self.all_drain(nodes) => TestState::Draining,
            Phase::Started { .. } => TestState::Running,
            Phase::Stopping { .. } | Phase::Teardown { .. } => TestState::Draining,
            Phase::Finished => TestState::Finished,
        }
    }

    fn all_drain(&self, nodes: &[NodeFacts]) -> bool {
        let of = |participant: &Participant| nodes.iter().find(|node| node.node_id == participant.node_id);
        let states: Vec<_> =
            self.participants.iter().filter_map(of).filter(|node| node.epoch.is_some()).collect();
        let drains = |node: &&NodeFacts| node.state == Some(DriverState::Draining);
        let idle = |node: &&NodeFacts| node.test_id.as_ref() != Some(&self.test_id);
        !states.is_empty()
            && states.iter().any(drains)
            && states.iter().all(|node| drains(node) || idle(node))
    }

    /// Whether it waits at its barrier or for setup, or started less than a second ago.
    pub fn begins(&self, now: Now) -> bool {
        match self.phase {
            Phase::AwaitingClassic { .. } | Phase::Barrier { .. } | Phase::Setup { .. } => true,
            Phase::Started { at, .. } => now.elapsed < at + Duration::from_secs(1),
            _ => false,
        }
    }

    /// Whether its trigger is not answered yet.
    pub fn awaits_drivers(&self) -> bool {
        matches!(self.phase, Phase::AwaitingClassic { .. } | Phase::Barrier { .. } | Phase::Gap { .. })
    }

    /// Whether drivers may be working on it, so that a second test has to wait.
    pub fn is_under_way(&self) -> bool {
        !matches!(self.phase, Phase::Configured | Phase::Finished)
    }

    /// Triggers the test. The outcome follows as [`Effect::Answer`], unless this returns an error.
    ///
    /// # Errors
    /// Where its state forbids it, or the drivers that the plan asks for cannot take part.
    pub fn trigger(&mut self, nodes: &[NodeFacts]) -> Result<(), CommandError> {
        if self.phase == Phase::Finished {
            return Err(CommandError::Conflict(format!("test {} is finished", self.test_id)));
        }
        self.participants = choose(&self.plan, nodes, &self.rules.classic)?;
        self.phase = Phase::AwaitingClassic { since: None };
        Ok(())
    }

    pub fn stop(&mut self, by: StoppedBy, now: Now) -> Vec<Effect> {
        let note = Effect::note(STOPPED, by.to_string());
        let aborted = || CommandError::Conflict("the test was stopped before it started".to_owned());
        match self.phase {
            // The load is over in teardown, so that nothing is left to stop.
            Phase::Finished | Phase::Stopping { .. } | Phase::Teardown { .. } => Vec::new(),
            Phase::Setup { .. } => {
                self.stopped_by = Some(by);
                self.setup_stopped(note)
            }
            Phase::Configured => {
                self.stopped_by = Some(by);
                self.phase = Phase::Finished;
                vec![note, Effect::Finish]
            }
            Phase::AwaitingClassic { .. } => {
                self.stopped_by = Some(by);
                self.phase = Phase::Finished;
                vec![note, Effect::Answer(Err(aborted())), Effect::Finish]
            }
            Phase::Barrier { .. } | Phase::Gap { .. } => {
                self.stopped_by = Some(by);
                self.phase = Phase::Finished;
                vec![Effect::PublishStop, note, Effect::Answer(Err(aborted())), Effect::Finish]
            }
            Phase::Started { at_us, .. } | Phase::Doubtful { at_us, .. } => {
                self.stopped_by = Some(by);
                self.phase = Phase::Stopping { since: now.elapsed, at_us: Some(at_us) };
                vec![Effect::PublishStop, note]
            }
        }
    }

    /// The config is on Kafka: the time-out for the drivers' answers, and the classic drivers' gap, count from now.
    pub fn config_published(&mut self, now: Now) {
        if let Phase::Barrier { since } = &mut self.phase {
            *since = now.elapsed;
        }
    }

    /// A config or a trigger could not be published: the barrier fails.
    pub fn publishing_failed(&mut self, why: CommandError) -> Vec<Effect> {
        if matches!(self.phase, Phase::Finished | Phase::Configured | Phase::Stopping { .. }) {
            return Vec::new();
        }
        if let Phase::Teardown { .. } = self.phase {
            return self.teardown_not_asked(why.to_string());
        }
        self.barrier_failed(why)
    }

    /// Looks at time, nodes and parts again, and returns the effects to carry out now.
    pub fn step(&mut self, now: Now, nodes: &[NodeFacts], parts: &[PartSeen]) -> Vec<Effect> {
        match self.phase {
            Phase::Configured | Phase::Finished => Vec::new(),
            Phase::AwaitingClassic { since } => self.await_classic(since.unwrap_or(now.elapsed), now, nodes),
            Phase::Barrier { since } => self.barrier(since, now, nodes),
            Phase::Gap { until } if now.elapsed < until => Vec::new(),
            Phase::Gap { .. } => self.after_barrier(now, nodes),
            Phase::Setup { since } => self.look_at_setup(since, now, nodes),
            Phase::Teardown { since, .. } => self.look_at_teardown(since, now, nodes),
            Phase::Doubtful { .. } => self.doubt(now, nodes, parts),
            Phase::Started { at, .. } => {
                let mut effects = self.watch_rate(now, nodes);
                effects.extend(ends::look(self, now, now.elapsed.saturating_sub(at), nodes, parts));
                if is_over(parts, &effects) {
                    if ends::leaves_a_load_behind(nodes, parts, &effects) {
                        effects.push(Effect::PublishStop);
                    }
                    effects.extend(self.conclude());
                }
                effects
            }
            Phase::Stopping { since, .. } => {
                let mut effects = Vec::new();
                if now.elapsed.saturating_sub(since) > STOP_PATIENCE {
                    let waits = parts.iter().filter(|part| part.ended_by.is_none());
                    effects.extend(
                        waits.map(|part| {
                            Effect::PartEnded(part.node_id.clone(), part.epoch, EndedBy::Stopped)
                        }),
                    );
                } else {
                    effects.extend(ends::stopped(self, nodes, parts));
                }
                if is_over(parts, &effects) {
                    effects.extend(self.conclude());
                }
                effects
            }
        }
    }
}

/// Whether the parts of all drivers are over, with what the effects change of them.
fn is_over(parts: &[PartSeen], effects: &[Effect]) -> bool {
    let ends_now = |part: &PartSeen| {
        effects.iter().any(|effect| {
            matches!(effect, Effect::PartEnded(node, epoch, _) if *node == part.node_id && *epoch == part.epoch)
        })
    };
    let back = effects.iter().any(|effect| matches!(effect, Effect::PartBack(..)));
    let over = parts.iter().all(|part| part.ended_by.is_some() || ends_now(part));
    over && !back && !parts.is_empty()
}
