//! Data files of plans, by the hash of their content: too large to travel in a plan, they are put here, and each driver
//! fetches them before its test. A file is written under a name of its own while it arrives, and gets the name of its hash
//! when it is whole and right, so that no reader ever sees a part of one. This module knows no HTTP and no actor.

mod upload;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use common::plan::files::FileHash;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

pub use upload::{Put, Upload};

use crate::settings::DataSettings;

/// The folder in the orchestrator's data folder.
const FOLDER: &str = "data";
/// What the name of a file begins with that is not whole yet.
const PART: &str = "part-";

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// It is longer than `[data] max_file_bytes`.
    #[error("the file is longer than {0} bytes, the most that one may have ([data] max_file_bytes)")]
    TooLong(u64),
    /// It does not fit beside the others.
    #[error(
        "the data files take {used} of {most} bytes ([data] max_bytes), and this one does not fit; delete tests that use others"
    )]
    Full {
        /// What is there.
        used: u64,
        /// What may be there.
        most: u64,
    },
    /// Its content has another hash than its name.
    #[error("the content is {found}, not {named}; put the file whole, under the hash of its content")]
    OtherContent {
        /// The hash of what arrived.
        found: FileHash,
        /// The hash that it was to have.
        named: FileHash,
    },
    /// The disk refuses it.
    #[error("data file not written: {0}")]
    Io(#[from] io::Error),
}

/// The data files that are here.
#[derive(Debug)]
pub struct DataFiles {
    folder: PathBuf,
    limits: DataSettings,
    /// Bytes of all files, those that arrive included.
    used: Mutex<u64>,
    /// Held for reading from the look at a plan's files until the test is stored that names them, and for writing while
    /// files are deleted that no test names.
    names: RwLock<()>,
}

