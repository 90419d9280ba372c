//! The requests of `[shared]`, each as a session of its one request: for a driver, which shows nothing of it, and before a
//! session that is tried.

use std::sync::Arc;

use common::ids::{NodeId, TestId};
use common::plan::program::{Connections, OnFail, Program, Scenario, Shared, Step as PlanStep};

use super::seen::{Event, Step};
use super::{Outcome, Trial, TrialError, test_of};
use crate::assignment::Assignment;
use crate::driver_test::DriverTest;
use crate::scenario::files::{Bodies, Files};

impl Trial {
    /// Prepares what a driver sends by itself for an entry of `[shared]`: a session of its one request, of which nothing is
    /// shown. `bodies`: the contents of files that do not travel in the plan.
    ///
    /// # Errors
    /// Where the plan has no requests.
    pub(crate) fn of_shared(
        assignment: &Assignment,
        ids: (&TestId, &NodeId),
        (secrets, bodies): (&[String], &Bodies),
        shared: &Shared,
    ) -> Result<Self, TrialError> {
        let whole = assignment.program.as_deref().ok_or(TrialError::NoRequests)?;
        let scenario = Scenario {
            name: shared.name.to_string(),
            share: 1,
            steps: vec![PlanStep::Request { request: shared.request, at: None }],
            lets: Vec::new(),
            cookie_bytes: None,
            connections: Connections::Shared,
            on_fail: OnFail::End,
        };
        let program = Arc::new(Program {
            // What a session would need, and this does not.
            source: serde_json::Map::new(),
            data: Vec::new(),
            shared: Vec::new(),
            groups: Vec::new(),
            scenarios: vec![scenario],
            ..whole.clone()
        });
        let assignment = Assignment { program: Some(Arc::clone(&program)), ..assignment.clone() };
        let files = Files { bodies: bodies.clone(), ..Files::default() };
        let script = DriverTest::script_of(&assignment, ids, secrets, &Default::default(), files)
            .ok_or(TrialError::NoRequests)?;
        Ok(Self::with(test_of(&assignment, ids, &script), script, program))
    }

    /// Sends the requests of `[shared]`, as a driver does before the start. `Some`: one failed, and no session would start.
    pub(super) async fn send_shared(
        &mut self,
        report: &mut dyn FnMut(Event),
    ) -> Result<Option<Outcome>, TrialError> {
        let mut values = Vec::new();
        for (shared, mut trial) in std::mem::take(&mut self.before) {
            trial.test.hosts.clone_from(&self.test.hosts);
            let name = format!("shared.{}", shared.name);
            let mut named = |event: Event| {
                report(match event {
                    Event::Step(step) => Event::Step(Box::new(Step { step: name.clone(), ..*step })),
                    wait @ Event::Wait(_) => wait,
                });
            };
            let outcome = trial.send(0, &mut named).await?;
            if !outcome.completed {
                return Ok(Some(Outcome { failed_at: Some(name), ..outcome }));
            }
            self.masks.join(trial.masks.clone());
            let of = self.program.shared_values().filter(|(of, _)| of.name == shared.name);
            values.extend(of.map(|(_, variable)| trial.kept(variable)));
        }
        self.shared = values.into();
        Ok(None)
    }
}
