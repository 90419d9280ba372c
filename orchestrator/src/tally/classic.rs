//! What a classic driver reports about its part: its own sums and averages, of which the newest report counts.
//! What it does not report stays unknown. Figures that contradict each other are marked and not corrected.

use std::time::Duration;

use common::clock::UnixMicros;
use common::latency::LatencyStats;
use common::wire::ClassicMetrics;

use super::growth::{Counts, Growth};
use crate::participant::Reading;

/// The reports of one classic driver.
#[derive(Debug, Default)]
pub struct Reports {
    /// The newest by (offset, partition): classic reports have no sequence number.
    latest: Option<((i64, i32), ClassicMetrics)>,
    growth: Growth,
    /// How many requests it was to send.
    asked: u64,
    implausible: bool,
    /// Whether some report has more answers or failures than requests.
    counts_contradict: bool,
    first_at: Option<UnixMicros>,
    last_report_at: Option<UnixMicros>,
    rose_at: Option<UnixMicros>,
    taken: u64,
}

/// How a classic driver's requests ended, as far as it reports it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClassicCounts {
    /// Requests sent; `None`: it does not report them.
    pub sent: Option<u64>,
    pub completed: Option<u64>,
    pub failed: Option<u64>,
    /// Of those sent: not ended yet; `None` where the reports do not show it.
    pub in_flight: Option<u64>,
    /// Of those sent: neither answered nor failed at its end; `None` where the reports do not show it.
    pub unresolved: Option<u64>,
    /// Of those sent: it does not report how they ended.
    pub end_unknown: u64,
    /// Whether they can be added to those of other drivers: they include what was sent, and do not contradict each
    /// other.
    pub addable: bool,
}

impl Reports {
    /// Takes one report that was not taken before, of a driver that was to send `asked` requests.
    pub fn take(
        &mut self,
        metrics: &ClassicMetrics,
        asked: u64,
        offset: i64,
        partition: i32,
        now_us: UnixMicros,
    ) {
        let counts = [metrics.num_requests, metrics.num_responses, metrics.num_errors];
        // As read so far: a total, or the sum of intervals.
        let before = self.growth.counts(asked, false)[0];
        self.growth.take(counts, metrics, offset, partition);
        if self.growth.counts(asked, false)[0] > before {
            self.rose_at = Some(now_us);
        }
        self.asked = asked;
        // The counts of an interval may have more answers than requests: some answer requests that were sent before it.
        let too_many = contradict(counts);
        self.counts_contradict |= too_many;
        self.implausible |= metrics.implausible && !too_many;
        self.first_at = Some(self.first_at.map_or(now_us, |first| first.min(now_us)));
        self.last_report_at = self.last_report_at.max(Some(now_us));
        self.taken += 1;
        let at = (offset, partition);
        if self.latest.as_ref().is_none_or(|(newest, _)| at >= *newest) {
            self.latest = Some((at, metrics.clone()));
        }
    }

    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// When a report last arrived.
    pub fn last_report_at(&self) -> Option<UnixMicros> {
        self.last_report_at
    }

    /// Its mean latency by its newest report.
    pub fn mean(&self) -> Option<Duration> {
        let ms = self.latest.as_ref()?.1.mean_ms?;
        Duration::try_from_secs_f64(ms / 1_000.0).ok()
    }

    /// When the number of requests that it reports last rose.
    pub fn rose_at(&self) -> Option<UnixMicros> {
        self.rose_at
    }

    /// The usual time between two reports, by their arrival; `None` before the second.
    pub fn interval(&self) -> Option<Duration> {
        let (first, last) = self.first_at.zip(self.last_report_at)?;
        let gaps = self.taken.checked_sub(1).filter(|gaps| *gaps > 0)?;
        Some(Duration::from_micros(last.saturating_sub(first).unsigned_abs() / gaps))
    }

    /// Whether its figures contradict each other.
    pub fn implausible(&self, over: bool) -> bool {
        let as_total = self.counts_contradict && self.reading(over) == Reading::Total;
        self.implausible || as_total || contradict(self.growth.counts(self.asked, over))
    }

    /// How its counts are read; `over` when no more will come.
    pub fn reading(&self, over: bool) -> Reading {
        self.growth.reading(self.asked, over)
    }

    /// The highest number of requests, or else of answers, in any report: it sent at least so many.
    pub fn at_least(&self) -> Option<u64> {
        let [requests, responses, _] = self.growth.at_least();
        requests.or(responses)
    }

    /// The counts; `over` when no more will come.
    pub fn counts(&self, over: bool) -> ClassicCounts {
        let counts = self.growth.counts(self.asked, over);
        let [sent, completed, failed] = counts;
        let as_sent = ClassicCounts { sent, completed, failed, ..ClassicCounts::default() };
        let Some(sent) = sent.filter(|_| !contradict(counts)) else { return as_sent };
        let errors = failed.unwrap_or(0);
        let responses = match completed {
            Some(responses) => responses,
            // All that it sent failed.
            None if errors == sent => 0,
            // Without a count of answers it is not known how the rest ended.
            None => return ClassicCounts { end_unknown: sent - errors, addable: true, ..as_sent },
        };
        // Some drivers count a failure as an answer as well.
        let completed = if responses.saturating_add(errors) > sent { responses - errors } else { responses };
        let rest = sent - completed - errors;
        ClassicCounts {
            sent: Some(sent),
            completed: Some(completed),
            failed,
            in_flight: Some(if over { 0 } else { rest }),
            unresolved: Some(if over { rest } else { 0 }),
            end_unknown: 0,
            addable: true,
        }
    }

