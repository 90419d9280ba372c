//! What comes between a config and its start: checks that this driver can and may run it.

use std::net::SocketAddr;
use std::path::PathBuf;

use common::plan::TargetUrl;
use common::plan::program::TlsOptions;
use futures_util::future::join_all;

use super::ManagerOptions;
use super::resolve::resolve;
use crate::actors::messages::clock::ClockHandle;
use crate::assignment::Assignment;
use crate::clock_sync::Offset;
use crate::connect_to::Destination;
use crate::driver_test::{HostOf, TlsConfig};
use crate::engine::tls_config_of;
use crate::life::{Candidate, Lead};
use crate::secrets::{Machine, Secrets, resolve as resolve_secrets};
use crate::settings::TlsSettings;
use crate::shared::Upkeep;

/// The result of a check, kept for the start.
pub(super) struct Prepared {
    /// What to do; `None`: nothing.
    pub(super) assignment: Option<Assignment>,
    /// Where its requests go, in the order of the plan's hosts; the first is its target.
    pub(super) hosts: Vec<PreparedHost>,
    /// The values of the plan's secrets.
    pub(super) secrets: Secrets,
    pub(super) offset: Option<Offset>,
    /// What sessions read of `[shared]`, sent once by now; `None`: the plan has none.
    pub(super) shared: Option<Upkeep>,
    /// A warning to show before the test begins; it begins with this driver's name.
    pub(super) warning: Option<String>,
}

/// A host that requests go to.
pub(super) struct PreparedHost {
    pub(super) url: TargetUrl,
    /// How its certificate is checked.
    options: TlsOptions,
    /// Where connections go.
    pub(super) to: Destination,
    pub(super) resolved: Vec<SocketAddr>,
    /// Where it is https: its TLS settings.
    pub(super) tls: Option<TlsConfig>,
}

impl PreparedHost {
    /// As requests are sent to it that are sent before the start.
    fn as_host(&self) -> HostOf {
        let addresses = self.resolved.clone().into();
        HostOf { url: self.url.clone(), addresses, tls: self.tls.clone(), server_name: self.server_name() }
    }

    /// The name in SNI and in the certificate, where it is not the URL's.
    pub(super) fn server_name(&self) -> Option<String> {
        self.options.server_name.clone()
    }
}

/// The hosts of a candidate: those of the plan's program, or its target alone.
pub(super) fn hosts_of(lead: &Lead, target: &TargetUrl) -> Vec<(TargetUrl, TlsOptions)> {
    match lead {
        Lead::Ours { plan, .. } if let Some(program) = &plan.program => {
            program.hosts.iter().map(|host| (host.url.clone(), host.tls.clone())).collect()
        }
        _ => vec![(target.clone(), TlsOptions::default())],
    }
}

