//! How often a node that ended is started again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Most restarts of one node within [`WITHIN`].
pub const MOST: usize = 5;

const WITHIN: Duration = Duration::from_secs(60);

/// The last restarts of one node.
#[derive(Debug, Default)]
pub struct Restarts(VecDeque<Instant>);

impl Restarts {
    /// Whether the node may be started again now; if so, it counts.
    pub fn allow(&mut self, now: Instant) -> bool {
        while self.0.front().is_some_and(|at| now.duration_since(*at) >= WITHIN) {
            self.0.pop_front();
        }
        let allowed = self.0.len() < MOST;
        if allowed {
            self.0.push_back(now);
        }
        allowed
    }

    /// How many there were in the last minute.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_in_any_minute_are_the_most() {
        let start = Instant::now();
        let mut restarts = Restarts::default();
        let cases = [
            (0, true),
            (10, true),
            (20, true),
            (30, true),
            (59, true),
            (59, false), // five within the minute
            (60, true),  // the first is a minute old
            (69, false),
            (70, true),
        ];
        for (at_s, allowed) in cases {
            assert_eq!(restarts.allow(start + Duration::from_secs(at_s)), allowed, "at {at_s} s");
        }
        assert_eq!(restarts.count(), MOST);
    }
}
