//! What is put into a plan's text before it is checked, and the commands that look at plans and make them.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What is put into a plan with `[requests]`.
#[derive(Debug, Clone, Default, Args)]
pub struct PutInArgs {
    /// Lays a profile of the plan over it; repeatable, each over those before it
    #[arg(long = "profile", value_name = "NAME", help_heading = "Plan")]
    pub profiles: Vec<String>,
    /// Gives one of the plan's vars another value, as in region=eu; repeatable
    #[arg(long = "var", value_name = "NAME=VALUE", help_heading = "Plan")]
    pub vars: Vec<String>,
}

/// `groundswell plan`
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// What to do with the plan.
    #[command(subcommand)]
    pub command: PlanCommand,
}

/// The commands that look at a plan or make one.
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Shows what a plan does, with every default: its rates, its memory, and how often each request is sent
    Show(PlanShowArgs),
    /// Sends one session of a plan, and shows each request, its answer, what was extracted and which checks held
    Try(PlanTryArgs),
    /// Makes a plan from what you have: a curl command, URLs, targets of vegeta, an access log
    From(PlanFromArgs),
}

/// `groundswell plan show`
#[derive(Debug, Args)]
pub struct PlanShowArgs {
    /// The plan, TOML or JSON
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub put_in: PutInArgs,
    /// Shows the requests of the session of this number instead, without sending them
    #[arg(long, value_name = "N")]
    pub session: Option<u64>,
    /// Shows those of the first session, from that number on, that has this scenario
    #[arg(long, value_name = "NAME")]
    pub scenario: Option<String>,
}

/// `groundswell plan try`
#[derive(Debug, Args)]
pub struct PlanTryArgs {
    /// The plan, TOML or JSON
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub put_in: PutInArgs,
    /// The number of the session: with the plan's seed it decides all random values and rows
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub session: u64,
    /// Takes the first session, from that number on, that has this scenario
    #[arg(long, value_name = "NAME")]
    pub scenario: Option<String>,
    /// Prints one JSON document instead of a text
    #[arg(long)]
    pub json: bool,
    /// PEM file of the authorities that targets are checked against; the system's by default
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Does not check the targets' certificates
    #[arg(short = 'k', long)]
    pub insecure: bool,
    /// Folder of secrets and client certificates that the plan names as files
    #[arg(long, value_name = "DIR")]
    pub secrets_dir: Option<PathBuf>,
}

/// `groundswell plan from`
#[derive(Debug, Args)]
pub struct PlanFromArgs {
    /// What the plan is made from.
    #[command(subcommand)]
    pub source: PlanFromCommand,
}

/// What a plan can be made from.
#[derive(Debug, Subcommand)]
pub enum PlanFromCommand {
    /// Makes a plan of a curl command, as browsers copy it; writes it to standard output
    Curl(FromCurlArgs),
    /// Makes a mix of URLs with counts, targets of vegeta, or an access log; writes it to standard output
    Urls(FromUrlsArgs),
}

/// `groundswell plan from curl`
#[derive(Debug, Args)]
pub struct FromCurlArgs {
    /// The command in one pair of quotes, or its words behind --; - reads it from standard input
    #[arg(value_name = "COMMAND", required = true, num_args = 1.., trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// `groundswell plan from urls`
#[derive(Debug, Args)]
pub struct FromUrlsArgs {
    /// The lines; - reads them from standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Sends all of them there, whatever their hosts are; an access log needs it
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
}
