//! How to read the counts of a classic driver: as totals since the start of the test, or as counts of the interval
//! since its last report. Both occur, and no field of the wire distinguishes them. Pure: the input is the counts, and
//! how many requests the driver was asked to send.
//!
//! A total never falls, and at the end it equals what was asked. Counts of an interval go up and down (or stay the
//! same, where the rate is even), and only their sum reaches what was asked. The rules, in this order:
//!
//! - There is one report, or one count reached what was asked: totals.
//! - No count fell, and the counts did not stay the same while requests were answered: totals of a driver that is
//!   running or ended early. If the driver is at its end and the sum equals what was asked, it is ambiguous: unknown.
//! - The counts fell about as often as they rose, or stayed the same, and their sum equals what was asked: intervals.
//!   Where counts fell, a smaller sum is accepted as well: the driver is running, or ended early.
//! - Otherwise unknown. The driver sent at least as many requests as the highest count.
//!
//! Reports are ordered by the offsets of their partition. A report that comes late (after a restart) is compared with
//! the newest one only. Reports of two partitions are not compared with one another.

use common::wire::ClassicMetrics;

use crate::participant::Reading;

/// Most partitions whose reports are compared. Reports in further partitions add nothing to `rose`, `fell`, `moved` and
/// `blind`.
const MAX_PARTITIONS: usize = 64;

/// The counts of a report: requests, answers, errors.
pub type Counts = [Option<u64>; 3];

/// The counts of all reports of a driver.
#[derive(Debug, Default)]
pub struct Growth {
    /// The newest report of each partition.
    newest: Vec<Newest>,
    /// Reports with a count.
    reports: u64,
    highest: Counts,
    sums: Counts,
    /// Reports with a count that rose, and none that fell.
    rose: u64,
    /// Reports with a count that fell.
    fell: u64,
    /// Reports with the same counts as the one before and other latencies: requests were answered in between.
    moved: u64,
    /// Reports with the same counts as the one before, and no latencies that would show whether anything happened.
    blind: u64,
}

#[derive(Debug)]
struct Newest {
    partition: i32,
    offset: i64,
    counts: Counts,
    latencies: [Option<f64>; 4],
}

impl Growth {
    /// Takes the counts of one report that was not taken before.
    pub fn take(&mut self, counts: Counts, metrics: &ClassicMetrics, offset: i64, partition: i32) {
        for (highest, n) in self.highest.iter_mut().zip(counts) {
            *highest = (*highest).max(n);
        }
        for (sum, n) in self.sums.iter_mut().zip(counts) {
            *sum = n.map(|n| sum.unwrap_or(0).saturating_add(n)).or(*sum);
        }
        if counts[0].or(counts[1]).is_none() {
            return;
        }
        self.reports += 1;
        let latencies = [metrics.mean_ms, metrics.median_ms, metrics.min_ms, metrics.max_ms];
        let report = Newest { partition, offset, counts, latencies };
        match self.newest.iter().position(|newest| newest.partition == partition) {
            Some(at) if self.newest[at].offset > offset => {
                let (_, fell) = steps(counts, self.newest[at].counts);
                self.fell += u64::from(fell);
            }
            Some(at) => {
                let before = std::mem::replace(&mut self.newest[at], report);
                self.step(&before, at);
            }
            None if self.newest.len() < MAX_PARTITIONS => self.newest.push(report),
            None => {}
        }
    }

    fn step(&mut self, before: &Newest, at: usize) {
        let now = &self.newest[at];
        match steps(before.counts, now.counts) {
            (_, true) => self.fell += 1,
            (true, false) => self.rose += 1,
            (false, false) if now.latencies != before.latencies => self.moved += 1,
            (false, false) => {
                let answered = now.latencies.iter().flatten().any(|ms| *ms > 0.0);
                self.blind += u64::from(!answered);
            }
        }
    }

