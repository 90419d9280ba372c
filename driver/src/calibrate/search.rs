//! The search for the highest rate kept: pure. It doubles until a rate is not kept (or halves until one is), then
//! narrows the gap between the two by their geometric middle.

/// Below this nothing is searched, requests per second: a machine that does not keep it keeps nothing.
const LOWEST_PER_S: f64 = 100.0;
/// Above this neither: the highest rate of a plan.
const HIGHEST_PER_S: f64 = 10_000_000.0;
/// The first rate is this part of the closed loop's throughput.
const FIRST: f64 = 1.0 / 8.0;

/// Which rate to try next, and the results of those before.
#[derive(Debug, Clone)]
pub struct Search {
    next: Option<f64>,
    kept: Option<f64>,
    missed: Option<f64>,
    resolution: f64,
    tries: u32,
    left: u32,
}

impl Search {
    /// Begins at an eighth of the closed loop's throughput. It ends where the lowest rate missed is less than
    /// `resolution` (a share) above the highest kept; a rate counts as missed after `tries` (at least 1).
    pub fn new(closed_loop_per_s: f64, resolution: f64, tries: u32) -> Self {
        let first = rounded((closed_loop_per_s * FIRST).clamp(LOWEST_PER_S, HIGHEST_PER_S));
        Self { next: Some(first), kept: None, missed: None, resolution, tries, left: tries }
    }

    /// The rate to try, requests per second; `None`: the search is over.
    pub fn next(&self) -> Option<f64> {
        self.next
    }

    /// The highest rate kept so far.
    pub fn highest_kept(&self) -> Option<f64> {
        self.kept
    }

    /// Records whether the rate that [`Search::next`] returned was kept.
    pub fn record(&mut self, kept: bool) {
        let Some(rate) = self.next else { return };
        if kept {
            self.kept = Some(rate);
        } else {
            self.left = self.left.saturating_sub(1);
            if self.left > 0 {
                return;
            }
            self.missed = Some(rate);
        }
        self.left = self.tries;
        self.next = self.after();
    }

    fn after(&self) -> Option<f64> {
        match (self.kept, self.missed) {
            (Some(kept), None) => Some(rounded((kept * 2.0).min(HIGHEST_PER_S))).filter(|rate| *rate > kept),
            (None, Some(missed)) => {
                Some(rounded((missed / 2.0).max(LOWEST_PER_S))).filter(|rate| *rate < missed)
            }
            (Some(kept), Some(missed)) => {
                let middle = rounded((kept * missed).sqrt());
                (missed > kept * (1.0 + self.resolution) && middle > kept && middle < missed)
                    .then_some(middle)
            }
            (None, None) => None,
        }
    }
}

/// To three significant digits: more would claim a precision that no search has.
fn rounded(rate: f64) -> f64 {
    let scale = 10_f64.powf(rate.log10().floor() - 2.0);
    ((rate / scale).round() * scale * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a generator that keeps every rate up to `ceiling`; the rates tried, and what was found.
    fn search(closed_loop: f64, ceiling: f64) -> (Vec<f64>, Option<f64>) {
        let mut search = Search::new(closed_loop, 0.05, 1);
        let mut tried = Vec::new();
        while let Some(rate) = search.next() {
            assert!(tried.len() < 64, "{tried:?}");
            tried.push(rate);
            search.record(rate <= ceiling);
        }
        (tried, search.highest_kept())
    }

    #[test]
    fn the_highest_rate_is_found_within_the_resolution_in_few_steps() {
        for ceiling in [160.0, 900.0, 20_000.0, 33_333.0, 79_999.0, 160_000.0] {
            let (tried, found) = search(80_000.0, ceiling);
            let found = found.unwrap();
            assert!(found <= ceiling && ceiling <= found * 1.06, "{ceiling}: {found} of {tried:?}");
            assert!(tried.len() <= 16, "{ceiling}: {tried:?}");
        }
    }

    #[test]
    fn it_doubles_then_narrows() {
        let (tried, found) = search(80_000.0, 33_333.0);
        assert_eq!(tried[..4], [10_000.0, 20_000.0, 40_000.0, 28_300.0]);
        assert_eq!(found, Some(32_200.0));
    }

    #[test]
    fn no_rate_kept_is_no_rate_and_all_kept_is_the_highest_of_a_plan() {
        let (tried, found) = search(80_000.0, 1.0);
        assert_eq!((tried.last().copied(), found), (Some(LOWEST_PER_S), None));
        assert_eq!(search(80_000.0, f64::MAX).1, Some(HIGHEST_PER_S));
        assert_eq!(search(0.0, 1.0).1, None, "a closed loop that did nothing");
    }

    #[test]
    fn a_rate_that_is_missed_once_of_two_tries_is_kept() {
        let mut search = Search::new(80_000.0, 0.05, 2);
        search.record(false);
        assert_eq!(search.next(), Some(10_000.0), "again");
        search.record(true);
        assert_eq!((search.next(), search.highest_kept()), (Some(20_000.0), Some(10_000.0)));
        search.record(false);
        search.record(false);
        assert_eq!(search.next(), Some(14_100.0), "twice is missed");
    }
}
