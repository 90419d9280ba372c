//! One file that arrives.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use common::plan::files::{FileHash, Hashing};
use uuid::Uuid;

use super::{DataError, DataFiles, PART};

/// What came of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The file is here now.
    Created,
    /// It was here before.
    Present,
}

/// A file that arrives. Dropped before it is finished, it leaves nothing behind.
#[derive(Debug)]
pub struct Upload {
    files: Arc<DataFiles>,
    path: PathBuf,
    file: File,
    hashing: Hashing,
    /// Bytes that were written, each counted in the quota.
    bytes: u64,
    /// Whether the file stays, with its bytes in the quota.
    stays: bool,
}

impl Upload {
    pub(super) fn begin(files: Arc<DataFiles>, announced: Option<u64>) -> Result<Self, DataError> {
        let limits = &files.limits;
        if announced.is_some_and(|bytes| bytes > limits.max_file_bytes) {
            return Err(DataError::TooLong(limits.max_file_bytes));
        }
        let used = *files.used();
        if announced.is_some_and(|bytes| used.saturating_add(bytes) > limits.max_bytes) {
            return Err(DataError::Full { used, most: limits.max_bytes });
        }
        let path = files.folder.join(format!("{PART}{}", Uuid::new_v4()));
        let file = File::create_new(&path)?;
        Ok(Self { path, file, hashing: Hashing::default(), bytes: 0, stays: false, files })
    }

    /// Takes the next bytes. Blocks.
    ///
    /// # Errors
    /// Where the file becomes too long, does not fit, or cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), DataError> {
        let limits = &self.files.limits;
        let more = bytes.len() as u64;
        if self.bytes + more > limits.max_file_bytes {
            return Err(DataError::TooLong(limits.max_file_bytes));
        }
        {
            // Counted before it is written: two files that arrive together do not overrun the bound.
            let mut used = self.files.used();
            if used.saturating_add(more) > limits.max_bytes {
                return Err(DataError::Full { used: *used, most: limits.max_bytes });
            }
            *used += more;
        }
        self.bytes += more;
        self.hashing.update(bytes);
        self.file.write_all(bytes)?;
        Ok(())
    }

    /// How many bytes have arrived.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives the file its name, where its content has this hash. Blocks.
    ///
    /// # Errors
    /// Where it has another, or the disk refuses it.
    pub fn finish(mut self, named: &FileHash) -> Result<Put, DataError> {
        let found = std::mem::take(&mut self.hashing).finish();
        if found != *named {
            return Err(DataError::OtherContent { found, named: *named });
        }
        self.file.sync_all()?;
        // Two that finish at once do so one after the other: the second finds the first's file.
        let used = self.files.used();
        if self.files.keep(named)? {
            drop(used);
            return Ok(Put::Present);
        }
        fs::rename(&self.path, self.files.path(named))?;
        drop(used);
        self.stays = true;
        Ok(Put::Created)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.stays {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            log::warn!(path:% = self.path.display(), error:%; "part of a data file not deleted");
        }
        let mut used = self.files.used();
        *used = used.saturating_sub(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{files, put};
    use super::*;

    #[test]
    fn a_file_is_there_once_it_is_whole_and_right() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let hash = FileHash::of(b"abc");
        let (mut one, mut other) = (files.put(Some(3)).unwrap(), files.put(None).unwrap());
        one.write(b"ab").unwrap();
        other.write(b"abc").unwrap();
        assert!(files.find(&hash).unwrap().is_none());
        one.write(b"c").unwrap();
        assert_eq!((one.bytes(), *files.used()), (3, 6));
        assert_eq!(one.finish(&hash).unwrap(), Put::Created);
        assert_eq!(other.finish(&hash).unwrap(), Put::Present);
        assert_eq!(*files.used(), 3, "it is there once");
        assert_eq!(files.find(&hash).unwrap().unwrap().1, 3);
    }

    #[test]
    fn what_is_wrong_or_breaks_off_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let mut wrong = files.put(None).unwrap();
        wrong.write(b"x").unwrap();
        let error = wrong.finish(&FileHash::of(b"y")).unwrap_err();
        assert!(matches!(error, DataError::OtherContent { .. }), "{error}");
        let mut broken = files.put(None).unwrap();
        broken.write(b"x").unwrap();
        drop(broken);
        assert_eq!((fs::read_dir(&files.folder).unwrap().count(), *files.used()), (0, 0));
    }

    #[test]
    fn files_stay_within_their_bounds() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        assert!(matches!(files.put(Some(101)), Err(DataError::TooLong(100))));
        assert!(matches!(put(&files, &[0; 101]), Err(DataError::TooLong(100))));
        for byte in [1, 2] {
            put(&files, &[byte; 100]).unwrap();
        }
        assert!(matches!(files.put(Some(51)), Err(DataError::Full { used: 200, most: 250 })));
        assert!(matches!(put(&files, &[3; 51]), Err(DataError::Full { .. })));
        put(&files, &[3; 50]).unwrap();
        assert_eq!(put(&files, &[1; 100]).map_err(|_| ()), Err(()), "a copy needs room while it arrives");
    }
}
