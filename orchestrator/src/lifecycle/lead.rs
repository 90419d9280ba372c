//! How long before the common start the trigger goes out.
//!
//! Drivers on other machines need time: the trigger crosses a network and another Kafka, and clocks agree to some
//! milliseconds only. `[test] start_delay` is that time. Where all drivers run under the orchestrator's own kernel it
//! would only be waited for, so that the lead follows what the barrier took instead: the config went the same way that
//! the trigger will go, from before its store to the drivers, and their answers came back. The trigger's own way is a
//! part of that. A machine that is busy, or a Kafka that is far away, makes the barrier and the lead longer alike.
//!
//! A closed loop that receives the trigger after the start begins at once, and none of its requests is late. An open loop
//! would have requests that are late already. Its lead is therefore four times the barrier: with a lead as long as the
//! barrier, one of 50 starts was late on a machine with five busy processes on two cores.

use std::time::Duration;

use common::ids::NodeId;
use common::plan::{Mode, Plan};
use common::settings::fields::is_loopback;
use url::Host;

use super::{Lifecycle, Phase};
use crate::now::Now;
use crate::registry::NodeFacts;

/// The shortest lead of a closed loop.
const SHORTEST: Duration = Duration::from_millis(50);

/// The shortest lead of an open loop, and how many times the barrier its lead is.
const SHORTEST_OPEN: Duration = Duration::from_millis(150);
const BARRIERS_OPEN: u32 = 4;

impl Lifecycle {
    /// The lead of a test whose drivers became ready now.
    pub(super) fn lead(&self, now: Now, nodes: &[NodeFacts]) -> Duration {
        let longest = self.rules.start_delay;
        let Some(configured_at) = self.configured_at else { return longest };
        let near = |name: &NodeId| nodes.iter().any(|node| node.node_id == *name && node.on_this_host);
        let all_near = !self.classic_heard
            && self.participants.iter().all(|one| one.epoch.is_some() && near(&one.node_id));
        if !all_near || connects_far_ahead(&self.plan) {
            return longest;
        }
        let barrier = now.elapsed.saturating_sub(configured_at);
        let lead = match self.plan.load.mode {
            Mode::Tsunami { .. } => (barrier * BARRIERS_OPEN).max(SHORTEST_OPEN),
            Mode::Avalanche { .. } => barrier.max(SHORTEST),
        };
        lead.min(longest)
    }

    /// The start as it is published, in Unix ms; another one where half of the lead or more is gone already, because
    /// what had to be stored before the trigger took long. The new lead is twice as long as the one that was too short,
    /// `start_delay` at most.
    pub fn put_off(&mut self, now: Now) -> Option<u64> {
        let Phase::Started { at, .. } = self.phase else { return None };
        if at.saturating_sub(now.elapsed) * 2 > self.lead {
            return None;
        }
        self.lead = (self.lead * 2).min(self.rules.start_delay);
        Some(self.starts_at(now))
    }

    /// Starts it one lead from now, in whole milliseconds, as the wire has it, so that all that follows counts from the
    /// same instant.
    pub(super) fn starts_at(&mut self, now: Now) -> u64 {
        let lead_us = i64::try_from(self.lead.as_micros()).unwrap_or(i64::MAX);
        let at_ms = now.unix_us.saturating_add(lead_us) / 1_000;
        let at_us = at_ms * 1_000;
        self.phase = Phase::Started { at: now.elapsed_at(at_us), at_us };
        u64::try_from(at_ms).unwrap_or(0)
    }
}

/// Whether drivers need time to connect before the start: an open loop makes its first connections ahead of it, and a
/// target beyond this machine may take some round trips for that.
fn connects_far_ahead(plan: &Plan) -> bool {
    let near = match plan.target.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => is_loopback(address.into()),
        Some(Host::Ipv6(address)) => is_loopback(address.into()),
        None => false,
    };
    matches!(plan.load.mode, Mode::Tsunami { .. }) && !near
}