    /// How the counts are read, of a driver that was to send `asked` requests; `over` when no more will come.
    pub fn reading(&self, asked: u64, over: bool) -> Reading {
        let highest = self.highest[0].or(self.highest[1]).unwrap_or(0);
        let sum = self.sums[0].or(self.sums[1]).unwrap_or(0);
        if self.reports <= 1 || highest >= asked {
            return Reading::Total;
        }
        // A total of requests sent stays the same in the report of each answer, and grows at the next request.
        let few = self.rose + 1;
        let stood_still = self.moved > few || (self.rose <= 1 && self.moved + self.blind > few);
        // A restart of the producer's connection can bring two reports in the wrong order: one fall among many rises.
        let up_and_down = self.fell * 2 >= self.rose;
        match (self.fell > 0, stood_still) {
            (false, false) if over && sum == asked => Reading::Unknown,
            (false, false) => Reading::Total,
            (true, _) if up_and_down && sum <= asked => Reading::PerInterval,
            (false, true) if sum == asked => Reading::PerInterval,
            _ => Reading::Unknown,
        }
    }

    /// The counts of the test, as far as they are known.
    pub fn counts(&self, asked: u64, over: bool) -> Counts {
        match self.reading(asked, over) {
            Reading::Total => self.highest,
            Reading::PerInterval => self.sums,
            Reading::Unknown => [None; 3],
        }
    }

    /// The highest counts of any report: the driver did at least so much.
    pub fn at_least(&self) -> Counts {
        self.highest
    }
}

