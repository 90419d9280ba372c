//! The last registration of each node: written with a batch (`batch`), read at the next start of the orchestrator.

use common::ids::{Epoch, NodeId};
use common::wire::RegisterOurs;
use rusqlite::Row;

use super::Store;
use super::StoreError;
use crate::registry::{KnownNode, MAX_NODES};

/// A row as SQLite has it.
struct NodeRow {
    node_id: String,
    epoch: Option<i64>,
    address: Option<String>,
    version: Option<String>,
    cores: Option<u32>,
    labels: Option<String>,
    max_rate: Option<f64>,
}

impl NodeRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            node_id: row.get(0)?,
            epoch: row.get(1)?,
            address: row.get(2)?,
            version: row.get(3)?,
            cores: row.get(4)?,
            labels: row.get(5)?,
            max_rate: row.get(6)?,
        })
    }
}

impl Store {
    /// The nodes that registered, at most as many as the registry keeps.
    ///
    /// # Errors
    /// Where SQLite cannot, or a row is not readable.
    pub fn nodes(&self) -> Result<Vec<KnownNode>, StoreError> {
        let sql = "SELECT node_id, epoch, address, version, cores, labels, max_rate FROM nodes LIMIT ?1";
        let rows = self.rows(sql, [MAX_NODES as i64], NodeRow::read)?;
        rows.into_iter().map(|row| self.known(row)).collect()
    }

    fn known(&self, row: NodeRow) -> Result<KnownNode, StoreError> {
        let at = format!("nodes {}", row.node_id);
        let node_id = NodeId::new(&row.node_id).map_err(|cause| self.bad_row(&at, cause))?;
        let Some(epoch) = row.epoch else {
            return Ok(KnownNode { node_id, address: row.address, ours: None });
        };
        let labels = row.labels.map(|labels| self.json(&at, &labels)).transpose()?.unwrap_or_default();
        let ours = RegisterOurs {
            protocol: None,
            epoch: Epoch(epoch.cast_unsigned()),
            version: row.version.unwrap_or_default(),
            cores: row.cores.unwrap_or_default(),
            labels,
            max_rate: row.max_rate,
            kernel: None,
            plan_language: None,
            rate_changes: None,
            calibrated: None,
        };
        Ok(KnownNode { node_id, address: row.address, ours: Some(ours) })
    }
}
