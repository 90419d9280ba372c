//! Orders, which are created and then confirmed, and jobs, which are done after a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use super::kept::Kept;
use super::reply::{Call, Reply};

/// How long a job takes where `ms` does not say it.
const JOB_MS: u64 = 300;

/// Longest job.
const MAX_JOB_MS: u64 = 600_000;

/// Orders and jobs.
#[derive(Debug)]
pub struct Orders {
    /// Whether each was confirmed.
    orders: Mutex<Kept<bool>>,
    /// When each is done.
    jobs: Mutex<Kept<Instant>>,
}

impl Orders {
    /// Keeps the newest `limit` of each.
    pub fn new(limit: usize) -> Self {
        Self { orders: Mutex::new(Kept::new(limit)), jobs: Mutex::new(Kept::new(limit)) }
    }

    /// Creates an order from any JSON.
    pub fn create(&self, call: &Call<'_>) -> Result<Reply, Reply> {
        call.json()?;
        let id = lock(&self.orders).add(false);
        Ok(order(201, &id, false).with("location", format!("/shop/orders/{id}")))
    }

    /// An order.
    pub fn show(&self, id: &str) -> Reply {
        match lock(&self.orders).get(id) {
            Some(confirmed) => order(200, id, *confirmed),
            None => Reply::refused(404, "no such order"),
        }
    }

    /// Confirms an order; a second time changes nothing.
    pub fn confirm(&self, id: &str) -> Reply {
        match lock(&self.orders).get_mut(id) {
            Some(confirmed) => {
                *confirmed = true;
                order(200, id, true)
            }
            None => Reply::refused(404, "no such order"),
        }
    }

    /// Starts a job.
    pub fn start(&self, call: &Call<'_>, now: Instant) -> Result<Reply, Reply> {
        let ms = call.query.number("ms", 0..=MAX_JOB_MS)?.unwrap_or(JOB_MS);
        let id = lock(&self.jobs).add(now + Duration::from_millis(ms));
        let location = format!("/shop/jobs/{id}");
        Ok(Reply::json(202, &json!({ "id": id })).with("location", location))
    }

    /// The state of a job.
    pub fn job(&self, id: &str, now: Instant) -> Reply {
        match lock(&self.jobs).get(id) {
            Some(done) => {
                let state = if now < *done { "running" } else { "done" };
                Reply::json(200, &json!({ "id": id, "state": state }))
            }
            None => Reply::refused(404, "no such job"),
        }
    }
}

fn order(status: u16, id: &str, confirmed: bool) -> Reply {
    let (state, version) = if confirmed { ("succeeded", 2) } else { ("created", 1) };
    Reply::json(status, &json!({ "id": id, "status": state })).with("etag", format!("\"{id}.{version}\""))
}

fn lock<V>(kept: &Mutex<V>) -> MutexGuard<'_, V> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
