//! Groundswell side by side with its peers. Everything is driven from outside: the binary `groundswell` and each
//! peer are processes, and what they sent is counted by a receiving end of our own. It knows no engine.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a tool for people: it prints what it finds

mod apart;
mod arrivals;
mod awake;
mod bar;
mod bars;
mod capacity;
mod connection;
mod figures;
mod floor;
mod generator;
mod job;
mod loop_figures;
mod machine;
mod markdown;
mod ours;
mod peers;
mod processes;
mod receiver;
mod results;
mod rounds;
mod run;
mod said;
mod scenarios;
mod seen;
mod session_peers;
mod sessions;
mod sessions_beside;
mod sessions_open;
mod shop;
mod shop_plan;
mod sink;
mod sizes;
mod span;
mod svg;
mod users;
mod verdicts;
mod views;

use clap::{Parser, Subcommand};

/// Groundswell side by side with its peers.
#[derive(Debug, Parser)]
#[command(name = "bench", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the scenarios in interleaved rounds and writes results.json, RESULTS.md and a picture of each
    Run(run::RunArgs),
    /// Searches for the capacity of a target whose capacity is known
    Capacity(capacity::CapacityArgs),
    /// The receiving end: answers, notes arrivals, and says what it saw when its stdin closes
    Sink(sink::SinkArgs),
    /// Keeps its core from halting until its stdin closes; to be run in the idle class
    Awake,
    /// The physical floor: sends to all connections, receives from all, parses nothing
    Floor(floor::FloorArgs),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Capacity(arguments) => capacity::run(&arguments),
        Command::Sink(arguments) => sink::serve(&arguments),
        Command::Awake => awake::run(),
        Command::Floor(arguments) => floor::run(&arguments),
    }
}
