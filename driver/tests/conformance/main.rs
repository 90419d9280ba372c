//! One conformance suite for both engines: what servers do, well and badly, over real sockets, and what each of it
//! must count as. Where awc differs, the row has its result.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

mod ahead;
mod answers;
mod bodies;
mod failures;
mod heads;
mod hosts;
mod in_turn;
mod kept;
mod many;
mod own;
mod race;
mod rendered;
mod request;
mod several;
mod support;
mod table;
mod tls;
mod tls_causes;
