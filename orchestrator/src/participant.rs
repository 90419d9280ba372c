//! A driver's part in a test: who takes part with what share, what is known of the part while it runs, how it ended.

use std::time::Duration;

use common::clock::UnixMicros;
use common::ids::{Epoch, NodeId};
use common::plan::Share;
use serde::{Deserialize, Serialize};

/// A driver's part in a stored test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Participant {
    pub node_id: NodeId,
    /// The epoch of its life; `None` for a classic driver.
    pub epoch: Option<Epoch>,
    pub share: Share,
}

common::named! {
    /// How a driver's part in a test ended.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    pub enum EndedBy {
        /// By its final window, which the tally receives itself.
        FinalWindow = "final_window",
        /// Classic: by `test_status: complete`, which the tally receives itself.
        Status = "status",
        /// Classic: it reported as many requests as its config asked for, or sent as many reports.
        Count = "count",
        /// Classic: by an end word, or a heartbeat `NO`.
        Word = "word",
        /// Classic: no further report arrived.
        Silence = "silence",
        /// Classic: no report arrived after the trigger.
        Deaf = "deaf",
        /// Its heartbeats stopped, or a later life of the node took its place.
        Lost = "lost",
        /// Its heartbeats go on, and its windows do not arrive.
        Overdue = "overdue",
        /// Classic: its load is over, and it goes on sending.
        RunsOn = "runs_on",
        /// Ours or classic: the test was stopped.
        Stopped = "stopped",
        /// The orchestrator that led the test ended; the driver's later reports do not arrive.
        Interrupted = "interrupted",
    }
}

impl EndedBy {
    /// Whether the orchestrator concluded this end from records that did not arrive. It is replaced if the driver
    /// reports its end, or comes back.
    pub fn is_concluded(self) -> bool {
        matches!(self, Self::Lost | Self::Overdue | Self::Deaf | Self::RunsOn | Self::Interrupted)
    }
}

/// What the tally knows of one part.
#[derive(Debug, Clone, PartialEq)]
pub struct PartSeen {
    pub node_id: NodeId,
    /// The epoch of its life; `None` for a classic driver.
    pub epoch: Option<Epoch>,
    /// How it ended, if it has.
    pub ended_by: Option<EndedBy>,
    /// When a record of it about this test last arrived: a report, a window, or a heartbeat with counters.
    pub last_report_at: Option<UnixMicros>,
    /// Ours: when its last window arrived.
    pub window_at: Option<UnixMicros>,
    /// Classic: reports so far.
    pub reports: u64,
    /// Classic: the usual time between two of its reports; `None` before the second.
    pub report_interval: Option<Duration>,
    /// Classic: when the number of requests that it reports last rose.
    pub rose_at: Option<UnixMicros>,
    /// Classic: its mean latency, as it reports it.
    pub mean_latency: Option<Duration>,
    /// Classic: whether the timeline already has an entry that it sends heartbeats and no report.
    pub silent: bool,
    /// Requests sent so far, where it reports them.
    pub sent: Option<u64>,
}

/// How the counts in the reports of a classic driver are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Each report has the total so far.
    Total,
    /// Each report has the count since the one before.
    PerInterval,
    Unknown,
}
