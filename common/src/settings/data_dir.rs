//! A node's data folder: finds it, creates it, locks it against a second node, and keeps the node's id and epoch in it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::NodeSettings;
use crate::clock;
use crate::ids::{Epoch, NodeId};

/// How many nodes of a kind get a default folder on one host; further nodes need `node.data_dir`.
const MAX_NODES_OF_A_KIND: u32 = 64;
/// Longest part of a node id that comes from the host's name, in characters.
const MAX_HOST_CHARS: usize = 63;

const LOCK_FILE: &str = "lock";
const ID_FILE: &str = "node-id";
const EPOCH_FILE: &str = "epoch";

/// Why a node has no data folder.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another node holds it.
    #[error("data folder {} is in use by another node", .0.display())]
    InUse(PathBuf),
    /// All the default ones are held.
    #[error("{MAX_NODES_OF_A_KIND} nodes hold the data folders from {} on; name one with --data-dir", .0.display())]
    AllInUse(PathBuf),
    /// The environment names no place for it.
    #[error(
        "no data folder: neither STATE_DIRECTORY, XDG_STATE_HOME nor HOME is set; name one with --data-dir"
    )]
    Nowhere,
    /// The system refuses.
    #[error("data folder: cannot {doing} {}: {reason}; --data-dir DIR names another one", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's words.
        reason: io::Error,
    },
}

fn cannot(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DataDirError {
    move |reason| DataDirError::Io { doing, path: path.to_owned(), reason }
}

/// A locked data folder: no other node has it while this exists.
#[derive(Debug)]
pub struct DataDir {
    /// The folder.
    pub path: PathBuf,
    /// The node's id: as set, or as kept in the folder.
    pub node_id: NodeId,
    _lock: File,
}

/// The variables of the environment that name places for data.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// systemd's StateDirectory, the node's own.
    pub state_directory: Option<PathBuf>,
    /// Where the user's programs keep state.
    pub xdg_state_home: Option<PathBuf>,
    /// The user's home.
    pub home: Option<PathBuf>,
}

impl Places {
    /// Reads the environment.
    pub fn of_process() -> Self {
        let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            state_directory: var("STATE_DIRECTORY"),
            xdg_state_home: var("XDG_STATE_HOME"),
            home: var("HOME"),
        }
    }

    /// The default folder of the first node of a kind; `None` if the environment names no place.
    pub fn folder(&self, kind: &str) -> Option<PathBuf> {
        if let Some(of_systemd) = &self.state_directory {
            // Several are separated by colons; the first is ours.
            let of_systemd = of_systemd.to_string_lossy();
            return of_systemd.split(':').next().map(PathBuf::from);
        }
        let xdg = self.xdg_state_home.clone().filter(|path| path.is_absolute());
        let state = xdg.or_else(|| self.home.as_ref().map(|home| home.join(".local/state")))?;
        Some(state.join("groundswell").join(kind))
    }
}

/// Opens a node's data folder: the one that is set, or the first default one of its kind that is free.
///
/// # Errors
/// Where it cannot be made or locked, or another node holds the one that is set.
pub fn open(kind: &str, settings: &NodeSettings) -> Result<DataDir, DataDirError> {
    open_in(kind, settings, &Places::of_process())
}

/// As [`open`], for an environment that is given.
///
/// # Errors
/// As [`open`].
pub fn open_in(kind: &str, settings: &NodeSettings, places: &Places) -> Result<DataDir, DataDirError> {
    if let Some(path) = &settings.data_dir {
        let lock = lock(path)?.ok_or_else(|| DataDirError::InUse(path.clone()))?;
        return DataDir::of(path.clone(), lock, settings);
    }
    let first = places.folder(kind).ok_or(DataDirError::Nowhere)?;
    for n in 1..=MAX_NODES_OF_A_KIND {
        let path = match n {
            1 => first.clone(),
            n => {
                let name = first.file_name().unwrap_or_default().to_string_lossy();
                first.with_file_name(format!("{name}-{n}"))
            }
        };
        if let Some(lock) = lock(&path)? {
            return DataDir::of(path, lock, settings);
        }
    }
    Err(DataDirError::AllInUse(first))
}

