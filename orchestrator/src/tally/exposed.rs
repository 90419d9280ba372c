//! The tally as `/metrics` shows it ([`Exposed`]). All of it only grows while records come, whatever their order, since it is
//! counted from sums.

use std::time::Duration;

use common::clock::UnixMicros;
use common::ids::RequestName;
use common::latency::{Latencies, LatencyKind};
use common::named_counts::NamedCounts;
use common::plan::Per;

use super::part::Part;
use super::{Tally, requests, rows, sums};
use crate::exposed::{
    Counted, Exposed, ExposedDriver, MAX_DRIVERS, OTHERS, Outcomes, Phase, TargetRate, Times,
};

impl Tally {
    /// What `/metrics` shows of it, in a phase.
    pub fn exposed(&self, phase: Phase, now_us: UnixMicros) -> Exposed {
        let mut exposed = Exposed {
            test_id: self.test_id.to_string(),
            name: self.plan.name.clone(),
            phase,
            started_at: self.start_at,
            target: self.target_rate(now_us),
            requests: self.times(),
            connect: self.fleet.all.of(LatencyKind::Connect).up_to(),
            first_byte: self.fleet.all.of(LatencyKind::FirstByte).up_to(),
            windows_missing: {
                let all = sums::completeness(self);
                all.windows_expected.saturating_sub(all.windows_received)
            },
            ..Exposed::default()
        };
        for part in &self.parts {
            let driver = self.exposed_driver(part);
            exposed.fleet.add(&driver.counted);
            match part.ended_by {
                None if !self.finished => exposed.drivers_running += 1,
                None => exposed.drivers_lost += 1,
                Some(by) if by.is_concluded() => exposed.drivers_lost += 1,
                Some(_) => exposed.drivers_ended += 1,
            }
            let full = exposed.drivers.len() >= MAX_DRIVERS;
            let known = exposed.drivers.iter_mut().find(|known| known.node_id == driver.node_id);
            match known {
                Some(known) => known.add(&driver),
                None if full => match exposed.drivers.get_mut(MAX_DRIVERS) {
                    Some(others) => others.add(&driver),
                    None => exposed.drivers.push(ExposedDriver { node_id: OTHERS.to_owned(), ..driver }),
                },
                None => exposed.drivers.push(driver),
            }
        }
        exposed.named = self.named_counts(&exposed.fleet);
        exposed
    }

    /// Whether its load has begun.
    pub fn has_begun(&self, now_us: UnixMicros) -> bool {
        self.start_at.is_some_and(|at| at <= now_us)
    }

    fn exposed_driver(&self, part: &Part) -> ExposedDriver {
        let over = self.is_over(part);
        let latencies = &part.windows.latencies.all;
        let counted = if part.is_classic() {
            let row = rows::classic(part, over);
            let n = |count: Option<u64>| count.unwrap_or(0);
            Counted {
                scheduled: n(row.scheduled),
                sent: n(row.sent),
                completed: n(row.completed),
                failed: n(row.failed),
                in_flight: n(row.in_flight),
                unresolved: n(row.unresolved),
                ..Counted::default()
            }
        } else {
            Counted::of(&part.windows.newest, over)
        };
        ExposedDriver {
            node_id: part.node.to_string(),
            counted,
            response: outcomes(latencies, LatencyKind::Response),
            lag: latencies.of(LatencyKind::Lag).up_to(),
            health: part.windows.health.map(|(_, health)| health).filter(|_| !over),
        }
    }

    /// Requests by name and sessions by scenario. The only request of a plan without names has an empty one, and the counts
    /// of the fleet.
    fn named_counts(&self, fleet: &Counted) -> NamedCounts {
        let requests = match &self.plan.program {
            None => vec![(String::new(), [fleet.completed, fleet.failed])],
            Some(program) => {
                let mut named = requests::counters(self.parts.iter().map(|part| &part.windows)).named;
                // From the start, also at 0: of a series that begins with its first requests no rate shows these.
                for request in &program.requests {
                    named.entry(request.name.clone()).or_default();
                }
                named.iter().map(|(name, n)| (name.to_string(), [n.completed, n.failed])).collect()
            }
        };
        let scenarios = self.totals_of_scenarios();
        NamedCounts { requests, scenarios }
    }

