//! The orchestrator node: it knows who is here, leads tests from plan to verdict, adds up what the
//! drivers measured, and answers people and programs over HTTP.
//!
//! The rules are pure modules (`registry`, `lifecycle`, `ran_on`, `tally`, `capacity`, `verdict`) that take time as an
//! argument; `actors` are thin around them, and `system` alone spawns and wires.

#![allow(missing_docs)] // an application: a comment stands where a name does not say it

mod actors;

mod assemble;
mod blocker;
mod capacity;
pub mod compare;
mod data_files;
mod docs;
pub mod exposed;
#[cfg(test)]
mod fixtures;
mod http;
pub mod human;
pub mod lifecycle;
pub mod model;
pub mod now;
pub mod participant;
mod ran_on;
mod refusal;
pub mod registry;
pub mod report;
mod run;
pub mod seed;
pub mod settings;
pub mod statistics;
mod stopped_by;
pub mod store;
mod system;
pub mod tally;
mod telemetry;
pub mod verdict;

pub use run::{Bound, RunError, run};
pub use settings::OrchestratorSettings;
