//! Triggers that wait for the end of the test that is under way. One test runs at a time. Those that wait are started
//! one after another, the oldest test first, so that a client that asks again keeps its place. A wait goes on where the
//! client hangs up, until its time is over or its test is stopped or deleted: a trigger without a wait does not depend
//! on its client either.

use std::time::Duration;

use common::clock::UnixMicros;
use common::ids::TestId;
use common::wire::DriverState;

use super::{Answer, Manager};
use crate::model::TestState;
use crate::refusal::CommandError;
use crate::registry::NodeFacts;

/// Most triggers that wait at once.
const MAX_WAITING: usize = 256;

/// How long after the end of a test its drivers may still look busy: their last window may arrive before their first
/// idle heartbeat. Idle drivers send one a second.
const UNTIL_IDLE: Duration = Duration::from_secs(5);

/// A trigger that waits.
struct Waiter {
    test_id: TestId,
    created_at: UnixMicros,
    /// For how long, and until when.
    wait: Duration,
    until: Duration,
    answer: Answer,
}

/// The triggers that wait, and the test that ended last.
#[derive(Default)]
pub struct Waiting {
    /// The oldest test first.
    queue: Vec<Waiter>,
    ended: Option<(TestId, Duration)>,
}

impl Waiting {
    /// A test ended just now.
    pub fn ended(&mut self, test_id: TestId, at: Duration) {
        self.ended = Some((test_id, at));
    }

    /// Ends the waits of a test that was stopped or deleted.
    pub fn cancel(&mut self, test_id: &TestId, what: &str) {
        for waiter in self.take_of(test_id) {
            let why = format!("test {test_id} was {what} before it started");
            let _ = waiter.answer.send(Err(CommandError::Conflict(why)));
        }
    }

    fn take_of(&mut self, test_id: &TestId) -> Vec<Waiter> {
        self.queue.extract_if(.., |waiter| waiter.test_id == *test_id).collect()
    }

    fn take_expired(&mut self, now: Duration) -> Vec<Waiter> {
        self.queue.extract_if(.., |waiter| waiter.until <= now).collect()
    }

    fn join(&mut self, waiter: Waiter) {
        let age = |waiter: &Waiter| (waiter.created_at, waiter.test_id.to_string());
        let place = self.queue.partition_point(|other| age(other) <= age(&waiter));
        self.queue.insert(place, waiter);
    }

    /// Whether a driver looks as if it were still at the test that ended last.
    fn drivers_look_busy(&self, now: Duration, nodes: &[NodeFacts]) -> bool {
        let Some((ended, at)) = &self.ended else { return false };
        let at_it = |node: &NodeFacts| {
            let busy = matches!(node.state, Some(DriverState::Running | DriverState::Draining));
            node.is_alive() && busy && node.test_id.as_ref() == Some(ended)
        };
        now.saturating_sub(*at) < UNTIL_IDLE && nodes.iter().any(at_it)
    }
}

impl Manager {
    /// Starts a test, or lets it wait up to that long for the active one to end.
    pub(super) async fn asked_to_start(&mut self, id: TestId, wait: Duration, answer: Answer) {
        let is_active = self.active.as_ref().is_some_and(|active| *active.life.test_id() == id);
        if wait.is_zero() || is_active {
            return self.start(&id, answer).await;
        }
        match self.waiter(&id).await {
            Ok(created_at) => {
                let until = self.settings.clock.now().elapsed.saturating_add(wait);
                self.waiting.join(Waiter { test_id: id, created_at, wait, until, answer });
            }
            Err(error) => drop(answer.send(Err(error))),
        }
    }

    /// When a test that may wait was created; why it may not.
    async fn waiter(&self, id: &TestId) -> Result<UnixMicros, CommandError> {
        let stored = self.load(id).await?;
        if stored.state == TestState::Finished {
            return Err(super::is_finished(id));
        }
        if self.waiting.queue.len() >= MAX_WAITING {
            let why = format!("{MAX_WAITING} triggers wait already: try again later");
            return Err(CommandError::NotReady(why));
        }
        Ok(stored.created_at)
    }

    /// Triggers a test now. The answer comes when the barrier is decided, or at once.
    async fn start(&mut self, id: &TestId, answer: Answer) {
        let answered = match self.trigger(id).await {
            Ok(Some(view)) => Ok(view),
            Ok(None) => {
                if let Some(active) = &mut self.active {
                    active.waiting.push(answer);
                }
                return self.look_once().await;
            }
            Err(error) => Err(error),
        };
        // The caller may have stopped waiting.
        let _ = answer.send(answered);
    }

    /// Starts the test that waits longest, where none is under way, and answers those whose time is over.
    pub(super) async fn serve_waiting(&mut self) {
        if self.waiting.queue.is_empty() {
            return;
        }
        while self.active.is_none() && !self.waiting.queue.is_empty() {
            let nodes = self.links.registry.facts().await;
            let now = self.settings.clock.now().elapsed;
            // Without an answer the trigger itself fails, and its caller receives the error.
            if self.unless_ending(nodes).is_some_and(|nodes| self.waiting.drivers_look_busy(now, &nodes)) {
                return;
            }
            let first = self.waiting.queue.remove(0);
            let same = self.waiting.take_of(&first.test_id);
            for Waiter { test_id, answer, .. } in std::iter::once(first).chain(same) {
                self.start(&test_id, answer).await;
            }
        }
        let Some(active) = &self.active else { return };
        let running = active.life.test_id().clone();
        for waiter in self.waiting.take_expired(self.settings.clock.now().elapsed) {
            let error = CommandError::UnderWay { test_id: running.clone(), waited: waiter.wait };
            let _ = waiter.answer.send(Err(error));
        }
    }
}
