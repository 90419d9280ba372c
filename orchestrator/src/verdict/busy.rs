//! Whether workers had no idle time left, which shows that the CPU was used up.

use super::Sample;

/// Share of the windows that may be without idle time.
const MAX_BUSY_WINDOWS: f64 = 0.01;

/// Whether a sample's CPU was used up: no idle time in more than 1 % of the windows.
pub fn is_busy(sample: &Sample<'_>) -> bool {
    busy_share(sample) > MAX_BUSY_WINDOWS
}

/// Share of the windows without idle time.
pub fn busy_share(sample: &Sample<'_>) -> f64 {
    if sample.windows == 0 { 0.0 } else { sample.busy_windows as f64 / sample.windows as f64 }
}
