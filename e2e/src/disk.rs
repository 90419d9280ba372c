//! A disk of a few hundred kilobytes that can be filled up: a tmpfs in a mount namespace of the process that uses
//! it, and of its children. The kernel takes it away with the last of them.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process::Process;

/// Mounts the disk, then becomes the command.
const MOUNT: &str = r#"mount -t tmpfs -o size="$0" tmpfs "$1" && shift && exec "$@""#;

/// Where the disk is mounted, for those who are started with it.
pub struct SmallDisk {
    folder: TempDir,
    bytes: u64,
}

impl SmallDisk {
    /// A disk of so many bytes, in pages of 4 KiB.
    ///
    /// # Errors
    /// Where the system does not let us mount one, and why.
    pub fn new(bytes: u64) -> Result<Self, String> {
        let disk = Self { folder: tempfile::tempdir().unwrap(), bytes };
        let tried =
            disk.given_to(&Command::new("true")).output().map_err(|error| format!("unshare: {error}"))?;
        if tried.status.success() {
            Ok(disk)
        } else {
            Err(String::from_utf8_lossy(&tried.stderr).trim().to_owned())
        }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The same command, with an empty disk of its own. Its process id stays that of the command.
    pub fn given_to(&self, command: &Command) -> Command {
        let mut with_disk = Command::new("unshare");
        with_disk.args(["--mount", "--propagation", "private", "sh", "-c", MOUNT]);
        with_disk
            .arg(self.bytes.to_string())
            .arg(self.path())
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => with_disk.env(name, value),
                None => with_disk.env_remove(name),
            };
        }
        with_disk
    }

    /// The disk as the process has it.
    fn seen_by(&self, process: &Process) -> PathBuf {
        let below_root = self.path().strip_prefix("/").unwrap();
        PathBuf::from(format!("/proc/{}/root", process.pid())).join(below_root)
    }

    /// Fills the process's disk to the last byte.
    pub fn fill(&self, process: &Process) {
        let path = self.seen_by(process).join("filler");
        let mut filler = OpenOptions::new().create(true).append(true).open(path).unwrap();
        for size in [64 * 1024, 4_096, 1] {
            write_until_full(&mut filler, size);
        }
    }

    pub fn clear(&self, process: &Process) {
        std::fs::remove_file(self.seen_by(process).join("filler")).unwrap();
    }
}

fn write_until_full(file: &mut File, size: usize) {
    let block = vec![b'x'; size];
    loop {
        match file.write(&block) {
            Ok(written) if written > 0 => {}
            Ok(_) => return,
            Err(error) if error.kind() == ErrorKind::StorageFull => return,
            Err(error) => panic!("cannot fill the disk: {error}"),
        }
    }
}
