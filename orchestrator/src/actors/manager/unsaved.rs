//! Finished tests that the store refused, on a full disk for instance. They are held in memory with a warning in each
//! report, and stored as soon as possible.

use std::time::Duration;

use common::clock::UnixMicros;
use common::ids::TestId;

use super::Manager;
use super::meta::note_to;
use crate::model::{FindingKind, FindingLevel, FindingView, TestView};
use crate::now::Now;
use crate::store::StoredTest;
use crate::verdict::Other;

/// Most finished tests held for the store; past that, the oldest is discarded.
const MAX_HELD: usize = 16;

/// Interval between two attempts.
const STORE_AGAIN: Duration = Duration::from_secs(1);

/// What [`Manager`] holds for the store.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    /// Why the store refuses records, while records wait for it.
    pub trouble: Option<String>,
    /// The oldest first. Their reports say that they are not stored.
    tests: Vec<StoredTest>,
    tried_at: Option<Duration>,
}

/// Adds the warning that a report is not stored and why, or removes it once the report is stored.
fn warn(report: &mut TestView, why: Option<&str>) {
    let mut findings = std::mem::take(&mut report.findings);
    findings.retain(|finding| finding.kind != FindingKind::NotStored);
    findings.extend(why.map(|why| FindingView {
        kind: FindingKind::NotStored,
        level: FindingLevel::Warning,
        driver: None,
        text: Other::NotStored(why.to_owned()).text(None),
    }));
    report.set_findings(findings);
}

impl Unsaved {
    /// A finished test that the store refused.
    pub fn get(&self, id: &TestId) -> Option<&StoredTest> {
        self.tests.iter().find(|held| held.test_id == *id)
    }

    /// Removes a held test; true if it was held.
    pub fn forget(&mut self, id: &TestId) -> bool {
        let before = self.tests.len();
        self.tests.retain(|held| held.test_id != *id);
        self.tests.len() < before
    }

    /// Holds a finished test, replacing an earlier version of it, and returns its report with the warning.
    pub fn hold(&mut self, mut test: StoredTest, now_us: UnixMicros, why: &str) -> Option<TestView> {
        self.tests.retain(|held| held.test_id != test.test_id);
        if let Some(report) = &mut test.report {
            warn(report, Some(why));
            if report.timeline.last().is_none_or(|last| last.what != "not_stored") {
                note_to(&mut report.timeline, now_us, "not_stored", why);
            }
        }
        let report = test.report.clone();
        if self.tests.len() >= MAX_HELD {
            let lost = self.tests.remove(0);
            log::error!(test_id:% = lost.test_id; "report discarded: store failed for too long");
        }
        self.tests.push(test);
        report
    }
}

impl Manager {
    /// Notes whether the store accepts records.
    pub(super) async fn store_changed(&mut self, trouble: Option<String>) {
        let (what, why) = match &trouble {
            Some(why) => ("store_failing", why.clone()),
            None => ("store_well", String::new()),
        };
        self.unsaved.trouble = trouble;
        let now_us = self.settings.clock.unix_us();
        if let Some(active) = &mut self.active {
            note_to(&mut active.meta.timeline, now_us, what, &why);
        }
    }

    /// Retries at intervals to store the held tests.
    pub(super) async fn save_held(&mut self) {
        let Now { elapsed: now, unix_us: now_us } = self.settings.clock.now();
        let early = self.unsaved.tried_at.is_some_and(|at| now.saturating_sub(at) < STORE_AGAIN);
        // While windows wait, a report that is stored would still lack them.
        if self.unsaved.tests.is_empty() || self.unsaved.trouble.is_some() || early {
            return;
        }
        self.unsaved.tried_at = Some(now);
        while let Some(held) = self.unsaved.tests.first() {
            let mut test = held.clone();
            if let Some(report) = &mut test.report {
                warn(report, None);
                note_to(&mut report.timeline, now_us, "stored", "");
            }
            let report = test.report.clone();
            if self.links.store.save_test(test).await.is_err() {
                return;
            }
            let stored = self.unsaved.tests.remove(0);
            log::info!(test_id:% = stored.test_id; "stored a report that was held in memory");
            if let Some(report) = report {
                self.show(report);
            }
        }
    }
}
