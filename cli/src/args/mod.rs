//! The command line: every word of it, and nothing of what it does.

mod capacity;
mod compare;
mod look;
mod nodes;
mod plan;
mod shared;
mod words;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::capacity::{CapacityArgs, SearchFlags};
pub use self::compare::{CompareArgs, RegressionArgs};
pub use self::look::{
    HistoryArgs, OrchestratorAddress, RateArgs, ReportArgs, TestArgs, TestsArgs, WatchArgs,
};
pub use self::nodes::{
    DriverArgs, KafkaNodeArgs, NodeArgs, OrchestratorArgs, SendingArgs, TargetArgs, allow_secrets,
};
pub use self::plan::{
    FromCurlArgs, FromUrlsArgs, PlanArgs, PlanCommand, PlanFromCommand, PlanShowArgs, PlanTryArgs, PutInArgs,
};
pub use self::shared::{PlaceArgs, RequestArgs};
pub use self::words::{CompletionsArgs, ExplainArgs, ManArgs};

/// What ends a run, or holds it, before its time.
const STOPPING: &str = "Ctrl-C once stops the test and reports it (aborted, exit 6); twice leaves at once. Ctrl-Z stops \
    the drivers with the command, and fg continues both. SIGSTOP of the command alone cannot be caught: its drivers go on \
    sending. However it ends, nothing that it started stays, and the next run begins afresh.";

/// The same of a system that stays.
const PAUSING: &str = "A driver or target that ends is started again, at most 5 times a minute. Ctrl-Z stops all nodes \
    with the command, and fg continues them. SIGSTOP of the command alone cannot be caught: its nodes go on.";

/// A distributed HTTP load tester that tells the truth.
#[derive(Debug, Parser)]
#[command(name = "groundswell", version = crate::version::LONG, max_term_width = 100, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 passed or done, 1 could not do it, 2 wrong usage, config or plan, 3 failed, \
    4 incomplete, 5 invalid (the generator was the limit), 6 aborted."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs one test and says what came of it; the exit code is the verdict
    #[command(after_help = STOPPING)]
    Run(Box<RunArgs>),
    /// Looks for the highest rate at which an objective holds; exit 0: found, 3: it holds at no rate, 5: the drivers were the
    /// limit
    #[command(after_help = STOPPING)]
    Capacity(Box<CapacityArgs>),
    /// Starts the whole system on this machine, each node its own process, until Ctrl-C
    #[command(after_help = PAUSING)]
    Up(UpArgs),
    /// Runs the orchestrator node in the foreground
    #[command(mut_arg("listen", |arg| arg.help("Where to listen, HOST:PORT [default: 127.0.0.1:8080]")))]
    Orchestrator(OrchestratorArgs),
    /// Runs a driver node in the foreground
    Driver(DriverArgs),
    /// Runs the server to test, which can be made slow or broken on purpose
    #[command(mut_arg("listen", |arg| arg.help("Where to listen, HOST:PORT [default: 127.0.0.1:8081]")))]
    Target(TargetArgs),
    /// Checks plans and node configs: every fault at once
    Validate(ValidateArgs),
    /// Looks at a plan without running it
    Plan(PlanArgs),
    /// Measures what a driver of this machine can do, against a sink of its own; a minute at most
    Calibrate(CalibrateArgs),
    /// Lists the tests, newest first: of a running orchestrator, or of the data folders
    Tests(TestsArgs),
    /// Lists the drivers of a running orchestrator
    Drivers(OrchestratorAddress),
    /// Shows a test while it runs, as run does: a screen of its own on a terminal; exit code = verdict
    Watch(WatchArgs),
    /// Stops a test
    Stop(TestArgs),
    /// Changes the rate of a running test, on all its drivers at one instant
    Rate(RateArgs),
    /// Removes a finished or never started test from the history
    Delete(TestArgs),
    /// Shows the report of a test: from a running orchestrator, or from the data folders
    Report(ReportArgs),
    /// Compares tests: each figure with its interval, and in a sentence whether it differs
    Compare(CompareArgs),
    /// Explains a word of the report, as in lag or busy; without a word: lists them
    Explain(ExplainArgs),
    /// Prints completions for a shell
    Completions(CompletionsArgs),
    /// Writes a man page for each command
    #[command(hide = true)]
    Man(ManArgs),
}

impl Command {
    /// Whether this is a node that a person, or systemd, started by itself.
    pub fn is_node_in_foreground(&self) -> bool {
        match self {
            Self::Orchestrator(arguments) => !arguments.node.child,
            Self::Driver(arguments) => !arguments.node.child,
            Self::Target(arguments) => !arguments.node.child,
            _ => false,
        }
    }
}

/// `groundswell run`
#[derive(Debug, Default, Args)]
pub struct RunArgs {
    /// The plan, TOML or JSON, which flags override; or the URL to send to; or - for a plan on standard input.
    /// A URL with neither rate nor mode is a closed loop of 64 connections, for 10 s or -n requests
    #[arg(value_name = "PLAN|URL|-")]
    pub plan: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub put_in: PutInArgs,

    #[command(flatten)]
    #[allow(missing_docs)]
    pub place: PlaceArgs,

