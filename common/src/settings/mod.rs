//! A node's settings: flag over environment over file over default, layered by `config`, then walked by
//! our own walk, so that every fault is reported at once. Settings that nodes share are here; each node's own
//! settings are in its crate.

pub mod allow;
pub mod data_dir;
mod error;
pub mod fields;
mod kafka;
mod layers;
mod node;
mod secret;
mod topics;

use std::path::Path;

pub use allow::AllowTarget;
pub use data_dir::{DataDir, Places};
pub use error::{SettingsError, SettingsFault};
pub use kafka::{Brokers, BrokersAllowed, KafkaSecurity, KafkaSettings, SaslMechanism, SecurityProtocol};
pub use layers::{ENV_PREFIX, FLAG_ORIGIN, Sources};
pub use node::{ClassicSettings, NodeSettings};
pub use secret::{Secret, SecretError, TOKEN_CREDENTIAL, credential, read_secret};
pub use topics::TopicNames;

use crate::tree::{Findings, Node, Table};

/// The settings of a node, or a part of them.
pub trait Section: Sized {
    /// Takes every key out of the table and records every fault in it. A missing or faulty key takes its
    /// default: the caller discards a value that has faults.
    fn read(table: &mut Table) -> Self;
}

/// Loads a node's settings.
///
/// # Errors
/// Every fault at once, each with file (or variable, or command line), key, value and reason.
pub fn load<T: Section>(sources: &Sources) -> Result<T, SettingsError> {
    let (tree, mut faults) = layers::tree(sources);
    let (settings, findings) = walk::<T>(tree);
    faults.extend(findings.into_faults().into_iter().map(SettingsFault::from));
    if faults.is_empty() { Ok(settings) } else { Err(SettingsError::new(faults, sources.file.as_deref())) }
}

/// Checks a node's file alone: no environment, no flags.
///
/// # Errors
/// Every fault at once.
pub fn check_file<T: Section>(path: &Path) -> Result<(), SettingsError> {
    load::<T>(&Sources::of_file(path)).map(drop)
}

/// The settings of a node with every key at its default.
pub fn defaults<T: Section>() -> T {
    walk::<T>(Node::empty()).0
}

/// Every key that a node's settings have, as paths.
pub fn keys<T: Section>() -> Vec<String> {
    walk::<T>(Node::empty()).1.keys()
}

/// The keys that a node's settings have and a file leaves out, but for those that no file may have.
///
/// # Errors
/// Every fault of the file.
pub fn keys_left_out<T: Section>(path: &Path) -> Result<Vec<String>, SettingsError> {
    let (tree, faults) = layers::tree(&Sources::of_file(path));
    if !faults.is_empty() {
        return Err(SettingsError::new(faults, Some(path)));
    }
    let is_named = |key: &String| key.split('.').try_fold(&tree, |node, name| node.get(name)).is_some();
    let keys = keys::<T>().into_iter().filter(|key| key != kafka::PASSWORD_OF_ENVIRONMENT);
    Ok(keys.filter(|key| !is_named(key)).collect())
}

/// Whether an environment variable sets something of this node. A parent that starts nodes of several kinds
/// gives each its own alone: to a node, a variable of another kind is a fault.
pub fn belongs<T: Section>(variable: &str) -> bool {
    layers::key_of(variable).is_some_and(|path| {
        keys::<T>().iter().any(|key| {
            *key == path || path.strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with('.'))
        })
    })
}

fn walk<T: Section>(tree: Node) -> (T, Findings) {
    Table::walk(tree, T::read)
}

#[cfg(test)]
mod tests;
