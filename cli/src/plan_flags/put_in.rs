//! What only the command line may put into a plan, since neither the orchestrator nor a driver reads a client's disk or
//! environment: profiles that were chosen, vars and variables of the environment, and the contents of files.

use std::path::{Path, PathBuf};

use common::plan::files::LocalFiles;
use common::plan::language::substitute;
use common::plan::{Fault, PlanTree, files};

use super::inputs;
use crate::args::PutInArgs;
use crate::exit::Stop;

/// Puts everything in. What cannot be put in is a fault, and stays as it was. `local`: takes where the files are that are
/// too large to travel in the plan. `reads`: takes all files that the plan names.
///
/// # Errors
/// Where a flag cannot be read, or the plan is one that has no vars.
pub fn put_in(
    tree: &mut PlanTree,
    arguments: &PutInArgs,
    folder: &Path,
    local: &mut LocalFiles,
    reads: &mut Vec<PathBuf>,
) -> Result<Vec<Fault>, Stop> {
    let mut faults = substitute::lay_profiles(tree.value_mut(), &arguments.profiles);
    // Now, and once more with what vars make of the names: the plan may be refused in between.
    reads.extend(inputs::named(tree.value(), folder));
    if !tree.has_requests() {
        return match arguments.vars.first() {
            None => Ok(faults),
            Some(var) => {
                Err(Stop::usage(format!("--var {var}: is for plans with [requests], which have vars")))
            }
        };
    }
    for var in &arguments.vars {
        let (name, value) = var
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| Stop::usage(format!("--var {var}: expected NAME=VALUE, as in region=eu")))?;
        substitute::set_var(tree.value_mut(), name, value);
    }
    let of_environment = |name: &str| std::env::var(name).ok();
    faults.extend(substitute::put_in(tree.value_mut(), Some(&of_environment)));
    reads.extend(inputs::named(tree.value(), folder));
    faults.extend(files::put_in(tree.value_mut(), folder, local));
    Ok(faults)
}

/// The names of a plan's profiles.
pub fn profiles(tree: &PlanTree) -> Vec<String> {
    substitute::profile_names(tree.value())
}
