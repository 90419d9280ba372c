//! Where a plan comes from: `run`'s first argument is a file, a URL, or `-` for standard input.

use std::io::Read;
use std::path::Path;

use common::plan::{MAX_PLAN_BYTES, PlanFormat};

use crate::exit::Stop;

/// What standard input is called in faults.
const STANDARD_INPUT: &str = "standard input";

/// What the first argument of `run` stands for.
#[derive(Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// Nothing is given: the flags make the plan.
    Flags,
    /// A URL to send to; the flags make the rest of the plan.
    Url(&'a str),
    /// A plan on standard input.
    StandardInput,
    /// A plan in a file.
    File(&'a Path),
}

/// A plan's text, not read yet.
#[derive(Debug)]
pub struct Text<'a> {
    /// What it is called in faults.
    pub name: String,
    /// To what its paths are relative.
    pub folder: &'a Path,
    pub text: String,
    /// What it is written in.
    pub format: PlanFormat,
}

impl<'a> Source<'a> {
    /// Whatever holds `://` is a URL, `-` is standard input, all else a file.
    pub fn of(argument: Option<&'a Path>) -> Self {
        let Some(path) = argument else { return Self::Flags };
        match path.to_str() {
            Some("-") => Self::StandardInput,
            Some(text) if text.contains("://") => Self::Url(text),
            _ => Self::File(path),
        }
    }

    /// The plan's text, where there is one.
    ///
    /// # Errors
    /// Where it cannot be read, or standard input is empty.
    pub fn text(&self) -> Result<Option<Text<'a>>, Stop> {
        match *self {
            Self::Flags | Self::Url(_) => Ok(None),
            Self::StandardInput => {
                let text = read(std::io::stdin().lock())
                    .map_err(|error| Stop::could_not(format!("{STANDARD_INPUT}: {error}")))?;
                if text.trim().is_empty() {
                    return Err(Stop::usage(format!(
                        "{STANDARD_INPUT} is empty, and with - the plan is read from it; as in: groundswell run - < PLAN"
                    )));
                }
                let format = PlanFormat::of_text(&text);
                Ok(Some(Text { name: STANDARD_INPUT.to_owned(), folder: Path::new("."), text, format }))
            }
            Self::File(path) => {
                let text = read_file(path).map_err(|stop| beside_a_url(stop, path))?;
                let format = PlanFormat::of_file(path, &text);
                Ok(Some(Text { name: path.display().to_string(), folder: folder(path), text, format }))
            }
        }
    }
}

/// Reads a little more than a plan may have, so that a longer one is refused and an endless one ends.
fn read(from: impl Read) -> std::io::Result<String> {
    let mut text = String::new();
    from.take(MAX_PLAN_BYTES as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

/// Reads a file that people named on the command line.
///
/// # Errors
/// Where it cannot be read.
pub fn read_file(path: &Path) -> Result<String, Stop> {
    std::fs::read_to_string(path).map_err(|error| Stop::could_not(format!("{}: {error}", path.display())))
}

/// What curl takes for a URL, `localhost:8081/ping`, is the name of a file here: says so where no file has that name.
fn beside_a_url(stop: Stop, path: &Path) -> Stop {
    let text = path.to_string_lossy();
    let is_plan = [".toml", ".json"].iter().any(|end| text.ends_with(end));
    if path.exists() || is_plan {
        return stop;
    }
    Stop { message: format!("{}; a URL begins with http:// or https://", stop.message), code: stop.code }
}

/// The folder that a file stands in.
pub fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_a_url_standard_input_or_a_file() {
        let of = |text: &'static str| Source::of(Some(Path::new(text)));
        assert_eq!(of("https://shop.test/a"), Source::Url("https://shop.test/a"));
        assert_eq!(of("ftp://shop.test/a"), Source::Url("ftp://shop.test/a"), "refused later, as a URL");
        assert_eq!(of("-"), Source::StandardInput);
        assert_eq!(of("plans/a.toml"), Source::File(Path::new("plans/a.toml")));
        assert_eq!(of("localhost:80"), Source::File(Path::new("localhost:80")));
        assert_eq!(Source::of(None), Source::Flags);
    }

    #[test]
    fn a_url_without_its_scheme_is_recognised_where_no_file_has_that_name() {
        let message = |path: &'static str| Source::File(Path::new(path)).text().unwrap_err().message;
        assert!(message("localhost:8081/ping").ends_with("; a URL begins with http:// or https://"));
        assert!(!message("missing/plan.toml").contains("http://"));
    }
}
