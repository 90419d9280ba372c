//! A comparison of tests: which can be compared, what differs between two sides of them, and how it is said. Pure; the
//! mathematics is in `statistics`.
//!
//! With one test a side, or two, the answer is about these tests: two tests on one machine on different days differ by
//! more than their windows say. From three tests a side on it is about the service, and how tests of a side differ from
//! one another is what counts.

mod figures;
mod markdown;
mod plans;
#[cfg(test)]
mod recorded;
mod refuse;
mod regression;
#[cfg(test)]
mod simulated;
mod text;
mod trends;
mod warn;
mod windows;
mod words;

pub use self::markdown::markdown;
pub use self::refuse::{plan_reasons, refusals};
pub use self::regression::{Regression, regressions};
pub use self::text::text_in;
pub use self::windows::{SeriesReading, series_of};
pub use crate::tally::seconds::ComparedSecond;

use crate::model::{ComparedTest, ComparedWhat, ComparisonView, TestView};
use crate::statistics::{Series, Side};

/// Tests a side from which on the answer is about the service.
pub const TESTS_OF_A_SERVICE: usize = 3;

/// Most tests of one side.
pub const MAX_TESTS: usize = 16;

/// All figures of a comparison hold together with this confidence.
const CONFIDENCE: f64 = 0.95;

/// Figures among which the doubt is shared out: one more than there are.
const FIGURES: f64 = 8.0;

/// The confidence of each figure.
pub(crate) fn confidence_of_one() -> f64 {
    1.0 - (1.0 - CONFIDENCE) / FIGURES
}

/// A finished test with its windows.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Its report.
    pub report: TestView,
    /// Its windows after the warm-up ([`series_of`]).
    pub series: Series,
}

/// Compares the tests `b` with the tests `a`, at least one each, for which [`refusals`] has no reasons.
pub fn compare(a: &[Compared], b: &[Compared]) -> ComparisonView {
    let asked =
        if a.len().min(b.len()) >= TESTS_OF_A_SERVICE { ComparedWhat::Service } else { ComparedWhat::Tests };
    let side = |tests: &[Compared]| Side::new(tests.iter().map(|test| test.series.clone()).collect());
    let figures = figures::compare(&side(a), &side(b), asked);
    let reports =
        |tests: &'_ [Compared]| -> Vec<TestView> { tests.iter().map(|test| test.report.clone()).collect() };
    ComparisonView {
        a: a.iter().map(listed).collect(),
        b: b.iter().map(listed).collect(),
        asked,
        about: words::about(asked, a.len(), b.len()),
        refused: Vec::new(),
        warnings: warn::warnings(&reports(a), &reports(b), asked, &figures),
        trend: trends::trends(a, b),
        figures,
    }
}

fn listed(test: &Compared) -> ComparedTest {
    let Compared { report, series } = test;
    ComparedTest {
        test_id: report.test_id.clone(),
        name: report.name.clone(),
        verdict: report.verdict,
        started_at: report.started_at.clone(),
        windows: series.windows().len() as u64,
    }
}

/// What a sentence calls a test of a side: A, or A2 for the second of several.
fn label(side: char, at: usize, of: usize) -> String {
    if of == 1 { side.to_string() } else { format!("{side}{}", at + 1) }
}

/// All tests of both sides, the first side's first, each with what it is called.
fn labelled<'t, T>(a: &'t [T], b: &'t [T]) -> impl Iterator<Item = (String, &'t T)> {
    let of = |side: char, tests: &'t [T]| {
        tests.iter().enumerate().map(move |(at, test)| (label(side, at, tests.len()), test))
    };
    of('A', a).chain(of('B', b))
}
