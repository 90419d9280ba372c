//! Writes every window to the store and to Kafka, in order, however long Kafka is unreachable.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, MessageResult, Recipient, WrapFuture};
use common::ids::NodeId;
use common::kafka::Publish;
use common::wire::{Metrics, Outbound};
use tokio::sync::oneshot;

use super::messages::kafka_link::LinkUp;
use super::messages::manager::ManagerHandle;
use super::messages::publisher::{FlushWindows, GetPublisherStats, PublisherStats, WindowClosed};
use super::messages::store::StoreHandle;
use crate::store::{Batch, StoredWindow, WindowKey};

/// Windows that may wait to be taken: four minutes of them.
const MAILBOX: usize = 256;
/// Most windows kept in memory for Kafka; past that they come from the store.
const IN_MEMORY: usize = 128;
/// Most windows kept in memory for a store that cannot be written.
const UNSAVED: usize = 1_024;
/// Most windows in one transaction, and in one reading.
const BATCH: usize = 64;
/// Between two attempts at what failed.
const RETRY: Duration = Duration::from_secs(1);
/// Of failures of the store in a row, one in so many is logged.
const LOG_EVERY: u32 = 30;

/// Publishes windows, each until Kafka has it.
///
/// - owns: the windows that Kafka or the store do not have yet; past 128 of them the store alone does.
/// - receives: [`WindowClosed`], [`LinkUp`], [`FlushWindows`], [`GetPublisherStats`].
/// - sends: [`Publish`], one at a time; to the store, one message at a time, [`StoreHandle::save`], and
///   [`StoreHandle::unpublished`] for what was measured before this process started, or did not fit in memory;
///   [`ManagerHandle::final_published`] when Kafka has a test's last window.
/// - on failure: tries again every second, for ever; a window that neither memory nor the store can keep is
///   lost, counted and logged.
/// - mailbox bound: 256 windows.
pub struct PublisherActor {
    node_id: NodeId,
    publish: Recipient<Publish>,
    store: StoreHandle,
    manager: ManagerHandle,
    /// For Kafka, the oldest first.
    to_publish: VecDeque<StoredWindow>,
    to_save: VecDeque<StoredWindow>,
    /// Windows that Kafka has, and that the store has not marked as published yet.
    published: Vec<WindowKey>,
    /// The store holds windows for Kafka that `to_publish` does not: new ones must wait behind them.
    behind: bool,
    /// Something was given to the store since it was last asked for what is unpublished.
    grown: bool,
    publishing: bool,
    at_store: bool,
    /// Writes in a row that the store did not take.
    failing: u32,
    link_up: bool,
    waiting: Vec<oneshot::Sender<()>>,
    stats: PublisherStats,
}

impl PublisherActor {
    /// A publisher that has yet to look at what an earlier process left in the store.
    pub fn new(
        node_id: NodeId,
        publish: Recipient<Publish>,
        store: StoreHandle,
        manager: ManagerHandle,
    ) -> Self {
        Self {
            node_id,
            publish,
            store,
            manager,
            to_publish: VecDeque::new(),
            to_save: VecDeque::new(),
            published: Vec::new(),
            behind: true,
            grown: false,
            publishing: false,
            at_store: false,
            failing: 0,
            link_up: false,
            waiting: Vec::new(),
            stats: PublisherStats::default(),
        }
    }

    fn take(&mut self, closed: WindowClosed) {
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
        let window = StoredWindow { key, is_final, record };
        if !self.behind && self.to_publish.len() < IN_MEMORY {
            self.to_publish.push_back(window.clone());
        } else {
            self.behind = true;
        }
        if self.to_save.len() >= UNSAVED
            && let Some(lost) = self.to_save.pop_front()
        {
            self.stats.lost += 1;
            log::error!(test_id:% = lost.key.test_id, seq = lost.key.seq; "window not stored");
        }
        self.to_save.push_back(window);
        self.grown = true;
    }

    /// Does what can be done next, one thing at the store and one at Kafka.
    fn pump(&mut self, ctx: &mut Context<Self>) {
        if !self.at_store {
            if !self.to_save.is_empty() || !self.published.is_empty() {
                self.save(ctx);
            } else if self.behind && self.to_publish.is_empty() && !self.publishing {
                self.load(ctx);
            }
        }
        if !self.publishing && self.link_up {
            self.publish_next(ctx);
        }
        if self.done() {
            for waiting in self.waiting.drain(..) {
                // The receiver may have timed out: then there is nothing to do.
                let _ = waiting.send(());
            }
        }
    }

    fn done(&self) -> bool {
        !self.behind
            && !self.at_store
            && self.to_publish.is_empty()
            && self.to_save.is_empty()
            && self.published.is_empty()
    }

