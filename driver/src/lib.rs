//! The driver node: paces the load, sends it, measures it, and tells the orchestrator.

pub mod actors;
pub mod engine;
pub mod load_job;
pub mod merge;
pub mod pacer;
pub mod reactor;
pub mod settings;
pub mod worker;
