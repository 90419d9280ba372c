//! `extract.VAR`: what is kept of an answer.

use std::cmp::Ordering;

use super::names::{DEFAULT_MAX, HIGHEST_MAX, MAX_VARIABLES, Names};
use super::template;
use crate::plan::Fault;
use crate::plan::headers::is_token;
use crate::plan::json_path::JsonPath;
use crate::plan::program::{Extract, Pick, Source};
use crate::plan::units::parse_size;
use crate::tree::{Kind, Node, Table, parse};

/// The keys that say where a value is.
const SOURCES: [&str; 7] = ["json", "header", "cookie", "location", "input", "form", "status"];
/// Longest regex, in bytes.
const MAX_REGEX_BYTES: usize = 4 * 1024;
/// Largest compiled regex, in bytes.
const MAX_COMPILED_BYTES: usize = 1024 * 1024;
/// Most different regexes of a plan: each check of the plan compiles all of them, and each driver keeps them.
const MAX_REGEXES: usize = 128;

/// Reads the table `extract` of a request.
pub(super) fn read(extract: &mut Table, names: &Names) -> Vec<Extract> {
    let mut extracts = Vec::new();
    let written = extract.names();
    // Too many variables are a fault already, and each look-up of a name is linear.
    if written.len() > MAX_VARIABLES {
        extract.take_all();
        return extracts;
    }
    for name in written {
        if !matches!(extract.kind_of(&name), Some(Kind::Table(_)))
            && let Some(node) = extract.take(&name)
        {
            let reason = format!("expected where the value is, as in {name} = {{ json = \"$.id\" }}");
            extract.fault_at(&name, &node, reason);
            continue;
        }
        let read = extract.table(&name, |table| one(table, names));
        // A name that is not a variable was reported when it was noted.
        if let (Some(read), Some(variable)) = (read, names.find_variable(&name)) {
            extracts.push(Extract { variable, ..read });
        }
    }
    extracts
}

/// One extract, for the variable 0.
fn one(table: &mut Table, names: &Names) -> Option<Extract> {
    let given: Vec<&str> = SOURCES.iter().copied().filter(|key| table.has(key)).collect();
    if let [first, second, ..] = given.as_slice() {
        let reason = format!("{first} and {second} both say where the value is; leave one out");
        table.contradiction(second, table.shown(second), reason);
    }
    let regex = table.get("regex", |node| regex_with_group(node, names));
    if given.is_empty() && !table.is_faulty("regex") && regex.is_none() {
        let reason = format!("does not say where the value is: one of {}, regex", SOURCES.join(", "));
        table.fault(Fault::value(table.path(), "", reason), None);
    }
    let header = |node: &Node| {
        let name = parse::word(node)?.to_ascii_lowercase();
        if is_token(&name) { Ok(name) } else { Err("is not a valid HTTP header name".to_owned()) }
    };
    let form = |node: &Node| match &node.kind {
        Kind::Integer(index @ 0..=999) => Ok(index.to_string()),
        Kind::Text(_) => parse::word(node),
        _ => Err("expected the form's id or name, or its position from 0".to_owned()),
    };
    let status = |node: &Node| match node.kind {
        Kind::Bool(true) => Ok(Source::Status),
        _ => Err("expected true".to_owned()),
    };
    // All are taken, so that each is a known key and is checked.
    let sources = [
        table.get("json", json_path).map(Source::Json),
        table.get("header", header).map(Source::Header),
        table.get("cookie", parse::word).map(Source::Cookie),
        table.get("location", parse::text).map(Source::Location),
        table.get("input", parse::word).map(Source::Input),
        table.get("form", form).map(Source::Form),
        table.get("status", status),
    ];
    let source = sources.into_iter().flatten().next().or_else(|| regex.as_ref().map(|_| Source::Regex));
    let is_form = given.contains(&"form");
    if is_form && regex.is_some() {
        let reason = "a form is kept as a whole, for submit; a regex narrows the other sources";
        table.contradiction("regex", format!("{:?}", regex.as_deref().unwrap_or_default()), reason);
    }
    let default_max = if is_form { HIGHEST_MAX } else { DEFAULT_MAX };
    let max = table.get("max", size).unwrap_or(default_max);
    let pick = table.get("pick", pick).unwrap_or(Pick::First);
    let default = table.get("default", |node| {
        let text = template::plain_text(node)?;
        if text.len() > max {
            return Err(format!("is {} bytes long, and max is {max}B", text.len()));
        }
        Ok(text)
    });
    // Kept with the variable, when it was noted.
    table.get("secret", parse::boolean);
    Some(Extract { variable: 0, source: source?, regex, pick, default, max })
}