/// Makes a data folder, where it is not there yet, for its owner alone.
///
/// # Errors
/// Where it cannot be made.
pub fn make(path: &Path) -> Result<(), DataDirError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(cannot("create", path))
}

/// Makes and locks a folder; `None` where another node holds it. The lock ends with the process.
fn lock(path: &Path) -> Result<Option<File>, DataDirError> {
    make(path)?;
    let file_path = path.join(LOCK_FILE);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&file_path)
        .map_err(cannot("open", &file_path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(cannot("lock", &file_path)(error.into())),
    }
}

impl DataDir {
    fn of(path: PathBuf, lock: File, settings: &NodeSettings) -> Result<Self, DataDirError> {
        let node_id = match &settings.id {
            Some(id) => id.clone(),
            None => kept_id(&path)?,
        };
        Ok(Self { path, node_id, _lock: lock })
    }

    /// The epoch of this process of the node, above every earlier one; stored before it is used.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub fn take_epoch(&self) -> Result<Epoch, DataDirError> {
        self.take_epoch_at(clock::unix_ms())
    }

    /// As [`DataDir::take_epoch`], at a time that is given.
    ///
    /// # Errors
    /// As [`DataDir::take_epoch`].
    pub fn take_epoch_at(&self, now_unix_ms: u64) -> Result<Epoch, DataDirError> {
        let path = self.path.join(EPOCH_FILE);
        let stored = read_if_there(&path)?.and_then(|text| match text.trim().parse() {
            Ok(epoch) => Some(Epoch(epoch)),
            Err(_) => {
                log::warn!(path:% = path.display(); "stored epoch not readable; using the clock");
                None
            }
        });
        let epoch = Epoch::next(stored, now_unix_ms);
        write_whole(&path, &epoch.to_string())?;
        Ok(epoch)
    }
}

/// The id that the folder keeps; a new one where it keeps none.
fn kept_id(folder: &Path) -> Result<NodeId, DataDirError> {
    let path = folder.join(ID_FILE);
    if let Some(id) = read_if_there(&path)?.and_then(|text| NodeId::new(&text).ok()) {
        return Ok(id);
    }
    let id = new_id(&gethostname::gethostname().to_string_lossy());
    write_whole(&path, id.as_str())?;
    Ok(id)
}

/// A host's name, made fit for an id, and a random suffix.
fn new_id(host: &str) -> NodeId {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let host: String = host.trim().chars().map(plain).take(MAX_HOST_CHARS).collect();
    let host = host.trim_matches(['-', '.', '_']);
    let host = if host.is_empty() { "node" } else { host };
    let random = uuid::Uuid::new_v4().simple().to_string();
    #[allow(clippy::expect_used)] // at most 63 plain characters, a dash and eight digits
    NodeId::new(&format!("{host}-{}", &random[..8])).expect("a plain short text is an id")
}

fn read_if_there(path: &Path) -> Result<Option<String>, DataDirError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", path)(error)),
    }
}

