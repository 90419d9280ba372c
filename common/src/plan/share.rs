//! Who does how much: a plan's amounts, per driver or shared out among the fleet, and within a driver
//! among its workers. Remainders go to the first.

use serde::{Deserialize, Serialize};

use super::{Mode, Per, Plan};
use crate::ids::NodeId;

/// What one driver does of a plan: the `assignments` entry of a test_config record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The driver's place among the fleet, from 0.
    pub index: u32,
    /// How many drivers take part.
    pub of: u32,
    /// Open loop: requests per second, the ceiling already applied.
    pub rate_per_s: Option<f64>,
    /// Closed loop: the ceiling, requests per second.
    pub target_throughput: Option<f64>,
    /// Ticks or attempts after the warm-up.
    pub requests: Option<u64>,
    /// Closed loop: connections.
    pub connections: Option<u32>,
    /// Open loop: most requests in flight.
    pub max_in_flight: Option<u32>,
}

/// Why a plan cannot be shared out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// Fewer requests or connections than drivers.
    #[error("{amount} = {value} leaves driver {node} without a share: {drivers} drivers take part")]
    Nothing {
        /// The key that is too small.
        amount: &'static str,
        /// Its value.
        value: u64,
        /// The first driver without a share.
        node: NodeId,
        /// How many drivers take part.
        drivers: usize,
    },
    /// Nobody takes part.
    #[error("no driver takes part")]
    NoDrivers,
}

/// Part `index` of `total` split in `parts` (at least 1): the first `total % parts` get one more.
pub fn split(total: u64, parts: u64, index: u64) -> u64 {
    total / parts + u64::from(index < total % parts)
}

/// The share of each chosen driver, in their order.
///
/// # Errors
/// Where a driver would be left without requests or connections, or none is chosen.
pub fn share_out(plan: &Plan, drivers: &[NodeId]) -> Result<Vec<(NodeId, Share)>, ShareError> {
    let n = drivers.len() as u64;
    if n == 0 {
        return Err(ShareError::NoDrivers);
    }
    let whole = |amount: &'static str, total: u64, index: u64| {
        let part = if plan.per == Per::Fleet { split(total, n, index) } else { total };
        if part == 0 && total > 0 {
            let node = drivers[index as usize].clone();
            return Err(ShareError::Nothing { amount, value: total, node, drivers: drivers.len() });
        }
        Ok(part)
    };
    let fraction = |total: f64| if plan.per == Per::Fleet { total / n as f64 } else { total };
    let mut shares = Vec::with_capacity(drivers.len());
    for (index, node) in (0..n).zip(drivers) {
        let (connections, max_in_flight) = match plan.load.mode {
            Mode::Tsunami { max_in_flight, .. } => (None, Some(max_in_flight)),
            Mode::Avalanche { connections } => {
                // At most the plan's own u32.
                let part = whole("load.connections", u64::from(connections), index)?;
                (Some(u32::try_from(part).unwrap_or(connections)), None)
            }
        };
        let requests = plan.load.requests.map(|total| whole("load.requests", total, index)).transpose()?;
        let share = Share {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            of: u32::try_from(n).unwrap_or(u32::MAX),
            rate_per_s: plan.load.open_loop_rate_per_s().map(fraction),
            target_throughput: match plan.load.mode {
                Mode::Avalanche { .. } => plan.load.target_throughput.map(fraction),
                Mode::Tsunami { .. } => None,
            },
            requests,
            connections,
            max_in_flight,
        };
        shares.push((node.clone(), share));
    }
    Ok(shares)
}

/// How many of a driver's workers take part: none is left without a request, a connection or a place in
/// flight.
pub fn workers_used(workers: u32, share: &Share) -> u32 {
    let lanes = share.connections.or(share.max_in_flight).unwrap_or(u32::MAX);
    let requests = share.requests.map_or(u32::MAX, |requests| u32::try_from(requests).unwrap_or(u32::MAX));
    workers.min(lanes).min(requests).max(1)
}
