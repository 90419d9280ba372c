//! The verdict of a test that looks for the capacity: not its totals, which are of all rates together, but what the search
//! found decides. An overload is on purpose there, so neither the default thresholds nor the rules for the generator apply
//! to the whole; the search looks at both in each level.

use super::words::CapacityFinding;
use super::{Facts, Findings};
use crate::model::{CapacityLimit, CapacityState, CapacityView, Verdict};

/// Adds what the search found.
pub fn look(found: &CapacityView, facts: &Facts<'_>, findings: &mut Findings) {
    let verdict = match (found.state, found.limit) {
        (CapacityState::Searching, _) => return,
        // Who stops it does not wait for an answer.
        _ if facts.stopped_by_someone() && found.low_per_s.is_none() => return,
        (CapacityState::HoldsNowhere | CapacityState::NotRecovered, _) => Some(Verdict::Failed),
        (_, Some(CapacityLimit::Generator)) => Some(Verdict::Invalid),
        (CapacityState::Undecided, _) => Some(Verdict::Incomplete),
        (CapacityState::Found, _) => None,
    };
    let what = CapacityFinding::Outcome(Box::new(found.clone()));
    match verdict {
        Some(verdict) => findings.because(verdict, None, what),
        None => findings.note(what),
    }
    let (CapacityState::Found, Some(low), Some(high)) = (found.state, found.low_per_s, found.high_per_s)
    else {
        return;
    };
    if high > low * (1.0 + found.within) + 1e-9 {
        let apart = high / low - 1.0;
        findings.warn(None, CapacityFinding::Wide { apart, within: found.within, flat: found.flat });
    } else if !found.repeated {
        findings.warn(None, CapacityFinding::NotRepeated { horizon_s: found.horizon_s });
    }
}
