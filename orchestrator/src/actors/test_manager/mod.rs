//! Tests from plan to verdict: one at a time is under way.

mod handle;

use std::time::Duration;

use actix::{Actor, Context, Handler, Message, ResponseFuture};
use common::ids::TestId;
use common::ordered::Ordered;
use common::plan::Plan;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

pub use self::handle::{ManagerHandle, TestsHandle};
use super::manager::{Asked, Command, Manager, ManagerLinks, ManagerSettings};
use crate::model::TestView;
use crate::ran_on::RanOn;
use crate::refusal::CommandError;

/// Commands that may wait: each is a person's or a program's call.
const MAILBOX: usize = 256;

/// Checks that a plan can be run by an orchestrator at all, and stores it as a test in state `configured`.
#[derive(Debug, Message)]
#[rtype(result = "Result<TestView, CommandError>")]
pub struct CreateTest(pub Plan);

/// Creates a test with the plan that the store has of another one, secrets included.
#[derive(Debug, Message)]
#[rtype(result = "Result<TestView, CommandError>")]
pub struct CopyTest {
    pub from: TestId,
    /// The new test's name; `None`: that of the other one.
    pub name: Option<String>,
}

/// Publishes the config, waits for every chosen driver's `ready`, publishes the trigger. Answers when the
/// barrier is decided; repeating it for a test that starts or runs changes nothing.
#[derive(Debug, Message)]
#[rtype(result = "Result<TestView, CommandError>")]
pub struct TriggerTest {
    pub test_id: TestId,
    /// How long it waits for the end of another test that is under way; zero: not at all.
    pub wait: Duration,
}

/// Stops a test; repeating it changes nothing.
#[derive(Debug, Message)]
#[rtype(result = "Result<TestView, CommandError>")]
pub struct StopTest(pub TestId);

/// Changes the rate of a test that runs, to so many requests a second, or sessions where its plan has several requests;
/// repeating it changes nothing.
#[derive(Debug, Message)]
#[rtype(result = "Result<TestView, CommandError>")]
pub struct ChangeRate {
    pub test_id: TestId,
    /// Above zero.
    pub rate_per_s: f64,
}

/// Removes a test that was never started, or is finished, with all that was stored of it. Answers with the test as it
/// was.
#[derive(Debug, Message)]
#[rtype(result = "Result<TestView, CommandError>")]
pub struct DeleteTest(pub TestId);

/// The test, live or from the store.
#[derive(Debug, Message)]
#[rtype(result = "Result<TestView, CommandError>")]
pub struct GetTest(pub TestId);

/// How far the manager has got with the tests of the previous process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TakenUp {
    /// It has just started.
    Begun,
    /// Those that cannot go on are closed.
    Closed,
    /// The one that can go on is counted again from the store. Records read from Kafka before that would not count for
    /// it.
    Resumed,
}

/// Answered when the manager has reached that point.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct AwaitTakenUp(pub TakenUp);

/// Kafka answered, and the store knows where reading begins; `None`: the cluster has no id. Answered when the manager
/// knows it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct KafkaReached(pub Option<RanOn>);

/// The store refuses records, with the reason, or (`None`) accepts them again.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct StoreChanged(pub Option<String>);

/// Runs tests.
///
/// - owns: the life of the test that is under way, in one task that does one thing after the other (`manager`).
/// - receives: [`CreateTest`], [`CopyTest`], [`TriggerTest`], [`StopTest`], [`ChangeRate`], [`GetTest`], [`DeleteTest`],
///   [`AwaitTakenUp`], [`StoreChanged`], [`KafkaReached`].
/// - sends: what [`ManagerLinks`] names: records to Kafka, tests to the store, changes to the listeners.
/// - on failure: if Kafka refuses a record, the barrier fails. If the store refuses a new test, the caller gets the
///   error; if it refuses a report, the report is held in memory with a warning and stored later.
/// - mailbox bound: 256.
pub struct TestManagerActor {
    commands: Ordered<Asked>,
    taken_up: watch::Sender<TakenUp>,
}

impl TestManagerActor {
    /// A manager that sends through these links.
    pub fn new(links: ManagerLinks, settings: ManagerSettings) -> Self {
        let (manager, taken_up) = (Manager::new(links, settings), watch::Sender::new(TakenUp::Begun));
        Self { commands: Ordered::new(MAILBOX, |asked| lead(manager, taken_up.clone(), asked)), taken_up }
    }

