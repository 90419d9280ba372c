//! The test manager as its peers use it: clients command tests, and the intake reports what they depend on.

use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, MailboxError, Recipient};
use common::ids::TestId;
use common::plan::Plan;

use super::{
    ChangeRate, CopyTest, CreateTest, DeleteTest, GetTest, KafkaReached, StopTest, StoreChanged, TriggerTest,
};
use crate::actors::Gone;
use crate::model::TestView;
use crate::ran_on::RanOn;
use crate::refusal::CommandError;

/// The answer to a command; an actor that has stopped does not answer.
fn answered(answer: Result<Result<TestView, CommandError>, MailboxError>) -> Result<TestView, CommandError> {
    answer.unwrap_or(Err(CommandError::Stopped))
}

/// Commands of clients. Made of the address of a [`TestManagerActor`](super::TestManagerActor), or of a stub in a test.
#[derive(Debug, Clone)]
pub struct TestsHandle {
    create: Recipient<CreateTest>,
    copy: Recipient<CopyTest>,
    trigger: Recipient<TriggerTest>,
    stop: Recipient<StopTest>,
    rate: Recipient<ChangeRate>,
    get: Recipient<GetTest>,
    delete: Recipient<DeleteTest>,
}

impl TestsHandle {
    pub fn of<A>(actor: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>>
            + Handler<CreateTest>
            + Handler<CopyTest>
            + Handler<TriggerTest>
            + Handler<StopTest>
            + Handler<ChangeRate>
            + Handler<GetTest>
            + Handler<DeleteTest>,
    {
        Self {
            create: actor.clone().recipient::<CreateTest>(),
            copy: actor.clone().recipient::<CopyTest>(),
            trigger: actor.clone().recipient::<TriggerTest>(),
            stop: actor.clone().recipient::<StopTest>(),
            rate: actor.clone().recipient::<ChangeRate>(),
            get: actor.clone().recipient::<GetTest>(),
            delete: actor.clone().recipient::<DeleteTest>(),
        }
    }

    /// Creates a test from a plan ([`CreateTest`]).
    ///
    /// # Errors
    /// Where the plan cannot be run here or is not stored, or the actor has stopped.
    pub async fn create(&self, plan: Plan) -> Result<TestView, CommandError> {
        answered(self.create.send(CreateTest(plan)).await)
    }

    /// Creates a test with the plan of another one ([`CopyTest`]).
    ///
    /// # Errors
    /// Where there is no such test, this version cannot run its plan, the name is wrong, or the actor has stopped.
    pub async fn copy(&self, from: TestId, name: Option<String>) -> Result<TestView, CommandError> {
        answered(self.copy.send(CopyTest { from, name }).await)
    }

    /// Starts a test; waits up to `wait` for the end of another one that is under way ([`TriggerTest`]).
    ///
    /// # Errors
    /// Where it cannot start now, or the actor has stopped.
    pub async fn trigger(&self, test_id: TestId, wait: Duration) -> Result<TestView, CommandError> {
        answered(self.trigger.send(TriggerTest { test_id, wait }).await)
    }

    /// Stops a test ([`StopTest`]).
    ///
    /// # Errors
    /// Where there is no such test, or the actor has stopped.
    pub async fn stop(&self, test_id: TestId) -> Result<TestView, CommandError> {
        answered(self.stop.send(StopTest(test_id)).await)
    }

    /// Changes the rate of a test that runs ([`ChangeRate`]).
    ///
    /// # Errors
    /// Where there is no such test, its rate cannot be changed, or the actor has stopped.
    pub async fn change_rate(&self, test_id: TestId, rate_per_s: f64) -> Result<TestView, CommandError> {
        answered(self.rate.send(ChangeRate { test_id, rate_per_s }).await)
    }

    /// The test, live or from the store ([`GetTest`]).
    ///
    /// # Errors
    /// Where there is no such test or it cannot be read, or the actor has stopped.
    pub async fn get(&self, test_id: TestId) -> Result<TestView, CommandError> {
        answered(self.get.send(GetTest(test_id)).await)
    }

    /// Removes a test that is not under way ([`DeleteTest`]).
    ///
    /// # Errors
    /// Where there is no such test or it is under way, or the actor has stopped.
    pub async fn delete(&self, test_id: TestId) -> Result<TestView, CommandError> {
        answered(self.delete.send(DeleteTest(test_id)).await)
    }
}

/// What the intake reports to the manager. Made of the address of a [`TestManagerActor`](super::TestManagerActor).
#[derive(Debug, Clone)]
pub struct ManagerHandle {
    reached: Recipient<KafkaReached>,
    store: Recipient<StoreChanged>,
}

impl ManagerHandle {
    /// Reports to this actor.
    pub fn of<A>(actor: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<KafkaReached> + Handler<StoreChanged>,
    {
        Self {
            reached: actor.clone().recipient::<KafkaReached>(),
            store: actor.clone().recipient::<StoreChanged>(),
        }
    }

    /// Reports that Kafka answered, and returns when the manager knows it ([`KafkaReached`]).
    ///
    /// # Errors
    /// Where the actor has stopped.
    pub async fn kafka_reached(&self, kafka: Option<RanOn>) -> Result<(), Gone> {
        Ok(self.reached.send(KafkaReached(kafka)).await?)
    }

    /// Reports without waiting why the store refuses records, or (`None`) that it accepts them again
    /// ([`StoreChanged`]); false if the mailbox is full or closed, and the report is dropped.
    #[must_use = "a report that was dropped is logged"]
    pub fn offer_store_changed(&self, trouble: Option<String>) -> bool {
        self.store.try_send(StoreChanged(trouble)).is_ok()
    }
}
