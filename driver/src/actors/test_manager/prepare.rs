//! What comes between a config and its start: checks that this driver can and may run it.

use std::net::SocketAddr;

use super::ManagerOptions;
use super::resolve::resolve;
use crate::actors::messages::clock::ClockHandle;
use crate::assignment::Assignment;
use crate::clock_sync::Offset;
use crate::connect_to::Destination;
use crate::driver_test::TlsConfig;
use crate::engine::tls_config;
use crate::life::{Candidate, Lead};

/// The result of a check, kept for the start.
pub(super) struct Prepared {
    /// What to do; `None`: nothing.
    pub(super) assignment: Option<Assignment>,
    pub(super) resolved: Vec<SocketAddr>,
    pub(super) tls: Option<TlsConfig>,
    pub(super) offset: Option<Offset>,
    /// A warning to show before the test begins; it begins with this driver's name.
    pub(super) warning: Option<String>,
}

/// Checks whether this driver may run a candidate, and collects what its start needs.
pub(super) async fn prepare(
    options: &ManagerOptions,
    clock: &ClockHandle,
    candidate: &Candidate,
) -> Result<Prepared, String> {
    let assignment = Assignment::of(&candidate.lead, &options.classic)?;
    let mut prepared =
        Prepared { assignment: None, resolved: Vec::new(), tls: None, offset: None, warning: None };
    let Some(assignment) = assignment else { return Ok(prepared) };
    // First without addresses: a test that is refused anyway needs no look-up.
    let to = Destination::of(&assignment.target, &options.connect_to);
    options.limits.check(&assignment, &to.host, &[])?;
    prepared.resolved = resolve(&to).await;
    options.limits.check(&assignment, &to.host, &prepared.resolved)?;
    let named = |words: String| format!("{}: {words}", options.limits.node_id);
    let calibrated = options.calibration.as_ref();
    prepared.warning = calibrated.and_then(|calibration| calibration.warning(&assignment)).map(named);
    if assignment.target.scheme() == "https" {
        let settings = options.tls.clone();
        let loaded = tokio::task::spawn_blocking(move || tls_config(&settings)).await;
        let loaded = loaded.map_err(|error| named(error.to_string()))?;
        prepared.tls = Some(loaded.map_err(|error| named(error.to_string()))?);
    }
    if let (Lead::Classic(_), Some(warning)) = (&candidate.lead, &prepared.warning) {
        // A classic orchestrator does not read warnings, so this one is logged.
        log::warn!(test_id:% = candidate.test_id, reason:% = warning; "test may exceed this driver's limits");
    }
    if let Lead::Ours { .. } = candidate.lead {
        prepared.offset = clock.measure().await.unwrap_or_default();
    }
    prepared.assignment = Some(assignment);
    Ok(prepared)
}
