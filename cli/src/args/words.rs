//! What the commands take that explain: words of the report, completions, man pages.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// `groundswell explain`
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A word of the report, as in lag, open loop or response.p99; without one: lists the words
    #[arg(value_name = "WORD")]
    pub word: Vec<String>,
}

/// `groundswell completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}

/// `groundswell man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Folder to write to; it is created where it does not exist
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}
