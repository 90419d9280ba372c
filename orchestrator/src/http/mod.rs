//! HTTP: REST, the events, the dashboard, and what watches the process. It alone names actix-web; it turns bytes
//! into messages and answers into JSON, and decides nothing about tests.

mod accept;
mod auth;
mod bind;
mod body;
mod compare;
mod copy;
mod dashboard;
mod data;
mod docs;
mod error_responses;
mod event_shapes;
mod events;
mod guard;
mod host;
mod load_tests;
mod metrics;
mod openapi;
mod plans;
mod problem;
mod query;
mod rate;
mod reports;
mod routes;
mod series;
mod session;
mod state;
mod system;
mod words;

#[cfg(test)]
mod check;
#[cfg(test)]
mod stub;

pub use auth::Token;
pub use bind::{BindError, HttpOptions, serve};
pub use state::{Access, AppState, Commands, Watch};
