//! JUnit XML: a case for the verdict with its reasons, and one for each threshold, as the CI systems read it.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::super::{text, thresholds_table};
use crate::compare::Regression;
use crate::model::{ComparedFigure, ComparedOutcome, ComparisonView, TestView, ThresholdView, Verdict};

/// What the cases belong to.
const CLASS: &str = "groundswell";

/// Blanks of an indent.
const INDENT: usize = 2;

/// How a case ended.
enum Outcome {
    Passed,
    /// What was tested is not as it should be.
    Failure {
        kind: &'static str,
        message: String,
        detail: String,
    },
    /// The test cannot say.
    Error {
        kind: &'static str,
        message: String,
        detail: String,
    },
    /// Not decided.
    Skipped {
        message: String,
    },
}

struct Case {
    name: String,
    outcome: Outcome,
}

/// The report of a test, finished or not.
///
/// # Errors
/// Where it cannot be written.
pub fn junit(view: &TestView) -> io::Result<String> {
    suite(view, Vec::new())
}

/// The same with a case for each figure beside that of a baseline: `beyond` are those that are worse by more than allowed.
///
/// # Errors
/// Where it cannot be written.
pub fn junit_beside(
    view: &TestView,
    comparison: &ComparisonView,
    beyond: &[Regression],
) -> io::Result<String> {
    suite(view, comparison.figures.iter().map(|figure| beside(figure, beyond)).collect())
}

fn suite(view: &TestView, further: Vec<Case>) -> io::Result<String> {
    let own = std::iter::once(verdict(view)).chain(view.thresholds.iter().map(threshold));
    let cases: Vec<Case> = own.chain(further).collect();
    let n = |of: fn(&Outcome) -> bool| cases.iter().filter(|case| of(&case.outcome)).count().to_string();
    let counts = [
        ("tests", cases.len().to_string()),
        ("failures", n(|outcome| matches!(outcome, Outcome::Failure { .. }))),
        ("errors", n(|outcome| matches!(outcome, Outcome::Error { .. }))),
        ("skipped", n(|outcome| matches!(outcome, Outcome::Skipped { .. }))),
        ("time", format!("{:.3}", seconds(view).unwrap_or(0.0))),
    ];
    let mut xml = Xml(Writer::new_with_indent(Vec::new(), b' ', INDENT));
    xml.0.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let named = [("name", CLASS.to_owned())];
    xml.open("testsuites", named.iter().chain(&counts))?;
    let began = view.started_at.as_ref().unwrap_or(&view.created_at);
    // The format has no zone and no fractions: 2026-11-24T00:00:00, in UTC.
    let suite = [("name", view.name.clone()), ("timestamp", began.get(..19).unwrap_or(began).to_owned())];
    xml.open("testsuite", suite.iter().chain(&counts))?;
    xml.open("properties", [].iter())?;
    for (name, value) in [("test_id", view.test_id.clone()), ("verdict", state(view).to_owned())] {
        xml.empty("property", &[("name", name.to_owned()), ("value", value)])?;
    }
    xml.close("properties")?;
    for case in &cases {
        // Every case took the whole test; added up in the first alone, the sum is its time.
        let time = if std::ptr::eq(case, &cases[0]) { counts[4].1.clone() } else { "0.000".to_owned() };
        case_element(&mut xml, case, time)?;
    }
    xml.text_element("system-out", [].iter(), &text(view))?;
    xml.close("testsuite")?;
    xml.close("testsuites")?;
    let mut bytes = xml.0.into_inner();
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn case_element(xml: &mut Xml, case: &Case, time: String) -> io::Result<()> {
    let about = [("name", case.name.clone()), ("classname", CLASS.to_owned()), ("time", time)];
    let (element, kind, message, detail) = match &case.outcome {
        Outcome::Passed => return xml.empty("testcase", &about),
        Outcome::Failure { kind, message, detail } => ("failure", Some(*kind), message, detail.as_str()),
        Outcome::Error { kind, message, detail } => ("error", Some(*kind), message, detail.as_str()),
        Outcome::Skipped { message } => ("skipped", None, message, ""),
    };
    xml.open("testcase", about.iter())?;
    let kind = kind.map(|kind| ("type", kind.to_owned()));
    let attributes: Vec<_> = [("message", message.clone())].into_iter().chain(kind).collect();
    if detail.is_empty() {
        xml.empty(element, &attributes)?;
    } else {
        xml.text_element(element, attributes.iter(), detail)?;
    }
    xml.close("testcase")
}

/// The verdict or, while there is none, the state.
fn state(view: &TestView) -> &'static str {
    view.verdict.map_or("none yet", Verdict::as_str)
}