    fn save(&mut self, ctx: &mut Context<Self>) {
        self.at_store = true;
        let n_windows = self.to_save.len().min(BATCH);
        let windows: Vec<_> = self.to_save.iter().take(n_windows).cloned().collect();
        let batch = Batch { windows, published: self.published.clone() };
        let n_published = batch.published.len();
        let saved = self.store.save(batch);
        let last = self.to_save.get(n_windows.wrapping_sub(1)).map(|window| window.key.clone());
        ctx.spawn(saved.into_actor(self).map(move |saved, actor, ctx| {
            let error = match saved {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(error) => Some(error.to_string()),
            };
            let Some(error) = error else {
                actor.at_store = false;
                actor.failing = 0;
                actor.published.drain(..n_published);
                // By key, not by count: the bound may have dropped some of them meanwhile.
                if let Some(last) = last
                    && let Some(at) = actor.to_save.iter().position(|window| window.key == last)
                {
                    actor.to_save.drain(..=at);
                }
                return actor.pump(ctx);
            };
            actor.stats.store_failures += 1;
            actor.failing += 1;
            // A full disk fails every second: log the first failure, then one in `LOG_EVERY`.
            if actor.failing % LOG_EVERY == 1 {
                log::error!(error:%; "windows not stored, trying again every second");
            }
            Self::later(ctx, |actor| actor.at_store = false);
        }));
    }

    fn load(&mut self, ctx: &mut Context<Self>) {
        self.at_store = true;
        self.grown = false;
        let limit = BATCH as u32;
        let loaded = self.store.unpublished(limit);
        ctx.spawn(loaded.into_actor(self).map(move |loaded, actor, ctx| {
            let error = match loaded {
                Ok(Ok(windows)) => {
                    actor.at_store = false;
                    actor.behind = windows.len() >= BATCH || actor.grown;
                    if !windows.is_empty() {
                        log::info!(n_windows = windows.len(); "windows found in the store that kafka does not have");
                    }
                    actor.to_publish.extend(windows);
                    return actor.pump(ctx);
                }
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            actor.stats.store_failures += 1;
            log::error!(error:%; "windows not read, trying again");
            Self::later(ctx, |actor| actor.at_store = false);
        }));
    }

    fn publish_next(&mut self, ctx: &mut Context<Self>) {
        let Some(window) = self.to_publish.front() else { return };
        self.publishing = true;
        let (key, is_final) = (window.key.clone(), window.is_final);
        let sent = self.publish.send(Publish(Arc::clone(&window.record)));
        ctx.spawn(sent.into_actor(self).map(move |sent, actor, ctx| {
            let error = match sent {
                Ok(Ok(())) => {
                    actor.publishing = false;
                    actor.stats.published += 1;
                    actor.to_publish.pop_front();
                    if is_final {
                        actor.manager.final_published(key.test_id.clone(), key.epoch);
                    }
                    actor.published.push(key);
                    return actor.pump(ctx);
                }
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            actor.stats.publish_failures += 1;
            log::warn!(test_id:% = key.test_id, seq = key.seq, error:%; "window not published, trying again");
            Self::later(ctx, |actor| actor.publishing = false);
        }));
    }

    fn later(ctx: &mut Context<Self>, change: impl FnOnce(&mut Self) + 'static) {
        let mut change = Some(change);
        ctx.run_later(RETRY, move |actor, ctx| {
            if let Some(change) = change.take() {
                change(actor);
            }
            actor.pump(ctx);
        });
    }
}

impl Actor for PublisherActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.pump(ctx);
    }
}

impl Handler<WindowClosed> for PublisherActor {
    type Result = ();

    fn handle(&mut self, closed: WindowClosed, ctx: &mut Self::Context) {
        self.take(closed);
        self.pump(ctx);
    }
}

impl Handler<LinkUp> for PublisherActor {
    type Result = ();

    fn handle(&mut self, _: LinkUp, ctx: &mut Self::Context) {
        self.link_up = true;
        self.pump(ctx);
    }
}

impl Handler<FlushWindows> for PublisherActor {
    type Result = actix::ResponseFuture<()>;

    fn handle(&mut self, _: FlushWindows, ctx: &mut Self::Context) -> Self::Result {
        let (waiting, done) = oneshot::channel();
        self.waiting.push(waiting);
        self.pump(ctx);
        Box::pin(async move {
            // An error means that the actor is gone, and with it whatever could be waited for.
            let _ = done.await;
        })
    }
}

impl Handler<GetPublisherStats> for PublisherActor {
    type Result = MessageResult<GetPublisherStats>;

    fn handle(&mut self, _: GetPublisherStats, _: &mut Self::Context) -> Self::Result {
        MessageResult(PublisherStats { waiting: self.to_publish.len() as u64, ..self.stats })
    }
}

#[cfg(test)]
mod tests;
