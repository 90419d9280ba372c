//! What is wrong with a node's settings, one line a fault.

use std::fmt;
use std::path::Path;

use crate::plan::Fault;
use crate::tree::Found;

/// One fault, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsFault {
    /// The file, the environment's variable or `command line`; empty where no source is to blame.
    pub origin: String,
    /// What is wrong.
    pub fault: Fault,
}

impl From<Found> for SettingsFault {
    fn from(found: Found) -> Self {
        Self { origin: found.origin.as_deref().unwrap_or_default().to_owned(), fault: found.fault }
    }
}

impl fmt::Display for SettingsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin.as_str() {
            "" => write!(f, "settings: {}", self.fault),
            origin => write!(f, "{origin}: {}", self.fault),
        }
    }
}

/// Every fault of a node's settings, at least one: `FILE: key = value: reason`, a line each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// The faults.
    pub faults: Vec<SettingsFault>,
}

impl SettingsError {
    /// A fault without an origin of its own is attributed to the file, if there is one.
    pub(super) fn new(mut faults: Vec<SettingsFault>, file: Option<&Path>) -> Self {
        if let Some(file) = file {
            for fault in faults.iter_mut().filter(|fault| fault.origin.is_empty()) {
                fault.origin = file.display().to_string();
            }
        }
        Self { faults }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingsError {}