/// Checks whether this driver may run a candidate, and collects what its start needs.
pub(super) async fn prepare(
    options: &ManagerOptions,
    clock: &ClockHandle,
    candidate: &Candidate,
) -> Result<Prepared, String> {
    let assignment = Assignment::of(&candidate.lead, &options.classic)?;
    let mut prepared = Prepared {
        assignment: None,
        hosts: Vec::new(),
        secrets: Secrets::default(),
        offset: None,
        shared: None,
        warning: None,
    };
    let Some(mut assignment) = assignment else { return Ok(prepared) };
    let calibrated = options.calibration.as_ref();
    let exceeds = calibrated.and_then(|calibration| calibration.warning(&assignment));
    let of_sessions = assignment.program.is_some();
    let held_back = options.limits.hold_back(&mut assignment, of_sessions);
    let mut hosts: Vec<_> = hosts_of(&candidate.lead, &assignment.target)
        .into_iter()
        .map(|(url, tls)| {
            let to = Destination::of(&url, &options.connect_to);
            PreparedHost { url, options: tls, to, resolved: Vec::new(), tls: None }
        })
        .collect();
    // First without addresses: a test that is refused anyway needs no look-up.
    for host in &hosts {
        options.limits.check(&assignment, &host.to.host, &[])?;
    }
    // All at once: together they take no longer than the slowest.
    let resolved = join_all(hosts.iter().map(|host| resolve(&host.to))).await;
    for (host, resolved) in hosts.iter_mut().zip(resolved) {
        host.resolved = resolved;
        options.limits.check(&assignment, &host.to.host, &host.resolved)?;
    }
    let named = |words: String| format!("{}: {words}", options.limits.node_id);
    // A calibration warns of a rate that the plan asks for, so never of a loop that is held back.
    prepared.warning = exceeds.map(named).or(held_back);
    if hosts.iter().any(|host| host.url.scheme() == "https") {
        let (settings, secrets_dir) = (options.tls.clone(), options.secrets.dir.clone());
        let loading = tokio::task::spawn_blocking(move || with_tls(hosts, &settings, secrets_dir));
        hosts = loading.await.map_err(|error| named(error.to_string()))?.map_err(named)?;
    }
    prepared.hosts = hosts;
    if let Some(program) = assignment.program.clone() {
        let settings = options.secrets.clone();
        let found = tokio::task::spawn_blocking(move || resolve_secrets(&program, &settings, &Machine)).await;
        let found = found.map_err(|error| named(error.to_string()))?;
        prepared.secrets = found.map_err(|refused| named(refused.to_string()))?;
        // Before this driver reports that it is ready: no session starts without the values, and a target that does not give
        // them is the reason why the test does not begin.
        let hosts = prepared.hosts.iter().map(PreparedHost::as_host).collect();
        let ids = (&candidate.test_id, &options.limits.node_id);
        let begun = Upkeep::begin(&assignment, ids, prepared.secrets.expose(), hosts).await;
        prepared.shared = begun.map_err(|failed| named(failed.to_string()))?;
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

/// Loads the TLS settings of the hosts that are https. It reads files: not for an async thread.
fn with_tls(
    mut hosts: Vec<PreparedHost>,
    settings: &TlsSettings,
    secrets_dir: Option<PathBuf>,
) -> Result<Vec<PreparedHost>, String> {
    // Hosts with the same options share the settings, and what is loaded for them.
    let mut loaded: Vec<(TlsOptions, TlsConfig)> = Vec::new();
    for host in hosts.iter_mut().filter(|host| host.url.scheme() == "https") {
        // The name is the host's own: it is not loaded from a file.
        let options = TlsOptions { server_name: None, ..host.options.clone() };
        let known = loaded.iter().find(|(known, _)| *known == options).map(|(_, config)| config.clone());
        let config = match known {
            Some(config) => config,
            None => {
                let config = tls_config_of(settings, &options, secrets_dir.as_deref());
                config.map_err(|error| error.to_string())?
            }
        };
        loaded.push((options, config.clone()));
        host.tls = Some(config);
    }
    Ok(hosts)
}

#[cfg(test)]
mod tests {
    use common::plan::program::{Host, Program};
    use common::plan::{PlanFormat, read, share_out};

    use super::*;

    fn host(url: &str, options: TlsOptions) -> PreparedHost {
        let url: TargetUrl = url.parse().unwrap();
        let to = Destination::of(&url, &[]);
        PreparedHost { url, options, to, resolved: Vec::new(), tls: None }
    }

    fn unchecked() -> TlsOptions {
        TlsOptions { verify: false, ..TlsOptions::default() }
    }

    #[test]
    fn a_plan_without_a_program_has_its_target_alone() {
        let text = "[target]\nurl = 'https://shop.test/a'\n[load]\nmode = 'avalanche'\nconnections = 1\nrequests = 1\n";
        let plan = read(text, PlanFormat::Toml).unwrap();
        let node = common::ids::NodeId::new("d").unwrap();
        let share = share_out(&plan, &[node]).unwrap().remove(0).1;
        let target = plan.target.clone();
        let lead = Lead::Ours { revision: 1, epoch: common::ids::Epoch(1), plan: Box::new(plan), share };
        assert_eq!(hosts_of(&lead, &target), [(target.clone(), TlsOptions::default())]);
    }

    #[test]
    fn a_plan_with_a_program_has_its_hosts_in_their_order() {
        let text = "[target]\nurl = 'https://shop.test/'\n[load]\nmode = 'avalanche'\nconnections = 1\nrequests = 1\n";
        let mut plan = read(text, PlanFormat::Toml).unwrap();
        let node = common::ids::NodeId::new("d").unwrap();
        let share = share_out(&plan, &[node]).unwrap().remove(0).1;
        let (shop, pay) = (plan.target.clone(), "http://pay.test:81/v1".parse::<TargetUrl>().unwrap());
        let hosts = [("", &shop, TlsOptions::default()), ("pay", &pay, unchecked())];
        let of = |(name, url, tls): (&str, &TargetUrl, TlsOptions)| Host {
            name: name.to_owned(),
            url: url.clone(),
            tls,
        };
        plan.program = Some(std::sync::Arc::new(Program {
            source: serde_json::Map::new(),
            seed: None,
            hosts: hosts.map(of).to_vec(),
            secrets: Vec::new(),
            data: Vec::new(),
            requests: Vec::new(),
            variables: Vec::new(),
            scenarios: Vec::new(),
            groups: Vec::new(),
            setup: None,
            teardown: None,
            shared: Vec::new(),
        }));
        let lead = Lead::Ours { revision: 1, epoch: common::ids::Epoch(1), plan: Box::new(plan), share };
        assert_eq!(hosts_of(&lead, &shop), [(shop.clone(), TlsOptions::default()), (pay, unchecked())]);
    }

    #[test]
    fn hosts_with_the_same_options_share_their_settings_and_plain_ones_have_none() {
        let named = TlsOptions { server_name: Some("pay.test".to_owned()), ..unchecked() };
        let hosts = vec![host("https://a.test/", unchecked()), host("http://b.test/", unchecked())];
        let hosts = hosts.into_iter().chain([host("https://c.test/", named)]).collect();
        let hosts = with_tls(hosts, &TlsSettings::default(), None).unwrap();
        assert!(hosts[1].tls.is_none());
        let [a, c] = [0, 2].map(|index: usize| hosts[index].tls.clone().unwrap());
        assert!(std::sync::Arc::ptr_eq(&a.0, &c.0));
        let c = &hosts[2];
        let of =
            HostOf { tls: c.tls.clone(), server_name: c.server_name(), ..HostOf::new(c.url.clone(), vec![]) };
        assert_eq!(of.tls_to().unwrap().unwrap().1.to_str(), "pay.test");
    }

    #[test]
    fn a_client_certificate_that_this_driver_lacks_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let client =
            |name: &str| TlsOptions { client: Some((name.to_owned(), "key.pem".to_owned())), ..unchecked() };
        let dir = Some(folder.path().to_owned());
        for (name, dir, words) in [
            ("cert.pem", None, "cert.pem: this driver has no [secrets] dir"),
            ("cert.pem", dir.clone(), "cert.pem"),
            ("../cert.pem", dir.clone(), "plain name"),
            ("..", dir.clone(), "plain name"),
            ("/etc/cert.pem", dir, "plain name"),
        ] {
            let hosts = vec![host("https://a.test/", client(name))];
            let fault = with_tls(hosts, &TlsSettings::default(), dir).err().unwrap();
            assert!(fault.contains(words), "{fault}");
        }
    }
}
