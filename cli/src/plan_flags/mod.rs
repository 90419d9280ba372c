//! A plan from a file, from standard input, from flags, or from a text that flags override. The rules of a plan are
//! `common`'s; this knows where its text is, and how its faults are named on the command line.

mod habits;
mod overlay;
mod source;

use std::path::Path;

use common::plan::{Fault, Plan, PlanFormat, PlanTree};

use crate::args::RunArgs;
use crate::exit::Stop;
use crate::flag_names;

pub use self::source::read_file;
use self::source::{Source, Text};

/// Checks the text of a plan, the file its body comes from included.
///
/// # Errors
/// One line for each fault.
pub fn check(path: &Path, text: &str, format: PlanFormat) -> Result<Plan, String> {
    let naming = Naming { text: Some(path.display().to_string()), given: Vec::new() };
    let mut tree = PlanTree::parse(text, format).map_err(|faults| naming.lines(&faults))?;
    validated(&mut tree, source::folder(path)).map_err(|faults| naming.lines(&faults))
}

/// How the faults of a plan are named: by its text, by the flags, or by both.
struct Naming {
    /// What the plan's text is called; `None` where flags alone make the plan.
    text: Option<String>,
    /// The flags that were given, as their keys in the plan.
    given: Vec<&'static str>,
}

impl Naming {
    /// One line a fault: a flag's own names the flag, any other the plan's text and the key.
    fn lines(&self, faults: &[Fault]) -> String {
        faults.iter().map(|fault| self.line(fault)).collect::<Vec<_>>().join("\n")
    }

    fn line(&self, fault: &Fault) -> String {
        match &self.text {
            Some(text) if !self.given.iter().any(|key| flag_names::is_of(&fault.path, key)) => {
                format!("{text}: {fault}")
            }
            _ => flag_names::fault(fault).unwrap_or_else(|| fault.to_string()),
        }
    }
}

/// The plan that a command line asks for.
///
/// # Errors
/// Where a file or standard input cannot be read, or the plan has faults: one line each.
pub fn plan(arguments: &RunArgs) -> Result<Plan, Stop> {
    let source = Source::of(arguments.plan.as_deref());
    if let (Source::Url(url), Some(flag)) = (&source, &arguments.url) {
        return Err(Stop::usage(format!("{url} and --url {flag} are both given; leave one out")));
    }
    let text = source.text()?;
    let mut naming = Naming { text: text.as_ref().map(|text| text.name.clone()), given: Vec::new() };
    let mut tree = match &text {
        Some(Text { text, format, .. }) => {
            PlanTree::parse(text, *format).map_err(|faults| Stop::usage(naming.lines(&faults)))?
        }
        None => PlanTree::default(),
    };
    // Before the flags: a --body-file is relative to where the command runs, not to the plan.
    if arguments.body.is_none() && arguments.body_file.is_none() {
        let base = text.as_ref().map_or(Path::new("."), |text| text.folder);
        tree.inline_body_file(base).map_err(|fault| Stop::usage(naming.lines(&[fault])))?;
    }
    let url = match &source {
        Source::Url(url) => Some(*url),
        _ => arguments.url.as_deref(),
    };
    overlay::overlay(arguments, url, &mut tree, &mut naming.given)?;
    if text.is_none() {
        habits::complete(&mut tree);
    } else if naming.given.contains(&"load.mode") {
        habits::complete_connections(&mut tree);
    }
    validated(&mut tree, Path::new(".")).map_err(|faults| Stop::usage(naming.lines(&faults)))
}

fn validated(tree: &mut PlanTree, base: &Path) -> Result<Plan, Vec<Fault>> {
    let inlined = tree.inline_body_file(base);
    let mut faults: Vec<Fault> = inlined.err().into_iter().collect();
    if !faults.is_empty() {
        tree.remove(&["request", "body_file"]);
    }
    match tree.validate() {
        Ok(plan) if faults.is_empty() => Ok(plan),
        Ok(_) => Err(faults),
        Err(more) => {
            faults.extend(more);
            Err(faults)
        }
    }
}

#[cfg(test)]
mod tests;
