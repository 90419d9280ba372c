//! A driver's part in a test: who takes part with what share, what is known of the part while it runs, how it ended.

use std::time::Duration;

use common::clock::UnixMicros;
use common::ids::{Epoch, NodeId};
use common::plan::Share;
use serde::{Deserialize, Serialize};

/// A driver's part in a stored test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Participant {
    /// Who.
    pub node_id: NodeId,
    /// Which life of it; `None` for a classic driver.
    pub epoch: Option<Epoch>,
    /// Its share.
    pub share: Share,
}

/// How a driver's part in a test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// Its final window; the tally sees it by itself.
    FinalWindow,
    /// Classic: `test_status: complete`; the tally sees it by itself.
    Status,
    /// Classic: as many reports or requests as it was told to send.
    Count,
    /// Classic: a bare word, or a heartbeat `NO`.
    Word,
    /// Classic: nothing more came.
    Silence,
    /// Classic: nothing ever came after the trigger.
    Deaf,
    /// Its heartbeats stopped, or a later life of the node took its place.
    Lost,
    /// Its heartbeats go on, and the windows that it owes do not come.
    Overdue,
    /// Classic: its load is over, and it goes on sending.
    RunsOn,
    /// Ours or classic: it was told to stop.
    Stopped,
    /// The orchestrator that led the test ended, and what the driver reports since does not arrive.
    Interrupted,
}

impl EndedBy {
    /// Whether we concluded it from what did not come: the driver's own word, or its return, is better.
    pub fn is_concluded(self) -> bool {
        matches!(self, Self::Lost | Self::Overdue | Self::Deaf | Self::RunsOn | Self::Interrupted)
    }

    /// As reports say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FinalWindow => "final_window",
            Self::Status => "status",
            Self::Count => "count",
            Self::Word => "word",
            Self::Silence | Self::Deaf => "silence",
            Self::Lost => "lost",
            Self::Overdue => "overdue",
            Self::RunsOn => "runs_on",
            Self::Stopped => "stopped",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What the tally knows of one part.
#[derive(Debug, Clone, PartialEq)]
pub struct PartSeen {
    /// Whose.
    pub node_id: NodeId,
    /// Which life; `None` for a classic driver.
    pub epoch: Option<Epoch>,
    /// How it ended, if it has.
    pub ended_by: Option<EndedBy>,
    /// When it was last heard of this test: a report, a window, or a heartbeat with counters.
    pub heard_at: Option<UnixMicros>,
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
    /// Classic: whether it was noted that it sends heartbeats and no report.
    pub silent: bool,
    /// Requests sent so far, where it reports them.
    pub sent: Option<u64>,
}

/// How the counts in the reports of a classic driver are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Each report has the total so far.
    Total,
    /// Each report has what was sent since the one before.
    PerInterval,
    /// Neither fits.
    Unknown,
}
