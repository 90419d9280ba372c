//! What this driver refuses to do, and why, in words that name it: `[safety]` and its
//! descriptors. Pure: addresses are resolved by others, and those that were checked are the only ones used.

use std::net::{IpAddr, SocketAddr};

use common::ids::NodeId;
use common::plan::Mode;
use common::settings::AllowTarget;
use common::settings::allow::{allows, default_targets};

use crate::assignment::Assignment;

/// Descriptors that the driver needs besides its connections: Kafka, the store, timers, its own server.
pub const RESERVED_DESCRIPTORS: u64 = 128;

/// What this driver may and can do.
#[derive(Debug, Clone)]
pub struct Limits {
    /// This driver, which refusals name.
    pub node_id: NodeId,
    /// `[safety] allow_targets`.
    pub allow_targets: Vec<AllowTarget>,
    /// `[safety] max_rate`, requests per second.
    pub max_rate: Option<f64>,
    /// Descriptors that this process may open.
    pub descriptors: u64,
}

impl Limits {
    /// Checks what an assignment asks for, its target's addresses included: every one of them must be allowed. `host`:
    /// whose they are, which is not the URL's where `--connect-to` leads elsewhere.
    ///
    /// # Errors
    /// The reason, beginning with the driver's name.
    pub fn check(&self, assignment: &Assignment, host: &str, resolved: &[SocketAddr]) -> Result<(), String> {
        self.rate(assignment)
            .and_then(|()| self.open(assignment))
            .and_then(|()| self.target(host, resolved))
            .map_err(|reason| format!("{}: {reason}", self.node_id))
    }

    /// Gives a closed loop of one request that has no ceiling of its own the ceiling `safety.max_rate`. Returns a sentence that
    /// says so, beginning with the driver's name; `None` where nothing changes. Sessions are not held back: their
    /// requests wait for one another, and a ceiling would change what the plan measures.
    pub fn hold_back(&self, assignment: &mut Assignment, of_sessions: bool) -> Option<String> {
        let most = self.max_rate.filter(|_| !of_sessions)?;
        if !matches!(assignment.load.mode, Mode::Avalanche { .. })
            || assignment.share.target_throughput.is_some()
        {
            return None;
        }
        assignment.share.target_throughput = Some(most);
        Some(format!(
            "{}: safety.max_rate holds this closed loop back to {most} requests/s; load.target_throughput of the plan, up to \
             that rate, replaces it",
            self.node_id
        ))
    }

    fn rate(&self, assignment: &Assignment) -> Result<(), String> {
        match (self.max_rate, assignment.rate_ceiling_per_s()) {
            (Some(most), Some(rate)) if rate > most => {
                Err(format!("{rate} requests/s are more than safety.max_rate = {most} of this driver"))
            }
            (Some(most), None) => Err(format!(
                "users without load.pacing may pass safety.max_rate = {most} of this driver: with a pacing their rate is known"
            )),
            _ => Ok(()),
        }
    }

    fn open(&self, assignment: &Assignment) -> Result<(), String> {
        let (places, connections) = (u64::from(assignment.places()), assignment.connections());
        let needed = connections.saturating_add(RESERVED_DESCRIPTORS);
        if needed <= self.descriptors {
            return Ok(());
        }
        let what = match connections.checked_div(places) {
            Some(hosts @ 2..) => {
                format!("{places} sessions at a time, each with its own connections to {hosts} hosts,")
            }
            _ => format!("{connections} connections"),
        };
        Err(format!(
            "{what} need {needed} descriptors, and this driver may open {} (ulimit -n)",
            self.descriptors
        ))
    }

    fn target(&self, host: &str, resolved: &[SocketAddr]) -> Result<(), String> {
        let forbidden = resolved.iter().find(|address| !allows(&self.allow_targets, host, address.ip()));
        match forbidden {
            None => Ok(()),
            Some(address) => Err(self.forbidden(host, address.ip())),
        }
    }
}

impl Limits {
    fn forbidden(&self, host: &str, address: IpAddr) -> String {
        let to = if self.allow_targets == default_targets() {
            "drivers send to loopback and private networks only"
        } else {
            "this driver sends only to what its allow_targets names"
        };
        let address = address.to_string();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let target = if host == address { address.clone() } else { format!("{host} ({address})") };
        format!("{to}; {target} can be allowed: --allow-target {address} (or [safety] allow_targets)")
    }
}

#[cfg(test)]
mod tests {
    use common::settings::ClassicSettings;
    use common::wire::{ClassicConfig, TestType};

    use super::*;
    use crate::life::Lead;

    fn assignment(test_type: TestType, delay: f64) -> Assignment {
        let target_url = Some("http://shop.test:8081/ping".to_owned());
        let config =
            ClassicConfig { test_type, delay, message_count: 100_000, target_url, num_drivers: None };
        Assignment::of(&Lead::Classic(config), &ClassicSettings::default()).unwrap().unwrap()
    }

    fn limits(allow: &[&str], max_rate: Option<f64>, descriptors: u64) -> Limits {
        let allow_targets = allow.iter().map(|entry| entry.parse().unwrap()).collect();
        Limits { node_id: NodeId::new("d1").unwrap(), allow_targets, max_rate, descriptors }
    }

    #[track_caller]
    fn check(limits: &Limits, assignment: &Assignment, resolved: &[&str], refusal: Option<&str>) {
        let resolved: Vec<SocketAddr> = resolved.iter().map(|address| address.parse().unwrap()).collect();
        match (limits.check(assignment, "shop.test", &resolved), refusal) {
            (Ok(()), None) => {}
            (Err(reason), Some(expected)) => {
                assert!(reason.starts_with("d1: ") && reason.contains(expected), "{reason}");
            }
            (got, expected) => panic!("expected {expected:?}, got {got:?}"),
        }
    }

