//! What the commands take that look at tests and steer them.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use orchestrator::report::files::Form;

use super::ProgressArg;

/// How to reach a running orchestrator.
#[derive(Debug, Clone, Args)]
pub struct OrchestratorAddress {
    /// Address of the orchestrator, HOST:PORT or URL
    /// [default: http://127.0.0.1:8080, or $GROUNDSWELL__ORCHESTRATOR__URL where it is set]
    #[arg(long, value_name = "URL")]
    pub orchestrator: Option<String>,
    /// File that holds the orchestrator's bearer token; also $GROUNDSWELL__ORCHESTRATOR__TOKEN_FILE
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// PEM file of the authorities that an https orchestrator is checked against
    /// [default: the system's, or those of $GROUNDSWELL__ORCHESTRATOR__CA_FILE where it is set]
    #[arg(long, value_name = "FILE")]
    pub orchestrator_ca: Option<PathBuf>,
}

/// Where the history is read.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub at: OrchestratorAddress,
    /// Reads the tests in this data folder (of an orchestrator, or --data-dir of run or up), without an orchestrator
    /// [default: asks the orchestrator; where none listens at the default address, the default folders]
    #[arg(long, value_name = "DIR", conflicts_with = "orchestrator")]
    pub data_dir: Option<PathBuf>,
}

/// `groundswell tests`
#[derive(Debug, Args)]
pub struct TestsArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub history: HistoryArgs,
    /// Rows at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
}

/// `groundswell stop` and `groundswell delete`
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The test's id; its beginning or its end is enough where no other test has the same
    pub test: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub at: OrchestratorAddress,
}

/// `groundswell watch`
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// The test's id, of which its beginning or its end is enough where no other test has the same; or latest
    #[arg(default_value = "latest")]
    pub test: String,
    /// How a terminal shows it
    #[arg(long, value_name = "HOW", default_value = "screen")]
    pub progress: ProgressArg,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub at: OrchestratorAddress,
}

/// `groundswell rate`
#[derive(Debug, Args)]
pub struct RateArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub test: TestArgs,
    /// The new rate of each driver, or of the fleet with per = "fleet": requests per second, or sessions where the plan
    /// has several requests; or with a unit, as in 6/m or 1k/s
    pub rate: String,
}

/// `groundswell report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The test's id, or its beginning or end where no other test has the same; latest: the newest that started
    #[arg(default_value = "latest")]
    pub test: String,
    /// How to show it
    #[arg(long, value_enum, default_value = "text")]
    pub format: FormatArg,
    /// Which latency hgrm and hlog hold, by the names of thresholds, as in service, lag or success.response [default: response]
    #[arg(long, value_name = "LATENCY")]
    pub of: Option<String>,
    /// With the windows of the fleet, as series: for json
    #[arg(long)]
    pub series: bool,
    /// Writes it to this file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub history: HistoryArgs,
}

/// `--format`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// For people, as wide as the terminal
    Text,
    /// For programs, everything
    Json,
    /// A page with charts that needs no server
    Html,
    /// Every second of the fleet, each driver and each request, for tables and data frames
    Csv,
    /// JUnit XML: a case for the verdict and for each threshold
    Junit,
    /// Markdown for a pull request
    Md,
    /// The percentiles of one latency, as HdrHistogram prints them
    Hgrm,
    /// One latency as HdrHistogram's log, a histogram a second
    Hlog,
}

impl From<FormatArg> for Form {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Text => Self::Text,
            FormatArg::Json => Self::Json,
            FormatArg::Html => Self::Html,
            FormatArg::Csv => Self::Csv,
            FormatArg::Junit => Self::Junit,
            FormatArg::Md => Self::Markdown,
            FormatArg::Hgrm => Self::Hgrm,
            FormatArg::Hlog => Self::Hlog,
        }
    }
}
