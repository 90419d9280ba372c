//! A node as REST and the events show it.

use common::clock::rfc3339;
use common::ids::NodeId;
use common::wire::DriverState;

use super::Registry;
use super::node::Node;
use crate::model::{CalibrationView, DriverView, Liveness, PartState};
use crate::now::Now;

impl Registry {
    /// Every node, in the order of their ids.
    pub fn views(&self, now: Now) -> Vec<DriverView> {
        self.nodes.values().map(|node| view(node, self.busy.contains(&node.node_id), now)).collect()
    }

    pub fn view(&self, node_id: &NodeId, now: Now) -> Option<DriverView> {
        self.nodes.get(node_id).map(|node| view(node, self.busy.contains(node_id), now))
    }
}

fn view(node: &Node, busy: bool, now: Now) -> DriverView {
    let ours = node.ours.as_ref();
    let beat = ours.map(|ours| &ours.heartbeat);
    let registration = ours.and_then(|ours| ours.description.registration());
    let age = now.elapsed.saturating_sub(node.seen_at);
    let age_us = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    // A classic node does not report a state: show whether it takes part in a test.
    let state = match beat.and_then(|beat| beat.state) {
        Some(state) => state,
        None if busy => DriverState::Running,
        None => DriverState::Idle,
    };
    DriverView {
        node_id: node.node_id.to_string(),
        address: node.address.clone(),
        classic: ours.is_none(),
        state: PartState::from(state).as_str().to_owned(),
        reason: beat.and_then(|beat| beat.reason.clone()),
        liveness: node.liveness.as_str().to_owned(),
        alive: matches!(node.liveness, Liveness::Alive | Liveness::Suspect),
        last_seen: rfc3339(now.unix_us.saturating_sub(age_us)),
        age_ms: u64::try_from(age.as_millis()).unwrap_or(u64::MAX),
        epoch: ours.map(|ours| ours.epoch.0),
        version: registration.map(|ours| ours.version.clone()),
        protocol: ours.and_then(|ours| ours.description.protocol().number()),
        cores: registration.map(|ours| ours.cores),
        #[allow(clippy::cast_precision_loss)] // an offset of years would be needed to lose a µs
        clock_offset_ms: beat.and_then(|beat| beat.clock_offset_us).map(|us| us as f64 / 1_000.0),
        max_rate: registration.and_then(|ours| ours.max_rate),
        calibration: registration.and_then(|ours| ours.calibrated.clone()).map(CalibrationView::from),
        labels: registration.map(|ours| ours.labels.clone()).unwrap_or_default(),
        test_id: match beat {
            Some(beat) => beat.test_id.as_ref(),
            None => node.last_test.as_ref(),
        }
        .map(ToString::to_string),
        requests_sent: node.sent.so_far(),
    }
}
