//! The last registration of each node: written with a batch (`batch`), read at the next start of the orchestrator.

use common::ids::{Epoch, NodeId};
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
        let known = rows.into_iter().map(|row| {
            let at = format!("nodes {}", row.node_id);
            Ok(KnownNode {
                node_id: NodeId::new(&row.node_id).map_err(|cause| self.bad_row(&at, cause))?,
                epoch: row.epoch.map(|bits| Epoch(bits.cast_unsigned())),
                address: row.address,
                version: row.version,
                cores: row.cores,
                labels: row.labels.map(|labels| self.json(&at, &labels)).transpose()?.unwrap_or_default(),
                max_rate: row.max_rate,
            })
        });
        known.collect()
    }
}