    /// Whether the amounts are each driver's, or shared out among the drivers [default: driver]
    #[arg(long, value_enum, help_heading = "Load")]
    pub per: Option<PerArg>,
    /// Open loop (tsunami) or closed loop (avalanche) [default: tsunami with a rate, else avalanche]
    #[arg(long, value_enum, help_heading = "Load")]
    pub mode: Option<ModeArg>,
    /// Tsunami: requests per second (of a plan with several requests: sessions), or with a unit, as in 6/m or 1k/s
    #[arg(short = 'r', visible_short_alias = 'q', long, value_name = "RATE", help_heading = "Load")]
    pub rate: Option<String>,
    /// Tsunami: time between two requests, as in 10ms
    #[arg(long, value_name = "TIME", conflicts_with = "rate", help_heading = "Load")]
    pub delay: Option<String>,
    /// Tsunami: most requests in flight per driver [default: 1024]
    #[arg(long, value_name = "N", help_heading = "Load")]
    pub max_in_flight: Option<String>,
    /// Avalanche: connections, each sends as soon as its answer is in [default: 64, at most --requests];
    /// tsunami: requests wait for one of so many [default: each finds or opens one]
    #[arg(short = 'c', long, value_name = "N", help_heading = "Load")]
    pub connections: Option<String>,
    /// A ceiling in requests per second, in either mode, or with a unit, as in 6/m
    #[arg(long, value_name = "RATE", help_heading = "Load")]
    pub target_throughput: Option<String>,
    /// Ends after so many requests
    #[arg(short = 'n', long, value_name = "N", help_heading = "Load")]
    pub requests: Option<String>,
    /// Ends after so long, as in 30s or 2m; a bare number is seconds [default: 10s, without --requests]
    #[arg(short = 'z', visible_short_alias = 'd', long, value_name = "TIME", help_heading = "Load")]
    pub duration: Option<String>,
    /// Sent first and counted apart, as in 5s; a bare number is seconds [default: 0s]
    #[arg(long, value_name = "TIME", help_heading = "Load")]
    pub warmup: Option<String>,
    /// How long to wait for answers after the end; a bare number is seconds [default: the timeout and 1 s more]
    #[arg(long, value_name = "TIME", help_heading = "Load")]
    pub drain_timeout: Option<String>,

    /// The URL to send to
    #[arg(long, value_name = "URL", help_heading = "Request")]
    pub url: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub request: RequestArgs,

    /// What must hold, as in 'response.p99 < 250ms', with any percentile; repeatable
    /// [default: errors.ratio < 1% and dropped.ratio < 0.1%]
    #[arg(long = "threshold", value_name = "EXPRESSION", help_heading = "Result")]
    pub thresholds: Vec<String>,
    /// What to call the test [default: its mode and URL]
    #[arg(long, value_name = "TEXT", help_heading = "Result")]
    pub name: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub files: FilesArgs,
    /// How a terminal shows the test while it runs
    #[arg(long, value_name = "HOW", default_value = "screen", help_heading = "Result")]
    pub progress: ProgressArg,
    /// Compares the test with this one when it has ended: an id, its beginning or end, or latest, the newest that started
    /// [default: none]
    #[arg(long, value_name = "TEST", help_heading = "Result")]
    pub baseline: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub limit: RegressionArgs,
    /// Shows no progress
    #[arg(long, help_heading = "Result")]
    pub quiet: bool,
    /// The search that this test is (`capacity`).
    #[arg(skip)]
    pub search: Option<SearchFlags>,
}

/// The files that `run` writes its report to.
#[derive(Debug, Default, Args)]
pub struct FilesArgs {
    /// Writes the whole report as JSON; - is stdout, and the summary goes to stderr
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub forms: FormsArgs,
}

/// Those of them that a search for the capacity has as well.
#[derive(Debug, Clone, Default, Args)]
pub struct FormsArgs {
    /// Writes a page with charts that needs no server
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub html: Option<PathBuf>,
    /// Writes JUnit XML for CI: a case for the verdict and for each threshold
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub junit: Option<PathBuf>,
    /// Writes every second of the fleet, each driver and each request as CSV
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub csv: Option<PathBuf>,
    /// Writes Markdown for a comment on a pull request
    #[arg(long, value_name = "FILE", help_heading = "Result")]
    pub md: Option<PathBuf>,
}

/// `--progress`
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ProgressArg {
    /// A screen of its own: heatmap, percentiles, thresholds, drivers; q leaves it, and the test goes on
    #[default]
    Screen,
    /// One or two lines
    Line,
}

/// `--per`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PerArg {
    /// Each driver does all of it
    Driver,
    /// The drivers share it
    Fleet,
}

/// `--mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// Open loop: a fixed delay between requests, kept on schedule
    Tsunami,
    /// Closed loop: each as soon as it is ready
    Avalanche,
}

/// `groundswell up`
#[derive(Debug, Args)]
pub struct UpArgs {
    /// How many drivers
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub drivers: u32,
    /// Starts the target too
    #[arg(long)]
    pub target: bool,
    /// Kafka's addresses HOST:PORT,… or embedded
    #[arg(long, value_name = "ADDRESSES", default_value = "embedded")]
    pub kafka: String,
    /// Where the orchestrator listens [default: port 8080, or any free one]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Folder for the nodes' data, one folder in it per node [default: each node's own]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Worker threads of each driver that is started [default: the cores, shared out among the drivers]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub workers: Option<u32>,
    /// Lets plans use this variable of the environment as a secret, or with a * at the end all that begin so; repeatable [default: none]
    #[arg(long = "allow-secret", value_name = "NAME")]
    pub allow_secrets: Vec<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub sending: SendingArgs,
}

/// `groundswell validate`
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Plans and node configs
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}

/// `groundswell calibrate`
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// TOML file of a driver's settings
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Worker threads [default: one a core]
    #[arg(long, value_name = "N")]
    pub workers: Option<String>,
    /// How close to keep the schedule: auto, spin or timer [default: auto]
    #[arg(long, value_name = "HOW")]
    pub precision: Option<String>,
    /// About ten seconds, and coarser
    #[arg(long)]
    pub quick: bool,
    /// Writes the figures as JSON; - is stdout, instead of the text
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// The driver's data folder, where the calibration is kept [default: $XDG_STATE_HOME/groundswell/driver]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
