//! docs/cli.md, written from the help of the commands, so that both say the same. `make reference` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use super::Cli;

const HEAD: &str = "# Commands and flags\n\n\
    What `groundswell COMMAND --help` prints, for all commands. This page is written by `make reference`; a test holds it \
    to the binary. What the commands do is in [interface.md](interface.md#one-binary-groundswell), exit codes are in \
    [Honest numbers](honest-numbers.md#verdicts).\n";

/// The text of a help, on one line and fit for a cell of a table.
fn cell(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace('|', "\\|").replace('<', "\\<").replace('*', "\\*")
}

/// As in `-r`, `-q`, `--rate RATE`.
fn names(argument: &Arg) -> String {
    let values: Vec<&str> =
        argument.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
    let value = if argument.get_action().takes_values() { values.join(" ") } else { String::new() };
    let shorts = argument.get_short().into_iter();
    let shorts = shorts.chain(argument.get_visible_short_aliases().unwrap_or_default());
    let mut names: Vec<String> = shorts.map(|short| format!("`-{short}`")).collect();
    match argument.get_long() {
        Some(long) => names.push(format!("`{}`", format!("--{long} {value}").trim())),
        None if names.is_empty() => names.push(format!("`{value}`")),
        None => {}
    }
    names.join(", ").replace('|', "\\|")
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut text = cell(&help);
    let possible = argument.get_possible_values();
    if argument.get_action().takes_values() && !possible.is_empty() {
        let shown: Vec<String> = possible
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| value.get_name().to_owned())
            .collect();
        let _ = write!(text, " ({})", shown.join(", "));
    }
    if !argument.is_hide_default_value_set()
        && argument.get_action().takes_values()
        && !help.contains("[default: ")
    {
        let defaults: Vec<_> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if !defaults.is_empty() {
            let _ = write!(text, " [default: {}]", defaults.join(", "));
        }
    }
    text
}

fn section(path: &str, command: &mut Command, page: &mut String) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let _ = write!(page, "\n## {path}\n\n{about}.\n\n```text\n{usage}\n```\n");
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| {
            !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version")
        })
        .collect();
    let mut headings: Vec<Option<&str>> = Vec::new();
    for argument in &arguments {
        if !headings.contains(&argument.get_help_heading()) {
            headings.push(argument.get_help_heading());
        }
    }
    // Clap prints those without a heading first.
    headings.sort_by_key(Option::is_some);
    for heading in headings {
        let _ = write!(page, "\n| {} | what it does |\n|---|---|\n", heading.unwrap_or("argument"));
        for argument in arguments.iter().filter(|argument| argument.get_help_heading() == heading) {
            let _ = writeln!(page, "| {} | {} |", names(argument), meaning(argument));
        }
    }
    if let Some(after) = command.get_after_help() {
        let _ = write!(page, "\n{}\n", after.to_string().split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let below: Vec<String> = command.get_subcommands().map(|below| below.get_name().to_owned()).collect();
    for name in below.iter().filter(|name| *name != "help") {
        if let Some(below) = command.find_subcommand_mut(name) {
            section(&format!("{path} {name}"), below, page);
        }
    }
}

fn page() -> String {
    let mut cli = Cli::command();
    cli.build();
    let mut page = HEAD.to_owned();
    let names: Vec<String> = cli
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
        .map(|command| command.get_name().to_owned())
        .collect();
    for name in names {
        if let Some(command) = cli.find_subcommand_mut(&name) {
            section(&format!("groundswell {name}"), command, &mut page);
        }
    }
    page
}

#[test]
fn the_reference_of_commands_is_what_help_prints() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/cli.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page, "docs/cli.md is not what --help prints: `make reference` writes it anew");
}
