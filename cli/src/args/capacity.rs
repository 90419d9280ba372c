//! What `capacity` takes.

use std::path::PathBuf;

use clap::Args;

use super::{FilesArgs, ProgressArg, PutInArgs, RunArgs, SendingArgs};

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

    /// What must hold, as in 'response.p99 < 250ms'; also errors.ratio [default: < 1%] and dropped.ratio [default: < 0.1%];
    /// repeatable. A plan may have it as capacity.slo instead
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
    /// Sent first, at the first rate, and not measured; a bare number is seconds [default: 5s]
    #[arg(long, value_name = "TIME", help_heading = "Search")]
    pub warmup: Option<String>,
    /// Most requests in flight per driver [default: 3000]
    #[arg(long, value_name = "N", help_heading = "Search")]
    pub max_in_flight: Option<String>,
    /// Requests wait for one of so many connections [default: each finds or opens one]
    #[arg(short = 'c', long, value_name = "N", help_heading = "Search")]
    pub connections: Option<String>,

    /// Uses a running orchestrator instead of a stack of its own [default: a stack of its own]
    #[arg(long, value_name = "URL", help_heading = "Where")]
    pub orchestrator: Option<String>,
    /// Waits so long for the test under way to end, as in 10m [default: does not wait]
    #[arg(long, value_name = "TIME", requires = "orchestrator", help_heading = "Where")]
    pub wait: Option<String>,
    /// File that holds the orchestrator's bearer token
    #[arg(long, value_name = "FILE", requires = "orchestrator", help_heading = "Where")]
    pub token_file: Option<PathBuf>,
    /// PEM file of the authorities that an https orchestrator is checked against [default: the system's]
    #[arg(long, value_name = "FILE", requires = "orchestrator", help_heading = "Where")]
    pub orchestrator_ca: Option<PathBuf>,
    /// How many drivers take part (own stack: how many are started) [default: the plan's number, or 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Where")]
    pub drivers: Option<u32>,
    /// Folder in which the nodes that this command starts keep their data [default: $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, value_name = "DIR", conflicts_with = "orchestrator", help_heading = "Where")]
    pub data_dir: Option<PathBuf>,
    /// Worker threads of each driver that is started [default: the cores, shared out among the drivers]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024), conflicts_with = "orchestrator", help_heading = "Drivers")]
    pub workers: Option<u32>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub sending: SendingArgs,

    /// HTTP method [default: GET, or POST with a body]
    #[arg(short = 'm', visible_short_alias = 'X', long, value_name = "METHOD", help_heading = "Request")]
    pub method: Option<String>,
    /// A header field, as in 'accept: text/html'; repeatable [default: those of the plan]
    #[arg(short = 'H', long = "header", value_name = "K: V", help_heading = "Request")]
    pub headers: Vec<String>,
    /// The body, or @FILE for a file's content, 512 KiB at most [default: none]
    #[arg(short = 'b', long, value_name = "TEXT|@FILE", help_heading = "Request")]
    pub body: Option<String>,
    /// From the attempt to the last byte, as in 500ms; a bare number is seconds [default: 5s]
    #[arg(short = 't', long, value_name = "TIME", help_heading = "Request")]
    pub timeout: Option<String>,
    /// Statuses that count as completed, as in 200-299; repeatable [default: 200-399]
    #[arg(long = "expect-status", value_name = "RANGE", help_heading = "Request")]
    pub expect_status: Vec<String>,

    /// What to call the test [default: its URL]
    #[arg(long, value_name = "TEXT", help_heading = "Result")]
    pub name: Option<String>,
    /// Writes what was found as JSON; - is stdout, and the summary goes to stderr
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub json: Option<PathBuf>,
    /// Shows no progress
    #[arg(long, help_heading = "Result")]
    pub quiet: bool,
}

/// The flags of the search, as `run` carries them.
#[derive(Debug, Clone, Default)]
pub struct SearchFlags {
    pub slo: Vec<String>,
    pub within: Option<String>,
    pub start: Option<String>,
    pub max_rate: Option<String>,
    pub horizon: Option<String>,
    pub level_for: Option<String>,
    pub search_for: Option<String>,
}

impl CapacityArgs {
    /// The test that looks for the capacity.
    pub fn into_run(self) -> RunArgs {
        let search = SearchFlags {
            slo: self.slo,
            within: self.within,
            start: self.start,
            max_rate: self.max_rate,
            horizon: self.horizon,
            level_for: self.level_for,
            search_for: self.search_for,
        };
        RunArgs {
            plan: Some(self.plan),
            put_in: self.put_in,
            orchestrator: self.orchestrator,
            wait: self.wait,
            token_file: self.token_file,
            orchestrator_ca: self.orchestrator_ca,
            drivers: self.drivers,
            data_dir: self.data_dir,
            workers: self.workers,
            sending: self.sending,
            warmup: self.warmup,
            max_in_flight: self.max_in_flight,
            connections: self.connections,
            method: self.method,
            headers: self.headers,
            body: self.body,
            timeout: self.timeout,
            expect_status: self.expect_status,
            name: self.name,
            files: FilesArgs { json: self.json, ..FilesArgs::default() },
            quiet: self.quiet,
            // Its one line says which rate is measured, and what is known of the others.
            progress: ProgressArg::Line,
            search: Some(search),
            ..RunArgs::default()
        }
    }
}
