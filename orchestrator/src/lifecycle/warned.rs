//! Warnings before the load begins: what ready drivers warn of, and which drivers are left out. Pure. They are kept in
//! the test's timeline, so that a restart of the orchestrator and a revision of the report keep them.

use common::ids::NodeId;
use common::plan::{DriverChoice, Plan};

use super::Effect;
use crate::model::{FindingKind, TimelineEntry};
use crate::participant::Participant;
use crate::registry::{Liveness, NodeFacts};
use crate::verdict::Other;

/// In a timeline: the config is about to be published.
pub(super) const TRIGGERED: &str = "triggered";
/// In a timeline: a ready driver sent a warning.
const WARNED: &str = "warned";
/// In a timeline: more drivers warn than are listed.
const MORE_WARNED: &str = "more_warned";
/// In a timeline: a classic driver that is known does not take part.
const LEFT_OUT: &str = "driver_left_out";
/// Most drivers whose warnings are listed one by one; the rest is a number.
const MAX_WARNINGS: usize = 32;

/// Notes the warnings of the participants, each with its driver's name, in the order of the shares.
pub(super) fn notes(participants: &[Participant], nodes: &[NodeFacts]) -> Vec<Effect> {
    let of = |participant: &Participant| {
        let node = nodes.iter().find(|node| node.node_id == participant.node_id)?;
        let warning = node.warning.as_ref()?;
        Some(Other::Warned(warning.clone()).text(Some(node.node_id.as_str())))
    };
    let mut warnings: Vec<String> = participants.iter().filter_map(of).collect();
    let more = warnings.len().saturating_sub(MAX_WARNINGS);
    if more > 0 {
        warnings.truncate(MAX_WARNINGS);
    }
    let rest =
        (more > 0).then(|| Effect::Note { what: MORE_WARNED, detail: Other::MoreWarned(more).text(None) });
    warnings.into_iter().map(|detail| Effect::Note { what: WARNED, detail }).chain(rest).collect()
}

/// Notes the classic drivers that are left out: where the plan asks for all drivers, those that sent nothing in their
/// last test; and those in `gone`, whose heartbeats stopped.
pub(super) fn left_out(plan: &Plan, nodes: &[NodeFacts], gone: &[NodeId]) -> Vec<Effect> {
    let is_deaf = |node: &&NodeFacts| node.liveness == Liveness::Deaf && plan.drivers == DriverChoice::All;
    let deaf = nodes.iter().filter(is_deaf).map(|node| (&node.node_id, false));
    let all = deaf.chain(gone.iter().map(|id| (id, true))).take(MAX_WARNINGS);
    all.map(|(id, gone)| Effect::Note {
        what: LEFT_OUT,
        detail: Other::LeftOut { gone }.text(Some(id.as_str())),
    })
    .collect()
}

/// The timeline since the last trigger; the whole timeline where there was none.
pub fn since_trigger(timeline: &[TimelineEntry]) -> &[TimelineEntry] {
    &timeline[timeline.iter().rposition(|entry| entry.what == TRIGGERED).unwrap_or(0)..]
}

/// The warnings in the timeline since the last trigger.
pub fn warnings(timeline: &[TimelineEntry]) -> impl Iterator<Item = (FindingKind, &String)> {
    since_trigger(timeline).iter().filter_map(|entry| match entry.what.as_str() {
        WARNED => Some((FindingKind::DriverWarned, &entry.detail)),
        LEFT_OUT => Some((FindingKind::DriverLeftOut, &entry.detail)),
        MORE_WARNED => Some((FindingKind::MoreDriversWarned, &entry.detail)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_trigger_replaces_the_warnings_of_the_first() {
        let entry = |(what, detail): &(&str, &str)| TimelineEntry {
            at: "now".to_owned(),
            what: (*what).to_owned(),
            detail: (*detail).to_owned(),
        };
        let texts = |entries: &[(&str, &str)]| -> Vec<String> {
            let timeline: Vec<_> = entries.iter().map(entry).collect();
            warnings(&timeline).map(|(_, text)| text.clone()).collect()
        };
        let once = [("created", ""), ("triggered", ""), ("warned", "a: fast"), ("running", "")];
        assert_eq!(texts(&once), ["a: fast"]);
        assert_eq!(texts(&[&once[..3], &once[1..]].concat()), ["a: fast"], "not twice");
        assert_eq!(texts(&[&once[..], &[("triggered", "")]].concat()), [""; 0]);
        assert_eq!(texts(&[]), [""; 0]);
    }
}
