//! Some seconds of a driver or of the fleet, as figures are read from them: one second of the series, a span that is kept, or what
//! was added up of any range. A window as REST and events show it is made of this, whatever its length.

use std::borrow::Cow;

use common::clock::{UnixMicros, rfc3339};
use common::counters::Counters;
use common::figures::ByRequest;
use common::ids::{NodeId, TestId};
use common::latency::RankedLatencies;
use common::session_figures::AllSessions;

use super::step::Step;
use super::unstarted::Unstarted;
use super::{heat, sessions, views};
use crate::model::{LatencyView, MachineShares, WindowView};

/// The figures of some seconds. Counters are of these seconds alone.
#[derive(Debug, Clone)]
pub struct Sum<'s> {
    /// The first second.
    pub seq: u64,
    pub step: Step,
    pub from_us: UnixMicros,
    pub to_us: UnixMicros,
    pub counters: ByRequest<Counters>,
    pub samples: ByRequest<RankedLatencies>,
    pub sessions: Cow<'s, AllSessions>,
    /// The most users at a time; of a fleet the sum over its drivers.
    pub users: Option<u64>,
    pub busy: f64,
    /// Attempts that had not ended at the end.
    pub in_flight: u64,
    pub machine: MachineShares,
}

impl Sum<'_> {
    /// As [`Sum::view`], with how its responses are spread.
    pub fn view_with_heat(&self, test_id: &TestId, node: Option<&NodeId>, covers_all: bool) -> WindowView {
        WindowView { heat: Some(heat::of(&self.samples.all)), ..self.view(test_id, node, covers_all) }
    }

    /// As REST and events show it. `node`: its driver, `None` for the fleet; `covers_all`: whether every driver of it
    /// sends histograms.
    pub fn view(&self, test_id: &TestId, node: Option<&NodeId>, covers_all: bool) -> WindowView {
        let counters = &self.counters.all;
        let unstarted = Unstarted::of(&self.sessions.counters());
        let none = RankedLatencies::default();
        let named = self.counters.named.iter().map(|(name, counters)| {
            let samples = self.samples.named.get(name).unwrap_or(&none);
            (name.to_string(), views::request(counters, samples, unstarted))
        });
        WindowView {
            test_id: test_id.to_string(),
            node_id: node.map(ToString::to_string),
            seq: self.seq,
            seconds: self.step.seconds(),
            from: rfc3339(self.from_us),
            to: rfc3339(self.to_us),
            scheduled: counters.scheduled,
            sent: counters.sent,
            completed: counters.completed,
            failed: counters.failed,
            dropped: counters.dropped(),
            in_flight: self.in_flight,
            dropped_by: views::dropped_by(counters),
            closed_on_reuse: counters.closed_on_reuse,
            bytes_received: counters.bytes_received,
            status_codes: views::by_status(&counters.status_codes),
            errors: views::by_kind(&counters.errors),
            tls_causes: views::by_cause(&counters.tls_causes),
            warmup: views::warmup(&counters.warmup),
            busy: self.busy,
            machine: self.machine,
            latency_ms: LatencyView {
                coverage: covers_all.then_some(1.0),
                ..views::latency_view(&self.samples.all, unstarted.slower(counters))
            },
            heat: None,
            requests: named.collect(),
            sessions: sessions::of_window(&self.sessions),
            users: self.users,
        }
    }
}
