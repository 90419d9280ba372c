//! What `capacity` takes.

use std::path::PathBuf;

use clap::Args;

use super::{FilesArgs, FormsArgs, PlaceArgs, ProgressArg, PutInArgs, RequestArgs, RunArgs};

/// `groundswell capacity`
#[derive(Debug, Clone, Args)]
pub struct CapacityArgs {
    /// The URL to send to; or a plan, TOML or JSON, whose own rate, duration and thresholds are left out; or - for a plan on
    /// standard input
    #[arg(value_name = "URL|PLAN|-")]
    pub plan: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub put_in: PutInArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub search: SearchFlags,
    /// Sent first, at the first rate, and not measured; a bare number is seconds [default: 5s]
    #[arg(long, value_name = "TIME", help_heading = "Search")]
    pub warmup: Option<String>,
    /// Most requests in flight per driver [default: 3000]
    #[arg(long, value_name = "N", help_heading = "Search")]
    pub max_in_flight: Option<String>,
    /// Requests wait for one of so many connections [default: each finds or opens one]
    #[arg(short = 'c', long, value_name = "N", help_heading = "Search")]
    pub connections: Option<String>,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub place: PlaceArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub request: RequestArgs,

    /// What to call the test [default: its URL]
    #[arg(long, value_name = "TEXT", help_heading = "Result")]
    pub name: Option<String>,
    /// Writes what was found as JSON; - is stdout, and the summary goes to stderr
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub forms: FormsArgs,
    /// Shows no progress
    #[arg(long, help_heading = "Result")]
    pub quiet: bool,
}

/// How the capacity is looked for.
#[derive(Debug, Clone, Default, Args)]
pub struct SearchFlags {
    /// What must hold, as in 'response.p99 < 250ms', or of a request, a group or sessions of the plan, as in
    /// 'checkout.response.p99 < 300ms'; also errors.ratio [default: < 1%] and dropped.ratio [default: < 0.1%]; repeatable. A
    /// plan may have it as capacity.slo instead
    #[arg(long = "slo", value_name = "EXPRESSION", help_heading = "Search")]
    pub slo: Vec<String>,
    /// How far apart the rate that holds and the one that does not may be [default: 5%]
    #[arg(long, value_name = "SHARE", help_heading = "Search")]
    pub within: Option<String>,
    /// The rate at which it begins, of all drivers together, or with a unit, as in 6/m [default: 50]
    #[arg(long, value_name = "RATE", help_heading = "Search")]
    pub start: Option<String>,
    /// The highest rate that is tried [default: until the target or the drivers are the limit]
    #[arg(long, value_name = "RATE", help_heading = "Search")]
    pub max_rate: Option<String>,
    /// Over how long the objective is to hold [default: 30s]
    #[arg(long, value_name = "TIME", help_heading = "Search")]
    pub horizon: Option<String>,
    /// The longest time at one rate [default: twice the horizon]
    #[arg(long, value_name = "TIME", help_heading = "Search")]
    pub level_for: Option<String>,
    /// The longest time of the whole search [default: 10m]
    #[arg(long = "for", value_name = "TIME", help_heading = "Search")]
    pub search_for: Option<String>,
}

impl CapacityArgs {
    /// The test that looks for the capacity.
    pub fn into_run(self) -> RunArgs {
        RunArgs {
            plan: Some(self.plan),
            put_in: self.put_in,
            place: self.place,
            request: self.request,
            warmup: self.warmup,
            max_in_flight: self.max_in_flight,
            connections: self.connections,
            name: self.name,
            files: FilesArgs { json: self.json, forms: self.forms },
            quiet: self.quiet,
            // Its one line says which rate is measured, and what is known of the others.
            progress: ProgressArg::Line,
            search: Some(self.search),
            ..RunArgs::default()
        }
    }
}
