//! What went wrong, as RFC 9457 says it. The one place where errors of the domain become statuses of HTTP.

use std::collections::BTreeMap;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use common::plan::{Fault, FaultKind, MASK, is_secret_header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::actors::Gone;
use crate::actors::events::NotSubscribed;
use crate::data_files::DataError;
use crate::refusal::CommandError;
use crate::store::StoreError;

/// The media type of every error.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// What went wrong (RFC 9457).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status and the title say what kind it is.
    #[serde(rename = "type")]
    pub kind: ProblemType,
    /// The status in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong here, a sentence for people.
    pub detail: String,
    /// Each key or parameter that is wrong; left out where none is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<KeyProblem>,
    /// For each driver that cannot take part, the reason, by node id; left out where no driver is the cause.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub drivers: BTreeMap<String, String>,
    /// The test that is under way, where the call has to wait for its end; else left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under_way: Option<String>,
    #[serde(skip)]
    headers: Vec<(&'static str, String)>,
}

/// What kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub enum ProblemType {
    /// The kind is that of the status.
    #[serde(rename = "about:blank")]
    Blank,
}

/// One key or parameter that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct KeyProblem {
    /// The key as a path, as in `load.delay`, or the parameter's name; empty for the whole body.
    pub path: String,
    /// The same as a JSON pointer (RFC 6901); empty for a parameter or the whole body.
    pub pointer: String,
    /// The value as given, shortened; secrets are masked.
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
}

impl KeyProblem {
    /// Of a parameter of the query.
    pub fn of_parameter(name: &str, value: &str, reason: impl Into<String>) -> Self {
        let shortened = |text: &str| text.chars().take(80).collect();
        Self { path: shortened(name), pointer: String::new(), value: shortened(value), reason: reason.into() }
    }
}

impl KeyProblem {
    /// Of a key of the body, which has no keys below it; an empty key is the whole body.
    pub fn of_body(key: &str, value: &str, reason: impl Into<String>) -> Self {
        let Self { path, value, reason, .. } = Self::of_parameter(key, value, reason);
        Self { pointer: pointer(&path), path, value, reason }
    }
}

impl Problem {
    /// A problem with a status and a sentence.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: ProblemType::Blank,
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            drivers: BTreeMap::new(),
            under_way: None,
            headers: Vec::new(),
        }
    }

    /// 400, for the request as a whole.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 404
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 503: to be tried again.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail).with_header("retry-after", "2")
    }

    /// 503, where an actor that has to answer has stopped.
    pub fn stopped(error: &dyn fmt::Display) -> Self {
        log::error!(error:%; "actor did not answer a request");
        Self::unavailable("the orchestrator is shutting down or overloaded: try again in a few seconds")
    }

    /// 500; the cause goes to the log alone.
    pub fn internal(cause: &dyn fmt::Display) -> Self {
        log::error!(error:% = cause; "request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "something of ours failed; the orchestrator's log says what",
        )
    }

    /// A parameter of the query that is wrong.
    pub fn parameter(status: StatusCode, name: &str, value: &str, reason: impl Into<String>) -> Self {
        Self::parameters(status, vec![KeyProblem::of_parameter(name, value, reason)])
    }

    /// Parameters of the query that are wrong, at least one.
    pub fn parameters(status: StatusCode, errors: Vec<KeyProblem>) -> Self {
        let all: Vec<String> =
            errors.iter().map(|error| format!("{}: {}", error.path, error.reason)).collect();
        let detail = match all.len() {
            1 => all.join(""),
            n => format!("{n} parameters are wrong: {}", all.join("; ")),
        };
        Self { errors, ..Self::new(status, detail) }
    }

    /// Faults of a plan: 422 where keys contradict each other and each is right by itself, else 400.
    pub fn faults(faults: &[Fault]) -> Self {
        let by_value = faults.iter().any(|fault| fault.kind == FaultKind::Value);
        let status = if by_value { StatusCode::BAD_REQUEST } else { StatusCode::UNPROCESSABLE_ENTITY };
        let detail = match faults {
            [one] => format!("the plan has a fault: {}", shown(one)),
            all => format!("the plan has {} faults", all.len()),
        };
        Self { errors: faults.iter().map(key_problem).collect(), ..Self::new(status, detail) }
    }

    /// Adds a header field to the answer.
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The answer.
    pub fn response(&self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CONTENT_TYPE, PROBLEM_JSON));
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.insert_header((HeaderName::from_static(name), value));
            }
        }
        response.body(serde_json::to_string(self).unwrap_or_default())
    }
}

impl From<DataError> for Problem {
    fn from(error: DataError) -> Self {
        match &error {
            DataError::TooLong(_) => Self::new(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()),
            DataError::Full { .. } => Self::new(StatusCode::INSUFFICIENT_STORAGE, error.to_string()),
            DataError::OtherContent { .. } => Self::bad_request(error.to_string()),
            DataError::Io(cause) => Self::internal(cause),
        }
    }
}

/// The fault with its secret masked, even if its author did not mask it.
fn key_problem(fault: &Fault) -> KeyProblem {
    let secret = fault.path.strip_prefix("request.headers.").is_some_and(is_secret_header);
    KeyProblem {
        path: fault.path.clone(),
        pointer: pointer(&fault.path),
        value: if secret && !fault.value.is_empty() { MASK.to_owned() } else { fault.value.clone() },
        reason: fault.reason.clone(),
    }
}

fn shown(fault: &Fault) -> String {
    let KeyProblem { path, value, reason, .. } = key_problem(fault);
    Fault { path, value, reason, kind: fault.kind }.to_string()
}

