//! The orchestrator's REST, as the commands use it: typed answers, and problems as one line.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::task::Poll;
use std::time::Duration;

use awc::body::SizedStream;
use awc::error::PayloadError;
use awc::http::{Method, StatusCode, header};
use bytes::Bytes;
use common::plan::files::{FileHash, LocalFiles};
use driver::bootstrap::{clear_text_warning, http_client, is_clear_text};
use driver::engine::orchestrator_tls;
use futures_util::{Stream, StreamExt, stream};
use orchestrator::model::{ComparisonView, DriverView, RateView, TestPage, TestState, TestView, WindowView};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::call_error::{CallError, Problem};
use crate::exit::Stop;
use crate::patience::within;
use crate::say;

/// Longest answer read: a report of some hundred drivers is far below.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Timeout of most calls.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long each piece of a long report may take. Percentiles are written when every second of the test was read: of an
/// hour of 8 drivers with 20 requests each, that is a minute.
const REPORT_TIMEOUT: Duration = Duration::from_secs(300);

/// Data files go at least this fast from disk to the orchestrator's look at them, and to its drivers.
const SLOWEST_BYTES_PER_S: u64 = 4 << 20;

/// Bytes of a data file that are read and sent at once.
const PIECE_BYTES: usize = 256 * 1024;

/// A trigger answers when the barrier is decided: `ready_timeout`, and for classic drivers the waits before it.
const TRIGGER_TIMEOUT: Duration = Duration::from_secs(120);

/// A comparison reads every window of its tests: up to 2 ms a second of each driver.
const COMPARE_TIMEOUT: Duration = Duration::from_secs(600);

/// The longest time that one trigger waits for the test under way to end.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Of the answer to a question for seconds: what is used here.
#[derive(Deserialize)]
struct Seconds {
    windows: Vec<WindowView>,
}

