//! One test's life, from its trigger to its end, as a pure state machine. It is shown the time, the nodes and
//! the parts of the tally again and again, and says what is to be done; it knows no Kafka, no actor and no
//! clock. What it decides does not depend on how often it is asked.

mod barrier;
mod choose;
mod doubtful;
mod ends;
mod lead;
#[cfg(test)]
mod tests;
mod warned;

use std::collections::BTreeMap;
use std::time::Duration;

use common::clock::UnixMicros;
use common::ids::{Epoch, NodeId, TestId};
use common::plan::Plan;
use common::wire::DriverState;

pub use choose::{ClassicRules, choose, count_of, delay_of};
pub use doubtful::is_doubtful;
pub use warned::{since_trigger, warnings};

use crate::model::TestState;
use crate::now::Now;
use crate::participant::{EndedBy, PartSeen, Participant};
use crate::refusal::CommandError;
use crate::registry::NodeFacts;

/// After a stop: how long drivers have to tell their last windows.
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// In a timeline: the trigger was published.
const RUNNING: &str = "running";

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

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Publish the config of this revision.
    PublishConfig {
        /// Counts from 1.
        revision: u32,
    },
    /// Publish the trigger.
    PublishTrigger {
        /// Unix ms; where classic drivers alone take part they ignore it.
        start_at_ms: u64,
        /// Of which config.
        revision: u32,
    },
    /// Publish the stop.
    PublishStop,
    /// The barrier is decided: answer whoever triggered.
    Answer(Result<(), CommandError>),
    /// The state is another, or something worth storing happened.
    Note {
        /// In a word with underscores.
        what: &'static str,
        /// A sentence, or nothing.
        detail: String,
    },
    /// A participant's part is over without its own word.
    PartEnded(NodeId, Option<Epoch>, EndedBy),
    /// A lost participant is back.
    PartBack(NodeId, Option<Epoch>),
    /// A classic driver sends heartbeats and has sent no report yet.
    Silent(NodeId),
    /// A classic driver did not receive the trigger.
    Deaf(NodeId),
    /// Other drivers take part than those that the trigger chose.
    Rechosen,
    /// The test is over; judge it.
    Finish,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Configured,
    /// Classic drivers are not known for long enough; looked at since.
    Acquainting {
        since: Option<Duration>,
    },
    /// The config is out since.
    Barrier {
        since: Duration,
    },
    /// All are ready; the classic ones need time.
    Gap {
        until: Duration,
    },
    /// After a restart: whether the trigger was published is not known yet (`doubtful`).
    Doubtful {
        resumed_at: Duration,
        /// Since when every driver that is here shows that it does not run the test.
        idle_since: Option<Duration>,
        at: Duration,
        at_us: UnixMicros,
    },
    /// The trigger is out.
    Started {
        at: Duration,
        at_us: UnixMicros,
    },
    /// A stop is out since.
    Stopping {
        since: Duration,
        at_us: Option<UnixMicros>,
    },
    Finished,
}

/// One test's life.
#[derive(Debug)]
pub struct Lifecycle {
    test_id: TestId,
    plan: Plan,
    rules: Rules,
    phase: Phase,
    revision: u32,
    participants: Vec<Participant>,
    stopped_by: Option<String>,
    /// When its config went out, in this life of the orchestrator: from then on a classic driver may be at it.
    configured_at: Option<Duration>,
    /// From the trigger to the start.
    lead: Duration,
    /// When a driver last said, at this barrier, that it looks up the target's name.
    resolving_at: Option<Duration>,
    /// Classic drivers have heard of it: it cannot be as if nothing had happened.
    classic_heard: bool,
    /// Classic drivers that went on after their end and received a stop, and when.
    runaways: BTreeMap<NodeId, Duration>,
    /// Since when no driver of ours has a part that goes on.
    ours_done_at: Option<Duration>,
    /// Our drivers that are in touch and owe windows, and since when.
    owing: BTreeMap<(NodeId, Option<Epoch>), Duration>,
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
            resolving_at: None,
            classic_heard: false,
            runaways: BTreeMap::new(),
            ours_done_at: None,
            owing: BTreeMap::new(),
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

    /// The same, where it was stopped, and its drivers may not have reported their last windows.
    pub fn stopping(self, by: &str, now: Now) -> Self {
        let phase = Phase::Stopping { since: now.elapsed, at_us: self.started_at() };
        Self { phase, stopped_by: Some(by.to_owned()), ..self }
    }

    /// The same, where it is not known whether the trigger was published.
    pub fn doubtful(self, now: Now) -> Self {
        match self.phase {
            Phase::Started { at, at_us } => {
                let phase = Phase::Doubtful { resumed_at: now.elapsed, idle_since: None, at, at_us };
                Self { phase, ..self }
            }
            _ => self,
        }
    }

    /// Which test.
    pub fn test_id(&self) -> &TestId {
        &self.test_id
    }

    /// What it does.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Who takes part.
    pub fn participants(&self) -> &[Participant] {
        &self.participants
    }

    /// The last revision of its config.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Who or what stopped it.
    pub fn stopped_by(&self) -> Option<&str> {
        self.stopped_by.as_deref()
    }

    /// When the drivers were told to start.
    pub fn started_at(&self) -> Option<UnixMicros> {
        match self.phase {
            Phase::Started { at_us, .. } | Phase::Doubtful { at_us, .. } => Some(at_us),
            Phase::Stopping { at_us, .. } => at_us,
            _ => None,
        }
    }