    fn totals_of_scenarios(&self) -> Vec<(String, [u64; 4])> {
        let planned = self.plan.program.iter().flat_map(|program| &program.scenarios);
        let count = |name: &str| {
            let n = self.sessions.scenarios.get(name).map(|of| of.counters).unwrap_or_default();
            [n.completed, n.failed, n.abandoned, n.dropped]
        };
        planned.map(|scenario| (scenario.name.clone(), count(&scenario.name))).collect()
    }

    /// By the names of the plan and those that came. A value of a split is left out, because it counts in its request.
    /// A test holds at most 256 names; samples of others, which only a foreign sender makes, are shown together.
    fn times(&self) -> Vec<(Option<String>, Times)> {
        let Some(program) = &self.plan.program else { return vec![(None, times(&self.fleet.all))] };
        let planned = program.requests.iter().map(|request| &request.name);
        let came = self.fleet.named.keys().filter(|name| !name.is_part());
        let came = came.filter(|name| !program.requests.iter().any(|request| request.name == **name));
        let none = Latencies::new();
        let of = |name: &RequestName| {
            let latencies = self.fleet.named.get(name).unwrap_or(&none);
            (Some(name.to_string()), times(latencies))
        };
        let mut all: Vec<(Option<String>, Times)> = planned.chain(came).map(of).collect();
        let mut others = times(&self.fleet.all);
        for (_, named) in &all {
            others.response.take_away(&named.response);
            others.service.take_away(&named.service);
        }
        if others.response.count() > 0 {
            all.push((Some(OTHERS.to_owned()), others));
        }
        all
    }

    /// What an open loop is to start each second: 0 before its start and once all drivers have ended.
    fn target_rate(&self, now_us: UnixMicros) -> Option<TargetRate> {
        let load = &self.plan.load;
        let unit = if self.plan.program.is_some() { "sessions" } else { "requests" };
        let highest = load.open_loop_rate_per_s().or_else(|| load.highest_stage_per_s())?;
        let elapsed = self.start_at.and_then(|start| u64::try_from(now_us.saturating_sub(start)).ok());
        let elapsed = elapsed.map(Duration::from_micros).filter(|_| !self.finished && !self.all_ended());
        let planned_end = self.planned_end().unwrap_or(Duration::MAX);
        let Some(elapsed) = elapsed.filter(|elapsed| *elapsed < planned_end) else {
            return Some(TargetRate { per_s: 0.0, unit });
        };
        let changed = self.rate_changes.iter().rev().find(|change| change.at_us <= now_us);
        let each = match changed {
            Some(change) => change.rate_per_s,
            None if load.stages.is_empty() => highest,
            None => load.stage_per_s_at(elapsed).unwrap_or(0.0),
        };
        let shares = self.parts.iter().filter(|part| part.share.is_some()).count();
        let times = if self.plan.per == Per::Fleet { 1.0 } else { shares as f64 };
        Some(TargetRate { per_s: each * times, unit })
    }
}

/// Of the requests of an outcome: all that ended, less the failed ones, which are counted beside.
fn outcomes(latencies: &Latencies, kind: LatencyKind) -> Outcomes {
    let failed = kind.failed().map(|failed| latencies.of(failed).up_to()).unwrap_or_default();
    let mut completed = latencies.of(kind).up_to();
    completed -= &failed;
    Outcomes { completed, failed }
}

fn times(latencies: &Latencies) -> Times {
    Times {
        response: outcomes(latencies, LatencyKind::Response),
        service: outcomes(latencies, LatencyKind::Service),
    }
}
