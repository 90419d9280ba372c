//! `validate`: plans and node configs, every fault at once.

use std::path::Path;

use common::plan::{Plan, PlanFormat};

use crate::args::ValidateArgs;
use crate::exit::Stop;
use crate::plan_flags;
use crate::say;

/// What a file is taken for.
enum Kind {
    Plan(PlanFormat),
    Orchestrator,
    Driver,
    Target,
}

/// Checks each file, and says of each what it is, or all its faults.
///
/// # Errors
/// Where one has faults (exit 2), or none has and one cannot be read (exit 1).
pub fn validate(arguments: &ValidateArgs) -> Result<(), Stop> {
    let (mut faults, mut unread) = (Vec::new(), Vec::new());
    for path in &arguments.files {
        match plan_flags::read_file(path) {
            Err(stop) => unread.push(stop.message),
            Ok(text) => match check(path, &text) {
                Ok(what) => say::line(format_args!("{}: a valid {what}", path.display())),
                Err(found) => faults.push(found),
            },
        }
    }
    let has_faults = !faults.is_empty();
    faults.extend(unread);
    match (faults.is_empty(), has_faults) {
        (true, _) => Ok(()),
        (false, true) => Err(Stop::usage(faults.join("\n"))),
        (false, false) => Err(Stop::could_not(faults.join("\n"))),
    }
}

fn check(path: &Path, text: &str) -> Result<&'static str, String> {
    use common::settings::check_file;
    match kind(path, text) {
        Kind::Plan(format) => plan_flags::check(path, text, format).map(|plan| {
            warn(path, &plan);
            "plan"
        }),
        Kind::Orchestrator => check_file::<orchestrator::settings::OrchestratorSettings>(path)
            .map(|()| "orchestrator config")
            .map_err(|error| error.to_string()),
        Kind::Driver => check_file::<driver::settings::DriverSettings>(path)
            .map(|()| "driver config")
            .map_err(|error| error.to_string()),
        Kind::Target => check_file::<target::settings::TargetSettings>(path)
            .map(|()| "target config")
            .map_err(|error| error.to_string()),
    }
}

/// Prints what is certain of a plan's thresholds: those that it cannot meet, and those that check nothing.
fn warn(path: &Path, plan: &Plan) {
    for warning in orchestrator::verdict::beforehand::warnings(plan, None) {
        say::line(format_args!("{}: warning: {warning}", path.display()));
    }
}

/// A file is a node's config if its name contains the node's name, or if it has a table that only that node has. Every
/// other file is a plan.
fn kind(path: &Path, text: &str) -> Kind {
    let format = PlanFormat::of_file(path, text);
    if format == PlanFormat::Json {
        return Kind::Plan(format);
    }
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().to_lowercase()).unwrap_or_default();
    let has = |table: &str| text.lines().any(|line| line.trim() == format!("[{table}]"));
    if has("load") || has("request") || has("thresholds") {
        Kind::Plan(format)
    } else if stem.contains("orchestrator") || has("test") || has("store") {
        Kind::Orchestrator
    } else if stem.contains("driver") || has("driver") || has("safety") {
        Kind::Driver
    } else if has("behaviour") || (stem.contains("target") && has("http")) {
        Kind::Target
    } else {
        Kind::Plan(format)
    }
}
