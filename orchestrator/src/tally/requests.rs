//! The figures of the requests of one name: as a report shows them, and as facts for a threshold on that name.
//!
//! They come from windows alone. Heartbeats have the counters of all requests together, so while a test runs, the
//! figures of the names can be a second behind the totals.

use std::borrow::Cow;
use std::collections::BTreeMap;

use common::counters::Counters;
use common::figures::ByRequest;
use common::ids::RequestName;
use common::latency::Latencies;

use super::Tally;
use super::part::{Windows, completed};
use super::unstarted::Unstarted;
use super::views::{request, share};
use crate::model::RequestTotals;
use crate::verdict::{Facts, OfSessions, Reported, Sample, failures};

/// Each name's figures: `counters` over the same requests as the samples of `latencies`.
pub fn rows(
    counters: &ByRequest<Counters>,
    latencies: &ByRequest<Latencies>,
    unstarted: Unstarted,
) -> BTreeMap<String, RequestTotals> {
    let row = |(name, counters): (&RequestName, &Counters)| {
        let samples = latencies.named.get(name).map(Latencies::ranked).unwrap_or_default();
        (name.to_string(), request(counters, &samples, unstarted))
    };
    counters.named.iter().map(row).collect()
}

/// The counters of each name, summed over the drivers' windows.
pub fn counters<'a>(windows: impl Iterator<Item = &'a Windows>) -> ByRequest<Counters> {
    let mut sum = ByRequest::default();
    windows.for_each(|windows| sum += &windows.at_window);
    sum
}

/// The requests of a name. A driver counts those of a value, `NAME/VALUE`, in `NAME` as well.
fn counters_of(windows: &Windows, name: &RequestName) -> Counters {
    windows.at_window.named.get(name).cloned().unwrap_or_default()
}

fn latencies_of<'l>(latencies: &'l ByRequest<Latencies>, name: &RequestName) -> Cow<'l, Latencies> {
    latencies.named.get(name).map_or_else(|| Cow::Owned(Latencies::new()), Cow::Borrowed)
}

/// The facts about the requests of one name, made from those about all of them: what a driver and its machine did is the
/// same, its figures are those of the name.
pub fn facts<'a>(tally: &'a Tally, all: &Facts<'a>, name: &RequestName) -> Facts<'a> {
    let mut facts = all.clone();
    let of_sessions = |counters: &Counters, unstarted: Unstarted| OfSessions {
        unsent: unstarted.beyond(counters),
        unexpected: tally
            .plan
            .program
            .as_ref()
            .map(|program| failures::unexpected(program, std::iter::once((name, counters)))),
        ..OfSessions::default()
    };
    for (driver, part) in facts.drivers.iter_mut().zip(&tally.parts) {
        let counters = counters_of(&part.windows, name);
        let latencies = latencies_of(&part.windows.latencies, name);
        let (completed, held) = completed(&counters, &latencies);
        // Other people's drivers do not report names.
        let reported = if part.is_classic() { Reported::NONE } else { driver.sample.reported };
        driver.sample = Sample {
            coverage: (reported != Reported::NONE).then(|| share(held, completed)),
            throughput_per_s: tally.per_second_of(part, counters.completed_in_schedule),
            of_sessions: of_sessions(&counters, part.windows.unstarted()),
            counters,
            reported,
            latencies,
            ..driver.sample.clone()
        };
    }
    let samples = || facts.drivers.iter().map(|driver| &driver.sample);
    let mut counters = Counters::default();
    samples().for_each(|sample| counters += &sample.counters);
    let latencies = latencies_of(&tally.fleet, name);
    let (completed, held) = completed(&counters, &latencies);
    let fleet = Sample {
        coverage: samples().all(|sample| sample.coverage.is_some()).then(|| share(held, completed)),
        throughput_per_s: tally
            .fleet_per_second_of(|part| counters_of(&part.windows, name).completed_in_schedule),
        reported: samples().fold(Reported::ALL, |all, sample| all.and(sample.reported)),
        of_sessions: of_sessions(&counters, Unstarted::of(&tally.sessions.counters())),
        counters,
        latencies,
        ..facts.fleet.clone()
    };
    Facts { fleet, ..facts }
}
