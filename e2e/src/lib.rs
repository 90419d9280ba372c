//! What the end-to-end tests share: real processes of the real binary, Apache Kafka, REST from outside,
//! and waiting for conditions. Nothing here knows how a node works inside.
#![allow(missing_docs)] // a harness of tests: a comment stands where a name does not say it
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a harness of tests: what fails, fails the test

pub mod browser;
pub mod classic;
pub mod cores;
pub mod disk;
pub mod faults;
pub mod flood;
pub mod kafka;
pub mod netns;
pub mod proc;
pub mod process;
pub mod prometheus;
pub mod rest;
pub mod shop;
pub mod system;

use std::path::PathBuf;
use std::time::{Duration, Instant};

pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The binary under test: `GROUNDSWELL_BIN`, or the release build.
pub fn binary() -> PathBuf {
    let path = std::env::var_os("GROUNDSWELL_BIN")
        .map_or_else(|| repository().join("build/release/groundswell"), PathBuf::from);
    assert!(path.exists(), "{} is not there: make build", path.display());
    path
}

/// Python with what `requirements.txt` names: `GROUNDSWELL_PYTHON`, or where `make venv` puts it.
pub fn python() -> PathBuf {
    let path = std::env::var_os("GROUNDSWELL_PYTHON")
        .map_or_else(|| repository().join("build/venv/bin/python"), PathBuf::from);
    assert!(path.exists(), "{} is not there: make venv", path.display());
    path
}

/// Waits until `look` brings something, and fails with what it waited for.
#[track_caller]
pub fn wait_for<T>(what: &str, at_most: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + at_most;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {at_most:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// This machine does not allow what a test needs. With `CI=true` the test fails; elsewhere it prints why and passes.
#[track_caller]
pub fn cannot(what: &str, why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "cannot have {what} here: {why}");
    eprintln!("NOT TESTED: cannot have {what} here: {why}");
}
