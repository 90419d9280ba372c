//! How close to its schedule a worker is to stay, and at what price.

use std::fmt;

use common::wire::Ending;
use serde::{Deserialize, Serialize};

common::named! {
    /// `[driver] precision`.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
    pub enum Precision {
        /// Spin where a core stays free for other programs, and until others turn out to need it.
        #[default]
        Auto = "auto",
        /// Spin shortly before each request.
        Spin = "spin",
        /// Never: some 50 to 150 µs later, and no CPU for it.
        Timer = "timer",
    }
}

/// How a schedule was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptBy {
    /// By a timer and a short spin before each request.
    Spin,
    /// By a timer alone.
    Timer,
    /// By a timer alone, after spinning met others on its core.
    GaveUpSpinning,
}

impl KeptBy {
    /// The word on the wire and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spin => "spin",
            Self::Timer => "timer",
            Self::GaveUpSpinning => Ending::GAVE_UP_SPINNING,
        }
    }
}

impl fmt::Display for KeptBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
