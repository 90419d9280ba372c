//! Runs setup and teardown when `life` says so. What they need is kept from the check of a test until the next test is
//! checked: teardown comes after the load, whose own part is gone by then.

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use common::ids::TestId;
use common::plan::program::Once;
use common::wire::{StepsOf, StepsReport, Trigger};

use super::TestManagerActor;
use super::prepare::Prepared;
use crate::assignment::Assignment;
use crate::driver_test::HostOf;
use crate::life::{Candidate, Input};
use crate::scenario::files::Bodies;
use crate::secrets::Secrets;
use crate::try_one::{KeptValues, SetupValues, StepsJob, run_steps};

/// What setup and teardown of a test need.
pub(super) struct Kit {
    test_id: TestId,
    revision: u32,
    assignment: Assignment,
    hosts: Vec<HostOf>,
    secrets: Secrets,
    bodies: Bodies,
    /// What setup extracted: here, also where it did not come to its end, or as the trigger has it.
    values: KeptValues,
}

impl Kit {
    /// Of a test that was checked; `None`: it has neither setup nor teardown.
    pub(super) fn of(candidate: &Candidate, prepared: &Prepared) -> Option<Self> {
        let (assignment, revision) = (prepared.assignment.clone()?, candidate.revision()?);
        let program = assignment.program.as_ref()?;
        if program.setup.is_none() && program.teardown.is_none() {
            return None;
        }
        let host = |host: &super::PreparedHost| HostOf {
            url: host.url.clone(),
            addresses: host.resolved.clone().into(),
            tls: host.tls.clone(),
            server_name: host.server_name(),
        };
        let hosts = prepared.hosts.iter().map(host).collect();
        let (test_id, secrets) = (candidate.test_id.clone(), prepared.secrets.clone());
        let (bodies, values) = (prepared.files.bodies.clone(), KeptValues::default());
        Some(Self { test_id, revision, assignment, hosts, secrets, bodies, values })
    }

    fn is(&self, test_id: &TestId, revision: u32) -> bool {
        self.test_id == *test_id && self.revision == revision
    }

    /// Whether each driver keeps what its own setup extracted.
    fn keeps_its_own(&self) -> bool {
        let program = self.assignment.program.as_ref();
        program.and_then(|program| program.setup.as_ref()).is_some_and(|setup| setup.once == Once::Driver)
    }
}

impl TestManagerActor {
    /// What setup extracted, for the load of a test.
    pub(super) fn setup_values(&self, test_id: &TestId) -> SetupValues {
        let kit = self.kit.as_ref().filter(|kit| kit.test_id == *test_id);
        kit.map(|kit| kit.values.get().clone()).unwrap_or_default()
    }

    /// Takes the values that travel with a trigger.
    pub(super) fn take_setup_values(&mut self, trigger: &Trigger) {
        let fits = |kit: &&Kit| {
            trigger.start
                && !kit.keeps_its_own()
                && trigger.revision.is_some_and(|revision| kit.is(&trigger.test_id, revision))
        };
        if let Some(kit) = self.kit.as_ref().filter(fits) {
            kit.values.get().clone_from(&trigger.setup);
        }
    }

    pub(super) fn run_steps(
        &mut self,
        test_id: TestId,
        revision: u32,
        run: StepsOf,
        ctx: &mut Context<Self>,
    ) {
        let Some(kit) = self.kit.as_ref().filter(|kit| kit.is(&test_id, revision)) else {
            let report = StepsReport::running(test_id, revision, run);
            let report = report.failed("this driver does not hold the test any more");
            return self.step(Input::StepsEnded(Box::new(report)), ctx);
        };
        log::info!(test_id:%, run = run.as_str(); "steps begin");
        let job = StepsJob {
            test_id: test_id.clone(),
            node_id: self.options.limits.node_id.clone(),
            revision,
            run,
            assignment: kit.assignment.clone(),
            hosts: kit.hosts.clone(),
            secrets: kit.secrets.clone(),
            bodies: kit.bodies.clone(),
            setup: kit.values.get().clone(),
            kept: (run == StepsOf::Setup).then(|| kit.values.clone()),
        };
        let ran = run_steps(job).into_actor(self).map(move |ran, actor, ctx| {
            actor.steps = None;
            let mut report = ran.report;
            log::info!(test_id:%, run = run.as_str(), state = report.state.as_str(); "steps are over");
            let kit = actor.kit.as_ref().filter(|kit| kit.is(&test_id, revision));
            if run == StepsOf::Setup && kit.is_some_and(|kit| !kit.keeps_its_own()) {
                report.values = ran.values;
            }
            actor.step(Input::StepsEnded(Box::new(report)), ctx);
        });
        self.steps = Some(ctx.spawn(ran));
    }

    /// Ends steps where they stand: what is in flight is abandoned with its connection.
    pub(super) fn stop_steps(&mut self, ctx: &mut Context<Self>) {
        if let Some(steps) = self.steps.take() {
            ctx.cancel_future(steps);
        }
    }
}
