//! `--help` against what the flags do: each option names its default, and it is the one that holds.

use std::collections::BTreeSet;

use clap::{Arg, Command, CommandFactory};
use common::plan::{PlanFormat, PlanTree};
use serde_json::Value;

use super::Cli;

/// Options without a default: where one is not given, nothing stands in for it. With a command before it, of that
/// command alone.
const NO_DEFAULT: [&str; 23] = [
    "profile",
    "var",
    "config",
    "json",
    "html",
    "junit",
    "csv",
    "md",
    "report out",
    "token-file",
    "cert",
    "key",
    "connect-to",
    "run rate",
    "run delay",
    "run target-throughput",
    "run requests",
    "run url",
    "header",
    "user",
    "body",
    "body-file",
    "driver target-url",
];

fn help(argument: &Arg) -> String {
    argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default()
}

/// The options of a command that take a value and are shown.
fn options(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    let shown = |argument: &&Arg| !argument.is_hide_set() && argument.get_action().takes_values();
    command.get_arguments().filter(shown).filter_map(|argument| Some((argument.get_long()?, argument)))
}

#[test]
fn every_option_states_its_default_in_its_help() {
    let mut without = Vec::new();
    for command in Cli::command().get_subcommands() {
        for (long, argument) in options(command) {
            let states = !argument.get_default_values().is_empty() || help(argument).contains("[default: ");
            let of_command = format!("{} {long}", command.get_name());
            let entry = NO_DEFAULT.iter().find(|entry| **entry == long || **entry == of_command);
            assert_eq!(entry.is_some(), !states, "--{long} of {}: {}", command.get_name(), help(argument));
            without.extend(entry);
        }
    }
    for entry in NO_DEFAULT {
        assert!(without.contains(&entry), "no option {entry}");
    }
}

/// Checks that the help of an option begins its default with this text.
#[track_caller]
fn check(command: &str, long: &str, default: &Value) {
    let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
    let cli = Cli::command();
    let command = cli.find_subcommand(command).unwrap();
    let (_, argument) = options(command).find(|(known, _)| *known == long).unwrap();
    let states =
        help(argument).split_once("[default: ").is_some_and(|(_, stated)| stated.starts_with(&default));
    assert!(states, "--{long} has the default {default}: {}", help(argument));
}

#[test]
fn defaults_in_the_help_of_run_are_those_of_a_plan() {
    let text = "target.url = 'http://127.0.0.1/'\nload = { rate = 1, requests = 1 }";
    let plan = PlanTree::parse(text, PlanFormat::Toml).unwrap().validate().unwrap().to_json();
    check("run", "per", &plan["per"]);
    check("run", "method", &plan["request"]["method"]);
    check("run", "timeout", &plan["request"]["timeout"]);
    check("run", "expect-status", &plan["request"]["expect_status"][0]);
    check("run", "engine", &plan["request"]["engine"]);
    check("run", "mode", &plan["load"]["mode"]);
    check("run", "max-in-flight", &plan["load"]["max_in_flight"]);
    check("run", "warmup", &plan["load"]["warmup"]);
}

#[test]
fn defaults_in_the_help_of_nodes_are_those_of_their_configs() {
    let config = |text: &str| PlanTree::parse(text, PlanFormat::Toml).unwrap().value().clone();
    let target = config(include_str!("../../../config/target.toml"));
    check("target", "listen", &target["http"]["listen"]);
    for (key, default) in target["behaviour"].as_object().unwrap() {
        check("target", &key.replace('_', "-"), default);
    }
    let orchestrator = config(include_str!("../../../config/orchestrator.toml"));
    check("orchestrator", "listen", &orchestrator["http"]["listen"]);
    check("orchestrator", "kafka", &orchestrator["kafka"]["brokers"]);
    let driver = config(include_str!("../../../config/driver.toml"));
    check("driver", "precision", &driver["driver"]["precision"]);
}

/// docs/interface.md, the promise to users, and its section on commands and flags.
fn promise() -> (&'static str, &'static str) {
    let text = include_str!("../../../docs/interface.md");
    let (_, from) = text.split_once("\n## One binary").unwrap();
    (text, from.split_once("\n## ").unwrap().0)
}

/// What stands in backticks, as in `run --wait 10m`.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The long flags that a text names.
fn long_flags(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c == '-';
    let after = text.split("--").skip(1).map(|rest| rest.split(|c| !is_part(c)).next().unwrap_or_default());
    after.filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase())).map(str::to_owned).collect()
}

/// The long flags of a command and of those below it, as `plan show`.
fn flags_of(command: &Command, flags: &mut BTreeSet<String>) {
    let longs = command.get_arguments().filter(|argument| !argument.is_hide_set());
    flags.extend(longs.filter_map(|argument| argument.get_long().map(str::to_owned)));
    command.get_subcommands().for_each(|below| flags_of(below, flags));
}

#[test]
fn the_promise_to_users_names_the_commands_and_flags_that_there_are() {
    let (whole, section) = promise();
    let (_, later) = section.split_once("Not built yet, from this section: ").unwrap();
    let later: BTreeSet<&str> = quoted(later.lines().next().unwrap()).collect();

    let cli = Cli::command();
    let commands: BTreeSet<&str> =
        cli.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name).collect();
    let mut flags: BTreeSet<String> = ["help", "version"].map(str::to_owned).into();
    for command in cli.get_subcommands() {
        flags_of(command, &mut flags);
    }

    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    let first_cells =
        rows.map(|row| row.replace("\\|", "/")).map(|row| row.split('|').next().unwrap().to_owned());
    let promised: BTreeSet<String> = first_cells
        .flat_map(|cell| {
            let names = quoted(&cell).map(|text| text.split(' ').next().unwrap().to_owned());
            names.collect::<Vec<_>>()
        })
        .filter(|name| name.parse::<u8>().is_err())
        .collect();
    for command in &promised {
        assert_ne!(commands.contains(&**command), later.contains(&**command), "the command {command}");
    }
    for command in commands {
        assert!(promised.contains(command), "docs/interface.md has no row for {command}");
    }

    let named = long_flags(whole);
    for flag in &named {
        assert_ne!(flags.contains(flag), later.contains(&*format!("--{flag}")), "the flag --{flag}");
    }
    for flag in flags.iter().filter(|flag| !["help", "version"].contains(&&***flag)) {
        assert!(named.contains(flag), "docs/interface.md does not name --{flag}");
    }
}

#[test]
fn short_flags_are_those_of_the_promise() {
    let (_, section) = promise();
    let line = section.lines().find(|line| line.starts_with("Short flags as in oha")).unwrap();
    let promised: BTreeSet<char> = quoted(line)
        .filter_map(|text| text.strip_prefix('-')?.split(' ').next()?.chars().next().filter(|c| *c != '-'))
        .collect();
    let cli = Cli::command();
    let run = cli.find_subcommand("run").unwrap();
    let shorts = run.get_arguments().flat_map(|argument| {
        let aliases = argument.get_all_short_aliases().unwrap_or_default();
        argument.get_short().into_iter().chain(aliases).collect::<Vec<_>>()
    });
    assert_eq!(shorts.filter(|short| !"hV".contains(*short)).collect::<BTreeSet<_>>(), promised);
}
