//! The exact merge of one test: windows and classic reports in, totals out. It owns what was counted and
//! whose it was; it knows no Kafka, no actor and no clock (time is an argument), and judges nothing.
//!
//! A *part* is one life (epoch) of one node in this test. All parts count: what an earlier or later life
//! of a driver sent, it did send. Counters are cumulative, so a driver's totals are its newest word
//! (window or heartbeat), never a sum over windows; histograms are per window, so each window is merged
//! exactly once, told apart by (node, epoch, seq), in whatever order it comes.

use common::clock::UnixMicros;
use common::counters::Counters;
use common::ids::{Epoch, NodeId, TestId};
use common::kafka::Position;
use common::plan::Plan;
use common::wire::Metrics;

use crate::messages::StoredParticipant;
use crate::model::{Completeness, DriverTotals, Totals, WindowView};
use crate::verdict::Facts;

/// What a metrics record was to this test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrived {
    /// Counted.
    New,
    /// Already counted: a redelivery. Changes nothing.
    Duplicate,
    /// Counted, though the test was over: it revises the report.
    Late,
    /// Of a node that takes no part, or of another test: not counted.
    Foreign,
}

/// How the end of a driver's part was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// Ours or classic: it was told to stop.
    Stopped,
}

impl EndedBy {
    /// As reports say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FinalWindow => "final_window",
            Self::Status => "status",
            Self::Count => "count",
            Self::Word => "word",
            Self::Silence | Self::Deaf => "silence",
            Self::Lost => "lost",
            Self::Stopped => "stopped",
        }
    }
}

/// The figures of one test, while it runs and after.
#[derive(Debug)]
pub struct Tally {
    test_id: TestId,
    plan: Plan,
}

impl Tally {
    /// Nothing counted yet. The participants in the order of their shares.
    pub fn new(test_id: TestId, plan: Plan, participants: &[StoredParticipant]) -> Self {
        let _ = participants;
        Self { test_id, plan }
    }

    /// Tells when the drivers were told to start (`start_at`); windows are counted from there.
    pub fn started(&mut self, _start_at: UnixMicros) {}

    /// Counts a metrics record, once.
    pub fn arrived(&mut self, _metrics: &Metrics, _at: Position, _now_us: UnixMicros) -> Arrived {
        Arrived::Foreign
    }

    /// Takes the cumulative counters of a heartbeat of this test, and the CPU share it told.
    pub fn beat(
        &mut self,
        _node: &NodeId,
        _epoch: Epoch,
        _counters: &Counters,
        _cpu: Option<f64>,
        _now_us: UnixMicros,
    ) {
    }

    /// Takes what the registry says a participant does (idle, ready, refused, running, draining, leaving, …).
    pub fn set_state(&mut self, _node: &NodeId, _epoch: Option<Epoch>, _state: &str) {}

    /// A driver's part is over without its own word, or by a sign that the tally cannot see. Nothing
    /// changes where its end was told already; [`EndedBy::Lost`] gives way to any other.
    pub fn ended(&mut self, _node: &NodeId, _epoch: Option<Epoch>, _by: EndedBy, _now_us: UnixMicros) {}

    /// A lost driver is back in the same life: it is waited for again.
    pub fn back(&mut self, _node: &NodeId, _epoch: Option<Epoch>) {}

    /// Whether every part's end was told (lost ones included).
    pub fn all_ended(&self) -> bool {
        false
    }

    /// The test is over: what is still in flight is unresolved, and what comes now is [`Arrived::Late`].
    pub fn finish(&mut self) {}

    /// Seconds completed since the last call, per driver and of the fleet, for events and the live series.
    pub fn take_windows(&mut self) -> Vec<WindowView> {
        Vec::new()
    }

    /// The fleet's totals at this instant.
    pub fn totals(&self, _now_us: UnixMicros) -> Totals {
        Totals::default()
    }

    /// Each driver's totals, in the order of their shares.
    pub fn drivers(&self, _now_us: UnixMicros) -> Vec<DriverTotals> {
        Vec::new()
    }

    /// Whether all windows arrived.
    pub fn completeness(&self) -> Completeness {
        Completeness::default()
    }

    /// What a verdict is made of; `stopped_by` says who or what stopped the test, where someone did.
    pub fn facts(&self, stopped_by: Option<&str>) -> Facts<'_> {
        Facts { plan: &self.plan, stopped_by: stopped_by.map(str::to_owned) }
    }

    /// Which test this is.
    pub fn test_id(&self) -> &TestId {
        &self.test_id
    }
}
