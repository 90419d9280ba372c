//! The wire from outside: what is written, to the byte; what is read, to the value; and that nothing stops
//! the reader.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test that cannot go on has failed

mod golden;
mod messages;
mod properties;
mod read;
mod recorded;
mod weight;