    #[test]
    fn every_resolved_address_must_be_allowed() {
        let tsunami = assignment(TestType::Tsunami, 0.1);
        let loopback = limits(&["127.0.0.0/8"], None, 10_000);
        check(&loopback, &tsunami, &["127.0.0.1:80", "127.0.0.2:80"], None);
        check(&loopback, &tsunami, &["127.0.0.1:80", "93.184.216.34:80"], Some("shop.test (93.184.216.34)"));
        check(&loopback, &tsunami, &["[::1]:80"], Some("--allow-target ::1 "));
        check(&loopback, &tsunami, &[], None);
        check(&limits(&["shop.test"], None, 10_000), &tsunami, &["93.184.216.34:80"], None);
        let elsewhere = ["93.184.216.34:80".parse().unwrap()];
        let led_elsewhere = limits(&["shop.test"], None, 10_000).check(&tsunami, "cdn.test", &elsewhere);
        assert!(
            led_elsewhere.unwrap_err().contains("cdn.test"),
            "the URL's name does not allow another's address"
        );
        check(&limits(&[], None, 10_000), &tsunami, &["127.0.0.1:80"], Some("allow_targets"));
    }

    #[test]
    fn a_rate_above_the_bound_is_refused() {
        let anywhere = ["0.0.0.0/0"];
        let tsunami = assignment(TestType::Tsunami, 0.01);
        check(&limits(&anywhere, Some(100.0), 10_000), &tsunami, &[], None);
        check(&limits(&anywhere, Some(99.0), 10_000), &tsunami, &[], Some("safety.max_rate = 99"));
        let mut avalanche = assignment(TestType::Avalanche, 0.0);
        avalanche.share.target_throughput = Some(100.5);
        check(
            &limits(&anywhere, Some(100.0), 10_000),
            &avalanche,
            &[],
            Some("100.5 requests/s are more than"),
        );
    }

    #[test]
    fn a_closed_loop_without_a_ceiling_has_that_of_the_driver() {
        let anywhere = ["0.0.0.0/0"];
        let bounded = limits(&anywhere, Some(250.0), 10_000);
        let mut avalanche = assignment(TestType::Avalanche, 0.0);
        let words = bounded.hold_back(&mut avalanche, false).unwrap();
        assert!(
            words.starts_with("d1: safety.max_rate holds this closed loop back to 250 requests/s"),
            "{words}"
        );
        assert_eq!(avalanche.share.target_throughput, Some(250.0));
        check(&bounded, &avalanche, &[], None);
        // One of its own is kept, and an open loop has a rate.
        avalanche.share.target_throughput = Some(9.0);
        assert_eq!(bounded.hold_back(&mut avalanche, false), None);
        assert_eq!(avalanche.share.target_throughput, Some(9.0));
        let mut tsunami = assignment(TestType::Tsunami, 0.1);
        assert_eq!((bounded.hold_back(&mut tsunami, false), tsunami.share.target_throughput), (None, None));
        // Without a bound nothing holds it back.
        let mut free = assignment(TestType::Avalanche, 0.0);
        assert_eq!(limits(&anywhere, None, 10_000).hold_back(&mut free, false), None);
        check(&limits(&anywhere, None, 10_000), &free, &[], None);
    }

    #[test]
    fn users_whose_rate_nothing_bounds_are_refused() {
        let bounded = limits(&["0.0.0.0/0"], Some(1e9), 10_000);
        let mut users = assignment(TestType::Avalanche, 0.0);
        assert_eq!((bounded.hold_back(&mut users, true), users.share.target_throughput), (None, None));
        check(&bounded, &users, &[], Some("load.pacing"));
    }

    #[test]
    fn more_connections_than_descriptors_are_refused() {
        let tsunami = assignment(TestType::Tsunami, 0.1);
        check(&limits(&["0.0.0.0/0"], None, 1_152), &tsunami, &[], None);
        check(&limits(&["0.0.0.0/0"], None, 1_151), &tsunami, &[], Some("may open 1151 (ulimit -n)"));
    }

    #[test]
    fn sessions_with_connections_of_their_own_need_one_to_each_host() {
        let text = "[target]\nurl = 'http://a.test/'\nhosts.b = 'http://b.test/'\n[requests]\na = { path = '/' }\n\
                    b = { path = '/', host = 'b' }\n[scenarios.x]\nsteps = ['a', 'b']\nconnections = 'WHOSE'\n[load]\n\
                    rate = 10\nduration = '1s'\nmax_sessions = 500\n";
        let assignment = |whose: &str| {
            let text = text.replace("WHOSE", whose);
            let plan = common::plan::read(&text, common::plan::PlanFormat::Toml).unwrap();
            let shares = common::plan::share_out(&plan, &[NodeId::new("d1").unwrap()]).unwrap();
            Assignment::of_plan(&plan, shares[0].1.clone())
        };
        let refusal =
            "500 sessions at a time, each with its own connections to 2 hosts, need 1128 descriptors";
        check(&limits(&["0.0.0.0/0"], None, 1_127), &assignment("session"), &[], Some(refusal));
        check(&limits(&["0.0.0.0/0"], None, 1_128), &assignment("session"), &[], None);
        check(&limits(&["0.0.0.0/0"], None, 628), &assignment("shared"), &[], None);
    }
}
