//! The orchestrator's REST, as the commands use it: typed answers, and problems as one line.

use std::path::Path;
use std::time::Duration;

use awc::http::{Method, StatusCode, header};
use driver::bootstrap::{clear_text_warning, http_client, is_clear_text};
use driver::engine::orchestrator_tls;
use orchestrator::model::{DriverView, RateView, TestPage, TestState, TestView};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::exit::{ExitCode, Stop};
use crate::patience::within;
use crate::say;

/// Longest answer read: a report of some hundred drivers is far below.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Timeout of most calls.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A trigger answers when the barrier is decided: `ready_timeout`, and for classic drivers the waits before it.
const TRIGGER_TIMEOUT: Duration = Duration::from_secs(120);

/// The longest time that one trigger waits for the test under way to end.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A running orchestrator. A clone asks the same one.
#[derive(Clone)]
pub struct Client {
    base: String,
    token: Option<String>,
    http: awc::Client,
}

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

impl Client {
    /// A client for an orchestrator's address, `HOST:PORT` or a URL of http or https.
    ///
    /// # Errors
    /// Where the address is invalid, or a file cannot be used.
    pub fn new(address: &str, token_file: Option<&Path>, ca_file: Option<&Path>) -> Result<Self, Stop> {
        let with_scheme =
            if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let url = url::Url::parse(&with_scheme)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some())
            .ok_or_else(|| {
                Stop::usage(format!(
                    "--orchestrator {address}: is neither HOST:PORT nor a URL of http or https"
                ))
            })?;
        let token = token_file
            .map(common::settings::read_secret)
            .transpose()
            .map_err(|error| Stop::could_not(format!("--token-file: {error}")))?
            .map(|secret| secret.expose().to_owned());
        if token.is_some() && is_clear_text(&url) {
            say::aside(format_args!("warning: {}", clear_text_warning(&url)));
        }
        let tls = (url.scheme() == "https").then(|| orchestrator_tls(ca_file)).transpose();
        let tls = tls.map_err(|error| Stop::could_not(error.to_string()))?;
        // No timeout in the client: it would keep running while this process is stopped (see `patience`).
        let http = http_client(tls).disable_timeout().disable_redirects().finish();
        Ok(Self { base: url.as_str().trim_end_matches('/').to_owned(), token, http })
    }

    /// Where it is, as a URL without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Stores a plan as a test.
    ///
    /// # Errors
    /// As every call: unreachable, a problem, or an invalid answer.
    pub async fn create(&self, plan: &serde_json::Value) -> Result<TestView, CallError> {
        self.call(Method::POST, "/api/v1/tests", Some(plan), CALL_TIMEOUT).await
    }

    /// Triggers a test; answers when the barrier is decided. `wait`: how long it waits before that for the test under
    /// way to end, [`LONGEST_WAIT`] at most.
    ///
    /// # Errors
    /// As every call.
    pub async fn trigger(&self, test_id: &str, wait: Duration) -> Result<TestView, CallError> {
        let wait_ms = if wait.is_zero() { String::new() } else { format!("?wait={}ms", wait.as_millis()) };
        let path = format!("/api/v1/tests/{test_id}/trigger{wait_ms}");
        self.call(Method::POST, &path, None, TRIGGER_TIMEOUT + wait).await
    }

    /// Stops a test.
    ///
    /// # Errors
    /// As every call.
    pub async fn stop(&self, test_id: &str) -> Result<serde_json::Value, CallError> {
        self.call(Method::POST, &format!("/api/v1/tests/{test_id}/stop"), None, CALL_TIMEOUT).await
    }

    /// Changes the rate of a running test, as in `500` or `6/m`.
    ///
    /// # Errors
    /// As every call.
    pub async fn change_rate(&self, test_id: &str, rate: &str) -> Result<RateView, CallError> {
        let order = serde_json::json!({ "rate": rate });
        self.call(Method::PATCH, &format!("/api/v1/tests/{test_id}"), Some(&order), CALL_TIMEOUT).await
    }

    /// Removes a test that is finished or was never started.
    ///
    /// # Errors
    /// As every call.
    pub async fn delete(&self, test_id: &str) -> Result<(), CallError> {
        self.call(Method::DELETE, &format!("/api/v1/tests/{test_id}"), None, CALL_TIMEOUT).await
    }

    /// Removes a test that was never started.
    ///
    /// # Errors
    /// As every call.
    pub async fn discard(&self, test_id: &str) -> Result<(), CallError> {
        if self.test(test_id).await?.state != TestState::Configured {
            return Ok(());
        }
        match self.delete(test_id).await {
            // An orchestrator that cannot delete ends it at least.
            Err(CallError::Problem(problem)) if matches!(problem.status, 404 | 405) => {
                self.stop(test_id).await.map(drop)
            }
            deleted => deleted,
        }
    }

    /// A test, live.
    ///
    /// # Errors
    /// As every call.
    pub async fn test(&self, test_id: &str) -> Result<TestView, CallError> {
        self.call(Method::GET, &format!("/api/v1/tests/{test_id}"), None, CALL_TIMEOUT).await
    }

    /// The report of a test, as the orchestrator stored it.
    ///
    /// # Errors
    /// As every call.
    pub async fn report(&self, test_id: &str) -> Result<TestView, CallError> {
        self.call(Method::GET, &format!("/api/v1/tests/{test_id}/report.json"), None, CALL_TIMEOUT).await
    }

    /// The history, newest first; with a text: the tests that have it in their name or id.
    ///
    /// # Errors
    /// As every call.
    pub async fn tests(&self, limit: u32, text: Option<&str>) -> Result<TestPage, CallError> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &limit.to_string());
        if let Some(text) = text {
            query.append_pair("q", text);
        }
        self.call(Method::GET, &format!("/api/v1/tests?{}", query.finish()), None, CALL_TIMEOUT).await
    }

    /// Every node known.
    ///
    /// # Errors
    /// As every call.
    pub async fn drivers(&self) -> Result<Vec<DriverView>, CallError> {
        self.call(Method::GET, "/api/v1/drivers", None, CALL_TIMEOUT).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
        timeout: Duration,
    ) -> Result<T, CallError> {
        let call = self.call_unbounded(method, path, body);
        within(timeout, call).await.unwrap_or(Err(CallError::Silent { after: timeout }))
    }

    async fn call_unbounded<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<T, CallError> {
        let url = format!("{}{path}", self.base);
        let unreachable = |cause: String| CallError::Unreachable { url: self.base.clone(), cause };
        let mut request = self.http.request(method, &url);
        if let Some(token) = &self.token {
            request = request.insert_header((header::AUTHORIZATION, format!("Bearer {token}")));
        }
        let sent = match body {
            Some(body) => request.send_json(body).await,
            None => request.send().await,
        };
        let mut answer = sent.map_err(|error| unreachable(error.to_string()))?;
        let status = answer.status();
        let bytes =
            answer.body().limit(MAX_ANSWER_BYTES).await.map_err(|error| unreachable(error.to_string()))?;
        if !status.is_success() {
            let mut problem: Problem = serde_json::from_slice(&bytes).unwrap_or_default();
            problem.status = status.as_u16();
            if problem.title.is_empty() {
                problem.title = format!("{url} answered {status}");
            }
            if status == StatusCode::UNAUTHORIZED {
                problem.detail = format!("{} wants a token: --token-file FILE", self.base);
            }
            return Err(CallError::Problem(problem));
        }
        let answer: &[u8] = if status == StatusCode::NO_CONTENT { b"null" } else { &bytes };
        serde_json::from_slice(answer)
            .map_err(|error| CallError::Answer { url, what: format!("with invalid JSON: {error}") })
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