/// Writes a file whole or not at all, also where the machine dies in between, with a line break at its end. It
/// takes no lock: the file may be of a folder that another process holds.
///
/// # Errors
/// Where the folder cannot be written.
pub fn write_whole(path: &Path, text: &str) -> Result<(), DataDirError> {
    let draft = path.with_extension("new");
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
        writeln!(file, "{text}")?;
        file.sync_all()?;
        std::fs::rename(&draft, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(cannot("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(folder: &Path) -> Places {
        Places { xdg_state_home: Some(folder.to_owned()), ..Places::default() }
    }

    #[test]
    fn a_second_node_takes_a_folder_and_an_id_of_its_own() {
        let home = tempfile::tempdir().unwrap();
        let open = || open_in("driver", &NodeSettings::default(), &places(home.path())).unwrap();
        let (first, second, third) = (open(), open(), open());
        assert_eq!(first.path, home.path().join("groundswell/driver"));
        assert_eq!(second.path, home.path().join("groundswell/driver-2"));
        assert_eq!(third.path, home.path().join("groundswell/driver-3"));
        assert_ne!(first.node_id, second.node_id);
        let second_id = second.node_id.clone();
        drop(second);
        assert_eq!(open().node_id, second_id, "the free folder again, and the id that it keeps");
    }

    #[test]
    fn a_folder_that_is_set_is_taken_or_refused_by_name() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b");
        let id = NodeId::new("d1").unwrap();
        let settings = NodeSettings { id: Some(id.clone()), data_dir: Some(path.clone()) };
        let held = open_in("driver", &settings, &Places::default()).unwrap();
        assert_eq!((&held.path, &held.node_id), (&path, &id));
        let error = open_in("driver", &settings, &Places::default()).unwrap_err().to_string();
        assert_eq!(error, format!("data folder {} is in use by another node", path.display()));
        drop(held);
        let unnamed = NodeSettings { id: None, data_dir: Some(path.clone()) };
        let kept = open_in("driver", &unnamed, &Places::default()).unwrap();
        assert_ne!(kept.node_id, id, "an id that is set is not kept");
    }

    #[test]
    fn systemds_folder_comes_before_the_users() {
        let check = |places: Places, expected: Option<&str>| {
            assert_eq!(places.folder("driver"), expected.map(PathBuf::from), "{places:?}");
        };
        let home = Some(PathBuf::from("/home/me"));
        check(Places::default(), None);
        check(
            Places { home: home.clone(), ..Places::default() },
            Some("/home/me/.local/state/groundswell/driver"),
        );
        let xdg = Some(PathBuf::from("/s"));
        check(
            Places { home: home.clone(), xdg_state_home: xdg.clone(), ..Places::default() },
            Some("/s/groundswell/driver"),
        );
        let relative = Some(PathBuf::from("s"));
        check(
            Places { home: home.clone(), xdg_state_home: relative, ..Places::default() },
            Some("/home/me/.local/state/groundswell/driver"),
        );
        let systemd = Some(PathBuf::from("/var/lib/a:/var/lib/b"));
        check(Places { state_directory: systemd, xdg_state_home: xdg, home }, Some("/var/lib/a"));
        let nowhere = open_in("driver", &NodeSettings::default(), &Places::default()).unwrap_err();
        assert!(nowhere.to_string().contains("--data-dir"));
    }

    #[test]
    fn every_life_has_a_higher_epoch() {
        let home = tempfile::tempdir().unwrap();
        let open = || open_in("driver", &NodeSettings::default(), &places(home.path())).unwrap();
        let first = open();
        assert_eq!(first.take_epoch_at(1_000).unwrap(), Epoch(1_000));
        let path = first.path.join(EPOCH_FILE);
        drop(first);
        assert_eq!(open().take_epoch_at(500).unwrap(), Epoch(1_001), "the clock went back");
        std::fs::write(&path, "").unwrap();
        assert_eq!(open().take_epoch_at(2_000).unwrap(), Epoch(2_000), "a torn file");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "2000\n");
    }

    #[test]
    fn a_torn_id_is_made_anew_and_a_bad_host_name_is_made_fit() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join("groundswell/driver")).unwrap();
        std::fs::write(home.path().join("groundswell/driver/node-id"), "\0").unwrap();
        let opened = open_in("driver", &NodeSettings::default(), &places(home.path())).unwrap();
        assert!(!opened.node_id.as_str().contains('\0'));
        for (host, expected) in
            [("box", "box-"), ("a b/ü", "a-b-"), ("..", "node-"), ("", "node-"), (" (none) ", "none-")]
        {
            let id = new_id(host);
            assert!(id.as_str().starts_with(expected), "{host:?}: {id}");
        }
        assert_eq!(new_id(&"x".repeat(300)).as_str().len(), 63 + 1 + 8);
        assert_ne!(new_id("box"), new_id("box"));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        std::fs::write(&file, "").unwrap();
        let settings = NodeSettings { id: None, data_dir: Some(file.join("below")) };
        let error = open_in("driver", &settings, &Places::default()).unwrap_err().to_string();
        assert!(error.contains("cannot create") && error.contains("file/below"), "{error}");
    }
}
