//! A bar of the issue: the goal, and the measured figure.

use serde::Serialize;

use crate::figures::Spread;

#[derive(Debug, Clone, Serialize)]
pub struct Bar {
    /// The goal, in words.
    pub asked: String,
    /// Whether the figure is to be at most, or at least, the limit.
    pub at_most: bool,
    pub limit: f64,
    /// The measured figure; `None` where it was not measured.
    pub came: Option<Spread>,
}

impl Bar {
    /// Whether the median meets the limit; `None` where nothing was measured.
    pub fn holds(&self) -> Option<bool> {
        let median = self.came?.median;
        Some(if self.at_most { median <= self.limit } else { median >= self.limit })
    }
}
