//! What comes between a config and its start: is this driver able and allowed to, and do its workers begin.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;

use super::resolve::resolve;
use super::{ManagerOptions, Worker};
use crate::actors::clock::MeasureOffset;
use crate::actors::messages::{StartError, StartLoad};
use crate::assignment::Assignment;
use crate::clock_sync::Offset;
use crate::connect_to::Destination;
use crate::engine::tls_config;
use crate::life::{Candidate, Lead};
use crate::load_job::{LoadJob, TlsConfig, WorkerSlice};

/// Between two tries at a worker that has not put the last test away yet, and how many.
const BUSY: (Duration, u32) = (Duration::from_millis(20), 50);

/// What a check found out, for the start.
pub(super) struct Prepared {
    /// What to do; `None`: nothing.
    pub(super) assignment: Option<Assignment>,
    pub(super) resolved: Vec<SocketAddr>,
    pub(super) tls: Option<TlsConfig>,
    pub(super) offset: Option<Offset>,
    /// What should be known before it begins, in words that name this driver.
    pub(super) warning: Option<String>,
}

/// Starts a worker; one that is still putting its last test away is waited for.
pub(super) async fn start_worker(
    worker: &Worker,
    job: &Arc<LoadJob>,
    slice: WorkerSlice,
) -> Result<(), String> {
    let (pause, tries) = BUSY;
    for _ in 0..tries {
        match worker.start.send(StartLoad(Arc::clone(job), slice)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(StartError::Busy(_))) => tokio::time::sleep(pause).await,
            Ok(Err(error)) => return Err(error.to_string()),
            Err(error) => return Err(error.to_string()),
        }
    }
    Err("the worker does not come to an end with its last test".to_owned())
}

/// Finds out all that a start needs, and whether this driver may do it.
pub(super) async fn prepare(
    options: &ManagerOptions,
    measure: &Recipient<MeasureOffset>,
    candidate: &Candidate,
) -> Result<Prepared, String> {
    let assignment = Assignment::of(&candidate.lead, &options.classic)?;
    let mut prepared =
        Prepared { assignment: None, resolved: Vec::new(), tls: None, offset: None, warning: None };
    let Some(assignment) = assignment else { return Ok(prepared) };
    // First without addresses: what is refused anyway asks no resolver.
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
        // Whoever leads does not listen to it: the log is all there is.
        log::warn!("test may be too much test={} reason={warning}", candidate.test_id);
    }
    if let Lead::Ours { .. } = candidate.lead {
        prepared.offset = measure.send(MeasureOffset).await.unwrap_or_default();
    }
    prepared.assignment = Some(assignment);
    Ok(prepared)
}
