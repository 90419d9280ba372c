//! `explain`, `completions` and `man`: what the binary says of itself.

use clap::CommandFactory;
use common::words;

use crate::args::{Cli, CompletionsArgs, ExplainArgs, ManArgs};
use crate::exit::Stop;
use crate::say;

/// Longer lines are hard to read.
const MOST_COLUMNS: usize = 100;

/// Explains a word of the report, or lists the words.
///
/// # Errors
/// Where the word is not known.
pub fn explain(arguments: &ExplainArgs) -> Result<(), Stop> {
    let words = words::all();
    if arguments.word.is_empty() {
        say::text(words::list(&words, columns()));
        say::line(
            "\ngroundswell explain WORD explains one, groundswell explain plan shows every key of a plan",
        );
        return Ok(());
    }
    let name = arguments.word.join(" ");
    let found = words::find(&words, &name).map_err(|meant| {
        let meant = meant.map_or_else(String::new, |meant| format!("; did you mean {meant:?}?"));
        Stop::usage(format!("the word {name:?} is not known{meant} (groundswell explain lists the words)"))
    })?;
    let texts: Vec<String> = found.iter().map(|word| word.text(columns())).collect();
    say::text(texts.join("\n"));
    Ok(())
}

/// Prints the completions for a shell.
pub fn completions(arguments: &CompletionsArgs) {
    // Into memory first: the generator panics when stdout is a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "groundswell", &mut script);
    say::text(String::from_utf8_lossy(&script));
}

/// Writes a man page for each command.
///
/// # Errors
/// Where a page cannot be written.
pub fn man(arguments: &ManArgs) -> Result<(), Stop> {
    let folder = &arguments.folder;
    let could_not =
        |error| Stop::could_not(format!("cannot write man pages to {}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(could_not)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(could_not)
}

/// Columns of the terminal that stdout is, as far as lines are easy to read.
fn columns() -> usize {
    say::columns(std::io::stdout()).min(MOST_COLUMNS)
}
