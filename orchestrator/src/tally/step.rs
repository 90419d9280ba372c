//! How long the windows of a series are: a second, or several together. A window of several begins at a whole multiple of
//! its length.

/// The length of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// As drivers send them.
    Second,
    /// Ten seconds.
    Ten,
    /// Sixty seconds.
    Minute,
    /// Ten minutes: they are kept for sums alone, no series is of them.
    TenMinutes,
}

/// Longest series that `auto` shows by seconds, s.
const SERIES_BY_SECONDS: u64 = 300;

/// Longest series that `auto` shows by tens of seconds, s.
const SERIES_BY_TENS: u64 = 3_600;

/// Longest span that is computed to the second, s.
const SPAN_BY_SECONDS: u64 = 60;

/// Longest span that is computed to ten seconds, s.
const SPAN_BY_TENS: u64 = 600;

impl Step {
    /// All, the longest first.
    pub const LONGEST_FIRST: [Self; 4] = [Self::TenMinutes, Self::Minute, Self::Ten, Self::Second];

    /// Those of several seconds, each a whole multiple of the one before.
    pub const SPANS: [Self; 3] = [Self::Ten, Self::Minute, Self::TenMinutes];

    /// How many seconds.
    pub fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Ten => 10,
            Self::Minute => 60,
            Self::TenMinutes => 600,
        }
    }

    /// Of so many seconds; `None` where no window of a series is that long.
    pub fn of(seconds: u64) -> Option<Self> {
        Self::LONGEST_FIRST.into_iter().find(|step| step.is_shown() && step.seconds() == seconds)
    }

    /// Whether a series has windows of this length.
    pub fn is_shown(self) -> bool {
        self != Self::TenMinutes
    }

    /// For a series of so many seconds, where the request leaves it open.
    pub fn of_series(seconds: u64) -> Self {
        Self::by(seconds, SERIES_BY_SECONDS, SERIES_BY_TENS)
    }

    /// What both ends of a span of so many seconds are rounded to.
    pub fn of_span(seconds: u64) -> Self {
        Self::by(seconds, SPAN_BY_SECONDS, SPAN_BY_TENS)
    }

    fn by(seconds: u64, by_seconds: u64, by_tens: u64) -> Self {
        match seconds {
            n if n <= by_seconds => Self::Second,
            n if n <= by_tens => Self::Ten,
            _ => Self::Minute,
        }
    }

    /// The first second of the window that a second is in.
    pub fn first_of(self, second: u64) -> u64 {
        second - second % self.seconds()
    }

    /// The last second of the window that a second is in.
    pub fn last_of(self, second: u64) -> u64 {
        self.first_of(second).saturating_add(self.seconds() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_follows_from_the_range() {
        use Step::{Minute, Second, Ten};
        for (seconds, series, span) in [
            (1, Second, Second),
            (60, Second, Second),
            (61, Second, Ten),
            (300, Second, Ten),
            (301, Ten, Ten),
            (600, Ten, Ten),
            (601, Ten, Minute),
            (3_600, Ten, Minute),
            (3_601, Minute, Minute),
        ] {
            assert_eq!((Step::of_series(seconds), Step::of_span(seconds)), (series, span), "{seconds} s");
        }
        assert_eq!((Ten.first_of(29), Ten.last_of(20), Second.last_of(7)), (20, 29, 7));
        assert_eq!((Step::of(60), Step::of(7), Step::of(600)), (Some(Minute), None, None));
    }
}
