//! `[node]` and `[classic]`, which both nodes have.

use std::path::PathBuf;
use std::time::Duration;

use super::fields;
use crate::ids::NodeId;
use crate::plan::{Fault, TargetUrl};
use crate::tree::{Table, parse};
use crate::wire::{NodePattern, ReadAs, Unit};

/// `[node]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeSettings {
    /// The node's name; by default the host's with a random suffix, kept in the data folder.
    pub id: Option<NodeId>,
    /// The folder for data that must outlive the process; see [`super::data_dir`] for the default.
    pub data_dir: Option<PathBuf>,
}

impl NodeSettings {
    /// Reads the section.
    pub fn read(table: &mut Table) -> Self {
        let id = |node: &_| NodeId::new(&parse::text(node)?).map_err(|error| error.to_string());
        Self {
            id: table.get("id", parse::or_none(id)).flatten(),
            data_dir: table.get("data_dir", parse::or_none(parse::path)).flatten(),
        }
    }
}

/// `[classic]`: how other people's programs are read and led (wire.md).
#[derive(Debug, Clone, PartialEq)]
pub struct ClassicSettings {
    /// Unit of `test_message_delay`, which has none on the wire; seconds by default.
    pub delay_unit: Unit,
    /// Unit of plain latency numbers; milliseconds by default.
    pub latency_unit: Unit,
    /// Those of some nodes, by their ids or by patterns.
    pub latency_units: Vec<(NodePattern, Unit)>,
    /// Where a driver of ours sends when a classic orchestrator does not say.
    pub target_url: Option<TargetUrl>,
    /// Longest time that our driver runs a classic test that does not end by itself; 10 min by default.
    pub max_duration: Duration,
    /// From test_config to trigger while a classic driver is alive; 2 s by default.
    pub trigger_gap: Duration,
    /// How long after the trigger a classic driver that sends nothing counts as deaf; 15 s by default.
    pub deaf_after: Duration,
    /// How long after our own drivers are done a classic driver is waited for in a closed loop that sends heartbeats and
    /// has sent no report; 60 s by default.
    pub silent_for: Duration,
    /// How long a classic driver must have been known before it is led; 5 s by default.
    pub known_for: Duration,
}

impl Default for ClassicSettings {
    fn default() -> Self {
        Self {
            delay_unit: Unit::Seconds,
            latency_unit: Unit::Milliseconds,
            latency_units: Vec::new(),
            target_url: None,
            max_duration: Duration::from_secs(600),
            trigger_gap: Duration::from_secs(2),
            deaf_after: Duration::from_secs(15),
            silent_for: Duration::from_secs(60),
            known_for: Duration::from_secs(5),
        }
    }
}

impl ClassicSettings {
    /// Reads the section.
    pub fn read(table: &mut Table) -> Self {
        let default = Self::default();
        let units = Unit::ALL.map(|unit| (unit.as_str(), unit));
        let hour = Duration::from_secs(3_600);
        let short = || parse::duration(Duration::ZERO..=hour);
        Self {
            delay_unit: table.get("delay_unit", parse::one_of(&units)).unwrap_or(default.delay_unit),
            latency_unit: table.get("latency_unit", parse::one_of(&units)).unwrap_or(default.latency_unit),
            latency_units: table.table("nodes", |nodes| latency_units(nodes, &units)),
            target_url: table.get("target_url", parse::or_none(fields::target_url)).flatten(),
            max_duration: table
                .get("max_duration", parse::duration(Duration::from_secs(1)..=24 * hour))
                .unwrap_or(default.max_duration),
            trigger_gap: table.get("trigger_gap", short()).unwrap_or(default.trigger_gap),
            deaf_after: table.get("deaf_after", short()).unwrap_or(default.deaf_after),
            silent_for: table.get("silent_for", short()).unwrap_or(default.silent_for),
            known_for: table.get("known_for", short()).unwrap_or(default.known_for),
        }
    }

    /// The units for reading records.
    pub fn read_as(&self) -> ReadAs {
        ReadAs::of(self.latency_unit).with_nodes(self.latency_units.clone())
    }
}

/// `[classic.nodes."PATTERN"]`, a table for each pattern.
fn latency_units(nodes: &mut Table, units: &[(&'static str, Unit)]) -> Vec<(NodePattern, Unit)> {
    let mut of_nodes = Vec::new();
    for name in nodes.names() {
        let pattern = NodePattern::new(&name);
        if let Err(error) = &pattern {
            let reason = format!("{error}, so that no node can have this id");
            nodes.fault(Fault::value(nodes.path_of(&format!("{name:?}")), "", reason), None);
        }
        let unit = nodes.table(&name, |node| node.get("latency_unit", parse::one_of(units)));
        of_nodes.extend(pattern.ok().zip(unit));
    }
    of_nodes
}
