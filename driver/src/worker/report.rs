//! What a worker reports of its part of a test: a window each second, and with the last one how the part ended.

use common::figures::{ByRequest, Figures};
use common::ids::{RequestName, TestId};
use common::session_figures::AllSessions;

use crate::engine::Opened;
use crate::precision::KeptBy;
use crate::start_at::Nanos;

/// A window of one second is complete. Each worker sends 0, 1, 2 … without a gap.
#[derive(Debug, Clone)]
pub struct WorkerWindow {
    pub test_id: TestId,
    pub worker: u32,
    /// Seconds since `start_at`, from 0.
    pub seq: u64,
    /// What this window adds to the counters, and its samples.
    pub figures: Box<ByRequest<Figures>>,
    /// What it adds to the counts of sessions, groups and polls, and their samples; `None`: the plan has no sessions.
    pub sessions: Option<Box<AllSessions>>,
    /// The most users at a time; `None`: the load has none.
    pub users: Option<u32>,
    /// Share of the window spent not waiting, 0 to 1; 1 where the aggregator's mailbox was full.
    pub busy: f64,
    /// With the last window: how the worker's part ended.
    pub last: Option<WorkerEnding>,
}

/// How a worker's part of a test ended.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerEnding {
    /// When its schedule began, after the warm-up.
    pub schedule_from: Nanos,
    /// When its schedule ended.
    pub schedule_to: Nanos,
    /// When its last attempt was over.
    pub ended: Nanos,
    pub engine: &'static str,
    /// How its schedule was kept.
    pub precision: KeptBy,
    pub opened: Opened,
    /// The `location` of the first redirect that it met, as it was sent; `None` for a plan with sessions.
    pub redirected_to: Option<String>,
    /// Why it ended early, where it did.
    pub cut_short: Option<String>,
    /// Sessions that it began.
    pub begun: u64,
    /// The data whose rows are given once, and that had none left for its next session.
    pub used_up: Option<RequestName>,
}
