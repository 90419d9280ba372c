//! Sets the commit that the binary was built from.

use std::path::Path;
use std::process::Command;

fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()).filter(|text| !text.is_empty())
}

fn main() {
    // A source archive has no git history: its packager sets GROUNDSWELL_COMMIT.
    println!("cargo:rerun-if-env-changed=GROUNDSWELL_COMMIT");
    let commit =
        std::env::var("GROUNDSWELL_COMMIT").ok().or_else(|| git(&["rev-parse", "--short=10", "HEAD"]));
    println!("cargo:rustc-env=GROUNDSWELL_COMMIT={}", commit.as_deref().unwrap_or("unknown commit"));
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]).filter(|path| Path::new(path).exists()) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
}
