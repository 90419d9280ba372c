//! A test as REST, events and reports show it, put together from its life, its figures and its judgement.

use common::clock::UnixMicros;
use common::ids::TestId;
use common::plan::expect::Expect;
use common::plan::{Mode, RateChange};
use common::wire::StepsOf;

use crate::lifecycle;
use crate::model::{
    DEFINITIONS, DriverTotals, FindingLevel, FindingView, RateChangeView, TestState, TestView, TimelineEntry,
};
use crate::tally::Tally;
use crate::verdict::{Judgement, beforehand};

/// What a test is beyond its figures.
#[derive(Debug, Clone)]
pub struct TestMeta<'a> {
    pub test_id: &'a TestId,
    pub name: &'a str,
    /// Where in its life it is.
    pub state: TestState,
    /// The plan as JSON, secrets masked.
    pub plan: serde_json::Value,
    /// When it was created.
    pub created_at: UnixMicros,
    /// `start_at` of the trigger.
    pub started_at: Option<UnixMicros>,
    /// When it was finished.
    pub ended_at: Option<UnixMicros>,
    /// What happened to it, oldest first.
    pub timeline: &'a [TimelineEntry],
}

/// The test as REST, events and reports show it. Before the start `judgement` is `None`: verdict, reasons and
/// thresholds are empty, and the warnings are those noted so far. While the test runs, the judgement is made from what
/// is known so far, and gives the standing instead of the verdict.
pub fn view(
    meta: &TestMeta<'_>,
    tally: &Tally,
    judgement: Option<&Judgement>,
    now_us: UnixMicros,
) -> TestView {
    let drivers = tally.drivers(now_us);
    let mut findings = foreseen(meta, tally, drivers.len());
    findings.extend(warned(meta, &drivers));
    findings.extend(judgement.into_iter().flat_map(|judgement| judgement.findings.iter().cloned()));
    let finished = meta.state == TestState::Finished;
    let program = tally.plan().program.as_deref();
    let mut view = TestView {
        test_id: meta.test_id.to_string(),
        name: meta.name.to_owned(),
        state: meta.state,
        verdict: judgement.filter(|_| finished).map(|judgement| judgement.verdict),
        standing: judgement.filter(|_| !finished).map(Judgement::standing),
        findings: Vec::new(),
        reasons: Vec::new(),
        warnings: Vec::new(),
        notes: Vec::new(),
        definitions: DEFINITIONS,
        plan: meta.plan.clone(),
        seed: program.and_then(|program| program.seed),
        requests_per_session: program.map(|program| Expect::of(program).requests_per_session()),
        created_at: common::clock::rfc3339(meta.created_at),
        started_at: meta.started_at.map(common::clock::rfc3339),
        ended_at: meta.ended_at.map(common::clock::rfc3339),
        setup: tally.steps().get(&StepsOf::Setup).cloned(),
        teardown: tally.steps().get(&StepsOf::Teardown).cloned(),
        totals: tally.totals(),
        shared: tally.shared(),
        drivers,
        thresholds: judgement.map_or_else(Vec::new, |judgement| judgement.thresholds.clone()),
        capacity: tally.capacity(),
        completeness: tally.completeness(),
        rate_changes: rate_changes(meta, tally),
        timeline: meta.timeline.to_vec(),
    };
    view.set_findings(findings);
    view
}

/// Warnings about the plan's thresholds that do not depend on any figure. Left out once the test is over: then the
/// thresholds themselves are decided.
fn foreseen(meta: &TestMeta<'_>, tally: &Tally, n_drivers: usize) -> Vec<FindingView> {
    match meta.state {
        TestState::Finished => Vec::new(),
        _ if !tally.rate_changes().is_empty() => {
            // What the plan's rate foresees does not hold any more; what contradicts itself still does.
            let mut plan = tally.plan().clone();
            plan.load.target_throughput = None;
            if let Mode::Tsunami { pace, .. } = &mut plan.load.mode {
                *pace = None;
            }
            beforehand::findings(&plan, (n_drivers > 0).then_some(n_drivers))
        }
        // Without drivers the test is not triggered yet: take the number of drivers from the plan.
        _ => beforehand::findings(tally.plan(), (n_drivers > 0).then_some(n_drivers)),
    }
}

/// How the rate was changed, by the changes that the tally has.
fn rate_changes(meta: &TestMeta<'_>, tally: &Tally) -> Vec<RateChangeView> {
    let start_at = meta.started_at.unwrap_or(0);
    let mut rate_before = tally.plan().load.open_loop_rate_per_s().unwrap_or(0.0);
    let view = |change: &RateChange| {
        let before = std::mem::replace(&mut rate_before, change.rate_per_s);
        RateChangeView {
            change: change.number,
            at: common::clock::rfc3339(change.at_us),
            at_s: change.at_us.saturating_sub(start_at) as f64 / 1e6,
            rate: change.rate_per_s,
            rate_before: before,
        }
    };
    tally.rate_changes().iter().map(view).collect()
}

/// The changes that a stored report has; `started_at`: of its test.
pub fn changes_of(report: Option<&TestView>, started_at: UnixMicros) -> Vec<RateChange> {
    let changes = report.into_iter().flat_map(|report| &report.rate_changes);
    let change = |view: &RateChangeView| RateChange {
        number: view.change,
        rate_per_s: view.rate,
        at_us: started_at.saturating_add((view.at_s * 1e6).round() as UnixMicros),
    };
    changes.map(change).collect()
}

/// The warnings in the timeline: what drivers warned of before the load began, and drivers that are left out.
fn warned(meta: &TestMeta<'_>, drivers: &[DriverTotals]) -> Vec<FindingView> {
    let known = || drivers.iter().map(|driver| driver.node_id.as_str());
    let warnings = lifecycle::warnings(meta.timeline).map(|(kind, entry)| FindingView {
        kind,
        level: FindingLevel::Warning,
        driver: lifecycle::driver_of(entry, known()).map(str::to_owned),
        text: entry.detail.clone(),
    });
    warnings.collect()
}
