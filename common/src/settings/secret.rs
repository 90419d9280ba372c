//! What must appear in no log, report or answer.

use std::fmt;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Longest secret, in bytes.
const MAX_SECRET_BYTES: u64 = 64 * 1024;

/// A password or token. It prints as `***`; only [`Secret::expose`] returns the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(crate::plan::MASK)
    }
}

/// Why a file holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
    /// There is nothing in it.
    #[error("{} is empty", .0.display())]
    Empty(PathBuf),
    /// It holds more than one line, so it is probably not a secret.
    #[error("{} holds more than one line of text", .0.display())]
    NotOneLine(PathBuf),
}

/// Name of the credential with the orchestrator's token, as systemd passes it to a unit (`LoadCredential=`).
pub const TOKEN_CREDENTIAL: &str = "groundswell.token";

/// The file of a credential that systemd passed to this process; `None` where it passed none of that name. A unit with
/// `DynamicUser=` can read a secret of root in no other way.
pub fn credential(name: &str) -> Option<PathBuf> {
    let file = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?).join(name);
    file.is_file().then_some(file)
}

/// Reads a password or token from a file: one line, without the blanks around it. A file that everyone on
/// the machine can read is warned of.
///
/// # Errors
/// Where the file cannot be read, is empty, or is more than a line of text; the error names it.
pub fn read_secret(path: &Path) -> Result<Secret, SecretError> {
    let error = |reason| SecretError::Read { path: path.to_owned(), reason };
    let file = std::fs::File::open(path).map_err(error)?;
    let mode = file.metadata().map_err(error)?.mode();
    let mut text = String::new();
    file.take(MAX_SECRET_BYTES).read_to_string(&mut text).map_err(error)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(SecretError::Empty(path.to_owned()));
    }
    if text.contains(char::is_control) {
        return Err(SecretError::NotOneLine(path.to_owned()));
    }
    if mode & 0o004 != 0 {
        log::warn!(path:% = path.display(); "secret file can be read by everyone on this machine");
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_without_its_line_break_and_never_printed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "  hunter2 0123\n").unwrap();
        let secret = read_secret(&path).unwrap();
        assert_eq!(secret.expose(), "hunter2 0123");
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "*** Some(\n    ***,\n)");
    }

    #[test]
    fn what_is_no_secret_is_named_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let reason = |path: &Path| read_secret(path).unwrap_err().to_string();
        assert!(reason(&path).starts_with(&format!("cannot read {}", path.display())));
        std::fs::write(&path, " \n").unwrap();
        assert_eq!(reason(&path), format!("{} is empty", path.display()));
        std::fs::write(&path, "one\ntwo\n").unwrap();
        assert!(reason(&path).contains("more than one line"));
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(reason(&path).contains("cannot read"));
    }
}
