//! The figures of the requests of one name: as a report shows them, and as facts for a threshold on that name.
//!
//! They come from windows alone. Heartbeats have the counters of all requests together, so while a test runs, the
//! figures of the names can be a second behind the totals.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use common::counters::Counters;
use common::figures::ByRequest;
use common::ids::RequestName;
use common::latency::Latencies;

use super::Tally;
use super::part::{Windows, completed};
use super::views::{request, share};
use crate::model::RequestTotals;
use crate::verdict::{Facts, Reported, Sample};

/// Each name's figures: `counters` over the same requests as the samples of `latencies`.
pub fn rows(
    counters: &ByRequest<Counters>,
    latencies: &ByRequest<Latencies>,
) -> BTreeMap<String, RequestTotals> {
    let none = Latencies::new();
    let row = |(name, counters): (&RequestName, &Counters)| {
        let latencies = latencies.named.get(name).unwrap_or(&none);
        (name.to_string(), request(counters, latencies))
    };
    counters.named.iter().map(row).collect()
}

/// The counters of each name, summed over the drivers' windows.
pub fn counters<'a>(windows: impl Iterator<Item = &'a Windows>) -> ByRequest<Counters> {
    let mut sum = ByRequest::default();
    windows.for_each(|windows| sum += &windows.at_window);
    sum
}

/// The facts about the requests of one name, made from those about all of them: what a driver and its machine did is the
/// same, its figures are those of the name.
pub fn facts<'a>(tally: &'a Tally, all: &Facts<'a>, name: &RequestName) -> Facts<'a> {
    static NONE: LazyLock<Latencies> = LazyLock::new(Latencies::new);
    let mut facts = all.clone();
    for (driver, part) in facts.drivers.iter_mut().zip(&tally.parts) {
        let counters = part.windows.at_window.named.get(name).cloned().unwrap_or_default();
        let latencies = part.windows.latencies.named.get(name).unwrap_or(&NONE);
        let (completed, held) = completed(&counters, latencies);
        // Other people's drivers do not report names.
        let reported = if part.is_classic() { Reported::NONE } else { driver.sample.reported };
        driver.sample = Sample {
            coverage: (reported != Reported::NONE).then(|| share(held, completed)),
            throughput_per_s: tally.per_second_of(part, counters.completed_in_schedule),
            counters,
            reported,
            latencies,
            ..driver.sample
        };
    }
    let samples = || facts.drivers.iter().map(|driver| &driver.sample);
    let mut counters = Counters::default();
    samples().for_each(|sample| counters += &sample.counters);
    let latencies = tally.fleet.named.get(name).unwrap_or(&NONE);
    let (completed, held) = completed(&counters, latencies);
    facts.fleet = Sample {
        coverage: samples().all(|sample| sample.coverage.is_some()).then(|| share(held, completed)),
        throughput_per_s: tally.fleet_per_second_of(|part| {
            part.windows.at_window.named.get(name).map_or(0, |counters| counters.completed_in_schedule)
        }),
        reported: samples().fold(Reported::ALL, |all, sample| all.and(sample.reported)),
        counters,
        latencies,
        ..facts.fleet
    };
    facts
}
