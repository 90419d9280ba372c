//! A file that a command writes its report to. Whether it can be written is checked beforehand, and it never keeps an
//! older report or half of one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What stands for stdout in place of a file.
const STDOUT: &str = "-";

/// Whether stdout is asked for instead of a file.
pub fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == STDOUT
}

/// Checks that a report can be written, and removes the file: if no report is written later, an older one would be
/// mistaken for it.
///
/// # Errors
/// Where it cannot be written.
pub fn prepare(path: &Path) -> io::Result<()> {
    if is_stdout(path) || is_device(path) {
        return Ok(());
    }
    drop(OpenOptions::new().create(true).append(true).open(path)?);
    // In a read-only folder the file cannot be removed; it stays, empty.
    fs::remove_file(real(path)).or_else(|_| File::create(path).map(drop))
}

/// Writes a report; where that fails midway, no half of it stays.
///
/// # Errors
/// Where it cannot be written.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut writing = Writing::create(path)?;
    writing.add(text.as_bytes())?;
    writing.finish();
    Ok(())
}

/// Adds a text to a report that is written.
///
/// # Errors
/// Where it cannot be written.
pub fn add(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().append(true).open(path)?.write_all(text.as_bytes())
}

/// Whether a report that is written can be written anew: it is a file.
pub fn can_be_replaced(path: &Path) -> bool {
    !is_stdout(path) && !is_device(path)
}

/// A report while it is written, piece by piece. Unless it is finished, no half of it stays.
pub struct Writing {
    path: PathBuf,
    file: File,
    finished: bool,
}

impl Writing {
    /// Begins a report in place of what the file has.
    ///
    /// # Errors
    /// Where the file cannot be created.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), file: File::create(path)?, finished: false })
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn add(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece)
    }

    /// All of it is written.
    pub fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.finished && !is_device(&self.path) {
            // Why it was not finished is reported; a failure to remove the rest would not help the user.
            let _ = fs::remove_file(real(&self.path));
        }
    }
}

/// Whether the path is neither a file nor a folder, such as /dev/null or a pipe: opening a pipe may block until it has
/// a reader.
fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// The file behind a link: the link stays.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prepared_place_is_empty_and_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        prepare(&path).unwrap();
        assert!(!path.exists(), "nothing is left where nothing was");
        fs::write(&path, "of last week").unwrap();
        prepare(&path).unwrap();
        assert!(!path.exists(), "an older report is gone");
        write(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");

        let link = folder.path().join("link.json");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        prepare(&link).unwrap();
        assert!(link.symlink_metadata().is_ok() && !path.exists(), "the link stays, what it names goes");
        write(&link, "behind").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "behind");
    }

    #[test]
    fn no_half_of_a_report_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        let mut writing = Writing::create(&path).unwrap();
        writing.add(b"half").unwrap();
        drop(writing);
        assert!(!path.exists());
        let mut writing = Writing::create(&path).unwrap();
        writing.add(b"wh").unwrap();
        writing.add(b"ole").unwrap();
        writing.finish();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        let full = Path::new("/dev/full");
        assert!(write(full, "text").is_err() && full.exists(), "a device is left where it is");
    }

    #[test]
    fn what_cannot_be_written_is_found_out_and_devices_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        assert!(prepare(folder.path()).is_err(), "a folder");
        assert!(prepare(&folder.path().join("missing/report.json")).is_err());
        for device in ["-", "/dev/null"] {
            prepare(Path::new(device)).unwrap();
        }
        assert!(Path::new("/dev/null").exists());
    }
}
