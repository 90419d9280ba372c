//! What drivers that are ready warn of, before the load begins: pure. It is kept where all that happens to a test
//! is kept, in its timeline, and so outlives the orchestrator and every revision.

use super::Effect;
use crate::messages::StoredParticipant;
use crate::model::TimelineEntry;
use crate::registry::NodeFacts;

/// In a timeline: the config is out.
pub(super) const TRIGGERED: &str = "triggered";
/// In a timeline: a driver that is ready warns.
const WARNED: &str = "warned";
/// Most drivers whose warnings are told one by one; the rest is a number.
const MAX_WARNINGS: usize = 32;

/// Notes the warnings of those that take part, each with its driver's name, in the order of the shares.
pub(super) fn notes(participants: &[StoredParticipant], nodes: &[NodeFacts]) -> Vec<Effect> {
    let of = |participant: &StoredParticipant| {
        let node = nodes.iter().find(|node| node.node_id == participant.node_id)?;
        let warning = node.warning.as_ref()?;
        // Drivers begin with their own name.
        let named = warning.starts_with(&format!("{}: ", node.node_id));
        Some(if named { warning.clone() } else { format!("{}: {warning}", node.node_id) })
    };
    let mut warnings: Vec<String> = participants.iter().filter_map(of).collect();
    let more = warnings.len().saturating_sub(MAX_WARNINGS);
    if more > 0 {
        warnings.truncate(MAX_WARNINGS);
        warnings.push(format!("{more} more drivers warn before the start"));
    }
    warnings.into_iter().map(|detail| Effect::Note { what: WARNED, detail }).collect()
}

/// What was warned of since a test was triggered last, as its timeline has it.
pub fn warnings(timeline: &[TimelineEntry]) -> impl Iterator<Item = &String> {
    let since = timeline.iter().rposition(|entry| entry.what == TRIGGERED).unwrap_or(0);
    timeline[since..].iter().filter(|entry| entry.what == WARNED).map(|entry| &entry.detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_triggered_again_is_warned_of_anew() {
        let entry = |(what, detail): &(&str, &str)| TimelineEntry {
            at: "now".to_owned(),
            what: (*what).to_owned(),
            detail: (*detail).to_owned(),
        };
        let told = |entries: &[(&str, &str)]| -> Vec<String> {
            let timeline: Vec<_> = entries.iter().map(entry).collect();
            warnings(&timeline).cloned().collect()
        };
        let once = [("created", ""), ("triggered", ""), ("warned", "a: fast"), ("running", "")];
        assert_eq!(told(&once), ["a: fast"]);
        assert_eq!(told(&[&once[..3], &once[1..]].concat()), ["a: fast"], "not twice");
        assert_eq!(told(&[&once[..], &[("triggered", "")]].concat()), [""; 0]);
        assert_eq!(told(&[]), [""; 0]);
    }
}
