//! What `--version` says: the version, and the commit it was built from.

/// As in `0.1.0 (abc1234)`; `build.rs` sets the commit.
pub const LONG: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("GROUNDSWELL_COMMIT"), ")");