/// Whether a count rose, and whether one fell.
fn steps(before: Counts, after: Counts) -> (bool, bool) {
    let both = || before.iter().zip(after).filter_map(|(before, after)| Some(((*before)?, after?)));
    (both().any(|(before, after)| after > before), both().any(|(before, after)| after < before))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requests of each report; `mean`: the mean of each, in ms (0: none).
    fn growth(requests: &[u64], mean: impl Fn(usize) -> f64) -> Growth {
        let mut growth = Growth::default();
        for (place, n) in requests.iter().enumerate() {
            let metrics = ClassicMetrics { mean_ms: Some(mean(place)), ..ClassicMetrics::default() };
            growth.take([Some(*n), None, None], &metrics, place as i64, 0);
        }
        growth
    }

    /// The mean latency of each report.
    type Means = fn(usize) -> f64;

    /// A caption, the requests of each report, its mean latency, what was asked; how it is read, and what was sent.
    type Case = (&'static str, &'static [u64], Means, u64, Reading, Option<u64>);

    const EACH_ANOTHER: Means = |place| 1.0 + place as f64;
    const THE_SAME: Means = |_| 2.5;
    const NONE: Means = |_| 0.0;

    #[track_caller]
    fn check(caption: &str, requests: &[u64], mean: Means, asked: u64, reading: Reading, sent: Option<u64>) {
        let growth = growth(requests, mean);
        assert_eq!(
            (growth.reading(asked, true), growth.counts(asked, true)[0]),
            (reading, sent),
            "{caption}: {growth:?}"
        );
    }

    #[test]
    fn totals_are_distinguished_from_counts_of_an_interval() {
        use Reading::{PerInterval, Total, Unknown};
        let cases: [Case; 18] = [
            ("one report", &[7], EACH_ANOTHER, 30, Total, Some(7)),
            ("it grows to what was asked", &[6, 12, 18, 24, 30], EACH_ANOTHER, 30, Total, Some(30)),
            ("it grows beyond it", &[10, 20, 30, 40], EACH_ANOTHER, 30, Total, Some(40)),
            ("under way", &[6, 12, 18], EACH_ANOTHER, 60, Total, Some(18)),
            ("a fifth of it in each", &[6, 6, 6, 6, 6], EACH_ANOTHER, 30, PerInterval, Some(30)),
            ("the same without latencies", &[6, 6, 6, 6, 6], NONE, 30, PerInterval, Some(30)),
            ("up and down", &[5, 7, 6, 7, 5], EACH_ANOTHER, 30, PerInterval, Some(30)),
            ("up and down, under way", &[5, 7, 6], EACH_ANOTHER, 30, PerInterval, Some(18)),
            ("a short first and a short last one", &[4, 6, 6, 6, 6, 2], NONE, 30, PerInterval, Some(30)),
            ("a last report of nothing", &[15, 15, 0], NONE, 30, PerInterval, Some(30)),
            ("even, and less than asked: either", &[6, 6, 6, 6], EACH_ANOTHER, 30, Unknown, None),
            ("even without latencies: either", &[6, 6, 6], NONE, 30, Unknown, None),
            ("rising, and their sum is what was asked: either", &[4, 5, 6], EACH_ANOTHER, 15, Unknown, None),
            ("up and down, and more than asked", &[9, 8, 9, 8], EACH_ANOTHER, 30, Unknown, None),
            ("the target stalls: the same report again", &[6, 9, 9, 9, 9, 9], THE_SAME, 30, Total, Some(9)),
            ("it stalls from the start", &[4, 4, 4], THE_SAME, 30, Total, Some(4)),
            (
                "a report at each answer, counted as sent",
                &[1, 1, 2, 2, 3, 3],
                EACH_ANOTHER,
                8,
                Total,
                Some(3),
            ),
            ("every 100 ms, one request a second", &[1, 1, 1, 2, 2, 2, 3, 3], THE_SAME, 8, Total, Some(3)),
        ];
        for (caption, requests, mean, asked, reading, sent) in cases {
            check(caption, requests, mean, asked, reading, sent);
        }
        let rising = growth(&[4, 5, 6], EACH_ANOTHER);
        assert_eq!(rising.reading(15, false), Total, "while it runs, rising counts are totals");
    }

    #[test]
    fn reports_in_the_wrong_order_are_no_interval() {
        let swapped = [1, 2, 3, 5, 4, 6, 7];
        check("one fall among many rises", &swapped, EACH_ANOTHER, 60, Reading::Unknown, None);
        let mut to_the_end = swapped.to_vec();
        to_the_end.extend(8..=12);
        check("and then all that was asked", &to_the_end, EACH_ANOTHER, 12, Reading::Total, Some(12));
        let mut late = growth(&[], EACH_ANOTHER);
        for (offset, n) in [(8, 20), (7, 10), (9, 30)] {
            late.take([Some(n), None, None], &ClassicMetrics::default(), offset, 0);
        }
        assert_eq!(late.counts(80, true)[0], Some(30), "an older report arrives later: {late:?}");
        let mut spread = Growth::default();
        for (place, n) in (1..=6_u64).enumerate() {
            // One partition is read ahead of the other.
            let n = if place < 3 { 2 * n } else { 2 * n - 7 };
            spread.take([Some(n), None, None], &ClassicMetrics::default(), n as i64, (n % 2) as i32);
        }
        assert_eq!(spread.counts(60, true)[0], Some(6), "totals in two partitions: {spread:?}");
    }

    #[test]
    fn any_of_the_three_counts_decides_the_reading() {
        let reading = |counts: &[Counts], asked| {
            let mut growth = Growth::default();
            for (place, counts) in counts.iter().enumerate() {
                growth.take(*counts, &ClassicMetrics::default(), place as i64, 0);
            }
            (growth.reading(asked, true), growth.counts(asked, true))
        };
        let answers = [[Some(6), Some(4), None], [Some(6), Some(5), None], [Some(6), Some(6), None]];
        let total = [Some(6), Some(6), None];
        assert_eq!(reading(&answers, 20), (Reading::Total, total), "the answers to them come in");
        let errors = [[Some(6), None, Some(2)], [Some(7), None, Some(0)], [Some(5), None, Some(1)]];
        let sums = [Some(18), None, Some(3)];
        assert_eq!(reading(&errors, 18), (Reading::PerInterval, sums), "each count is summed");
        let alone = [[None, Some(6), None], [None, Some(4), None]];
        assert_eq!(reading(&alone, 18), (Reading::PerInterval, [None, Some(10), None]), "answers alone");
        assert_eq!(reading(&[[None; 3], [None; 3]], 18), (Reading::Total, [None; 3]), "no counts");
    }
}
