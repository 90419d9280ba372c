//! `groundswell`, the one binary: reads the command line, does the command, and turns its outcome into the
//! promised exit code. What a command does stands in `commands`.

#![warn(clippy::print_stderr)] // as print_stdout: `say` does not panic when the reader has closed the pipe

mod args;
mod call_error;
mod child;
mod client;
mod colour;
mod commands;
mod data_place;
mod exit;
mod family;
mod flag_names;
mod follow;
mod fullscreen;
mod history;
mod join;
mod lifeline;
mod logs;
mod patience;
mod plan_flags;
mod plan_from;
mod plan_text;
mod progress;
mod reach;
mod report_file;
mod report_files;
mod restarts;
mod say;
mod signals;
mod stack;
mod table;
mod trial_text;
mod version;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::exit::{ExitCode, Stop};

fn main() {
    let cli = Cli::try_parse().unwrap_or_else(|mut error| {
        // Removes clap's hint "to pass '-z' as a value, use '-- -z'": a flag is never meant as the plan's name.
        error.remove(clap::error::ContextKind::Suggested);
        error.exit()
    });
    // A node in the foreground says what happens in its life; a child and a command only what is wrong.
    let default = if cli.command.is_node_in_foreground() { "info,actix_server=warn" } else { "warn" };
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or(default)).init();
    let code = match actix_rt::System::new().block_on(dispatch(cli.command)) {
        Ok(code) => code,
        Err(Stop { message, code }) => {
            say::aside(format_args!("groundswell: {message}"));
            code
        }
    };
    // Not by returning: a thread that still waits (stdin of a child, a resolver) must not hold the process.
    std::process::exit(code as i32);
}

async fn dispatch(command: Command) -> Result<ExitCode, Stop> {
    let done = match command {
        Command::Run(arguments) => return commands::run::run(&arguments).await,
        Command::Capacity(arguments) => return commands::capacity::capacity(&arguments).await,
        Command::Up(arguments) => commands::up::up(&arguments).await,
        Command::Orchestrator(arguments) => commands::node::orchestrator(&arguments).await,
        Command::Driver(arguments) => commands::node::driver(&arguments).await,
        Command::Target(arguments) => commands::node::target(&arguments).await,
        Command::Validate(arguments) => commands::validate::validate(&arguments),
        Command::Plan(arguments) => return commands::plan::plan(&arguments).await,
        Command::Calibrate(arguments) => commands::calibrate::calibrate(&arguments).await,
        Command::Tests(arguments) => commands::look::tests(&arguments).await,
        Command::Drivers(at) => commands::look::drivers(&at).await,
        Command::Stop(arguments) => commands::look::stop(&arguments).await,
        Command::Rate(arguments) => commands::look::rate(&arguments).await,
        Command::Delete(arguments) => commands::look::delete(&arguments).await,
        Command::Report(arguments) => commands::look::report(&arguments).await,
        Command::Watch(arguments) => return commands::watch::watch(&arguments).await,
        Command::Compare(arguments) => return commands::compare::compare(&arguments).await,
        Command::Explain(arguments) => commands::explain::explain(&arguments),
        Command::Completions(arguments) => {
            commands::explain::completions(&arguments);
            Ok(())
        }
        Command::Man(arguments) => commands::explain::man(&arguments),
    };
    done.map(|()| ExitCode::Done)
}
