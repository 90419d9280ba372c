//! The orchestrator node: it knows who is here, leads tests from plan to verdict, adds up what the
//! drivers measured, and answers people and programs over HTTP.
//!
//! The rules are pure modules (`registry`, `lifecycle`, `ran_on`, `tally`, `verdict`) that take time as an
//! argument; `actors` are thin around them, and `system` alone spawns and wires.

pub mod actors;

pub mod assemble;
pub mod blocker;
#[cfg(test)]
mod fixtures;
pub mod http;
pub mod human;
pub mod lifecycle;
pub mod model;
pub mod now;
pub mod participant;
pub mod ran_on;
pub mod refusal;
pub mod registry;
pub mod report;
mod run;
pub mod settings;
pub mod stopped_by;
pub mod store;
mod system;
pub mod tally;
pub mod telemetry;
pub mod verdict;

pub use run::{Bound, RunError, run};
pub use settings::OrchestratorSettings;