/// `request.expect_status[1]` as `/request/expect_status/1`. The names of headers and thresholds may hold dots.
fn pointer(path: &str) -> String {
    if path.is_empty() {
        return String::new();
    }
    let escape = |key: &str| key.replace('~', "~0").replace('/', "~1");
    for prefix in ["request.headers.", "thresholds."] {
        if let Some(name) = path.strip_prefix(prefix) {
            let name = name.trim_matches('"');
            return format!("/{}/{}", prefix.trim_end_matches('.').replace('.', "/"), escape(name));
        }
    }
    let of_keys = |path: &str| {
        let keys = path.replace('[', ".").replace(']', "");
        keys.split('.').fold(String::new(), |pointer, key| format!("{pointer}/{}", escape(key)))
    };
    // `requests.home.check.json.$.items[0].id`: what stands behind these tables is one key, dots and all.
    for table in [".headers.", ".query.", ".form.", ".check.header.", ".check.json."] {
        let Some((before, key)) =
            path.split_once(table).filter(|(before, _)| before.starts_with("requests."))
        else {
            continue;
        };
        // A header of several values has the position of one behind its name; a path into JSON has positions itself.
        let position = key.rsplit_once('[').filter(|_| table != ".check.json.");
        let (key, rest) = position.map_or((key, ""), |(key, position)| (key, position.trim_end_matches(']')));
        let rest = if rest.is_empty() { String::new() } else { format!("/{rest}") };
        let tables = of_keys(&format!("{before}{}", table.trim_end_matches('.')));
        return format!("{tables}/{}{rest}", escape(key.trim_matches('"')));
    }
    of_keys(path)
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::NoSuchTest(_) => Self::not_found(error.to_string()),
            CommandError::Conflict(detail) => Self::new(StatusCode::CONFLICT, detail),
            CommandError::UnderWay { ref test_id, .. } => {
                let under_way = Some(test_id.to_string());
                Self { under_way, ..Self::new(StatusCode::CONFLICT, error.to_string()) }
            }
            CommandError::Drivers { summary, blockers } => {
                let drivers = blockers.into_iter().map(|(node, why)| (node, why.to_string())).collect();
                Self { drivers, ..Self::new(StatusCode::CONFLICT, summary) }
            }
            CommandError::Plan(faults) => Self::faults(&faults),
            CommandError::NotReady(_) | CommandError::NotStored(_) | CommandError::NotPublished(_) => {
                Self::unavailable(error.to_string())
            }
            CommandError::Stopped => Self::stopped(&error),
            CommandError::Internal(cause) => Self::internal(&cause),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stopped => Self::stopped(&error),
            StoreError::Deleted => Self::not_found(error.to_string()),
            StoreError::Sqlite { .. } | StoreError::Row { .. } => Self::internal(&error),
        }
    }
}

impl From<Gone> for Problem {
    fn from(gone: Gone) -> Self {
        Self::stopped(&gone)
    }
}

impl From<NotSubscribed> for Problem {
    fn from(error: NotSubscribed) -> Self {
        match error {
            NotSubscribed::TooMany(full) => Self::unavailable(full.to_string()),
            NotSubscribed::Gone(gone) => gone.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.status, self.title, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_pointer() {
        for (path, expected) in [
            ("", ""),
            ("load.delay", "/load/delay"),
            ("request.expect_status[1]", "/request/expect_status/1"),
            ("request.headers.x~a", "/request/headers/x~0a"),
            ("thresholds.response.p99.9", "/thresholds/response.p99.9"),
            ("requests.home.path", "/requests/home/path"),
            ("requests.home.multipart[1].name", "/requests/home/multipart/1/name"),
            ("requests.home.headers.x.y[1]", "/requests/home/headers/x.y/1"),
            ("requests.home.headers.\"a b\"", "/requests/home/headers/a b"),
            ("requests.home.query.filter.a", "/requests/home/query/filter.a"),
            ("requests.home.check.json.$.items[0].a/b", "/requests/home/check/json/$.items[0].a~1b"),
        ] {
            assert_eq!(pointer(path), expected);
        }
    }

    #[test]
    fn a_secret_in_a_fault_is_masked() {
        let problem = Problem::faults(&[Fault::value(
            "request.headers.Authorization",
            "Bearer s3cret\n",
            "holds a line break",
        )]);
        let text = serde_json::to_string(&problem).unwrap();
        assert!(text.contains("***") && !text.contains("s3cret"), "{text}");
    }

    #[test]
    fn contradictions_alone_are_422() {
        let (value, contradiction) = (Fault::value("a", 1, "x"), Fault::contradiction("b", 2, "y"));
        assert_eq!(Problem::faults(std::slice::from_ref(&contradiction)).status, 422);
        assert_eq!(Problem::faults(&[contradiction, value]).status, 400);
    }

    #[test]
    fn errors_that_a_retry_may_solve_have_retry_after() {
        let problem = Problem::from(CommandError::NotPublished("not within 10s".to_owned()));
        assert_eq!((problem.status, problem.detail.as_str()), (503, "kafka did not take it: not within 10s"));
        assert!(problem.response().headers().contains_key("retry-after"));
    }

    #[test]
    fn an_actor_that_has_stopped_is_to_be_asked_again() {
        for problem in [
            Problem::from(CommandError::Stopped),
            Problem::from(StoreError::Stopped),
            Problem::from(NotSubscribed::Gone(Gone)),
        ] {
            assert_eq!(problem.status, 503, "{problem}");
            assert!(problem.detail.contains("shutting down"), "{problem}");
        }
    }

    #[test]
    fn the_cause_of_an_internal_error_is_not_shown() {
        let problem = Problem::from(CommandError::Internal("/var/lib/x: disk I/O error".to_owned()));
        assert_eq!(problem.status, 500);
        assert!(!problem.detail.contains("/var"), "{problem}");
    }
}
