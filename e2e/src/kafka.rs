//! Apache Kafka for one test: its own broker, folder and port, by `scripts/kafka`.

use std::process::Command;

use tempfile::TempDir;

use crate::repository;

/// A broker that is gone when this is.
pub struct Kafka {
    folder: TempDir,
    /// `host:port`.
    pub address: String,
}

fn script(arguments: &[&str]) -> String {
    let output = Command::new(repository().join("scripts/kafka")).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(output.status.success(), "scripts/kafka {arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

impl Kafka {
    pub fn start() -> Self {
        Self::start_at("127.0.0.1")
    }

    /// Starts one at an address of this host.
    pub fn start_at(host: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("host"), host).unwrap();
        let address = script(&["start", folder.path().to_str().unwrap()]);
        Self { folder, address }
    }

    /// An address where nothing serves yet; [`Kafka::serve`] starts the broker there.
    pub fn later() -> Self {
        let kafka = Self::start();
        kafka.stop("TERM");
        kafka
    }

    /// Starts the broker again, with its data, at its address.
    pub fn serve(&self) {
        script(&["start", self.folder.path().to_str().unwrap()]);
    }

    /// Ends the broker by a signal; its data stays.
    pub fn stop(&self, signal: &str) {
        script(&["stop", self.folder.path().to_str().unwrap(), signal]);
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        let _ = Command::new(repository().join("scripts/kafka"))
            .args(["stop", self.folder.path().to_str().unwrap(), "KILL"])
            .output();
    }
}
