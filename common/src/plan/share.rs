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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn plan(per: &str, load: Value) -> Plan {
        let text = json!({ "target": { "url": "http://127.0.0.1/" }, "per": per, "load": load });
        super::super::read_value(&text).unwrap()
    }

    fn nodes(n: u32) -> Vec<NodeId> {
        (0..n).map(|i| NodeId::new(&format!("d{i}")).unwrap()).collect()
    }

    fn shares(plan: &Plan, n: u32) -> Vec<Share> {
        share_out(plan, &nodes(n)).unwrap().into_iter().map(|(_, share)| share).collect()
    }

    #[test]
    fn per_driver_each_does_all_of_it() {
        let plan = plan("driver", json!({ "rate": 1000, "requests": 10, "max_in_flight": 7 }));
        for (index, share) in shares(&plan, 3).into_iter().enumerate() {
            assert_eq!((share.index as usize, share.of), (index, 3));
            assert_eq!(
                (share.rate_per_s, share.requests, share.max_in_flight),
                (Some(1000.0), Some(10), Some(7))
            );
            assert_eq!((share.connections, share.target_throughput), (None, None));
        }
    }

    #[test]
    fn a_fleet_shares_amounts_but_not_the_bound_in_flight() {
        let plan = plan(
            "fleet",
            json!({ "rate": 900, "target_throughput": 300, "requests": 11, "max_in_flight": 7, "duration": "1s" }),
        );
        let shares = shares(&plan, 3);
        assert_eq!(shares.iter().map(|share| share.requests.unwrap()).collect::<Vec<_>>(), [4, 4, 3]);
        for share in shares {
            assert_eq!(
                (share.rate_per_s, share.max_in_flight),
                (Some(100.0), Some(7)),
                "the ceiling is the rate"
            );
        }
    }

    #[test]
    fn a_closed_loop_shares_connections_and_its_ceiling() {
        let plan = plan(
            "fleet",
            json!({ "mode": "avalanche", "connections": 5, "target_throughput": 100, "duration": "1s" }),
        );
        let shares = shares(&plan, 2);
        assert_eq!(shares.iter().map(|share| share.connections.unwrap()).collect::<Vec<_>>(), [3, 2]);
        assert!(
            shares.iter().all(|share| share.target_throughput == Some(50.0) && share.rate_per_s.is_none())
        );
    }

    #[test]
    fn a_driver_without_a_share_is_named() {
        let plan = plan("fleet", json!({ "rate": 1, "requests": 2 }));
        let error = share_out(&plan, &nodes(3)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "load.requests = 2 leaves driver d2 without a share: 3 drivers take part"
        );
        assert_eq!(share_out(&plan, &[]), Err(ShareError::NoDrivers));
    }

    #[test]
    fn no_worker_is_left_without_work() {
        let share = |requests, connections, max_in_flight| Share {
            index: 0,
            of: 1,
            rate_per_s: None,
            target_throughput: None,
            requests,
            connections,
            max_in_flight,
        };
        for (workers, share, expected) in [
            (8, share(None, None, Some(1024)), 8),
            (8, share(None, None, Some(3)), 3),
            (8, share(Some(2), None, Some(1024)), 2),
            (8, share(Some(u64::MAX), Some(5), None), 5),
            (1, share(Some(9), Some(5), None), 1),
        ] {
            assert_eq!(workers_used(workers, &share), expected, "{workers} {share:?}");
        }
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_whole_and_differ_by_one(total in any::<u64>(), parts in 1..2_000_u64) {
            let split: Vec<u64> = (0..parts).map(|index| split(total, parts, index)).collect();
            prop_assert_eq!(split.iter().sum::<u64>(), total);
            prop_assert!(split[0] - split[split.len() - 1] <= 1);
            prop_assert!(split.is_sorted_by(|a, b| a >= b), "remainders go to the first");
        }

        #[test]
        fn a_fleets_shares_sum_exactly(n in 1..50_u32, requests in 50..1_000_000_u64, connections in 50..100_000_u32) {
            let load = json!({ "mode": "avalanche", "connections": connections, "requests": requests });
            let shares = shares(&plan("fleet", load), n);
            prop_assert_eq!(shares.iter().map(|share| share.requests.unwrap()).sum::<u64>(), requests);
            prop_assert_eq!(shares.iter().map(|share| share.connections.unwrap()).sum::<u32>(), connections);
            for (i, share) in shares.iter().enumerate() {
                prop_assert_eq!((share.index as usize, share.of), (i, n));
                let read: Share = serde_json::from_value(serde_json::to_value(share).unwrap()).unwrap();
                prop_assert_eq!(&read, share);
            }
        }
    }
}
