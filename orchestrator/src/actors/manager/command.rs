//! What the manager's task is asked to do, and how it answers. `TestManagerActor` turns messages into commands.

use std::time::Duration;

use common::ids::TestId;
use common::plan::Plan;
use tokio::sync::oneshot;

use crate::model::TestView;
use crate::ran_on::RanOn;
use crate::refusal::CommandError;

/// Takes the answer to a command.
pub type Answer = oneshot::Sender<Result<TestView, CommandError>>;

/// What is asked for.
pub enum Command {
    Create(Box<Plan>),
    /// A test with the plan of that one, and with a name of its own.
    Copy(TestId, Option<String>),
    /// And how long it waits for the end of the test that is under way.
    Trigger(TestId, Duration),
    Stop(TestId),
    /// To so many requests or sessions a second.
    ChangeRate(TestId, f64),
    Get(TestId),
    Delete(TestId),
    StoreChanged(Option<String>),
    KafkaReached(Option<RanOn>),
}

/// A command, and the channel for its answer.
pub struct Asked {
    pub command: Command,
    pub answer: Answer,
}
