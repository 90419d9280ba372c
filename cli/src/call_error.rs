//! Why a call of the orchestrator failed, as one line or as a line a reason.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::exit::{ExitCode, Stop};

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No answer at all.
    #[error("no orchestrator at {url}: {cause}")]
    Unreachable {
        /// Where it was looked for.
        url: String,
        cause: String,
    },
    /// It was reached and did not answer in time.
    #[error("the orchestrator did not answer within {after:?}")]
    Silent {
        /// How long it was waited for.
        after: Duration,
    },
    /// It answered with a problem.
    #[error("{0}")]
    Problem(Problem),
    /// A data file of the plan cannot be read.
    #[error("{}: cannot be read: {cause}", path.display())]
    File { path: PathBuf, cause: String },
    /// It closed the connection before a data file was sent.
    #[error(
        "{}: the orchestrator did not take the file ({cause}); it takes files up to [data] max_file_bytes, and up to max_bytes \
         in all",
        path.display()
    )]
    NotTaken { path: PathBuf, cause: String },
    /// What it sent cannot be kept here.
    #[error("{cause}")]
    NotKept { cause: std::io::Error },
    /// Its answer is not of the expected form.
    #[error("{url} answered {what}")]
    Answer { url: String, what: String },
}

impl CallError {
    /// Whether a retry may succeed.
    pub fn may_heal(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Silent { .. })
    }
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Self {
        let code = match &error {
            CallError::Problem(problem) if matches!(problem.status, 400 | 422) => ExitCode::Usage,
            _ => ExitCode::CouldNot,
        };
        Self { message: error.to_string(), code }
    }
}

/// `application/problem+json`, as the orchestrator writes it.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Problem {
    #[serde(default)]
    pub status: u16,
    /// What kind of problem.
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub detail: String,
    /// Each fault of a plan, or each driver that is in the way.
    #[serde(default)]
    pub errors: Vec<serde_json::Value>,
    /// The test that is under way, where that is the problem.
    #[serde(default)]
    pub under_way: Option<String>,
}

impl Problem {
    /// Each reason once, with all keys or drivers that it is given for.
    fn by_reason(&self) -> Vec<(Vec<String>, String)> {
        let mut reasons: Vec<(Vec<String>, String)> = Vec::new();
        for error in &self.errors {
            let text = |key: &str| error.get(key).and_then(|value| value.as_str()).unwrap_or("");
            let (path, value, node) = (text("path"), text("value"), text("node_id"));
            let who = match (path, value) {
                ("", _) => node.to_owned(),
                (path, "") => path.to_owned(),
                (path, value) => format!("{path} = {value}"),
            };
            if who.is_empty() {
                continue;
            }
            // A driver begins its reason with its own name, for logs and reports.
            let reason = text("reason");
            let reason = reason.strip_prefix(&format!("{node}: ")).unwrap_or(reason);
            match reasons.iter_mut().find(|(_, known)| known == reason) {
                Some((same, _)) => same.push(who),
                None => reasons.push((vec![who], reason.to_owned())),
            }
        }
        reasons
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let said = if self.detail.is_empty() { &self.title } else { &self.detail };
        write!(f, "{said}")?;
        for (who, reason) in self.by_reason() {
            write!(f, "\n  {}: {reason}", who.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(problem: serde_json::Value, expected: &str) {
        let problem: Problem = serde_json::from_value(problem).unwrap();
        assert_eq!(problem.to_string(), expected);
    }

    #[test]
    fn what_several_drivers_say_alike_is_one_line() {
        let refused =
            |node: &str, reason: &str| json!({ "node_id": node, "reason": format!("{node}: {reason}") });
        let problem = json!({
            "title": "conflict", "detail": "3 drivers refuse",
            "errors": [refused("a", "no room"), refused("b", "not allowed"), refused("c", "no room")],
        });
        check(problem, "3 drivers refuse\n  a, c: no room\n  b: not allowed");
    }

    #[test]
    fn faults_of_a_plan_name_key_and_value() {
        let problem = json!({
            "title": "bad", "errors": [
                { "path": "load.rate", "value": "-7", "reason": "is below 0" },
                { "path": "load.duration", "reason": "is missing" },
            ],
        });
        check(problem, "bad\n  load.rate = -7: is below 0\n  load.duration: is missing");
    }
}
