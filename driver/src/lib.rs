//! The driver node: paces the load, sends it, measures it, and reports to the orchestrator.
//!
//! The rules are pure modules (`life`, `assignment`, `safety`, `clock_sync`, `pacer`, `merge`, `outbox`) that take time
//! as an argument; `actors` are thin around them, and `system` alone spawns and wires.

#![allow(missing_docs)] // an application: a comment stands where a name does not say it

mod actors;
pub mod assignment;
pub mod bootstrap;
pub mod calibrate;
mod clock_sync;
mod connect_to;
mod cpu;
pub mod driver_test;
pub mod engine;
mod http;
mod life;
pub mod merge;
mod outbox;
mod overflow;
pub mod pacer;
mod pauses;
pub mod precision;
pub mod reactor;
mod run;
mod safety;
pub mod scenario;
mod schedstat;
pub mod secrets;
pub mod settings;
pub mod shared;
pub mod start_at;
mod store;
mod system;
mod timer_fd;
pub mod try_one;
pub mod worker;

pub use run::{Bound, RunError, run};
pub use settings::DriverSettings;
