//! What is looked for in an answer: `check` and `extract`. An [`Examiner`] is made once for each request and worker, with
//! its regexes compiled and its paths read, and then looks at one answer after the other without allocating. It knows
//! no socket and no session; variables, expected texts and random numbers are handed in.
//!
//! Only whole answers with an expected status are examined. Texts and JSON are looked for in the whole body; regexes and
//! HTML in its first 64 KiB, because a scan of milliseconds would delay every other request of the worker.

mod check;
mod extract;
mod field;
mod form;
mod html;
pub(crate) mod json;
mod location;

use std::collections::BTreeMap;

use common::counters::ErrorKind;
use common::plan::program::{NamedRequest, Template};
use regex::bytes::Regex;

pub use field::Field;

use self::check::Rule;
use self::extract::Finder;
use self::json::{Body, Json};
use super::variables::Variables;

/// How much of a body regexes and HTML look at.
const LOOKED_AT: usize = 64 * 1024;

/// A whole answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    pub status: u16,
    pub fields: &'a [Field<'a>],
    pub body: &'a [u8],
}

/// Renders the expected text of this index (see [`Examiner::templates`]) with these variables.
pub type Expected<'e> = &'e mut dyn FnMut(usize, &Variables, &mut Vec<u8>) -> Result<(), ErrorKind>;

/// A random number below the one given, which is at least 1.
pub type Draw<'d> = &'d mut dyn FnMut(u32) -> u32;

/// Checks and extracts of one request. A clone shares nothing with the original that changes, so that each worker has its
/// own.
#[derive(Debug, Clone)]
pub struct Examiner {
    rules: Vec<Rule>,
    finders: Vec<Finder>,
    templates: Vec<Template>,
    needs_fields: bool,
    needs_body: bool,
    n_kept: usize,
    scratch: Scratch,
}

/// Regexes by their texts, each compiled once: requests that have theirs from `[request]` all have the same.
#[derive(Debug, Default)]
pub struct Regexes(BTreeMap<String, Option<Regex>>);

impl Regexes {
    /// The regex of a text; `None` where it cannot be compiled. What it needs while it looks at a text is not shared.
    fn of(&mut self, text: &str) -> Option<Regex> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let compiled = Regex::new(text).ok();
        self.0.insert(text.to_owned(), compiled.clone());
        compiled
    }
}

/// Buffers that grow to what answers need and are then reused.
#[derive(Debug, Clone, Default)]
struct Scratch {
    value: Vec<u8>,
    other: Vec<u8>,
    expected: Vec<u8>,
}

/// An answer that is looked at, and what was found out about it on the way.
struct Page<'a> {
    answer: Answer<'a>,
    /// The body as JSON, once it was read as such; `Some(None)`: it is not JSON.
    json: Option<Option<Body<'a>>>,
}

impl<'a> Page<'a> {
    fn json(&mut self) -> Option<&Body<'a>> {
        self.json.get_or_insert_with(|| Json::read(self.answer.body)).as_ref()
    }

    /// What regexes and HTML look at, and whether the body goes on behind it.
    fn looked_at(&self) -> (&'a [u8], bool) {
        match self.answer.body.split_at_checked(LOOKED_AT) {
            Some((first, rest)) => (first, !rest.is_empty()),
            None => (self.answer.body, false),
        }
    }
}

impl Examiner {
    /// The plan was checked, so its regexes and paths can be read; one that cannot never matches.
    pub fn new(request: &NamedRequest) -> Self {
        Self::sharing(request, &mut Regexes::default())
    }

    /// The same with regexes that other requests have too.
    pub fn sharing(request: &NamedRequest, regexes: &mut Regexes) -> Self {
        let mut templates = Vec::new();
        let rule = |check| Rule::new(check, &mut templates, regexes);
        let rules: Vec<_> = request.checks.iter().map(rule).collect();
        let finders: Vec<_> = request.extracts.iter().map(|extract| Finder::new(extract, regexes)).collect();
        Self {
            needs_fields: rules.iter().any(Rule::needs_fields) || finders.iter().any(Finder::needs_fields),
            needs_body: request.wants_body(),
            rules,
            finders,
            templates,
            n_kept: 0,
            scratch: Scratch::default(),
        }
    }

    /// Whether it looks at header fields.
    pub fn needs_fields(&self) -> bool {
        self.needs_fields
    }

    /// Whether it looks at the body.
    pub fn needs_body(&self) -> bool {
        self.needs_body
    }

    /// Whether every answer passes and nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.finders.is_empty()
    }

    /// How many extracts, from the first on, were kept of the answer that it examined last.
    pub fn n_kept(&self) -> usize {
        self.n_kept
    }

    /// The expected texts of checks, which `expected` of [`Examiner::examine`] renders by their index here.
    pub fn templates(&self) -> Vec<&Template> {
        self.templates.iter().collect()
    }

    /// Checks an answer, and keeps in `variables` what is extracted from one that passes, in the order of the plan.
    ///
    /// # Errors
    /// The first failure, checks before extracts: [`ErrorKind::Check`], [`ErrorKind::Extract`], or what `expected`
    /// returns. Values that were found before an extract failed are kept.
    pub fn examine(
        &mut self,
        answer: &Answer<'_>,
        variables: &mut Variables,
        expected: Expected<'_>,
        draw: Draw<'_>,
    ) -> Result<(), ErrorKind> {
        let mut page = Page { answer: *answer, json: None };
        self.n_kept = 0;
        for rule in &self.rules {
            if !rule.holds(&mut page, variables, expected, &mut self.scratch.expected)? {
                return Err(ErrorKind::Check);
            }
        }
        for finder in &mut self.finders {
            finder
                .keep(&mut page, variables, draw, &mut self.scratch)
                .map_err(|extract::NotFound| ErrorKind::Extract)?;
            self.n_kept += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
