//! Where the orchestrator is that a command asks, and its token: a flag over the environment over the default, as for the
//! nodes.

use std::path::PathBuf;

use common::settings::{ENV_PREFIX, Sources, load};
use driver::settings::DriverSettings;

use crate::args::OrchestratorAddress;
use crate::child::strays;
use crate::client::Client;
use crate::exit::Stop;

/// Where commands look for an orchestrator by default.
pub const DEFAULT_ORCHESTRATOR: &str = "http://127.0.0.1:8080";

/// What of the environment is for commands: how a driver reaches its orchestrator, and where data is kept.
const FOR_COMMANDS: [&str; 4] =
    ["ORCHESTRATOR__URL", "ORCHESTRATOR__TOKEN_FILE", "ORCHESTRATOR__CA_FILE", "NODE__DATA_DIR"];

/// How a command reaches an orchestrator.
pub struct Reach {
    pub client: Client,
    /// Whether a flag or the environment says where it is.
    pub named: bool,
    /// The data folder that the environment names.
    pub data_dir: Option<PathBuf>,
}

/// Finds out how to reach it.
///
/// # Errors
/// Where an address is invalid, a file cannot be used, or a variable with our prefix is not a setting.
pub fn reach(at: &OrchestratorAddress) -> Result<Reach, Stop> {
    if let Some(strays) = strays() {
        return Err(strays);
    }
    let Sources { env, .. } = Sources::new(None, Default::default());
    let ours = |name: &String| {
        let key = name.strip_prefix(ENV_PREFIX).unwrap_or_default();
        FOR_COMMANDS.iter().any(|known| known.eq_ignore_ascii_case(key))
    };
    let env = env.into_iter().filter(|(name, _)| ours(name)).collect();
    let set: DriverSettings = load(&Sources { env, ..Sources::default() }).map_err(|error| {
        Stop::usage(error.faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })?;
    let named = at.orchestrator.clone().or_else(|| set.orchestrator.url.map(|url| url.to_string()));
    let address = named.as_deref().unwrap_or(DEFAULT_ORCHESTRATOR);
    let token_file = at.token_file.clone().or(set.orchestrator.token_file);
    let ca_file = at.orchestrator_ca.clone().or(set.orchestrator.ca_file);
    let client = Client::new(address, token_file.as_deref(), ca_file.as_deref())?;
    Ok(Reach { client, named: named.is_some(), data_dir: set.node.data_dir })
}
