//! Sessions: what each sends next, rendered from the plan's templates, and what is kept of answers. Everything here is
//! pure: no socket, no timer, no actor; time, bytes and the test's constants are arguments. The worker's loops stand
//! between it, the pacer and the engine.

pub mod answer;
pub mod cookies;
pub mod files;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod numbers;
pub mod render;
pub mod rows;
pub mod schedule;
pub mod script;
pub mod session;
pub mod variables;
