//! The lines between the receiving end and the harness: where it listens, what it has seen so far, and what it saw.

use serde::{Deserialize, Serialize};

use std::net::SocketAddr;

use crate::arrivals::{Late, OffSchedule};

/// The line that it prints when it listens.
#[derive(Debug, Serialize, Deserialize)]
pub struct Listening {
    /// Its address.
    pub listening: SocketAddr,
}

/// The line that it prints for each line on its stdin.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct SoFar {
    /// Requests received.
    pub received: u64,
}

/// The line that it prints at its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summary {
    /// Requests received.
    pub received: u64,
    /// Connections accepted.
    pub connections: u64,
    /// From the first request to the last.
    pub span_s: f64,
    /// CPU time of the receiving end itself.
    pub cpu_s: f64,
    /// Arrival k against first + k / rate. Of a shop, first steps alone, here and in the next three.
    pub off_schedule: Option<OffSchedule>,
    /// The same against the start that fits best.
    pub off_schedule_fitted: Option<OffSchedule>,
    /// How much later than the earliest of them, by the same schedule.
    pub late: Option<Late>,
    /// Of the arrivals in 1 ms.
    pub variance_over_mean_1ms: Option<f64>,
    /// Of a shop alone: its sessions.
    pub sessions: Option<Sessions>,
}

/// What a shop saw of sessions.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Sessions {
    /// Log-ins that were right.
    pub started: u64,
    /// Sessions whose five steps came, in their order and each right.
    pub done: u64,
    /// Requests that were not what the session had to send.
    pub wrong: u64,
    /// The first of them, and what was wrong.
    pub first_wrong: Option<String>,
    /// From the answer of a step, written whole, to the arrival of the next.
    pub gaps: Option<Late>,
}
