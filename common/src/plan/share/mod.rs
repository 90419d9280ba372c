//! Divides a plan's amounts: per driver or shared among the fleet, and within a driver among its workers. Remainders go
//! to the first ones.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::language::{TooFewRows, too_few};
use super::program::Arrival;
use super::{Load, Mode, Per, Plan};
use crate::ids::NodeId;

/// What one driver does of a plan: the `assignments` entry of a test_config record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The driver's place among the fleet, from 0.
    pub index: u32,
    /// How many drivers take part.
    pub of: u32,
    /// Open loop: this driver's own requests per second, the ceiling already applied. In a fleet's schedule it is the
    /// driver's part of the rate, over a long time. With stages the highest that it comes to.
    pub rate_per_s: Option<f64>,
    /// Closed loop: the ceiling, requests per second.
    pub target_throughput: Option<f64>,
    /// Ticks or attempts after the warm-up. In a fleet's schedule, whose ticks are counted for all drivers together, one
    /// more or less where there is a warm-up, and fewer where the duration ends first.
    pub requests: Option<u64>,
    /// Closed loop: connections. Open loop: those that attempts wait for; `None`: they wait for none.
    pub connections: Option<u32>,
    /// Open loop: most requests in flight.
    pub max_in_flight: Option<u32>,
    /// Open loop with `per = "fleet"`, or with independent arrivals: the one schedule of all drivers. This driver sends its
    /// ticks `index`, `index + of`, `index + 2·of`, … `None`: the driver has a schedule of its own, or there are stages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet: Option<FleetSchedule>,
    /// With `load.stages`: how many times the drivers together do them, once where they share them, or as often as there
    /// are drivers. Of the fleet's sessions or users this driver has `index`, `index + of`, `index + 2·of`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages_times: Option<u32>,
}

/// The schedule that the drivers of a fleet share: what a single driver would keep that sends all of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FleetSchedule {
    /// Requests per second of all drivers together, the ceiling already applied.
    pub rate_per_s: f64,
    /// Ticks of all drivers after the warm-up, where the plan limits them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
}

impl Share {
    /// How long after `start_at` the driver's own warm-up or schedule begins: drivers that each keep the whole rate are
    /// spaced evenly over one delay. Those of one fleet's schedule, and closed loops, all begin at `start_at`.
    pub fn begins_after(&self) -> Duration {
        match (self.fleet, self.rate_per_s) {
            _ if self.stages_times.is_some() => Duration::ZERO,
            (None, Some(rate)) if rate > 0.0 && self.of > 0 => {
                let delays = f64::from(self.index) / f64::from(self.of);
                Duration::try_from_secs_f64(delays / rate).unwrap_or(Duration::MAX)
            }
            _ => Duration::ZERO,
        }
    }

    /// Length of the driver's schedule after the warm-up as planned: the duration, or the time that its ticks take,
    /// whichever is shorter. `None` where only a number of attempts ends it, as in a closed loop.
    pub fn planned_length(&self, load: &Load) -> Option<Duration> {
        if let Some(stages) = load.stages_length() {
            return Some(stages.saturating_sub(load.warmup));
        }
        let of_ticks = match self.fleet {
            Some(fleet) => fleet.requests.map(|requests| (requests, fleet.rate_per_s)),
            None => self.requests.zip(self.rate_per_s),
        };
        let by_requests = of_ticks.filter(|(_, rate)| *rate > 0.0).map(|(requests, rate)| {
            Duration::try_from_secs_f64(requests as f64 / rate).unwrap_or(Duration::MAX)
        });
        by_requests.into_iter().chain(load.duration).min()
    }
}

/// Why a plan cannot be shared out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
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
    /// Data that gives each row once has fewer rows than so many drivers start sessions.
    #[error("data.{} {}: {drivers} drivers take part, and each starts as many (per = \"driver\")", few.data, few.reason())]
    Rows {
        /// Which data, and both numbers.
        few: TooFewRows,
        /// How many drivers take part.
        drivers: usize,
    },
    /// The list of drivers is empty.
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
/// Where a driver would be left without requests or connections, rows that are taken once do not suffice for all of them, or
/// none is chosen.
pub fn share_out(plan: &Plan, drivers: &[NodeId]) -> Result<Vec<(NodeId, Share)>, ShareError> {
    let n = drivers.len() as u64;
    if n == 0 {
        return Err(ShareError::NoDrivers);
    }
    if let (Some(program), Per::Driver) = (&plan.program, plan.per)
        && let Some(few) = too_few(program, &plan.load, plan.per, drivers.len()).into_iter().next()
    {
        return Err(ShareError::Rows { few, drivers: drivers.len() });
    }
    let whole = |amount: &'static str, total: u64, index: u64| {
        let part = if plan.per == Per::Fleet { split(total, n, index) } else { total };
        if part == 0 && total > 0 {
            let node = drivers[index as usize].clone();
            return Err(ShareError::Nothing { amount, value: total, node, drivers: drivers.len() });
        }
        Ok(part)
    };
    let stages_times = (!plan.load.stages.is_empty()).then(|| match plan.per {
        Per::Fleet => 1,
        Per::Driver => u32::try_from(n).unwrap_or(u32::MAX),
    });
    // Independent visitors are those of the whole fleet, also where each driver stands for its own.
    let one_schedule = plan.per == Per::Fleet || plan.load.arrival == Arrival::Poisson;
    let times = if plan.per == Per::Fleet { 1 } else { n };
    let rate = plan.load.open_loop_rate_per_s().filter(|_| one_schedule && stages_times.is_none());
    let fleet = rate.map(|rate_per_s| FleetSchedule {
        rate_per_s: rate_per_s * times as f64,
        requests: plan.load.requests.map(|requests| requests.saturating_mul(times)),
    });
    let rate_per_s = match stages_times {
        Some(_) => plan.load.highest_stage_per_s().filter(|rate| *rate > 0.0),
        None => plan.load.open_loop_rate_per_s(),
    };
    let fraction = |total: f64| if plan.per == Per::Fleet { total / n as f64 } else { total };
    let mut shares = Vec::with_capacity(drivers.len());
    for (index, node) in (0..n).zip(drivers) {
        let (connections, max_in_flight) = match plan.load.mode {
            Mode::Tsunami { max_in_flight, .. } => (plan.load.connections, Some(max_in_flight)),
            Mode::Avalanche { connections } => (Some(connections), None),
        };
        // At most the plan's own u32.
        let part = |all: u32| {
            whole("load.connections", u64::from(all), index).map(|part| u32::try_from(part).unwrap_or(all))
        };
        let connections = connections.map(part).transpose()?;
        let requests = plan.load.requests.map(|total| whole("load.requests", total, index)).transpose()?;
        let share = Share {
            index: u32::try_from(index).unwrap_or(u32::MAX),
            of: u32::try_from(n).unwrap_or(u32::MAX),
            rate_per_s: rate_per_s.map(fraction),
            target_throughput: match plan.load.mode {
                Mode::Avalanche { .. } => plan.load.target_throughput.map(fraction),
                Mode::Tsunami { .. } => None,
            },
            requests,
            connections,
            max_in_flight,
            fleet,
            stages_times,
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
mod tests;
