//! How the names of a plan may be spelled: which characters they hold, which words are taken, and what may have been meant
//! by a name that is not there.

use crate::tree::closest;

/// Longest name, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// Words that no request, flow, scenario, group, data set, host or variable may have as its name.
const RESERVED: [&str; 23] = [
    "driver",
    "response",
    "service",
    "lag",
    "held",
    "success",
    "failed",
    "errors",
    "dropped",
    "throughput",
    "session",
    "poll",
    "redirect",
    "other",
    "nothing",
    "setup",
    "teardown",
    "vars",
    "secret",
    "data",
    "shared",
    "env",
    "test",
];

/// Why a name is not known: what may have been meant, and what there is.
pub(super) fn unknown(kind: &str, name: &str, there: &[String]) -> String {
    let words: Vec<&str> = there.iter().map(String::as_str).collect();
    unknown_word(kind, name, &words)
}

/// As [`unknown`], of words.
pub(super) fn unknown_word(kind: &str, name: &str, there: &[&str]) -> String {
    /// Most names that a reason lists.
    const MOST: usize = 20;
    if there.is_empty() {
        return format!("unknown {kind} {name:?}; there is none");
    }
    let listed = there.iter().take(MOST).copied().collect::<Vec<_>>().join(", ");
    let more = if there.len() > MOST { format!(", and {} more", there.len() - MOST) } else { String::new() };
    match closest(name, there.iter().copied()) {
        Some(meant) => format!("unknown {kind} {name:?}; did you mean {meant}? There are {listed}{more}"),
        None => format!("unknown {kind} {name:?}; there are {listed}{more}"),
    }
}

/// Whether a text can be the name of a request, a flow, a scenario, a group, a host or a data set.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    check_letters(name, "letters, digits, _ and -", |b| {
        b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')
    })?;
    if is_reserved(name) { Err("is a reserved word".to_owned()) } else { Ok(()) }
}

/// Whether a text can be the name of a variable, a var, a secret or a column: without `-`, because `from-1` is
/// arithmetic.
pub(super) fn check_plain_name(name: &str) -> Result<(), String> {
    check_letters(name, "letters, digits and _", |b| b.is_ascii_alphanumeric() || b == b'_')?;
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("begins with a digit, and would be read as a number".to_owned());
    }
    Ok(())
}

/// Whether a text can be the name of a variable.
pub(super) fn check_variable(name: &str) -> Result<(), String> {
    check_plain_name(name)?;
    if is_reserved(name) {
        return Err("is a reserved word; choose another name for the variable".to_owned());
    }
    if super::functions::NAMES.contains(&name) {
        return Err("is the name of a function; choose another name for the variable".to_owned());
    }
    Ok(())
}

/// Whether a name is a word of the language.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

fn check_letters(name: &str, which: &str, fits: impl Fn(u8) -> bool) -> Result<(), String> {
    if name.is_empty() {
        return Err("is an empty name".to_owned());
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(format!("is a name longer than {MAX_NAME_BYTES} characters"));
    }
    if !name.bytes().all(fits) {
        return Err(format!("holds a character that is not allowed in this name: {which} are"));
    }
    Ok(())
}
