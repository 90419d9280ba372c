//! The table `[load]`: open or closed loop, its amounts, what ends it, and how these keys fit together.

use std::time::Duration;

use super::language::stages;
use super::program::Arrival;
use super::{DriverChoice, Load, Mode, Pace, Per};
use crate::tree::{Table, parse};

/// Highest rate and ceiling, requests per second.
pub(super) const MAX_RATE_PER_S: f64 = 10_000_000.0;
/// Lowest: one in a day or so.
pub(super) const MIN_RATE_PER_S: f64 = 0.000_01;
/// Most ticks or attempts.
pub(super) const MAX_REQUESTS: u64 = 1_000_000_000_000;
/// Most connections or requests in flight, per driver.
pub(super) const MAX_IN_FLIGHT: u32 = 1_000_000;

pub(super) const MS: Duration = Duration::from_millis(1);
pub(super) const HOUR: Duration = Duration::from_secs(3_600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);
/// Longest test.
pub(super) const MAX_DURATION: Duration = Duration::from_secs(30 * 86_400);

/// The two modes, before their amounts are known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Loop {
    Open,
    Closed,
}

/// Reads `[load]`, or `None` where a value without a default is missing or wrong.
pub(super) fn read_load(
    load: &mut Table,
    timeout: Duration,
    drivers: &DriverChoice,
    per: Per,
) -> Option<Load> {
    let mode = load.get("mode", parse::one_of(&[("tsunami", Loop::Open), ("avalanche", Loop::Closed)]));
    // If the mode cannot be read, the keys that belong to it are unknown, and not checked.
    if !load.is_faulty("mode") {
        match mode.unwrap_or(Loop::Open) {
            Loop::Open => check_open_loop(load),
            Loop::Closed => check_closed_loop(load),
        }
    }
    if !load.has("requests") && !load.has("duration") {
        let reason = "is missing; a test ends after a duration, so many requests, or whichever comes first";
        load.missing("duration", reason);
    }
    let rate = parse::rate(MIN_RATE_PER_S..=MAX_RATE_PER_S);
    let delay = load.get("delay", parse::duration(Duration::from_nanos(100)..=DAY)).map(Pace::Delay);
    // Both are taken, whatever the first says.
    let rate_given = load.get("rate", &rate).map(Pace::Rate);
    let max_in_flight = load.get("max_in_flight", parse::integer(1..=MAX_IN_FLIGHT));
    let connections = load.get("connections", parse::integer(1..=MAX_IN_FLIGHT));
    if !matches!(mode, Some(Loop::Closed)) && per == Per::Driver {
        check_pool(load, connections, max_in_flight);
    }
    // What waits for a connection is bounded, too: room for as many as there are connections, at least.
    let max_in_flight = max_in_flight.unwrap_or_else(|| connections.unwrap_or(0).max(1_024));
    let target_throughput = load.get("target_throughput", &rate);
    let requests = load.get("requests", parse::integer(1..=MAX_REQUESTS));
    let duration = load.get("duration", parse::duration(MS..=MAX_DURATION));
    let warmup = load.get("warmup", parse::duration(Duration::ZERO..=DAY)).unwrap_or(Duration::ZERO);
    let drain_timeout = load
        .get("drain_timeout", parse::duration(Duration::ZERO..=2 * HOUR))
        .unwrap_or(timeout + Duration::from_secs(1));
    check_shares(load, drivers, per, requests, connections);
    let (mode, connections) = match mode.unwrap_or(Loop::Open) {
        Loop::Open => (Mode::Tsunami { pace: delay.or(rate_given), max_in_flight }, connections),
        Loop::Closed => (Mode::Avalanche { connections: connections? }, None),
    };
    Some(Load {
        mode,
        target_throughput,
        requests,
        duration,
        warmup,
        drain_timeout,
        stages: Vec::new(),
        pacing: None,
        arrival: Arrival::Even,
        connections,
    })
}

/// Connections that no attempt could ever have.
fn check_pool(load: &Table, connections: Option<u32>, max_in_flight: Option<u32>) {
    if let (Some(connections), Some(most)) = (connections, max_in_flight)
        && connections > most
    {
        let reason = format!(
            "is more than max_in_flight, {most}, which bounds the requests that wait for a connection and those that have \
             one together; raise that, or take fewer connections"
        );
        load.contradiction("connections", connections, reason);
    }
}

fn check_open_loop(load: &Table) {
    if load.has("delay") && load.has("rate") {
        load.contradiction("rate", load.shown("rate"), "delay and rate are both given; leave one out");
    }
    if !["delay", "rate", "target_throughput"].iter().any(|key| load.has(key)) {
        load.missing("rate", "is missing; a tsunami needs a rate, a delay or a target_throughput");
    }
}

fn check_closed_loop(load: &Table) {
    let foreign = [
        ("delay", "an avalanche is held back by target_throughput"),
        ("rate", "an avalanche is held back by target_throughput"),
        ("max_in_flight", "an avalanche has as many in flight as connections"),
    ];
    for (key, instead) in foreign.iter().filter(|(key, _)| load.has(key)) {
        load.contradiction(key, load.shown(key), format!("belongs to mode \"tsunami\"; {instead}"));
    }
    if !load.has("connections") {
        load.missing("connections", "is missing; an avalanche needs to know how many");
    }
}

/// Checks that amounts shared by a fleet of known size leave no driver without a share.
fn check_shares(
    load: &Table,
    drivers: &DriverChoice,
    per: Per,
    requests: Option<u64>,
    connections: Option<u32>,
) {
    let n_drivers = match drivers {
        _ if per == Per::Driver => return,
        DriverChoice::All => return,
        DriverChoice::Count(n) => u64::from(*n),
        DriverChoice::Named(ids) => ids.len() as u64,
    };
    for (key, amount) in [("requests", requests), ("connections", connections.map(u64::from))] {
        if let Some(amount) = amount.filter(|amount| *amount < n_drivers) {
            let reason = format!(
                "{n_drivers} drivers share it (per = \"fleet\"), and each needs at least one: give {n_drivers} or more, \
                 or fewer drivers"
            );
            load.contradiction(key, amount, reason);
        }
    }
}

impl Load {
    /// How long the stages last, the warm-up included; `None`: there are none.
    pub fn stages_length(&self) -> Option<Duration> {
        (!self.stages.is_empty()).then(|| stages::length(&self.stages))
    }

    /// How many sessions stages of a rate start, all of them together; `None`: there are no stages, or users have them.
    /// With independent arrivals it is the number that is expected.
    pub fn sessions_of_stages(&self) -> Option<u64> {
        if self.stages.is_empty() || matches!(self.mode, Mode::Avalanche { .. }) {
            return None;
        }
        let area = stages::area(&self.stages);
        // Sums of fractions are off in their last digits, and that makes no session.
        Some((area - (area * 1e-14).max(1e-9)).ceil().max(0.0) as u64)
    }

    /// The rate that stages have so long after the start, sessions per second; `None`: there are none, users have them, or
    /// they are over.
    pub fn stage_per_s_at(&self, at: Duration) -> Option<f64> {
        let open = matches!(self.mode, Mode::Tsunami { .. });
        stages::level_at(&self.stages, at).filter(|_| open)
    }

    /// The highest rate of stages, sessions per second; `None`: there are none, or users have them.
    pub fn highest_stage_per_s(&self) -> Option<f64> {
        let open = matches!(self.mode, Mode::Tsunami { .. });
        stages::highest(&self.stages).filter(|_| open)
    }
}