/// Reads a JSON path, and keeps it as it was written.
pub(super) fn json_path(node: &Node) -> Result<String, String> {
    let text = parse::word(node)?;
    JsonPath::parse(&text).map(|_| text)
}

/// Reads a regex; returns it with the number of its groups.
pub(super) fn regex(node: &Node, names: &Names) -> Result<(String, usize), String> {
    let text = parse::text(node)?;
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    if text.len() > MAX_REGEX_BYTES {
        return Err(format!("is {} bytes long, and a regex is at most {MAX_REGEX_BYTES}", text.len()));
    }
    let mut known = names.regexes.borrow_mut();
    let n_known = known.len();
    let groups = known.entry(text.clone()).or_insert_with(|| match n_known.cmp(&MAX_REGEXES) {
        Ordering::Less => compiled_groups(&text),
        Ordering::Equal => {
            Err(format!("is one regex too many: a plan has at most {MAX_REGEXES} different ones"))
        }
        // One fault says it.
        Ordering::Greater => Ok(1),
    });
    groups.clone().map(|groups| (text, groups))
}

/// Compiles a regex; returns how many groups it has.
fn compiled_groups(text: &str) -> Result<usize, String> {
    let compiled = regex::bytes::RegexBuilder::new(text).size_limit(MAX_COMPILED_BYTES).build();
    match compiled {
        Ok(compiled) => Ok(compiled.captures_len() - 1),
        Err(regex::Error::CompiledTooBig(_)) => {
            Err(format!("is a regex that needs more than {MAX_COMPILED_BYTES} bytes; make it smaller"))
        }
        Err(error) => {
            // The library draws a picture over several lines, and explains in the last.
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            Err(format!("is not a valid regex: {}", last.trim_start_matches("error: ")))
        }
    }
}

fn regex_with_group(node: &Node, names: &Names) -> Result<String, String> {
    match regex(node, names)? {
        (_, 0) => Err("has no group; the value is what stands in the first (…)".to_owned()),
        (text, _) => Ok(text),
    }
}

fn size(node: &Node) -> Result<usize, String> {
    let bytes = match &node.kind {
        Kind::Text(text) => parse_size(text)?,
        Kind::Integer(_) => return Err(format!("expected a text with a unit, as in \"{node}B\"")),
        kind => return Err(format!("expected a size with a unit, as in \"256B\", found {}", kind.name())),
    };
    if (1..=HIGHEST_MAX).contains(&bytes) { Ok(bytes) } else { Err("must be from 1B to 4KiB".to_owned()) }
}

fn pick(node: &Node) -> Result<Pick, String> {
    let expected = "expected \"first\", \"last\", \"random\", or the position from 0";
    match &node.kind {
        Kind::Integer(_) => parse::integer(0..=9_999_u32)(node).map(Pick::Nth),
        Kind::Text(_) => {
            let words = [("first", Pick::First), ("last", Pick::Last), ("random", Pick::Random)];
            parse::one_of(&words)(node).map_err(|reason| format!("{reason}; or the position from 0"))
        }
        _ => Err(expected.to_owned()),
    }
}
