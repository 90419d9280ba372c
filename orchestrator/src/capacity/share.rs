//! The share of bad requests at a level, and between which bounds it lies: an interval that is widened because seconds depend
//! on each other (`statistics::share_interval`), and what the worst two seconds make of it.

use crate::statistics::share_interval;

/// How sure the interval is.
const CONFIDENCE: f64 = 0.95;

/// Requests of one second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Those that count against the objective.
    pub bad: u64,
    /// All that are counted.
    pub of: u64,
}

impl Count {
    /// The share of bad ones; `None` where nothing was counted.
    pub fn part(self) -> Option<f64> {
        (self.of > 0).then(|| self.bad as f64 / self.of as f64)
    }
}

/// A share, and its interval at 95 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// As counted, 0 to 1.
    pub share: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// The share without the two worst seconds in a row.
    pub without_worst: f64,
    /// The share if two seconds such as these came once more.
    pub with_another: f64,
}

/// The share over a level; `None` where nothing was counted.
pub fn share(seconds: &[Count]) -> Option<Share> {
    let bad: f64 = seconds.iter().map(|second| second.bad as f64).sum();
    let of: f64 = seconds.iter().map(|second| second.of as f64).sum();
    if of <= 0.0 {
        return None;
    }
    let windows: Vec<(u64, u64)> = seconds.iter().map(|second| (second.bad, second.of)).collect();
    let interval = share_interval(&windows, CONFIDENCE);
    let worst = worst(seconds) as f64;
    Some(Share {
        share: interval.estimate,
        low: interval.low,
        high: interval.high,
        without_worst: (bad - worst).max(0.0) / of,
        with_another: (bad + worst) / of,
    })
}

/// The most bad requests in two seconds in a row: a pause of the target seldom fits into one.
fn worst(seconds: &[Count]) -> u64 {
    match seconds {
        [] => 0,
        [one] => one.bad,
        _ => seconds.windows(2).map(|pair| pair[0].bad + pair[1].bad).max().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bad: &[u64], of: u64) -> Share {
        let seconds: Vec<Count> = bad.iter().map(|bad| Count { bad: *bad, of }).collect();
        share(&seconds).unwrap()
    }

    #[test]
    fn none_bad_is_as_sure_as_there_are_requests() {
        let few = of(&[0; 5], 100);
        let many = of(&[0; 5], 1_000);
        assert_eq!((few.share, few.low), (0.0, 0.0));
        // Ten times the requests: a tenth of the limit, or nearly.
        assert!(few.high > 0.01 && many.high < few.high / 8.0, "{few:?} {many:?}");
    }

    #[test]
    fn bad_seconds_in_a_row_say_less_than_the_same_number_spread_out() {
        let spread: Vec<u64> = (0..60).map(|t| if t % 10 == 0 { 30 } else { 0 }).collect();
        let together: Vec<u64> = (0..60).map(|t| if t < 6 { 30 } else { 0 }).collect();
        let (spread, together) = (of(&spread, 100), of(&together, 100));
        assert_eq!(spread.share, together.share);
        assert!(together.high - together.low > 2.0 * (spread.high - spread.low), "{spread:?} {together:?}");
    }

    #[test]
    fn the_worst_two_seconds_in_a_row_are_taken_away_or_added() {
        let share = of(&[0, 10, 20, 0], 100);
        assert_eq!((share.without_worst, share.share, share.with_another), (0.0, 0.075, 0.15));
    }

    #[test]
    fn nothing_counted_has_no_share() {
        assert_eq!(share(&[Count::default(); 3]), None);
        assert_eq!(share(&[]), None);
    }
}
