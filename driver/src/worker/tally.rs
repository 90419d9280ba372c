//! What is counted of one request in an open window: counters, and samples on their way into histograms.
//!
//! A request is recorded in five histograms, and a plan of ten names has fifty, each with thousands of buckets: more than
//! the cache of a core holds, so that each sample would wait for memory (of a mix of ten requests that was 0.3 µs per
//! request, a fifth of what the driver did for it outside of the kernel). So samples are collected here, in a few lines
//! of memory per name, and go into their histogram some at a time: then the processor waits for all of their buckets at once.

use common::counters::Counters;
use common::figures::Figures;
use common::latency::{Latencies, Latency, LatencyKind, MAX_US};

/// Samples of one kind that are collected. More would bring little: a processor waits for a dozen lines of memory at once.
const COLLECTED: usize = 16;

/// Samples that are not in their histogram yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Waiting {
    n: usize,
    us: [u32; COLLECTED],
}

impl Waiting {
    /// Takes one latency, µs, on its way into a histogram.
    #[inline]
    pub fn record_us(&mut self, us: u64, into: &mut Latency) {
        // Fits: an hour in µs is below 2³².
        self.us[self.n] = us.min(MAX_US) as u32;
        self.n += 1;
        if self.n == COLLECTED {
            self.empty(into);
        }
    }

    /// Records all that it took.
    pub fn empty(&mut self, into: &mut Latency) {
        let samples = self.us.get(..std::mem::take(&mut self.n)).unwrap_or_default();
        samples.iter().for_each(|us| into.record_us(u64::from(*us)));
    }
}

/// Figures of one request in an open window.
#[derive(Debug, Default)]
pub struct Tally {
    /// What was counted.
    pub counters: Counters,
    latencies: Latencies,
    waiting: [Waiting; LatencyKind::ALL.len()],
}

impl Tally {
    /// Records one latency, µs. Those of requests that ended after the warm-up are recorded by [`Tally::ended`].
    #[inline]
    pub fn record_us(&mut self, kind: LatencyKind, us: u64) {
        self.waiting[kind as usize].record_us(us, self.latencies.of_mut(kind));
    }

    /// As [`Latencies::ended`].
    #[inline]
    pub fn ended(&mut self, service_us: u64, response_us: u64, completed: bool) {
        self.record_us(LatencyKind::Service, service_us);
        self.record_us(LatencyKind::Response, response_us);
        if completed {
            self.latencies.completed_within(service_us, response_us);
        } else {
            self.record_us(LatencyKind::FailedService, service_us);
            self.record_us(LatencyKind::FailedResponse, response_us);
        }
    }

    /// All of it, once nothing is added any more.
    pub fn figures(mut self) -> Figures {
        for (kind, waiting) in LatencyKind::ALL.into_iter().zip(&mut self.waiting) {
            waiting.empty(self.latencies.of_mut(kind));
        }
        Figures { counters: self.counters, latencies: self.latencies }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn collected_samples_come_to_what_was_recorded(
            ended in prop::collection::vec((0..5_000_000_000_u64, 0..9_000_u64, any::<bool>()), 0..60),
            lags in prop::collection::vec(any::<u64>(), 0..40),
        ) {
            let (mut tally, mut latencies) = (Tally::default(), Latencies::new());
            for (service, lag, completed) in &ended {
                tally.ended(*service, service + lag, *completed);
                latencies.ended(*service, service + lag, *completed);
            }
            for lag in lags {
                tally.record_us(LatencyKind::Lag, lag);
                latencies.of_mut(LatencyKind::Lag).record_us(lag);
            }
            prop_assert_eq!(tally.figures().latencies, latencies);
        }
    }
}
