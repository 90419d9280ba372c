//! `plan from`: plans made from what there is.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::args::{FromCurlArgs, FromUrlsArgs, PlanFromCommand};
use crate::exit::Stop;
use crate::plan_from::{self, Taken};
use crate::say;

/// Makes a plan, and prints it.
///
/// # Errors
/// Where none can be made.
pub fn from(source: &PlanFromCommand) -> Result<(), Stop> {
    match source {
        PlanFromCommand::Curl(arguments) => from_curl(arguments),
        PlanFromCommand::Urls(arguments) => from_urls(arguments),
    }
}

/// Longest command that is read from standard input, in bytes.
const MAX_COMMAND_BYTES: u64 = 4 * 1024 * 1024;

fn from_curl(arguments: &FromCurlArgs) -> Result<(), Stop> {
    let mut command = arguments.command.clone();
    if command == ["-"] {
        let mut text = String::new();
        std::io::stdin()
            .take(MAX_COMMAND_BYTES)
            .read_to_string(&mut text)
            .map_err(|error| Stop::could_not(format!("cannot read standard input: {error}")))?;
        // Blanks around it, so that it is one text whatever is in it.
        command = vec![format!("curl {}", text.trim().strip_prefix("curl ").unwrap_or(text.trim()))];
    }
    answer(
        plan_from::from_command(&command)
            .map_err(|error| Stop::usage(format!("the curl command: {error}")))?,
    );
    Ok(())
}

fn from_urls(arguments: &FromUrlsArgs) -> Result<(), Stop> {
    let name = arguments.file.display();
    let cannot = |error: std::io::Error| Stop::could_not(format!("cannot read {name}: {error}"));
    let input: Box<dyn Read> = if arguments.file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(&arguments.file).map_err(cannot)?)
    };
    let mut failed = None;
    // Logs have bytes of any kind in them.
    let lines = BufReader::new(input).split(b'\n').map_while(|line| match line {
        Ok(line) => Some(String::from_utf8_lossy(&line).into_owned()),
        Err(error) => {
            failed = Some(error);
            None
        }
    });
    let taken = plan_from::from_lines(lines, arguments.url.as_deref());
    if let Some(error) = failed {
        return Err(cannot(error));
    }
    answer(taken.map_err(|error| Stop::usage(format!("{name}: {error}")))?);
    Ok(())
}

/// The plan on standard output, and what it does not have beside it.
fn answer(Taken { plan, remarks }: Taken) {
    say::text(plan);
    for remark in remarks {
        say::aside(remark);
    }
}
