//! Engines: what sends one request and reads one answer. An engine knows HTTP, connections and their
//! errors; it knows no schedule, no test and no histogram.

mod tls;

pub use tls::{TlsError, tls_config};
