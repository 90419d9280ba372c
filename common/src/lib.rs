//! What both nodes of Groundswell share, and nothing else: the wire, the plan, latency, counters,
//! settings, Kafka. It knows neither node.

// epoll, timerfd, /proc and the death signal of child processes have no counterpart that would measure the same.
#[cfg(not(target_os = "linux"))]
compile_error!("Groundswell runs on Linux only; build it on Linux, or in a Linux container");

pub mod clock;
pub mod counters;
pub mod figures;
pub mod host;
pub mod http_contract;
pub mod ids;
pub mod kafka;
pub mod latency;
pub mod limits;
mod named;
pub mod named_counts;
pub mod ordered;
pub mod plan;
pub mod process;
pub mod prometheus;
pub mod service;
pub mod session_figures;
pub mod settings;
#[cfg(feature = "sqlite")]
pub mod sqlite;
pub mod tls_cause;
pub mod tree;
pub mod wire;
pub mod words;
