//! Where the nodes of a `run` keep their data: the usual place, the one that is named, or, where neither can be used, a
//! folder that goes with the run.

use std::io;
use std::path::{Path, PathBuf};

use common::settings::Places;
use common::settings::data_dir::{self, DataDirError};

use crate::args::RunArgs;
use crate::exit::Stop;

/// The kinds of node that a `run` starts.
const KINDS: [&str; 2] = ["orchestrator", "driver"];

/// Where the nodes of this `run` keep their data.
pub enum DataPlace {
    /// Each takes its default folder.
    Default,
    /// Below this folder, an absolute path.
    Given(PathBuf),
    /// Below a folder that goes when the run ends.
    Passing {
        folder: tempfile::TempDir,
        /// Why the usual place is not used, and what to do about it.
        why: String,
    },
}

impl DataPlace {
    /// The place that the command line and the environment ask for.
    ///
    /// # Errors
    /// Where a temporary folder is needed and cannot be made.
    pub fn choose(arguments: &RunArgs) -> Result<Self, Stop> {
        if let Some(path) = &arguments.place.data_dir {
            let absolute = std::path::absolute(path);
            return absolute
                .map(Self::Given)
                .map_err(|error| Stop::could_not(format!("--data-dir {}: {error}", path.display())));
        }
        if arguments.place.orchestrator.is_some() {
            return Ok(Self::Default);
        }
        let Some(why) = unusable(&Places::of_process()) else { return Ok(Self::Default) };
        let folder = tempfile::Builder::new().prefix("groundswell-").tempdir();
        let folder = folder.map_err(|error| {
            Stop::could_not(format!("no folder for data: {error}; name one with --data-dir DIR"))
        })?;
        let why = format!("{why}: this test is not kept in the history; --data-dir DIR keeps it");
        Ok(Self::Passing { folder, why })
    }

    /// The folder, unless it is the default one.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Default => None,
            Self::Given(path) => Some(path.clone()),
            Self::Passing { folder, .. } => Some(folder.path().to_owned()),
        }
    }

    /// Why the data goes with the run, where it does.
    pub fn why_passing(&self) -> Option<&str> {
        match self {
            Self::Passing { why, .. } => Some(why),
            _ => None,
        }
    }
}

/// Why the default folders cannot be used; `None` where they can.
fn unusable(places: &Places) -> Option<String> {
    for kind in KINDS {
        let Some(folder) = places.folder(kind) else {
            return Some("HOME and XDG_STATE_HOME are not set".to_owned());
        };
        match try_to_write(&folder) {
            Ok(()) => {}
            // Here a temporary folder would hide what is wrong, and it may well be on the same disk.
            Err(error) if is_full(error.kind()) => {}
            Err(error) => {
                return Some(format!("the data folder {} cannot be written ({error})", folder.display()));
            }
        }
    }
    None
}

fn is_full(error: io::ErrorKind) -> bool {
    matches!(error, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Makes a folder, as its node would, and a file in it that is gone at once.
fn try_to_write(folder: &Path) -> io::Result<()> {
    data_dir::make(folder).map_err(|error| match error {
        DataDirError::Io { reason, .. } => reason,
        other => io::Error::other(other),
    })?;
    tempfile::tempfile_in(folder).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_that_takes_no_files_is_said_and_named() {
        let home = |path: &str| Places { home: Some(path.into()), ..Places::default() };
        let why = unusable(&home("/dev/null/me")).unwrap();
        assert!(
            why.contains("/dev/null/me/.local/state/groundswell/orchestrator cannot be written"),
            "{why}"
        );
        assert!(unusable(&Places::default()).unwrap().contains("not set"));
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(unusable(&home(&folder.path().display().to_string())), None);
        let left: Vec<_> =
            std::fs::read_dir(folder.path().join(".local/state/groundswell/driver")).unwrap().collect();
        assert!(left.is_empty());
    }
}
