//! What the test manager receives from the driver's other actors.

use actix::Message;
use common::counters::Counters;
use common::ids::{Epoch, TestId};

/// From the aggregator: all workers are done and the final window has been handed out.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct LoadEnded {
    /// Which test.
    pub test_id: TestId,
    /// All of it.
    pub counters: Counters,
    /// Why it ended early, where it did.
    pub cut_short: Option<String>,
}

/// From the publisher: Kafka has the final window of a test.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct FinalPublished {
    /// Which test.
    pub test_id: TestId,
    /// Which life of the driver measured it: what an earlier one left behind is published, too.
    pub epoch: Epoch,
}

/// The driver leaves: ends its test; answers when its final window is out.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Leave;
