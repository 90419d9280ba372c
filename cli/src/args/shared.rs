//! What `run` and `capacity` take alike: where a test runs, and what it sends.

use std::path::PathBuf;

use clap::Args;

use super::SendingArgs;

/// Where a test runs, and on which drivers.
#[derive(Debug, Clone, Default, Args)]
pub struct PlaceArgs {
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
}

/// The request of a plan that has one.
#[derive(Debug, Clone, Default, Args)]
pub struct RequestArgs {
    /// HTTP method [default: GET, or POST with a body]
    #[arg(short = 'm', visible_short_alias = 'X', long, value_name = "METHOD", help_heading = "Request")]
    pub method: Option<String>,
    /// A header field, as in 'accept: text/html'; repeatable, also with one name: then each is sent
    #[arg(short = 'H', long = "header", value_name = "K: V", help_heading = "Request")]
    pub headers: Vec<String>,
    /// Sends authorization: Basic with this user and password
    #[arg(short = 'u', long, value_name = "USER:PASSWORD", help_heading = "Request")]
    pub user: Option<String>,
    /// The body, or @FILE for a file's content, 512 KiB at most
    #[arg(short = 'b', long, value_name = "TEXT|@FILE", help_heading = "Request")]
    pub body: Option<String>,
    /// A file that holds the body, 512 KiB at most
    #[arg(long, value_name = "FILE", conflicts_with = "body", help_heading = "Request")]
    pub body_file: Option<PathBuf>,
    /// From the attempt to the last byte, as in 500ms; a bare number is seconds [default: 5s]
    #[arg(short = 't', long, value_name = "TIME", help_heading = "Request")]
    pub timeout: Option<String>,
    /// Statuses that count as completed, as in 200-299; repeatable. A 3xx is not followed [default: 200-399]
    #[arg(long = "expect-status", value_name = "RANGE", help_heading = "Request")]
    pub expect_status: Vec<String>,
    /// The client that sends, HTTP/1.1 each: wire is the leaner one, awc knows more; auto takes wire where it can [default: auto]
    #[arg(long, value_name = "auto|wire|awc", help_heading = "Request")]
    pub engine: Option<String>,
    /// Sends x-groundswell-node with each request
    #[arg(long, help_heading = "Request")]
    pub identify: bool,
    /// Opens a connection for each request and closes it after the answer
    #[arg(long, help_heading = "Request")]
    pub no_keepalive: bool,
}
