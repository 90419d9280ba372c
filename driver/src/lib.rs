//! The driver node: paces the load, sends it, measures it, and reports to the orchestrator.
//!
//! The rules are pure modules (`life`, `assignment`, `safety`, `clock_sync`, `pacer`, `merge`) that take time as
//! an argument; `actors` are thin around them, and `system` alone spawns and wires.

pub mod actors;
pub mod assignment;
pub mod bootstrap;
pub mod calibrate;
pub mod clock_sync;
pub mod connect_to;
pub mod cpu;
pub mod driver_test;
pub mod engine;
pub mod http;
pub mod life;
pub mod merge;
pub mod overflow;
pub mod pacer;
pub mod pauses;
pub mod precision;
pub mod reactor;
mod run;
pub mod safety;
pub mod schedstat;
pub mod settings;
pub mod start_at;
pub mod store;
pub mod system;
mod timer_fd;
pub mod worker;

pub use run::{Bound, RunError, run};
pub use settings::DriverSettings;
