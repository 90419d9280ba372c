//! Sessions from a plan's text to a server that counts them: what it saw is what was counted.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

mod addresses;
mod loads;
mod redirects;
mod setup;
mod steps;
mod support;
