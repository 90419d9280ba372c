//! Writes every window to the store and to Kafka, in order, however long Kafka is unreachable.

mod writers;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Context, Handler, ResponseFuture};
use common::ids::NodeId;
use common::kafka::Producer;
use common::ordered::Ordered;
use common::wire::{Metrics, Outbound};
use tokio::sync::{mpsc, oneshot};

use super::messages::kafka_link::LinkUp;
use super::messages::manager::ManagerHandle;
use super::messages::publisher::{FlushWindows, GetPublisherStats, PublisherStats, WindowClosed};
use super::messages::store::StoreHandle;
use crate::outbox::{Outbox, Unstored};
use crate::store::{StoredWindow, WindowKey};

use writers::{Done, Writers};

/// Windows that may wait to be taken: four minutes of them.
const MAILBOX: usize = 256;
/// Between two attempts at what failed.
const RETRY: Duration = Duration::from_secs(1);
/// Of failures of the store in a row, one in so many is logged.
const LOG_EVERY: u32 = 30;

/// Publishes windows, each until Kafka has it.
///
/// - owns: the windows that Kafka or the store do not have yet, in an [`Outbox`]; past 128 of them the store alone has
///   those for Kafka.
/// - receives: [`WindowClosed`], [`LinkUp`], [`FlushWindows`], [`GetPublisherStats`].
/// - sends: records to the producer, one at a time; to the store, one message at a time, [`StoreHandle::save`], and
///   [`StoreHandle::unpublished`] for what was measured before this process started, or did not fit in memory;
///   [`ManagerHandle::final_published`] when Kafka has a test's last window.
/// - on failure: tries again every second, for ever; a window that neither memory nor the store can keep is
///   lost, counted and logged.
/// - mailbox bound: 256 windows.
pub struct PublisherActor {
    asked: Ordered<Asked>,
}

/// What the task is asked for.
enum Asked {
    Closed(WindowClosed),
    LinkUp,
    Flush(oneshot::Sender<()>),
    Stats(oneshot::Sender<PublisherStats>),
}

impl PublisherActor {
    /// A publisher that has yet to look at what an earlier process left in the store.
    pub fn new(node_id: NodeId, kafka: Producer, store: StoreHandle, manager: ManagerHandle) -> Self {
        let publisher = Publisher {
            node_id,
            manager,
            outbox: Outbox::default(),
            link_up: false,
            waiting: Vec::new(),
            stats: PublisherStats::default(),
        };
        Self { asked: Ordered::new(MAILBOX, |asked| publisher.run(asked, store, kafka)) }
    }
}

/// What the task owns.
struct Publisher {
    node_id: NodeId,
    manager: ManagerHandle,
    outbox: Outbox,
    link_up: bool,
    /// Who waits until nothing is left.
    waiting: Vec<oneshot::Sender<()>>,
    stats: PublisherStats,
}

impl Publisher {
    async fn run(mut self, mut asked: mpsc::Receiver<Asked>, store: StoreHandle, kafka: Producer) {
        let (mut writers, work) = Writers::new(store, kafka);
        let lead = async move {
            loop {
                self.hand_out(&writers);
                tokio::select! {
                    asked = asked.recv() => match asked {
                        Some(asked) => self.take(asked),
                        None => return,
                    },
                    Some(done) = writers.done.recv() => self.note(done),
                }
            }
        };
        tokio::join!(lead, work);
    }

    /// Hands out what can be done next, one thing at the store and one at Kafka.
    fn hand_out(&mut self, writers: &Writers) {
        if let Some(work) = self.outbox.next_for_store() {
            writers.to_store(work);
        }
        if self.link_up
            && let Some(window) = self.outbox.next_for_kafka()
        {
            writers.to_kafka(window);
        }
        if self.outbox.is_done() {
            for waiting in self.waiting.drain(..) {
                // The receiver may have timed out: then there is nothing to do.
                let _ = waiting.send(());
            }
        }
    }

    fn take(&mut self, asked: Asked) {
        match asked {
            Asked::Closed(closed) => self.closed(closed),
            Asked::LinkUp => self.link_up = true,
            Asked::Flush(waiting) => self.waiting.push(waiting),
            Asked::Stats(answer) => {
                let waiting = self.outbox.waiting() as u64;
                let _ = answer.send(PublisherStats { waiting, ..self.stats });
            }
        }
    }

    fn closed(&mut self, closed: WindowClosed) {
        self.stats.closed += 1;
        let window = closed.window;
        self.stats.busy = window.busy;
        let (epoch, seq, from_us) = (window.epoch, window.seq, window.from_us);
        let key = WindowKey { test_id: closed.test_id.clone(), epoch, seq, from_us };
        // Unique even if an id is used again within one process's life: classic orchestrators do that.
        let report_id = format!("{}:{}:{epoch}:{seq}:{from_us}", key.test_id, self.node_id);
        let is_final = window.is_final;
        let metrics = Metrics {
            node_id: self.node_id.clone(),
            test_id: Some(closed.test_id),
            report_id: Some(report_id),
            classic: closed.classic,
            ours: Some(window),
        };
        let record = match Outbound::Metrics(Box::new(metrics)).write() {
            Ok(record) => Arc::new(record),
            Err(error) => {
                self.stats.lost += 1;
                log::error!(test_id:% = key.test_id, seq = key.seq, error:%; "window lost");
                return;
            }
        };
        if let Some(Unstored { key, lost }) = self.outbox.closed(StoredWindow { key, is_final, record }) {
            self.stats.lost += u64::from(lost);
            log::error!(test_id:% = key.test_id, seq = key.seq, lost; "window not stored");
        }
    }

    fn note(&mut self, done: Done) {
        match done {
            Done::Saved => self.outbox.saved(),
            Done::Loaded(windows) => {
                if !windows.is_empty() {
                    log::info!(n_windows = windows.len(); "windows found in the store that kafka does not have");
                }
                self.outbox.loaded(windows);
            }
            Done::StoreFailed => {
                self.stats.store_failures += 1;
                self.outbox.store_failed();
            }
            Done::Published => {
                self.stats.published += 1;
                if let Some(StoredWindow { key, is_final: true, .. }) = self.outbox.published() {
                    self.manager.final_published(key.test_id, key.epoch);
                }
            }
            Done::NotPublished => {
                self.stats.publish_failures += 1;
                self.outbox.kafka_failed();
            }
        }
    }
}

impl Actor for PublisherActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.asked.start(ctx);
    }
}

impl Handler<WindowClosed> for PublisherActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, closed: WindowClosed, _: &mut Self::Context) -> Self::Result {
        self.asked.put(Asked::Closed(closed))
    }
}

impl Handler<LinkUp> for PublisherActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: LinkUp, _: &mut Self::Context) -> Self::Result {
        // Its sender does not wait, but it comes only when a Kafka is joined.
        self.asked.put(Asked::LinkUp)
    }
}

impl Handler<FlushWindows> for PublisherActor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: FlushWindows, _: &mut Self::Context) -> Self::Result {
        self.asked.ask(Asked::Flush, ())
    }
}

impl Handler<GetPublisherStats> for PublisherActor {
    type Result = ResponseFuture<PublisherStats>;

    fn handle(&mut self, _: GetPublisherStats, _: &mut Self::Context) -> Self::Result {
        self.asked.ask(Asked::Stats, PublisherStats::default())
    }
}

#[cfg(test)]
mod tests;
