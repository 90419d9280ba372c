//! Habits of the trade: what a command line leaves out because oha, hey, wrk, curl and their kin know what is meant.

use common::plan::{PlanTree, basic_authorization};
use serde_json::{Value, json};

use crate::exit::Stop;

/// Connections of a closed loop for which no number is given.
const CONNECTIONS: u64 = 64;

/// How long a test takes for which neither a duration nor a number of requests is given.
const DURATION: &str = "10s";

/// Completes a plan that flags alone make. With neither rate nor mode it is a closed loop; without an end it ends after
/// ten seconds.
pub fn complete(tree: &mut PlanTree) {
    let has = |key: &str| tree.get(&["load", key]).is_some();
    let has_end = has("requests") || has("duration");
    // A --max-in-flight alone means an open loop, whose rate is then missing; a ceiling alone is a rate.
    let is_open = ["mode", "rate", "delay"].into_iter().any(has)
        || !has("connections") && (has("target_throughput") || has("max_in_flight"));
    if !is_open {
        let connections = tree.get(&["load", "connections"]).cloned();
        tree.set(&["load", "mode"], "avalanche"); // takes the connections with it
        if let Some(connections) = connections {
            tree.set(&["load", "connections"], connections);
        }
    }
    complete_connections(tree);
    if !has_end {
        tree.set(&["load", "duration"], DURATION);
    }
}

/// Gives a closed loop its connections, where their number is not given: as many as usual, but not more than there are
/// requests, and one for each driver that shares them.
pub fn complete_connections(tree: &mut PlanTree) {
    let closed = tree.get(&["load", "mode"]) == Some(&json!("avalanche"));
    if !closed || tree.get(&["load", "connections"]).is_some() {
        return;
    }
    let number = |path: &[&str]| tree.get(path).and_then(Value::as_u64);
    let is_shared = tree.get(&["per"]) == Some(&json!("fleet"));
    let sharing = number(&["drivers"]).filter(|_| is_shared).unwrap_or(1);
    let requests = number(&["load", "requests"]).unwrap_or(CONNECTIONS).max(1);
    let connections = CONNECTIONS.max(sharing).min(requests.max(sharing));
    tree.set(&["load", "connections"], connections);
}

/// A time from the command line: a bare number is seconds.
pub fn seconds(text: &str) -> String {
    let is_bare = text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_bare { format!("{text}s") } else { text.to_owned() }
}

/// The file that `--body @FILE` names; `None` where the text is the body itself.
///
/// # Errors
/// Where no name stands after the `@`.
pub fn body_file(text: &str) -> Result<Option<&str>, Stop> {
    match text.strip_prefix('@') {
        Some("") => Err(Stop::usage("--body @: names no file, as --body @order.json does")),
        file => Ok(file),
    }
}

/// The value of `authorization` for `-u`.
///
/// # Errors
/// Where the text has no colon. It may be a secret, so the error does not show it.
pub fn authorization(user: &str) -> Result<String, Stop> {
    if !user.contains(':') {
        let reason =
            "expected USER:PASSWORD, with a colon between them (virtual users, -u in k6, are -c here)";
        return Err(Stop::usage(format!("--user: {reason}")));
    }
    Ok(basic_authorization(user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_number_is_seconds() {
        for (text, expected) in [
            ("5", "5s"),
            ("1.5", "1.5s"),
            ("250ms", "250ms"),
            ("1m", "1m"),
            (".", "."),
            ("", ""),
            ("soon", "soon"),
        ] {
            assert_eq!(seconds(text), expected);
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(authorization("Aladdin:open sesame").unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!authorization("hunter2").unwrap_err().message.contains("hunter2"));
    }
}
