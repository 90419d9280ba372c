//! A finding: the facts of one reason, warning or note, before they become a sentence.

use crate::model::{FindingLevel, FindingView, Verdict};

use super::words::What;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It makes the verdict at least this bad.
    Reason(Verdict),
    /// It changes no verdict.
    Warning,
    /// Information that holds for every test of this kind.
    Note,
}

/// The facts of one reason, warning or note.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// How much it weighs.
    pub weight: Weight,
    /// The driver that it is about, where it is about one.
    pub driver: Option<String>,
    pub what: What,
}

impl Finding {
    /// As REST and the report show it.
    pub fn view(&self) -> FindingView {
        let level = match self.weight {
            Weight::Reason(_) => FindingLevel::Reason,
            Weight::Warning => FindingLevel::Warning,
            Weight::Note => FindingLevel::Note,
        };
        let text = self.what.text(self.driver.as_deref());
        FindingView { kind: self.what.kind(), level, driver: self.driver.clone(), text }
    }
}

/// The findings of the rules, in the order in which the rules were applied.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// A reason for a verdict.
    pub fn because(&mut self, verdict: Verdict, driver: Option<&str>, what: impl Into<What>) {
        self.add(Weight::Reason(verdict), driver, what.into());
    }

    pub fn warn(&mut self, driver: Option<&str>, what: impl Into<What>) {
        self.add(Weight::Warning, driver, what.into());
    }

    pub fn note(&mut self, what: impl Into<What>) {
        self.add(Weight::Note, None, what.into());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a finding after the first `since` ones names a pause of this driver.
    pub fn blame_a_stop(&self, since: usize, driver: &str) -> bool {
        let of_it = |finding: &&Finding| finding.driver.as_deref() == Some(driver);
        self.0.iter().skip(since).filter(of_it).any(|finding| match &finding.what {
            What::Generator(what) => what.names_a_stop(),
            _ => false,
        })
    }

    fn add(&mut self, weight: Weight, driver: Option<&str>, what: What) {
        self.0.push(Finding { weight, driver: driver.map(str::to_owned), what });
    }

    /// The reasons first, those of the worst verdict before the others; then warnings, then notes. Findings that
    /// weigh the same stay in the order in which they were found (the sort is stable).
    pub fn sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| match finding.weight {
            Weight::Reason(verdict) => (0, std::cmp::Reverse(Some(verdict))),
            Weight::Warning => (1, std::cmp::Reverse(None)),
            Weight::Note => (2, std::cmp::Reverse(None)),
        });
        self.0
    }
}
