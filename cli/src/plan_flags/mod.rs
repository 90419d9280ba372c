//! A plan from a file, from standard input, from flags, or from a text that flags override. The rules of a plan are
//! `common`'s; this knows where its text is, and how its faults are named on the command line.

mod habits;
mod inputs;
mod overlay;
mod put_in;
mod search;
mod source;

use std::path::{Path, PathBuf};

use common::plan::files::LocalFiles;
use common::plan::{Fault, Plan, PlanFormat, PlanTree, files};

use crate::args::{PutInArgs, RunArgs};
use crate::exit::Stop;
use crate::{flag_names, say};

pub use self::source::read_file;
use self::source::{Source, Text};

/// Drivers of a stack of our own, where neither a flag nor the plan says how many.
pub const DRIVERS: u32 = 1;

/// Checks the text of a plan, the files that it names included, by itself and with each of its profiles.
///
/// # Errors
/// One line for each fault. Of a profile, those alone that the plan by itself does not have.
pub fn check(path: &Path, text: &str, format: PlanFormat) -> Result<Plan, String> {
    let name = path.display().to_string();
    let tree = PlanTree::parse(text, format).map_err(|faults| Naming::of_text(&name).lines(&faults))?;
    let with = |profiles: &[String]| {
        let put_in = PutInArgs { profiles: profiles.to_vec(), vars: Vec::new() };
        checked(tree.clone(), &put_in, source::folder(path))
    };
    let own = with(&[]);
    let mut lines = Vec::new();
    let known = own.as_ref().err().cloned().unwrap_or_default();
    if !known.is_empty() {
        lines.push(Naming::of_text(&name).lines(&known));
    }
    for profile in put_in::profiles(&tree) {
        let mut found = with(std::slice::from_ref(&profile)).err().unwrap_or_default();
        found.retain(|fault| !known.contains(fault));
        if !found.is_empty() {
            lines.push(Naming::of_text(&format!("{name} with --profile {profile}")).lines(&found));
        }
    }
    match own {
        Ok(plan) if lines.is_empty() => Ok(plan),
        _ => Err(lines.join("\n")),
    }
}

/// A plan, and where its files are that are too large to travel in it.
pub type WithFiles = (Plan, LocalFiles);

/// The plan of a file, with what is put into it.
///
/// # Errors
/// Where the file cannot be read, or the plan has faults: one line each.
pub fn of_file(path: &Path, put_in: &PutInArgs) -> Result<WithFiles, Stop> {
    let text = read_file(path)?;
    let naming = Naming::of_text(&path.display().to_string());
    let stop = |faults: Vec<Fault>| Stop::usage(naming.lines(&faults));
    let mut tree = PlanTree::parse(&text, PlanFormat::of_file(path, &text)).map_err(stop)?;
    let mut local = LocalFiles::new();
    let faults = put_in::put_in(&mut tree, put_in, source::folder(path), &mut local, &mut Vec::new())?;
    let plan = validated(&mut tree, source::folder(path), faults, &mut local).map_err(stop)?;
    Ok((plan, local))
}

/// A plan without flags but for what is put in.
fn checked(mut tree: PlanTree, put_in: &PutInArgs, folder: &Path) -> Result<Plan, Vec<Fault>> {
    let mut local = LocalFiles::new();
    let faults = put_in::put_in(&mut tree, put_in, folder, &mut local, &mut Vec::new())
        .unwrap_or_else(|stop| vec![Fault::value("", "", stop.message)]);
    validated(&mut tree, folder, faults, &mut local)
}

/// How the faults of a plan are named: by its text, by the flags, or by both.
struct Naming {
    /// What the plan's text is called; `None` where flags alone make the plan.
    text: Option<String>,
    /// The flags that were given, as their keys in the plan.
    given: Vec<&'static str>,
    /// Whether they are those of `capacity`.
    is_search: bool,
}

impl Naming {
    /// Of a plan that no flag changes.
    fn of_text(name: &str) -> Self {
        Self { text: Some(name.to_owned()), given: Vec::new(), is_search: false }
    }