    /// Where in its life it is; `nodes` tell whether anyone still sends.
    pub fn state(&self, now: Now, nodes: &[NodeFacts]) -> TestState {
        match self.phase {
            Phase::Configured => TestState::Configured,
            Phase::Acquainting { .. } | Phase::Barrier { .. } | Phase::Gap { .. } => TestState::Starting,
            Phase::Doubtful { .. } => TestState::Starting,
            Phase::Started { at, .. } if now.elapsed < at => TestState::Starting,
            Phase::Started { .. } if self.all_drain(nodes) => TestState::Draining,
            Phase::Started { .. } => TestState::Running,
            Phase::Stopping { .. } => TestState::Draining,
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

    /// Whether it stands at its barrier, or started less than a second ago.
    pub fn begins(&self, now: Now) -> bool {
        match self.phase {
            Phase::Acquainting { .. } | Phase::Barrier { .. } => true,
            Phase::Started { at, .. } => now.elapsed < at + Duration::from_secs(1),
            _ => false,
        }
    }

    /// Whether drivers may be at it: a second test has to wait.
    pub fn is_under_way(&self) -> bool {
        !matches!(self.phase, Phase::Configured | Phase::Finished)
    }

    /// Someone triggers it. The answer comes as [`Effect::Answer`], unless it is an error at once.
    ///
    /// # Errors
    /// Where its state forbids it, or the drivers it wants cannot take part.
    pub fn trigger(&mut self, nodes: &[NodeFacts]) -> Result<(), CommandError> {
        if self.phase == Phase::Finished {
            return Err(CommandError::Conflict(format!("test {} is finished", self.test_id)));
        }
        self.participants = choose(&self.plan, nodes, &self.rules.classic)?;
        self.phase = Phase::Acquainting { since: None };
        Ok(())
    }

    /// Someone stops it.
    pub fn stop(&mut self, by: &str, now: Now) -> Vec<Effect> {
        let note = Effect::Note { what: "stopped", detail: by.to_owned() };
        let aborted = || CommandError::Conflict("the test was stopped before it started".to_owned());
        match self.phase {
            Phase::Finished | Phase::Stopping { .. } => Vec::new(),
            Phase::Configured => {
                self.stopped_by = Some(by.to_owned());
                self.phase = Phase::Finished;
                vec![note, Effect::Finish]
            }
            Phase::Acquainting { .. } => {
                self.stopped_by = Some(by.to_owned());
                self.phase = Phase::Finished;
                vec![note, Effect::Answer(Err(aborted())), Effect::Finish]
            }
            Phase::Barrier { .. } | Phase::Gap { .. } => {
                self.stopped_by = Some(by.to_owned());
                self.phase = Phase::Finished;
                vec![Effect::PublishStop, note, Effect::Answer(Err(aborted())), Effect::Finish]
            }
            Phase::Started { at_us, .. } | Phase::Doubtful { at_us, .. } => {
                self.stopped_by = Some(by.to_owned());
                self.phase = Phase::Stopping { since: now.elapsed, at_us: Some(at_us) };
                vec![Effect::PublishStop, note]
            }
        }
    }

    /// The config is on Kafka: the drivers' time to answer, and the classic ones' to listen, begins now.
    pub fn config_published(&mut self, now: Now) {
        if let Phase::Barrier { since } = &mut self.phase {
            *since = now.elapsed;
        }
    }

    /// What could not be published ends the barrier.
    pub fn publishing_failed(&mut self, why: CommandError) -> Vec<Effect> {
        if matches!(self.phase, Phase::Finished | Phase::Configured | Phase::Stopping { .. }) {
            return Vec::new();
        }
        self.barrier_failed(why)
    }

    /// Looks at everything again and says what is to be done now.
    pub fn step(&mut self, now: Now, nodes: &[NodeFacts], parts: &[PartSeen]) -> Vec<Effect> {
        match self.phase {
            Phase::Configured | Phase::Finished => Vec::new(),
            Phase::Acquainting { since } => self.acquaint(since.unwrap_or(now.elapsed), now, nodes),
            Phase::Barrier { since } => self.barrier(since, now, nodes),
            Phase::Gap { until } if now.elapsed < until => Vec::new(),
            Phase::Gap { .. } => self.start(now, nodes),
            Phase::Doubtful { .. } => self.doubt(now, nodes, parts),
            Phase::Started { at, .. } => {
                let mut effects = ends::look(self, now, now.elapsed.saturating_sub(at), nodes, parts);
                let finish = self.finish_if_over(parts, &effects);
                if !finish.is_empty() && ends::leaves_a_load_behind(nodes, parts, &effects) {
                    effects.push(Effect::PublishStop);
                }
                effects.extend(finish);
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
                effects.extend(self.finish_if_over(parts, &effects));
                effects
            }
        }
    }

    fn finish_if_over(&mut self, parts: &[PartSeen], effects: &[Effect]) -> Vec<Effect> {
        let ends_now = |part: &PartSeen| {
            effects.iter().any(|effect| {
                matches!(effect, Effect::PartEnded(node, epoch, _) if *node == part.node_id && *epoch == part.epoch)
            })
        };
        let back = effects.iter().any(|effect| matches!(effect, Effect::PartBack(..)));
        let over = parts.iter().all(|part| part.ended_by.is_some() || ends_now(part));
        if !over || back || parts.is_empty() {
            return Vec::new();
        }
        self.phase = Phase::Finished;
        vec![Effect::Finish]
    }
}