    fn ask(&self, command: Command) -> ResponseFuture<Result<TestView, CommandError>> {
        let (answer, answered) = oneshot::channel();
        let has_room = self.commands.offer(Asked { command, answer });
        Box::pin(async move {
            if !has_room {
                return Err(CommandError::Internal("too many commands wait".to_owned()));
            }
            answered.await.unwrap_or_else(|_| Err(CommandError::Internal("the node is ending".to_owned())))
        })
    }
}

impl Actor for TestManagerActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX);
        self.commands.start(context);
    }
}

/// Takes up the tests of the previous process; then does commands, and looks at the test that is under way.
async fn lead(mut manager: Manager, taken_up: watch::Sender<TakenUp>, mut asked: mpsc::Receiver<Asked>) {
    manager.close_orphans().await;
    taken_up.send_replace(TakenUp::Closed);
    manager.resume().await;
    taken_up.send_replace(TakenUp::Resumed);
    let mut looked = Instant::now();
    loop {
        let look = looked + manager.look_again_in();
        tokio::select! {
            asked = asked.recv() => match asked {
                Some(Asked { command, answer }) => manager.command(command, answer).await,
                None => return,
            },
            () = tokio::time::sleep_until(look) => {
                looked = Instant::now();
                manager.look().await;
            }
        }
    }
}

impl Handler<CreateTest> for TestManagerActor {
    type Result = ResponseFuture<Result<TestView, CommandError>>;

    fn handle(&mut self, CreateTest(plan): CreateTest, _: &mut Self::Context) -> Self::Result {
        self.ask(Command::Create(Box::new(plan)))
    }
}

impl Handler<CopyTest> for TestManagerActor {
    type Result = ResponseFuture<Result<TestView, CommandError>>;

    fn handle(&mut self, CopyTest { from, name }: CopyTest, _: &mut Self::Context) -> Self::Result {
        self.ask(Command::Copy(from, name))
    }
}

impl Handler<TriggerTest> for TestManagerActor {
    type Result = ResponseFuture<Result<TestView, CommandError>>;

    fn handle(&mut self, trigger: TriggerTest, _: &mut Self::Context) -> Self::Result {
        self.ask(Command::Trigger(trigger.test_id, trigger.wait))
    }
}

impl Handler<StopTest> for TestManagerActor {
    type Result = ResponseFuture<Result<TestView, CommandError>>;

    fn handle(&mut self, StopTest(id): StopTest, _: &mut Self::Context) -> Self::Result {
        self.ask(Command::Stop(id))
    }
}

impl Handler<ChangeRate> for TestManagerActor {
    type Result = ResponseFuture<Result<TestView, CommandError>>;

    fn handle(&mut self, change: ChangeRate, _: &mut Self::Context) -> Self::Result {
        self.ask(Command::ChangeRate(change.test_id, change.rate_per_s))
    }
}

impl Handler<DeleteTest> for TestManagerActor {
    type Result = ResponseFuture<Result<TestView, CommandError>>;

    fn handle(&mut self, DeleteTest(id): DeleteTest, _: &mut Self::Context) -> Self::Result {
        self.ask(Command::Delete(id))
    }
}

impl Handler<GetTest> for TestManagerActor {
    type Result = ResponseFuture<Result<TestView, CommandError>>;

    fn handle(&mut self, GetTest(id): GetTest, _: &mut Self::Context) -> Self::Result {
        self.ask(Command::Get(id))
    }
}

impl Handler<AwaitTakenUp> for TestManagerActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, AwaitTakenUp(wanted): AwaitTakenUp, _: &mut Self::Context) -> Self::Result {
        let mut taken_up = self.taken_up.subscribe();
        // An error means that the manager has stopped, because the node is shutting down.
        Box::pin(async move { drop(taken_up.wait_for(|so_far| *so_far >= wanted).await) })
    }
}

impl Handler<KafkaReached> for TestManagerActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, KafkaReached(kafka): KafkaReached, _: &mut Self::Context) -> Self::Result {
        let done = self.ask(Command::KafkaReached(kafka));
        Box::pin(async move { drop(done.await) })
    }
}

impl Handler<StoreChanged> for TestManagerActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, StoreChanged(trouble): StoreChanged, _: &mut Self::Context) -> Self::Result {
        let done = self.ask(Command::StoreChanged(trouble));
        Box::pin(async move { drop(done.await) })
    }
}
