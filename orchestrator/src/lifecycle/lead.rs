//! How long before the common start the trigger goes out.
//!
//! Drivers on other machines need time: the trigger crosses a network and another Kafka, and clocks agree to some
//! milliseconds only. `[test] start_delay` is that time. Where all drivers run under the orchestrator's own kernel, so
//! long a wait is wasted. There the lead is derived from the duration of the barrier. The barrier includes storing the
//! config, publishing it and receiving the drivers' answers; the trigger only has to be stored and published, so it
//! takes less. A busy machine or a distant Kafka makes the barrier longer, and the lead with it.
//!
//! A closed loop that receives the trigger after the start begins at once: it has no schedule, so its requests cannot
//! be late. An open loop would begin with late requests. Its lead is therefore four times the barrier: with a lead as
//! long as the barrier, one of 50 starts was late on a machine with five busy processes on two cores.

use std::time::Duration;

use common::ids::NodeId;
use common::plan::{Mode, Plan, TargetUrl};
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
        let all_near = !self.classic_has_config
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

    /// Moves the start, and returns the new one in Unix ms, where half of the lead or more has passed because storing
    /// the start took long. `None`: the start stays. The new lead is twice the one that was too short, `start_delay` at
    /// most.
    pub fn put_off(&mut self, now: Now) -> Option<u64> {
        let Phase::Started { at, .. } = self.phase else { return None };
        if at.saturating_sub(now.elapsed) * 2 > self.lead {
            return None;
        }
        self.lead = (self.lead * 2).min(self.rules.start_delay);
        Some(self.starts_at(now))
    }

    /// Sets the start to one lead from now and returns it in Unix ms. It is a whole number of milliseconds because the
    /// trigger carries milliseconds: orchestrator and drivers must count from the same instant.
    pub(super) fn starts_at(&mut self, now: Now) -> u64 {
        let lead_us = i64::try_from(self.lead.as_micros()).unwrap_or(i64::MAX);
        let at_ms = now.unix_us.saturating_add(lead_us) / 1_000;
        let at_us = at_ms * 1_000;
        self.phase = Phase::Started { at: now.elapsed_at(at_us), at_us };
        u64::try_from(at_ms).unwrap_or(0)
    }
}

/// Whether drivers need time to connect before the start. An open loop opens its first connections before the start,
/// which takes some round trips where the target is on another machine.
fn connects_far_ahead(plan: &Plan) -> bool {
    let hosts = plan.program.iter().flat_map(|program| &program.hosts).map(|host| &host.url);
    let all_near = std::iter::once(&plan.target).chain(hosts).all(is_near);
    matches!(plan.load.mode, Mode::Tsunami { .. }) && !all_near
}

/// Whether a host is this machine.
fn is_near(url: &TargetUrl) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => is_loopback(address.into()),
        Some(Host::Ipv6(address)) => is_loopback(address.into()),
        None => false,
    }
}
