//! What a search for the capacity found, as a sentence.

use crate::human::{ms, percent, rate};
use crate::model::{
    CapacityDecided, CapacityKnee, CapacityLevelView, CapacityLimit, CapacityState, CapacityView, FindingKind,
};

/// What a search came to.
#[derive(Debug, Clone, PartialEq)]
pub enum CapacityFinding {
    /// The answer, or why there is none.
    Outcome(Box<CapacityView>),
    /// The ends of the bracket are further apart than was asked for.
    Wide {
        /// How far, as a share of the lower one.
        apart: f64,
        /// What was asked for.
        within: f64,
        /// Whether rates between them decided nothing.
        flat: bool,
    },
    /// Both ends were not measured again: the time was over, or the generator was late.
    NotRepeated { horizon_s: u64 },
}

impl CapacityFinding {
    pub fn kind(&self) -> FindingKind {
        match self {
            Self::Outcome(found) => match (found.state, found.limit) {
                (CapacityState::HoldsNowhere, _) => FindingKind::CapacityNowhere,
                (CapacityState::NotRecovered, _) => FindingKind::CapacityNotRecovered,
                (_, Some(CapacityLimit::Generator)) => FindingKind::CapacityGenerator,
                (CapacityState::Found, _) => FindingKind::CapacityFound,
                _ => FindingKind::CapacityUndecided,
            },
            Self::Wide { .. } => FindingKind::CapacityWide,
            Self::NotRepeated { .. } => FindingKind::CapacityNotRepeated,
        }
    }

    pub fn text(&self) -> String {
        match self {
            Self::Outcome(found) => outcome(found),
            Self::Wide { apart, within, flat: true } => format!(
                "the two rates are {} apart, and {} was asked for: between them the share that is bad is too close to its \
                 limit to decide; longer levels (capacity.level_for) may",
                percent(*apart),
                percent(*within)
            ),
            Self::Wide { apart, within, flat: false } => format!(
                "the two rates are {} apart, and {} was asked for: the search ended before it was through; give it longer \
                 (load.duration)",
                percent(*apart),
                percent(*within)
            ),
            Self::NotRepeated { horizon_s } => format!(
                "the two rates were not measured again over {horizon_s} s: give the search longer (load.duration), and look whether its \
                 drivers were late"
            ),
        }
    }
}

fn outcome(found: &CapacityView) -> String {
    let slo = &found.slo;
    let why = found.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    match (found.state, found.limit, found.low_per_s) {
        (CapacityState::HoldsNowhere, ..) => format!("{slo} does not hold at any rate{}", at_least(found)),
        (CapacityState::NotRecovered, _, low) => format!(
            "{}the target did not recover from a rate that was too high, though the rate fell to a small part of it: restart \
             it before the next search",
            low.map(|low| format!("holds {}; ", rate(low))).unwrap_or_default()
        ),
        (_, Some(CapacityLimit::Generator), Some(low)) => {
            format!("holds at least {} ({slo}); the generator was the limit{why}", rate(low))
        }
        (_, Some(CapacityLimit::Generator), None) => {
            format!("the generator was the limit before {slo} held at any rate{why}")
        }
        (_, _, None) => format!(
            "no rate could be decided in its time ({slo}): give each rate longer (capacity.level_for), and the search too \
             (load.duration), or begin at a higher rate (load.rate), which gives more requests to go by"
        ),
        (_, Some(CapacityLimit::MaxRate), Some(low)) => match highest(found).filter(|most| *most > low) {
            Some(most) => format!(
                "holds {} ({slo}); higher rates, up to {}, could not be decided, and none above it was to be tried \
                 (capacity.max_rate)",
                rate(low),
                rate(most)
            ),
            None => {
                format!(
                    "holds {} ({slo}), the highest rate that was to be tried (capacity.max_rate)",
                    rate(low)
                )
            }
        },
        (_, Some(CapacityLimit::Target), Some(low)) => format!(
            "holds {}, does not hold {}, each at 95 % ({slo}){}; the limit was the target",
            rate(low),
            found.high_per_s.map(rate).unwrap_or_default(),
            found.knee.as_ref().map(beyond).unwrap_or_default()
        ),
        (_, _, Some(low)) => format!(
            "holds {} ({slo}); the search ended before a higher rate failed: give it longer (load.duration)",
            rate(low)
        ),
    }
}

/// What happens beyond the highest rate that holds, and how soon, where that is known.
fn beyond(knee: &CapacityKnee) -> String {
    let (Some(at), name) = (knee.at_ms, &knee.percentile) else { return String::new() };
    let within = percent(knee.above / knee.rate - 1.0);
    match knee.above_ms {
        Some(above) if above > at => {
            format!("; above it {name} rises from {} to {} within {within}", ms(at), ms(above))
        }
        Some(_) => String::new(),
        None => {
            format!(
                "; above it {name}, which was {}, falls among failed or dropped requests within {within}",
                ms(at)
            )
        }
    }
}

/// The highest rate that was tried.
fn highest(found: &CapacityView) -> Option<f64> {
    found.levels.iter().map(|level| level.rate).reduce(f64::max)
}

/// How the lowest rate that was tried was.
fn at_least(found: &CapacityView) -> String {
    let fails = |level: &&CapacityLevelView| {
        matches!(level.decided, CapacityDecided::Fails | CapacityDecided::Stopped)
    };
    let lowest = found.levels.iter().filter(fails).min_by(|a, b| a.rate.total_cmp(&b.rate));
    let Some((level, share, limit)) =
        lowest.and_then(|level| Some((level, level.share?, level.share_limit?)))
    else {
        return String::new();
    };
    format!(
        ": at {} {} were too slow, failed or dropped, and {} may be",
        rate(level.rate),
        percent(share),
        percent(limit)
    )
}
