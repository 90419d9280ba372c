//! What the rate of a search is for.

use crate::capacity::level::{Calm, Level};
use crate::capacity::share::Count;
use crate::capacity::{Limit, Look, Rules};
use crate::model::CapacityStep;

/// Seconds in a row that look as before, until the target has recovered.
pub const CALM_FOR: usize = 2;

/// How long it has to recover, seconds, before the rate falls again; and where nothing is known to compare with.
pub const RECOVER_WITHIN: usize = 30;
pub const RECOVER_BLINDLY: usize = 10;

/// How often the rate falls for it.
pub const MOST_FALLS: u32 = 4;

/// What the current rate is for.
#[derive(Debug, Clone)]
pub enum Phase {
    WarmUp,
    /// The rate is measured, after it has settled.
    Level {
        level: Box<Level>,
        settling: bool,
        before: Option<f64>,
    },
    /// The rate is low until the target looks as before; `next` follows.
    Recover {
        calm: Option<Calm>,
        seen: usize,
        in_a_row: usize,
        falls: u32,
    },
    Ended,
}

impl Phase {
    /// As people see it: what the rate is for, and how many seconds of it were measured. `None` once the search is over.
    pub fn step(&self) -> Option<(CapacityStep, usize)> {
        Some(match self {
            Self::WarmUp => (CapacityStep::WarmUp, 0),
            Self::Level { settling: true, .. } => (CapacityStep::Settle, 0),
            Self::Level { level, .. } if level.is_full() => (CapacityStep::Repeat, level.seconds()),
            Self::Level { level, .. } => (CapacityStep::Measure, level.seconds()),
            Self::Recover { seen, .. } => (CapacityStep::Recover, *seen),
            Self::Ended => return None,
        })
    }
}

/// How bad the worst condition of a second is, as a part of what its limit allows.
pub fn worst_bad(look: &Look, rules: &Rules) -> f64 {
    let part = |(count, limit): (&Count, &Limit)| {
        let share = count.part().unwrap_or(0.0);
        if limit.share > 0.0 { share / limit.share } else { share * 1e9 }
    };
    look.counts.iter().zip(&rules.limits).map(part).fold(0.0, f64::max)
}