/// A running orchestrator. A clone asks the same one.
#[derive(Clone)]
pub struct Client {
    base: String,
    token: Option<String>,
    http: awc::Client,
    /// How much longer the calls take that make the orchestrator or its drivers read data files.
    files_take: Duration,
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
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            token,
            http,
            files_take: Duration::ZERO,
        })
    }

    /// The same orchestrator, for a plan with so many bytes of data files: reading and fetching them takes its time.
    pub fn patient_for(self, bytes: u64) -> Self {
        Self { files_take: Duration::from_secs(bytes / SLOWEST_BYTES_PER_S), ..self }
    }

    /// Puts the data files of a plan at the orchestrator, where it does not have them yet. Returns how many bytes all of
    /// them have.
    ///
    /// # Errors
    /// As every call; 413 and 507 where the orchestrator does not take a file of this length.
    pub async fn put_files(&self, files: &LocalFiles) -> Result<u64, CallError> {
        let mut bytes = 0;
        for (hash, path) in files {
            bytes += self.put_file(hash, path).await?;
        }
        Ok(bytes)
    }

    async fn put_file(&self, hash: &FileHash, path: &Path) -> Result<u64, CallError> {
        let unread =
            |error: std::io::Error| CallError::File { path: path.to_owned(), cause: error.to_string() };
        let mut file = File::open(path).map_err(unread)?;
        let bytes = file.metadata().map_err(unread)?.len();
        let at = format!("/api/v1/data/{hash}");
        match self.call::<serde_json::Value>(Method::HEAD, &at, None, CALL_TIMEOUT).await {
            Ok(_) => return Ok(bytes),
            Err(CallError::Problem(problem)) if problem.status == 404 => {}
            Err(error) => return Err(error),
        }
        let pieces = stream::poll_fn(move |_| {
            // Nothing else runs on this thread that could not wait for the disk.
            let mut piece = vec![0; PIECE_BYTES];
            Poll::Ready(match file.read(&mut piece) {
                Ok(0) => None,
                Ok(n) => {
                    piece.truncate(n);
                    Some(Ok(Bytes::from(piece)))
                }
                Err(error) => Some(Err(error)),
            })
        });
        let request = self.request(Method::PUT, &format!("{}{at}", self.base));
        let sent = request
            .content_type("application/octet-stream")
            .send_body(SizedStream::new(bytes, pieces))
            .await
            // It answers before the end, and closes, where it does not take the file.
            .map_err(|error| CallError::NotTaken { path: path.to_owned(), cause: error.to_string() });
        self.answer::<serde_json::Value>(&at, sent?).await.map(|_| bytes)
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
        self.call(Method::POST, "/api/v1/tests", Some(plan), CALL_TIMEOUT + self.files_take).await
    }

    /// Triggers a test; answers when the barrier is decided. `wait`: how long it waits before that for the test under
    /// way to end, [`LONGEST_WAIT`] at most.
    ///
    /// # Errors
    /// As every call.
    pub async fn trigger(&self, test_id: &str, wait: Duration) -> Result<TestView, CallError> {
        let wait_ms = if wait.is_zero() { String::new() } else { format!("?wait={}ms", wait.as_millis()) };
        let path = format!("/api/v1/tests/{test_id}/trigger{wait_ms}");
        self.call(Method::POST, &path, None, TRIGGER_TIMEOUT + self.files_take + wait).await
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

    /// How the tests `b` differ from the tests `a`.
    ///
    /// # Errors
    /// As every call; 422 where they cannot be compared.
    pub async fn compare(&self, a: &[String], b: &[String]) -> Result<ComparisonView, CallError> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("a", &a.join(",")).append_pair("b", &b.join(","));
        self.call(Method::GET, &format!("/api/v1/compare?{}", query.finish()), None, COMPARE_TIMEOUT).await
    }

    /// A report of a test in a form that is too long for memory, piece by piece. `form`: the end of its path, with a query.
    ///
    /// # Errors
    /// As every call; and where `take` cannot keep a piece.
    pub async fn download(
        &self,
        test_id: &str,
        form: &str,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), CallError> {
        let path = format!("/api/v1/tests/{test_id}/report.{form}");
        let url = format!("{}{path}", self.base);
        let silent = |after| CallError::Silent { after };
        let sent = within(REPORT_TIMEOUT, self.request(Method::GET, &url).send()).await;
        let mut answer =
            sent.ok_or(silent(REPORT_TIMEOUT))?.map_err(|error| self.unreachable(error.to_string()))?;
        if !answer.status().is_success() {
            return self.answer::<serde_json::Value>(&path, answer).await.map(drop);
        }
        loop {
            let piece = within(REPORT_TIMEOUT, answer.next()).await.ok_or(silent(REPORT_TIMEOUT))?;
            let Some(piece) = piece else { return Ok(()) };
            let broken = |error: PayloadError| CallError::Answer {
                url: url.clone(),
                what: format!("with a report that broke off: {error}"),
            };
            take(&piece.map_err(broken)?).map_err(|cause| CallError::NotKept { cause })?;
        }
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

    /// The seconds of a test's fleet from this one on, at most an hour of them.
    ///
    /// # Errors
    /// As every call.
    pub async fn windows(&self, test_id: &str, from: u64) -> Result<Vec<WindowView>, CallError> {
        let path = format!("/api/v1/tests/{test_id}/windows?from={from}");
        let page: Seconds = self.call(Method::GET, &path, None, CALL_TIMEOUT).await?;
        Ok(page.windows)
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
        let is_head = method == Method::HEAD;
        let request = self.request(method, &format!("{}{path}", self.base));
        let sent = match body {
            Some(body) => request.send_json(body).await,
            None => request.send().await,
        };
        let answer = sent.map_err(|error| self.unreachable(error.to_string()))?;
        if is_head && answer.status().is_success() {
            // It announces a body, and has none.
            return serde_json::from_slice(b"null").map_err(|error| self.invalid(path, &error));
        }
        self.answer(path, answer).await
    }

    fn unreachable(&self, cause: String) -> CallError {
        CallError::Unreachable { url: self.base.clone(), cause }
    }

    fn invalid(&self, path: &str, error: &serde_json::Error) -> CallError {
        CallError::Answer { url: format!("{}{path}", self.base), what: format!("with invalid JSON: {error}") }
    }

    fn request(&self, method: Method, url: &str) -> awc::ClientRequest {
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.insert_header((header::AUTHORIZATION, format!("Bearer {token}"))),
            None => request,
        }
    }

    /// Reads an answer: a value, or a problem.
    async fn answer<T: DeserializeOwned>(
        &self,
        path: &str,
        mut answer: awc::ClientResponse<impl Stream<Item = Result<Bytes, PayloadError>> + Unpin>,
    ) -> Result<T, CallError> {
        let url = format!("{}{path}", self.base);
        let status = answer.status();
        let bytes = answer
            .body()
            .limit(MAX_ANSWER_BYTES)
            .await
            .map_err(|error| self.unreachable(error.to_string()))?;
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
        serde_json::from_slice(answer).map_err(|error| self.invalid(path, &error))
    }
}