impl DataFiles {
    /// Opens the folder, creates it where it is missing, and deletes what an earlier process did not receive whole.
    ///
    /// # Errors
    /// Where the folder cannot be read or written.
    pub fn open(data_dir: &Path, limits: DataSettings) -> io::Result<Self> {
        let folder = data_dir.join(FOLDER);
        fs::create_dir_all(&folder)?;
        let mut used = 0;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(PART) {
                fs::remove_file(entry.path())?;
            } else {
                used += entry.metadata()?.len();
            }
        }
        Ok(Self { folder, limits, used: Mutex::new(used), names: RwLock::new(()) })
    }

    fn path(&self, hash: &FileHash) -> PathBuf {
        self.folder.join(hash.to_string())
    }

    fn used(&self) -> MutexGuard<'_, u64> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to take a file; `announced`: its length, where that is known.
    ///
    /// # Errors
    /// Where it is too long, does not fit, or cannot be written.
    pub fn put(self: &Arc<Self>, announced: Option<u64>) -> Result<Upload, DataError> {
        Upload::begin(Arc::clone(self), announced)
    }

    /// A file and its length; `None` where it is not here.
    ///
    /// # Errors
    /// Where the disk refuses it.
    pub fn find(&self, hash: &FileHash) -> io::Result<Option<(File, u64)>> {
        match File::open(self.path(hash)) {
            Ok(file) => {
                let bytes = file.metadata()?.len();
                Ok(Some((file, bytes)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A client is about to name a file: it is kept for as long as one that was put now. False where it is not here.
    ///
    /// # Errors
    /// Where the disk refuses it.
    pub fn keep(&self, hash: &FileHash) -> io::Result<bool> {
        let opened = File::options().write(true).open(self.path(hash));
        match opened {
            Ok(file) => file.set_modified(SystemTime::now()).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A test that names these files is stored: from now on they go with the last test, unless a client puts them again
    /// meanwhile. The time of a file says so: it is the oldest there is while no client is about to name it.
    pub fn named(&self, hashes: &BTreeSet<FileHash>) {
        for hash in hashes {
            let marked = File::options().write(true).open(self.path(hash));
            if let Err(error) = marked.and_then(|file| file.set_modified(SystemTime::UNIX_EPOCH)) {
                log::warn!(path:% = self.path(hash).display(), error:%; "data file not marked; it stays after its last test");
            }
        }
    }

    /// No file is deleted while this is held.
    pub async fn in_use(&self) -> RwLockReadGuard<'_, ()> {
        self.names.read().await
    }

    /// No test is created while this is held, so that the names of the stored ones are all there are.
    pub async fn alone(&self) -> RwLockWriteGuard<'_, ()> {
        self.names.write().await
    }

    /// Deletes each file that no test names and that was put longer ago than `[data] keep_unnamed`. `named`: by stored
    /// tests, read while [`DataFiles::alone`] is held. Returns how many were deleted.
    ///
    /// # Errors
    /// Where the folder cannot be read, or a file cannot be deleted.
    pub fn sweep(&self, named: &BTreeSet<FileHash>, now: SystemTime) -> io::Result<usize> {
        let before = now.checked_sub(self.limits.keep_unnamed).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut n = 0;
        for entry in fs::read_dir(&self.folder)? {
            let hash = entry?.file_name().to_str().and_then(FileHash::parse);
            if let Some(hash) = hash.filter(|hash| !named.contains(hash)) {
                n += usize::from(self.delete_put_before(&hash, before)?);
            }
        }
        Ok(n)
    }

    /// Deletes the files of a test that was deleted, unless other tests name them, or they were put again since a test named
    /// them last: a client may be about to name those. `named` as in [`DataFiles::sweep`].
    ///
    /// # Errors
    /// Where a file cannot be deleted.
    pub fn forget(&self, of_test: &BTreeSet<FileHash>, named: &BTreeSet<FileHash>) -> io::Result<()> {
        let oldest = SystemTime::UNIX_EPOCH;
        of_test.difference(named).try_for_each(|hash| self.delete_put_before(hash, oldest).map(drop))
    }

    fn delete_put_before(&self, hash: &FileHash, before: SystemTime) -> io::Result<bool> {
        let mut used = self.used();
        let about = match fs::metadata(self.path(hash)) {
            Ok(about) => about,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if about.modified()? > before {
            return Ok(false);
        }
        fs::remove_file(self.path(hash))?;
        *used = used.saturating_sub(about.len());
        Ok(true)
    }
}

/// The hashes that a plan names, from its JSON. A text that only looks like one keeps a file longer, and no more.
pub fn hashes_in(plan: &str) -> BTreeSet<FileHash> {
    let digits = plan.split("sha256:").skip(1).filter_map(|rest| rest.get(..64));
    digits.filter_map(FileHash::parse).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    pub(super) fn files(folder: &Path) -> Arc<DataFiles> {
        let limits =
            DataSettings { max_file_bytes: 100, max_bytes: 250, keep_unnamed: Duration::from_secs(3_600) };
        Arc::new(DataFiles::open(folder, limits).unwrap())
    }

    pub(super) fn put(files: &Arc<DataFiles>, bytes: &[u8]) -> Result<Put, DataError> {
        let mut upload = files.put(None)?;
        upload.write(bytes)?;
        upload.finish(&FileHash::of(bytes))
    }

    fn there(folder: &Path) -> usize {
        fs::read_dir(folder.join(FOLDER)).unwrap().count()
    }

    #[test]
    fn a_file_that_no_test_names_is_deleted_after_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        put(&files, b"a").unwrap();
        put(&files, b"b").unwrap();
        let named = BTreeSet::from([FileHash::of(b"a")]);
        let in_an_hour = SystemTime::now() + Duration::from_secs(3_601);
        assert_eq!(files.sweep(&named, SystemTime::now()).unwrap(), 0, "a client may be about to name it");
        assert_eq!(files.sweep(&named, in_an_hour).unwrap(), 1);
        assert!(files.find(&FileHash::of(b"a")).unwrap().is_some());
        assert!(files.find(&FileHash::of(b"b")).unwrap().is_none());
        assert_eq!(*files.used(), 1);
    }

    #[test]
    fn a_file_goes_with_the_last_test_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        for bytes in [b"a", b"b", b"c"] {
            put(&files, bytes).unwrap();
        }
        let all = BTreeSet::from([b"a", b"b", b"c"].map(|bytes| FileHash::of(bytes)));
        files.named(&all);
        put(&files, b"c").unwrap();
        files.forget(&all, &BTreeSet::from([FileHash::of(b"b")])).unwrap();
        let left = [b"a", b"b", b"c"].map(|bytes| files.find(&FileHash::of(bytes)).unwrap().is_some());
        assert_eq!(left, [false, true, true], "b is named by another test, c was put again");
        assert_eq!(*files.used(), 2);
    }

    #[test]
    fn what_was_not_received_whole_goes_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        put(&files(folder.path()), b"whole").unwrap();
        fs::write(folder.path().join(FOLDER).join("part-1"), b"half").unwrap();
        let again = files(folder.path());
        assert_eq!((there(folder.path()), *again.used()), (1, 5));
    }

    #[test]
    fn hashes_are_found_in_the_json_of_a_plan() {
        let hash = FileHash::of(b"a");
        let plan = format!(
            "{{\"file\":\"{}\",\"x\":\"sha256:12\",\"y\":\"sha256:{}ü\"}}",
            hash.in_plan(),
            "0".repeat(63)
        );
        assert_eq!(hashes_in(&plan), BTreeSet::from([hash]));
    }
}