fn verdict(view: &TestView) -> Case {
    let first = || view.reasons.first().cloned().unwrap_or_else(|| "without a reason".to_owned());
    let all = || view.reasons.join("\n");
    let outcome = match view.verdict {
        None => Outcome::Skipped { message: "the test has no verdict yet".to_owned() },
        Some(Verdict::Passed) => Outcome::Passed,
        Some(Verdict::Failed) => Outcome::Failure { kind: "failed", message: first(), detail: all() },
        // The test says nothing about the target then, so what was tested has not failed.
        Some(verdict) => Outcome::Error { kind: verdict.as_str(), message: first(), detail: all() },
    };
    Case { name: "verdict".to_owned(), outcome }
}

fn threshold(threshold: &ThresholdView) -> Case {
    let name = match &threshold.driver {
        Some(driver) => format!("{} ({driver})", threshold.expression),
        None => threshold.expression.clone(),
    };
    let measured = || format!("measured: {}", thresholds_table::threshold_value(threshold));
    let outcome = match threshold.ok {
        Some(true) => Outcome::Passed,
        Some(false) => Outcome::Failure { kind: "threshold", message: measured(), detail: String::new() },
        None => Outcome::Skipped { message: format!("not decided; {}", measured()) },
    };
    Case { name, outcome }
}

fn beside(figure: &ComparedFigure, beyond: &[Regression]) -> Case {
    let message = figure.sentence.clone();
    let outcome = if beyond.iter().any(|regression| regression.figure == figure.figure) {
        Outcome::Failure { kind: "regression", message, detail: String::new() }
    } else if figure.outcome == ComparedOutcome::CannotTell {
        Outcome::Skipped { message }
    } else {
        Outcome::Passed
    };
    Case { name: format!("{} beside the baseline", figure.figure), outcome }
}

/// From the start to the end, s; 0 where the clock was set back meanwhile.
fn seconds(view: &TestView) -> Option<f64> {
    let instant = |text: &Option<String>| text.as_ref()?.parse::<jiff::Timestamp>().ok();
    let (from, to) = (instant(&view.started_at)?, instant(&view.ended_at)?);
    Some((to.as_microsecond() - from.as_microsecond()).max(0) as f64 / 1e6)
}

/// A name and a value, not yet escaped.
type Attribute = (&'static str, String);

/// Elements, escaped, without what XML 1.0 cannot hold.
struct Xml(Writer<Vec<u8>>);

impl Xml {
    fn start<'a>(name: &'static str, attributes: impl Iterator<Item = &'a Attribute>) -> BytesStart<'static> {
        let mut start = BytesStart::new(name);
        for (key, value) in attributes {
            start.push_attribute((*key, writable(value, false).as_str()));
        }
        start
    }

    fn open<'a>(
        &mut self,
        name: &'static str,
        attributes: impl Iterator<Item = &'a Attribute>,
    ) -> io::Result<()> {
        self.0.write_event(Event::Start(Self::start(name, attributes)))
    }

    fn empty(&mut self, name: &'static str, attributes: &[Attribute]) -> io::Result<()> {
        self.0.write_event(Event::Empty(Self::start(name, attributes.iter())))
    }

    fn text_element<'a>(
        &mut self,
        name: &'static str,
        attributes: impl Iterator<Item = &'a Attribute>,
        text: &str,
    ) -> io::Result<()> {
        self.open(name, attributes)?;
        self.0.write_event(Event::Text(BytesText::new(&writable(text, true))))?;
        self.close(name)
    }

    fn close(&mut self, name: &'static str) -> io::Result<()> {
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }
}

/// A text with blanks for the characters that XML 1.0 does not have, and for line breaks where those are not kept.
fn writable(text: &str, lines: bool) -> String {
    let fits = |c: char| match c {
        '\n' => lines,
        c if c.is_control() => false,
        '\u{FFFE}' | '\u{FFFF}' => false,
        _ => true,
    };
    text.chars().map(|c| if fits(c) { c } else { ' ' }).collect()
}
