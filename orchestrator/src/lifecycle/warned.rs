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
/// In a timeline: a driver obeyed a change of the rate too late.
pub(super) const RATE_LATE: &str = "rate_late";
/// In a timeline: a driver did not obey a change of the rate.
pub(super) const RATE_NOT_CHANGED: &str = "rate_not_changed";
/// Most drivers whose warnings are listed one by one; the rest is a number.
pub(super) const MAX_WARNINGS: usize = 32;

/// Notes the warnings of the participants, each with its driver's name, in the order of the shares.
pub(super) fn notes(participants: &[Participant], nodes: &[NodeFacts]) -> Vec<Effect> {
    let of = |participant: &Participant| {
        let node = nodes.iter().find(|node| node.node_id == participant.node_id)?;
        Some(about(&node.node_id, WARNED, Other::Warned(node.warning.clone()?)))
    };
    let mut notes: Vec<Effect> = participants.iter().filter_map(of).collect();
    let more = notes.len().saturating_sub(MAX_WARNINGS);
    if more > 0 {
        notes.truncate(MAX_WARNINGS);
        notes.push(Effect::note(MORE_WARNED, Other::MoreWarned(more).text(None)));
    }
    notes
}

/// Notes the classic drivers that are left out: where the plan asks for all drivers, those that sent nothing in their
/// last test; and those in `gone`, whose heartbeats stopped.
pub(super) fn left_out(plan: &Plan, nodes: &[NodeFacts], gone: &[NodeId]) -> Vec<Effect> {
    let is_deaf = |node: &&NodeFacts| node.liveness == Liveness::Deaf && plan.drivers == DriverChoice::All;
    let deaf = nodes.iter().filter(is_deaf).map(|node| (&node.node_id, false));
    let all = deaf.chain(gone.iter().map(|id| (id, true))).take(MAX_WARNINGS);
    all.map(|(id, gone)| about(id, LEFT_OUT, Other::LeftOut { gone })).collect()
}

/// A note about one driver, with the sentence of a finding.
pub(super) fn about(driver: &NodeId, what: &'static str, finding: Other) -> Effect {
    Effect::note_of(driver, what, finding.text(Some(driver.as_str())))
}

/// The timeline since the last trigger; the whole timeline where there was none.
pub fn since_trigger(timeline: &[TimelineEntry]) -> &[TimelineEntry] {
    &timeline[timeline.iter().rposition(|entry| entry.what == TRIGGERED).unwrap_or(0)..]
}

/// Whether the next process decides by such an entry what becomes of the test.
pub fn decides(what: &str) -> bool {
    [TRIGGERED, super::steps::SETUP, super::RUNNING, super::STOPPED].contains(&what)
}

/// The warnings in the timeline since the last trigger.
pub fn warnings(timeline: &[TimelineEntry]) -> impl Iterator<Item = (FindingKind, &TimelineEntry)> {
    since_trigger(timeline).iter().filter_map(|entry| match entry.what.as_str() {
        WARNED => Some((FindingKind::DriverWarned, entry)),
        LEFT_OUT => Some((FindingKind::DriverLeftOut, entry)),
        RATE_LATE | RATE_NOT_CHANGED => Some((FindingKind::DriverWarned, entry)),
        MORE_WARNED => Some((FindingKind::MoreDriversWarned, entry)),
        _ => None,
    })
}

/// The driver that an entry of the timeline is about; `known`: the ids of the test's drivers. An earlier version stored
/// entries without the driver: in these its id is looked for where the sentence of a driver begins, `a: too fast`.
pub fn driver_of<'a>(entry: &'a TimelineEntry, mut known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let begins = |id: &&str| entry.detail.strip_prefix(*id).is_some_and(|rest| rest.starts_with(": "));
    entry.driver.as_deref().or_else(|| known.find(begins))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_trigger_replaces_the_warnings_of_the_first() {
        let entry = |(what, detail): &(&str, &str)| TimelineEntry {
            at: "now".to_owned(),
            what: (*what).to_owned(),
            driver: None,
            detail: (*detail).to_owned(),
        };
        let texts = |entries: &[(&str, &str)]| -> Vec<String> {
            let timeline: Vec<_> = entries.iter().map(entry).collect();
            warnings(&timeline).map(|(_, entry)| entry.detail.clone()).collect()
        };
        let once = [("created", ""), ("triggered", ""), ("warned", "a: fast"), ("running", "")];
        assert_eq!(texts(&once), ["a: fast"]);
        assert_eq!(texts(&[&once[..3], &once[1..]].concat()), ["a: fast"], "not twice");
        assert_eq!(texts(&[&once[..], &[("triggered", "")]].concat()), [""; 0]);
        assert_eq!(texts(&[]), [""; 0]);
    }

    #[test]
    fn the_driver_of_an_entry_is_its_own_or_in_one_of_an_earlier_version_the_name_before_its_text() {
        let driver = |driver: Option<&str>, detail: &str| {
            let json =
                serde_json::json!({ "at": "now", "what": "warned", "driver": driver, "detail": detail });
            let entry: TimelineEntry = serde_json::from_value(json).unwrap();
            driver_of(&entry, ["a", "ab"].into_iter()).map(str::to_owned)
        };
        assert_eq!(driver(Some("a"), "ab: too fast").as_deref(), Some("a"));
        assert_eq!(driver(None, "ab: too fast").as_deref(), Some("ab"));
        assert_eq!(driver(None, "c: too fast"), None, "not a driver of this test");
        assert_eq!(driver(None, "too fast"), None);
    }
}
