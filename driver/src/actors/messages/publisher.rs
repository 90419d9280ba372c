//! What the publisher receives, and its handle.

use actix::{Actor, Addr, Context, Handler, Message, Recipient};
use common::ids::TestId;
use common::wire::{ClassicMetrics, Window};

use super::{NodeEnding, send};

/// A window of this driver is complete, its seq the seconds since `start_at`.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct WindowClosed {
    pub test_id: TestId,
    /// The window, with cumulative counters; the last one is final and has the ending.
    pub window: Box<Window>,
    /// The classic figures: of `response`, over the test so far.
    pub classic: ClassicMetrics,
}

/// Answers once every window is stored and Kafka has it. The sender sets a time limit if it needs one.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct FlushWindows;

/// Asks for the publisher's counters.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "PublisherStats")]
pub struct GetPublisherStats;

/// What became of the windows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PublisherStats {
    /// Windows that the load generator closed.
    pub closed: u64,
    /// Windows that Kafka has.
    pub published: u64,
    /// Attempts that Kafka did not take, each made again.
    pub publish_failures: u64,
    /// Writes that the store did not take, each made again.
    pub store_failures: u64,
    /// Windows that could be kept nowhere: the store cannot be written and memory's bound is reached.
    pub lost: u64,
    /// Windows in memory that wait for Kafka.
    pub waiting: u64,
    /// Busiest worker's share of the last window that was not waiting, 0 to 1.
    pub busy: f64,
}

/// Sends to the publisher.
#[derive(Clone)]
pub struct PublisherHandle {
    closed: Recipient<WindowClosed>,
    flush: Recipient<FlushWindows>,
    stats: Recipient<GetPublisherStats>,
}

impl PublisherHandle {
    /// Of the publisher, or of a stub.
    pub fn of<A>(publisher: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>>
            + Handler<WindowClosed>
            + Handler<FlushWindows>
            + Handler<GetPublisherStats>,
    {
        Self {
            closed: publisher.clone().recipient(),
            flush: publisher.clone().recipient(),
            stats: publisher.clone().recipient(),
        }
    }

    /// Sends a window that is complete; the result comes once the publisher has it, before Kafka has it.
    pub fn window_closed(
        &self,
        test_id: TestId,
        window: Box<Window>,
        classic: ClassicMetrics,
    ) -> impl Future<Output = Result<(), NodeEnding>> + use<> {
        send(&self.closed, WindowClosed { test_id, window, classic })
    }

    /// Waits until every window is stored and Kafka has it.
    pub fn flush(&self) -> impl Future<Output = Result<(), NodeEnding>> + use<> {
        send(&self.flush, FlushWindows)
    }

    /// What became of the windows.
    pub fn stats(&self) -> impl Future<Output = Result<PublisherStats, NodeEnding>> + use<> {
        send(&self.stats, GetPublisherStats)
    }
}