    /// The latencies as it sent them; what it did not send is null.
    pub fn response(&self) -> LatencyStats {
        let Some((_, metrics)) = &self.latest else { return LatencyStats::default() };
        LatencyStats {
            count: self.growth.at_least()[1].unwrap_or(0),
            min: metrics.min_ms,
            mean: metrics.mean_ms,
            median: metrics.median_ms,
            mode: metrics.mode_ms,
            max: metrics.max_ms,
            ..LatencyStats::default()
        }
    }
}

/// Whether there are more answers or failures than requests.
fn contradict([sent, answers, failed]: Counts) -> bool {
    let (Some(sent), failed) = (sent, failed.unwrap_or(0)) else { return false };
    let answers = answers.unwrap_or(failed);
    answers > sent || failed > sent || (answers.saturating_add(failed) > sent && failed > answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(what: &str, reported: [Option<u64>; 3], over: bool, expected: ClassicCounts) {
        let mut reports = Reports::default();
        let [num_requests, num_responses, num_errors] = reported;
        let metrics = ClassicMetrics { num_requests, num_responses, num_errors, ..ClassicMetrics::default() };
        reports.take(&metrics, 100, 7, 0, 0);
        let counts = reports.counts(over);
        assert_eq!(counts, expected, "{what}");
        if counts.addable {
            let ended = counts.completed.unwrap_or(0) + counts.failed.unwrap_or(0);
            let rest = counts.in_flight.unwrap_or(0) + counts.unresolved.unwrap_or(0) + counts.end_unknown;
            assert_eq!(counts.sent, Some(ended + rest), "{what}: the parts sum to what was sent");
        }
    }

    #[test]
    fn what_is_not_reported_stays_unknown_and_the_parts_sum() {
        let none = ClassicCounts::default();
        check("no counts", [None; 3], true, none);
        check("answers alone", [None, Some(9), None], true, ClassicCounts { completed: Some(9), ..none });
        let alone = ClassicCounts { sent: Some(9), end_unknown: 9, addable: true, ..none };
        check("requests alone", [Some(9), None, None], false, alone);
        check("requests alone, over", [Some(9), None, None], true, alone);
        let with_failures = ClassicCounts { failed: Some(4), end_unknown: 5, ..alone };
        check("requests and failures", [Some(9), None, Some(4)], true, with_failures);
        let all_failed = ClassicCounts {
            completed: Some(0),
            failed: Some(9),
            in_flight: Some(0),
            unresolved: Some(0),
            end_unknown: 0,
            ..alone
        };
        check("requests and as many failures", [Some(9), None, Some(9)], true, all_failed);
        let live = ClassicCounts {
            sent: Some(100),
            completed: Some(90),
            in_flight: Some(10),
            unresolved: Some(0),
            addable: true,
            ..none
        };
        check("live, failures not reported", [Some(100), Some(90), None], false, live);
        let over = ClassicCounts { in_flight: Some(0), unresolved: Some(10), ..live };
        check("over, failures not reported", [Some(100), Some(90), None], true, over);
        let inclusive = ClassicCounts {
            sent: Some(100),
            completed: Some(97),
            failed: Some(3),
            in_flight: Some(0),
            unresolved: Some(0),
            addable: true,
            ..none
        };
        check("a failure is an answer too", [Some(100), Some(100), Some(3)], true, inclusive);
        let contradictory = ClassicCounts { sent: Some(5), completed: Some(9), ..none };
        check(
            "more answers than requests: as sent, not added",
            [Some(5), Some(9), None],
            true,
            contradictory,
        );
        let failures = ClassicCounts { sent: Some(10), completed: Some(4), failed: Some(9), ..none };
        check("failures that are neither", [Some(10), Some(4), Some(9)], true, failures);
    }

    #[test]
    fn the_newest_report_counts_in_whatever_order_they_come() {
        let of = |mean, n| ClassicMetrics {
            mean_ms: Some(mean),
            num_responses: Some(n),
            num_requests: Some(n),
            ..ClassicMetrics::default()
        };
        let mut reports = Reports::default();
        reports.take(&of(2.0, 20), 90, 8, 0, 50);
        reports.take(&of(1.0, 10), 90, 7, 0, 60);
        assert_eq!(reports.response().mean, Some(2.0));
        assert_eq!((reports.response().count, reports.counts(true).sent), (20, Some(20)));
        assert_eq!(reports.response().p99, None, "no percentile is invented");
        assert!(!reports.implausible(true));
        reports.take(&ClassicMetrics { implausible: true, ..of(3.0, 30) }, 90, 9, 0, 70);
        assert!(reports.implausible(true));
    }

    #[test]
    fn counts_of_an_interval_are_added_up_and_what_fits_neither_is_unknown() {
        let mut reports = Reports::default();
        for (offset, n) in [(3, 8), (4, 9), (5, 7)] {
            let answers = if offset == 4 { n + 1 } else { n - 2 };
            let metrics = ClassicMetrics {
                num_requests: Some(n),
                num_responses: Some(answers),
                implausible: answers > n,
                ..ClassicMetrics::default()
            };
            reports.take(&metrics, 40, offset, 0, 0);
        }
        assert!(!reports.implausible(true), "an interval has answers to requests of the one before");
        let counts = reports.counts(true);
        assert_eq!((counts.sent, counts.completed, counts.unresolved), (Some(24), Some(21), Some(3)));
        assert_eq!((reports.reading(true), counts.addable), (Reading::PerInterval, true));
        for offset in 6..12 {
            let metrics = ClassicMetrics { num_requests: Some(6), ..ClassicMetrics::default() };
            reports.take(&metrics, 40, offset, 0, 0);
        }
        assert_eq!(
            (reports.reading(true), reports.counts(true)),
            (Reading::Unknown, ClassicCounts::default())
        );
        assert_eq!(reports.at_least(), Some(9));
    }
}
