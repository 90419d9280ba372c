//! How sure a figure is that comes from a series of windows. Pure: no I/O, no clock, no random numbers; the same windows
//! give the same answer.
//!
//! Windows that follow each other are not independent: caches, garbage collections and busy hosts make runs of bad
//! seconds. What counts them as independent, and a bootstrap of blocks at the lengths of our tests too, takes such a run
//! for evidence. So the variance of a sum over windows is estimated from its slowest waves alone (`ewc`), and critical
//! values are Student's t with as many degrees of freedom as there are waves.

mod difference;
mod estimate;
mod ewc;
mod persistence;
mod series;
mod share;
mod side;
mod student;
mod trend;

pub use difference::{Difference, between_services, between_tests, between_windows};
pub use estimate::{Estimate, Figure};
pub use ewc::{Cosines, MAX_WINDOWS};
pub use persistence::{effective_windows, effective_windows_at_least, lag_1};
pub use series::{Series, Window};
pub use share::{MIN_SHARE_WINDOWS, share_interval};
pub use side::{Side, Variance};
pub use student::student_t;
pub use trend::{Trend, trend};

/// The root of the sum of two squares. `f64::hypot` is the same, but takes a function of glibc 2.35, and the package is for 2.34
/// as well. Nothing here is so large that a square of it overflows.
fn root_of_squares(x: f64, y: f64) -> f64 {
    (x * x + y * y).sqrt()
}

/// An estimate and the limits between which the true value lies with the confidence that was asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// No lower than this.
    pub low: f64,
    /// What was measured.
    pub estimate: f64,
    /// No higher than this; infinite where nothing bounds it.
    pub high: f64,
}