    /// One line a fault: a flag's own names the flag, any other the plan's text and the key.
    fn lines(&self, faults: &[Fault]) -> String {
        faults.iter().map(|fault| self.line(fault)).collect::<Vec<_>>().join("\n")
    }

    fn line(&self, fault: &Fault) -> String {
        match &self.text {
            Some(text) if !self.given.iter().any(|key| flag_names::is_of(&fault.path, key)) => {
                format!("{text}: {fault}")
            }
            _ => flag_names::fault(fault, self.is_search).unwrap_or_else(|| fault.to_string()),
        }
    }
}

/// The plan that a command line asks for. `reads`: takes the files that it names, of a plan with faults as well.
///
/// # Errors
/// Where a file or standard input cannot be read, or the plan has faults: one line each.
pub fn plan(arguments: &RunArgs, reads: &mut Vec<PathBuf>) -> Result<WithFiles, Stop> {
    let source = Source::of(arguments.plan.as_deref());
    if let (Source::Url(url), Some(flag)) = (&source, &arguments.url) {
        return Err(Stop::usage(format!("{url} and --url {flag} are both given; leave one out")));
    }
    let text = source.text()?;
    let mut naming = Naming {
        text: text.as_ref().map(|text| text.name.clone()),
        given: Vec::new(),
        is_search: arguments.search.is_some(),
    };
    let mut tree = match &text {
        Some(Text { text, format, .. }) => {
            PlanTree::parse(text, *format).map_err(|faults| Stop::usage(naming.lines(&faults)))?
        }
        None => PlanTree::default(),
    };
    let base = text.as_ref().map_or(Path::new("."), |text| text.folder);
    let mut local = LocalFiles::new();
    let faults = put_in::put_in(&mut tree, &arguments.put_in, base, &mut local, reads)?;
    // Before the flags: a --body-file is relative to where the command runs, not to the plan.
    if !tree.has_requests() && arguments.request.body.is_none() && arguments.request.body_file.is_none() {
        tree.inline_body_file(base).map_err(|fault| Stop::usage(naming.lines(&[fault])))?;
    }
    let url = match &source {
        Source::Url(url) => Some(*url),
        _ => arguments.url.as_deref(),
    };
    overlay::overlay(arguments, url, &mut tree, &mut naming.given)?;
    if let Some(search) = &arguments.search {
        let left_out = search::overlay(search, &mut tree, &mut naming.given)?;
        if let (Some(text), false) = (&text, left_out.is_empty() || arguments.quiet) {
            say::aside(format_args!(
                "{}: left out, the search has its own: {}",
                text.name,
                left_out.join(", ")
            ));
        }
    } else if text.is_none() {
        habits::complete(&mut tree);
    } else if naming.given.contains(&"load.mode") && !tree.has_requests() {
        habits::complete_connections(&mut tree);
    }
    // So that what depends on their number is checked here, and not only when they have joined.
    let is_open = tree.get(&["drivers"]).is_none_or(|drivers| *drivers == "all");
    if arguments.place.orchestrator.is_none() && is_open {
        tree.set(&["drivers"], DRIVERS);
    }
    let plan = validated(&mut tree, Path::new("."), faults, &mut local);
    plan.map(|plan| (plan, local)).map_err(|faults| Stop::usage(naming.lines(&faults)))
}

/// Checks a plan. `faults`: what could not be put into it, beside which a fault of the same key says nothing new.
fn validated(
    tree: &mut PlanTree,
    base: &Path,
    mut faults: Vec<Fault>,
    local: &mut LocalFiles,
) -> Result<Plan, Vec<Fault>> {
    if tree.has_requests() {
        // Of --body-file; those of the plan are put in already, or have a fault.
        let is_new = |fault: &Fault| {
            fault.path == "request.body_file" && !faults.iter().any(|known| known.path == fault.path)
        };
        let of_flags = files::put_in(tree.value_mut(), base, local);
        let new: Vec<Fault> = of_flags.into_iter().filter(is_new).collect();
        faults.extend(new);
    } else if let Err(fault) = tree.inline_body_file(base) {
        faults.push(fault);
        tree.remove(&["request", "body_file"]);
    }
    tree.validate_with(faults)
}

#[cfg(test)]
mod tests;
