//! `[shared]` on this driver: requests that it sends by itself, before it reports that it is ready and again by age, and
//! whose extracted values all its sessions read. The values never leave the process: what leaves it are counts.
//!
//! They are sent from the driver's own thread, never from a worker's, over an engine and a connection of their own, so
//! that no session waits for them and none of their latency is in a session's. A worker reads the newest values between
//! two turns of its engine.

mod upkeep;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use common::ids::RequestName;
use common::session_figures::SharedCounters;
use tokio::sync::watch;

use crate::scenario::render::SharedValues;

pub(crate) use self::upkeep::Upkeep;

/// What a test's workers read, and what was counted. While one of its readers lives, the requests are sent again by age.
#[derive(Debug, Clone)]
pub struct TestShared {
    values: watch::Receiver<SharedValues>,
    ledger: Ledger,
}

impl TestShared {
    /// These values, which the sender of `values` replaces.
    pub fn new(values: watch::Receiver<SharedValues>) -> Self {
        Self { values, ledger: Ledger::default() }
    }

    /// Brings the newest values.
    pub fn values(&self) -> watch::Receiver<SharedValues> {
        self.values.clone()
    }

    /// What is counted.
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }
}

/// What was sent since it was last asked for. Its lock is held by the driver's own thread alone, a few times a second.
#[derive(Debug, Clone, Default)]
pub struct Ledger(Arc<Mutex<BTreeMap<RequestName, SharedCounters>>>);

impl Ledger {
    fn add(&self, name: &RequestName, counters: &SharedCounters) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counted.entry(name.clone()).or_default() += counters;
    }

    /// What was counted since the last call.
    pub fn take(&self) -> BTreeMap<RequestName, SharedCounters> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
