//! The sentences of the findings. Rules produce facts; only this module turns facts into text.
//!
//! A sentence says what happened, to what, and what to do about it. It ends without a full stop (it stands in lists),
//! has no line break, and every number in it has a unit.

mod capacity;
mod ending;
mod failures;
mod gaps;
mod generator;
mod others;
mod thresholds;

pub use capacity::CapacityFinding;
pub use ending::{Ending, OwnSessions};
pub use failures::{AllFailed, Failed};
pub use gaps::Gaps;
pub use generator::Generator;
pub use others::{OddLatencies, Other, Redirects};
pub use thresholds::{Missed, ThresholdFinding, Unit};

use crate::human::names;
use crate::model::FindingKind;

/// The facts of a finding. Each group is a file that lists its facts, their kinds and their sentences.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// How a driver, or the test, ended.
    Ending(Ending),
    /// The generator was the limit, or was near it.
    Generator(Generator),
    AllFailed(AllFailed),
    /// A threshold was not met, or cannot be decided.
    Threshold(ThresholdFinding),
    /// What a search for the capacity found.
    Capacity(CapacityFinding),
    /// Other information: classic drivers, foreign nodes, the store, the kind of the load.
    Other(Other),
}

impl What {
    pub fn kind(&self) -> FindingKind {
        match self {
            Self::Ending(what) => what.kind(),
            Self::Generator(what) => what.kind(),
            Self::AllFailed(what) => what.kind(),
            Self::Threshold(what) => what.kind(),
            Self::Capacity(what) => what.kind(),
            Self::Other(what) => what.kind(),
        }
    }

    /// Its sentence, of a driver where it is about one.
    pub fn text(&self, driver: Option<&str>) -> String {
        match self {
            Self::Ending(what) => what.text(driver),
            Self::Generator(what) => what.text(driver),
            Self::AllFailed(what) => what.text(),
            Self::Threshold(what) => what.text(driver),
            Self::Capacity(what) => what.text(),
            Self::Other(what) => what.text(driver),
        }
    }
}

macro_rules! groups {
    ($($group:ident: $what:ty;)*) => {$(
        impl From<$what> for What {
            fn from(what: $what) -> Self {
                Self::$group(what)
            }
        }
    )*};
}

groups! {
    Ending: Ending;
    Generator: Generator;
    AllFailed: AllFailed;
    Threshold: ThresholdFinding;
    Capacity: CapacityFinding;
    Other: Other;
}

/// As in `driver a`; `a driver` where its name is not known.
fn the_driver(name: Option<&str>) -> String {
    name.map_or_else(|| "a driver".to_owned(), |name| format!("driver {name}"))
}

/// As in `driver a`, `drivers a and b`.
fn the_drivers(drivers: &[String]) -> String {
    let word = if drivers.len() == 1 { "driver" } else { "drivers" };
    format!("{word} {}", names(drivers.iter().map(String::as_str)))
}
