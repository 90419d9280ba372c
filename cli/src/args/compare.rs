//! What `compare` takes, and what `run` takes of it.

use std::path::PathBuf;

use clap::Args;

use super::HistoryArgs;

/// `groundswell compare`
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The test to compare with, then those that are compared with it, one after the other. A test is its id, or its
    /// beginning or end where no other test has the same, or latest. Several tests make a side with commas between, as in
    /// A1,A2,A3 B1,B2,B3: from three a side on the answer is about the service instead of these tests
    #[arg(value_name = "TEST[,TEST…]", required = true, num_args = 2..)]
    pub tests: Vec<String>,
    /// Writes the comparisons as JSON; - is stdout, instead of the text
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub limit: RegressionArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub history: HistoryArgs,
}

/// What is not tolerated.
#[derive(Debug, Clone, Default, Args)]
pub struct RegressionArgs {
    /// Exit 3 where a figure is worse by more than this beyond doubt: latencies higher, throughput lower, and errors
    /// higher by more than this share of what they were. What the data cannot tell does not count
    /// [default: none, exit 0]
    #[arg(long, value_name = "SHARE", help_heading = "Result")]
    pub max_regression: Option<String>,
}
