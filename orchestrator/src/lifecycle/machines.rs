//! On which machines a test runs: the builds and cores of its drivers, and what each of them could send when it was
//! calibrated. They are noted in the test's timeline before the load, and read from there when tests are compared. Pure.

use std::collections::BTreeSet;

use common::wire::Calibrated;

use super::Effect;
use super::warned::{MAX_WARNINGS, since_trigger};
use crate::human::count;
use crate::model::TimelineEntry;
use crate::participant::Participant;
use crate::registry::NodeFacts;

/// In a timeline: builds and cores of the drivers that take part, an entry for each kind.
const DRIVERS: &str = "drivers";
/// In a timeline: what a driver could send when it was calibrated.
const CALIBRATED: &str = "driver_calibrated";

/// What follows the two rates of a calibration.
const OPEN: &str = "/s in an open loop, ";
const CLOSED: &str = "/s in a closed loop";

/// What a driver could send when it was calibrated, requests per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ceilings {
    /// The highest rate of an open loop that it kept; `None` where it kept none.
    pub open_per_s: Option<f64>,
    /// What a closed loop reached.
    pub closed_per_s: f64,
}

/// Notes the machines of the participants.
pub(super) fn notes(participants: &[Participant], nodes: &[NodeFacts]) -> Vec<Effect> {
    let of = |one: &Participant| nodes.iter().find(|node| node.node_id == one.node_id);
    let nodes: Vec<&NodeFacts> = participants.iter().filter_map(of).collect();
    let builds: BTreeSet<&str> = nodes.iter().filter_map(|node| node.build.as_deref()).collect();
    let builds = builds.into_iter().take(MAX_WARNINGS).map(|build| Effect::note(DRIVERS, build));
    let calibrated = nodes.iter().filter_map(|node| {
        let detail = sentence(node.calibrated.as_ref()?);
        Some(Effect::note_of(&node.node_id, CALIBRATED, detail))
    });
    builds.chain(calibrated.take(MAX_WARNINGS)).collect()
}

/// The builds and cores of the drivers that took part, as in `0.1.0 (abc1234), 2 cores`, each once.
pub fn builds_of(timeline: &[TimelineEntry]) -> Vec<String> {
    let entries = since_trigger(timeline).iter().filter(|entry| entry.what == DRIVERS);
    entries.map(|entry| entry.detail.clone()).collect()
}

/// The drivers of which a calibration is known, and what each could send.
pub fn ceilings_of(timeline: &[TimelineEntry]) -> impl Iterator<Item = (&str, Ceilings)> {
    let entries = since_trigger(timeline).iter().filter(|entry| entry.what == CALIBRATED);
    entries.filter_map(|entry| Some((entry.driver.as_deref()?, ceilings(&entry.detail)?)))
}

/// As in `38,100/s in an open loop, 45,230/s in a closed loop`.
fn sentence(of: &Calibrated) -> String {
    let whole = |per_s: f64| count(per_s.round() as u64);
    format!("{}{OPEN}{}{CLOSED}", of.open_per_s.map_or_else(|| "0".to_owned(), whole), whole(of.closed_per_s))
}

/// What such a sentence says.
fn ceilings(sentence: &str) -> Option<Ceilings> {
    let per_s = |text: &str| text.replace(',', "").parse::<f64>().ok();
    let (open, closed) = sentence.strip_suffix(CLOSED)?.split_once(OPEN)?;
    Some(Ceilings {
        open_per_s: Some(per_s(open)?).filter(|per_s| *per_s > 0.0),
        closed_per_s: per_s(closed)?,
    })
}

#[cfg(test)]
mod tests {
    use common::ids::Epoch;

    use super::*;
    use crate::lifecycle::tests::{id, node, plan};

    #[test]
    fn machines_are_noted_and_read_again() {
        let with = |name: &str, build: &str, open_per_s: Option<f64>| NodeFacts {
            build: Some(build.to_owned()),
            calibrated: Some(Calibrated { at: String::new(), open_per_s, closed_per_s: 45_230.4 }),
            ..node(name, Some(1))
        };
        let nodes = [
            with("a", "0.1.0, 2 cores", Some(38_100.0)),
            with("b", "0.1.0, 2 cores", None),
            node("c", Some(1)),
            with("elsewhere", "0.2.0, 2 cores", None),
        ];
        let load = plan("mode = 'avalanche'\nconnections = 1\nrequests = 9");
        let shares = common::plan::share_out(&load, &["a", "b", "c"].map(id)).unwrap();
        let participant = |(node_id, share)| Participant { node_id, epoch: Some(Epoch(1)), share };
        let participants: Vec<Participant> = shares.into_iter().map(participant).collect();
        let mut timeline = vec![];
        for effect in notes(&participants, &nodes) {
            let Effect::Note { what, driver, detail } = effect else { panic!("{effect:?}") };
            let driver = driver.map(|driver| driver.to_string());
            timeline.push(TimelineEntry { at: String::new(), what: what.to_owned(), driver, detail });
        }
        assert_eq!(builds_of(&timeline), ["0.1.0, 2 cores"]);
        assert_eq!(timeline[1].detail, "38,100/s in an open loop, 45,230/s in a closed loop");
        let ceilings: Vec<_> = ceilings_of(&timeline).collect();
        assert_eq!(
            ceilings,
            [
                ("a", Ceilings { open_per_s: Some(38_100.0), closed_per_s: 45_230.0 }),
                ("b", Ceilings { open_per_s: None, closed_per_s: 45_230.0 }),
            ]
        );
        assert_eq!(super::ceilings("fast"), None);
    }
}
