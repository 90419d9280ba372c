//! [`EventsActor`]: sends changes to the clients of `GET /api/v1/events`.

mod handle;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix::{Actor, Context, Handler, Message};
use common::ids::{Epoch, TestId};
use serde::Serialize;
use tokio::sync::mpsc;

pub use self::handle::{EventsFeed, EventsHandle, NotSubscribed};
use crate::model::{DriverView, TestView, WindowView};
use crate::telemetry::Telemetry;

/// Most events kept for listeners that reconnect.
const MAX_KEPT: usize = 4_096;

/// Most bytes of events kept for listeners that reconnect.
const MAX_KEPT_BYTES: usize = 8 * 1024 * 1024;

/// Most listeners at once.
const MAX_SUBSCRIBERS: usize = 256;

/// Most events that wait for a listener. A slower one is disconnected and resumes where it was, and so is one for which more
/// events wait than are kept: those that wait are the newest, so what waits takes no memory beside what is kept. A fleet of
/// 1,000 drivers sends the state and a second of each at once.
const MAX_WAITING: usize = MAX_KEPT;

/// Most nodes whose last state is sent to a new listener.
const MAX_SNAPSHOT_DRIVERS: usize = 4_096;

/// Messages that may wait: of 1,000 drivers the states and a second come together, before the actor has its turn.
const MAILBOX: usize = 4_096;

/// An event as it goes over the wire: `id:`, `event:` and `data:` lines and the empty line behind them.
pub type Frame = Arc<str>;

/// A change to send to listeners at once, and to keep for those that reconnect.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub enum Changed {
    Driver(Box<DriverView>),
    Test(Box<TestView>),
    /// A second of a test, per driver or of the fleet.
    Window(Box<WindowView>),
    /// A test was deleted: no listener that comes later receives an event of it.
    Deleted(TestId),
}

#[derive(Debug, Message)]
#[rtype(result = "Result<Subscription, TooManySubscribers>")]
pub struct Subscribe {
    /// The id of the last event that the listener has seen.
    pub last_event_id: Option<String>,
    /// Which test's events it wants beside those of drivers; `None`: all.
    pub test: Option<TestId>,
}

/// What a listener receives: first `backlog`, then the events of `live` until either end closes.
#[derive(Debug)]
pub struct Subscription {
    /// The events since its last one, if that one is still kept; else the present state.
    pub backlog: Vec<Frame>,
    /// Events from now on; closed when the listener is too slow or the orchestrator stops.
    pub live: mpsc::Receiver<Frame>,
}

/// The bound of listeners is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{MAX_SUBSCRIBERS} listeners are there already")]
pub struct TooManySubscribers;

/// Owns the last events and the listeners' queues. Receives [`Changed`] from the registry, the aggregator and the
/// test manager, and [`Subscribe`] from `http`; sends frames to the listeners. It cannot fail; a listener that
/// does not keep up is disconnected and counted. Mailbox bound: 4,096; the sender counts what the mailbox
/// refuses.
#[derive(Debug)]
pub struct EventsActor {
    /// Ids are `<epoch>-<n>`: ids of an earlier process of the orchestrator are never mistaken for ours.
    epoch: Epoch,
    /// Number of the last event.
    n_events: u64,
    kept: VecDeque<Kept>,
    n_kept_bytes: usize,
    /// The newest state of each node, without an id.
    drivers: BTreeMap<String, Frame>,
    /// The newest state of the test that changed last, without an id.
    test: Option<(Arc<str>, Frame)>,
    subscribers: Vec<Subscriber>,
    telemetry: Arc<Telemetry>,
}

/// An event that a listener may ask for again.
#[derive(Debug)]
struct Kept {
    n: u64,
    /// Which test it is of; `None`: of a driver.
    test: Option<Arc<str>>,
    frame: Frame,
}

#[derive(Debug)]
struct Subscriber {
    test: Option<TestId>,
    frames: mpsc::Sender<Frame>,
}

/// Whether a listener that asked for the events of `asked` receives one of `test`.
fn wants(asked: Option<&TestId>, test: Option<&str>) -> bool {
    asked.is_none_or(|asked| test.is_none_or(|test| test == asked.as_str()))
}

impl EventsActor {
    /// Starts with no events and no listeners.
    pub fn new(epoch: Epoch, telemetry: Arc<Telemetry>) -> Self {
        Self {
            epoch,
            n_events: 0,
            kept: VecDeque::new(),
            n_kept_bytes: 0,
            drivers: BTreeMap::new(),
            test: None,
            subscribers: Vec::new(),
            telemetry,
        }
    }

