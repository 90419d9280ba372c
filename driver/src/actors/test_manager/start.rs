//! The start of a test: what its check prepared becomes what the workers run.

use std::sync::Arc;
use std::time::Instant;

use actix::Context;
use common::clock::unix_us;

use super::TestManagerActor;
use super::prepare::{Prepared, PreparedHost};
use super::rate::RunningRate;
use super::resolve::keep_resolving;
use super::workers::Order;
use crate::assignment::Assignment;
use crate::clock_sync::instant_of;
use crate::driver_test::{Addresses, DriverTest, HostOf, Rates};
use crate::life::Candidate;
use crate::start_at::StartAt;

impl TestManagerActor {
    pub(super) fn start(&mut self, candidate: Candidate, start_at_ms: Option<u64>, ctx: &mut Context<Self>) {
        let Candidate { test_id, lead, ticket } = candidate;
        self.running = Some(test_id.clone());
        self.rate = None;
        let prepared = self.prepared.remove(&ticket);
        let offset_us =
            prepared.as_ref().and_then(|prepared| prepared.offset).map_or(0, |offset| offset.offset_us);
        let (now_us, now) = (unix_us(), Instant::now());
        let start_us = start_at_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000));
        let start = StartAt {
            monotonic: start_us.map_or(now, |start_us| instant_of(start_us, offset_us, now_us, now)),
            unix_us: start_us.unwrap_or(now_us.saturating_add(offset_us)),
        };
        let Some(Prepared { assignment: Some(assignment), hosts, secrets, files, shared, .. }) = prepared
        else {
            return self.nothing_to_do(test_id, start, ctx);
        };
        let hosts: Vec<_> = hosts.into_iter().map(|host| self.host(host, &assignment)).collect();
        let shared = shared.map(|shared| shared.keep(&hosts));
        let ids = (&test_id, &self.options.limits.node_id);
        let setup = self.setup_values(&test_id);
        let script = DriverTest::script_of(&assignment, ids, secrets.expose(), &setup, files);
        let rates = match RunningRate::of(&lead, &assignment, start) {
            Some((rate, rates)) => {
                self.rate = Some(rate);
                rates
            }
            None => Rates::default(),
        };
        let test = Arc::new(DriverTest {
            script,
            test_id: test_id.clone(),
            node_id: self.options.limits.node_id.clone(),
            assignment,
            hosts,
            shared,
            start,
            rates,
        });
        let slices = test.slices(self.n_workers);
        let until_start = start.monotonic.saturating_duration_since(now);
        log::info!(test_id:%, n_workers = slices.len(), in_ms = until_start.as_millis(); "test starts");
        self.order(Order::Start(test, slices));
    }

    /// A host as the workers need it, whose name is looked up again while they run, where that is set.
    fn host(&self, host: PreparedHost, assignment: &Assignment) -> HostOf {
        let server_name = host.server_name();
        let PreparedHost { url, to, resolved, tls, .. } = host;
        let (addresses, changes) = Addresses::new(resolved);
        if let (Some(every), Some(_)) = (self.options.resolve_every, to.name()) {
            let (options, assignment) = (Arc::clone(&self.options), assignment.clone());
            actix_rt::spawn(keep_resolving(options, assignment, to, every, changes));
        }
        HostOf { url, addresses, tls, server_name }
    }
}