    fn publish(&mut self, changed: &Changed) {
        let (name, data, test) = match changed {
            Changed::Driver(driver) => ("driver", json(driver), None),
            Changed::Test(test) => ("test", json(test), Some(test.test_id.as_str())),
            Changed::Window(window) => ("window", json(window), Some(window.test_id.as_str())),
            Changed::Deleted(test) => return self.forget(test),
        };
        let test: Option<Arc<str>> = test.map(Arc::from);
        let Some(data) = data else { return };
        self.n_events += 1;
        self.telemetry.events.one();
        let frame: Frame =
            format!("id: {}-{}\nevent: {name}\ndata: {data}\n\n", self.epoch, self.n_events).into();
        let stateless = || -> Frame { format!("event: {name}\ndata: {data}\n\n").into() };
        match changed {
            Changed::Driver(driver) => {
                let known = self.drivers.contains_key(&driver.node_id);
                if known || self.drivers.len() < MAX_SNAPSHOT_DRIVERS {
                    self.drivers.insert(driver.node_id.clone(), stateless());
                }
            }
            Changed::Test(_) => self.test = test.clone().map(|id| (id, stateless())),
            Changed::Window(_) | Changed::Deleted(_) => {}
        }
        self.keep(Kept { n: self.n_events, test: test.clone(), frame: Arc::clone(&frame) });
        let (before, n_kept) = (self.subscribers.len(), self.kept.len());
        let mut n_slow = 0;
        self.subscribers.retain(|subscriber| {
            if !wants(subscriber.test.as_ref(), test.as_deref()) {
                return !subscriber.frames.is_closed();
            }
            let n_waiting = subscriber.frames.max_capacity() - subscriber.frames.capacity();
            let sent = match subscriber.frames.is_closed() {
                false if n_waiting > n_kept => Err(mpsc::error::TrySendError::Full(Arc::clone(&frame))),
                _ => subscriber.frames.try_send(Arc::clone(&frame)),
            };
            n_slow += u64::from(matches!(sent, Err(mpsc::error::TrySendError::Full(_))));
            sent.is_ok()
        });
        if n_slow > 0 {
            log::warn!(n_slow; "slow event listeners disconnected");
            self.telemetry.subscribers_dropped.add(n_slow);
        }
        if before != self.subscribers.len() {
            self.count();
        }
    }

    fn forget(&mut self, test: &TestId) {
        let is_of_it = |of: Option<&str>| of == Some(test.as_str());
        self.test.take_if(|(id, _)| is_of_it(Some(&**id)));
        self.kept.retain(|kept| !is_of_it(kept.test.as_deref()));
        self.n_kept_bytes = self.kept.iter().map(|kept| kept.frame.len()).sum();
    }

    fn keep(&mut self, kept: Kept) {
        self.n_kept_bytes += kept.frame.len();
        self.kept.push_back(kept);
        while self.kept.len() > MAX_KEPT || self.n_kept_bytes > MAX_KEPT_BYTES {
            let Some(oldest) = self.kept.pop_front() else { break };
            self.n_kept_bytes -= oldest.frame.len();
        }
    }

    /// What was asked for after the event with this id; `None` where some events are gone, or the id is not ours.
    fn missed_since(&self, id: &str, asked: Option<&TestId>) -> Option<Vec<Frame>> {
        let (epoch, n) = id.split_once('-')?;
        let n: u64 = n.parse().ok()?;
        let oldest = self.kept.front().map_or(self.n_events + 1, |oldest| oldest.n);
        if epoch.parse() != Ok(self.epoch.0) || n > self.n_events || n + 1 < oldest {
            return None;
        }
        let missed = self.kept.iter().filter(|kept| kept.n > n && wants(asked, kept.test.as_deref()));
        Some(missed.map(|kept| Arc::clone(&kept.frame)).collect())
    }

    /// The present state. Its events have no ids: the id behind them is that of the newest event, so that a
    /// listener that is cut off within the snapshot asks for all of it again.
    fn snapshot(&self, asked: Option<&TestId>) -> Vec<Frame> {
        let test = self.test.iter().filter(|(test, _)| wants(asked, Some(test))).map(|(_, frame)| frame);
        let mut frames: Vec<Frame> = self.drivers.values().chain(test).map(Arc::clone).collect();
        frames.push(format!("id: {}-{}\n\n", self.epoch, self.n_events).into());
        frames
    }

    fn count(&self) {
        self.telemetry.subscribers.store(self.subscribers.len() as u64, Ordering::Relaxed);
    }
}

/// JSON on one line. All map keys in our views are texts, so serializing them does not fail.
fn json<T: Serialize>(value: &T) -> Option<String> {
    serde_json::to_string(value)
        .inspect_err(|error| log::error!(error:%; "event not serialized; dropped"))
        .ok()
}

impl Actor for EventsActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX);
    }
}

impl Handler<Changed> for EventsActor {
    type Result = ();

    fn handle(&mut self, changed: Changed, _: &mut Self::Context) {
        self.publish(&changed);
    }
}

impl Handler<Subscribe> for EventsActor {
    type Result = Result<Subscription, TooManySubscribers>;

    fn handle(&mut self, subscribe: Subscribe, _: &mut Self::Context) -> Self::Result {
        self.subscribers.retain(|subscriber| !subscriber.frames.is_closed());
        if self.subscribers.len() >= MAX_SUBSCRIBERS {
            self.telemetry.subscribers_refused.one();
            return Err(TooManySubscribers);
        }
        let Subscribe { last_event_id, test } = subscribe;
        let missed = last_event_id.as_deref().and_then(|id| self.missed_since(id, test.as_ref()));
        let backlog = missed.unwrap_or_else(|| self.snapshot(test.as_ref()));
        let (frames, live) = mpsc::channel(MAX_WAITING);
        self.subscribers.push(Subscriber { test, frames });
        self.count();
        Ok(Subscription { backlog, live })
    }
}

#[cfg(test)]
mod tests;
