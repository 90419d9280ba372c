//! REST from outside: blocking calls, JSON answers, statuses as they are.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

/// Calls of one node.
#[derive(Clone)]
pub struct Rest {
    /// `http://host:port`.
    pub base: String,
    token: Option<String>,
    agent: ureq::Agent,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// The content type, without parameters.
    pub content_type: String,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text))
    }
}

impl Rest {
    /// Calls of the node at `host:port`.
    pub fn new(address: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Self { base: format!("http://{address}"), token: None, agent: config.into() }
    }

    /// The same, with a bearer token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    fn authorization(&self) -> String {
        self.token.as_ref().map_or_else(String::new, |token| format!("Bearer {token}"))
    }

    fn answer(&self, what: &str, response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
        let mut response = response.unwrap_or_else(|error| panic!("{what} {}: {error}", self.base));
        let header =
            response.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("");
        let content_type = header.split(';').next().unwrap_or("").trim().to_owned();
        Answer {
            status: response.status().as_u16(),
            content_type,
            text: response.body_mut().read_to_string().unwrap_or_default(),
        }
    }

    /// PATCH of JSON.
    #[track_caller]
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        let mut request = self.agent.patch(format!("{}{path}", self.base));
        if self.token.is_some() {
            request = request.header("authorization", self.authorization());
        }
        let request = request.header("content-type", "application/json");
        self.answer(path, request.send(body.to_string()))
    }

    /// GET, with an Accept header where given.
    #[track_caller]
    pub fn get_as(&self, path: &str, accept: Option<&str>) -> Answer {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if self.token.is_some() {
            request = request.header("authorization", self.authorization());
        }
        if let Some(accept) = accept {
            request = request.header("accept", accept);
        }
        self.answer(path, request.call())
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.get_as(path, None)
    }

    /// POST of a text.
    #[track_caller]
    pub fn post_text(&self, path: &str, content_type: &str, body: &str) -> Answer {
        let mut request =
            self.agent.post(format!("{}{path}", self.base)).header("content-type", content_type);
        if self.token.is_some() {
            request = request.header("authorization", self.authorization());
        }
        self.answer(path, request.send(body))
    }

    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_text(path, "application/json", &body.to_string())
    }

    #[track_caller]
    pub fn post_empty(&self, path: &str) -> Answer {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        if self.token.is_some() {
            request = request.header("authorization", self.authorization());
        }
        self.answer(path, request.send_empty())
    }

    /// GET of a node that may be gone, or POST of a body to it; `None` where no answer came.
    pub fn attempt(&self, path: &str, body: Option<&str>) -> Option<Answer> {
        let url = format!("{}{path}", self.base);
        let response = match body {
            None => self.agent.get(url).call(),
            Some(body) => self.agent.post(url).header("content-type", "application/json").send(body),
        };
        let response = response.ok()?;
        let status = response.status().as_u16();
        let mut body = response.into_body();
        let content_type = body.mime_type().unwrap_or_default().to_owned();
        Some(Answer { status, content_type, text: body.read_to_string().ok()? })
    }

    /// Whether the node answers at all.
    pub fn is_up(&self) -> bool {
        self.agent.get(format!("{}/healthz", self.base)).call().is_ok_and(|response| response.status() == 200)
    }

    /// The samples of one family in `/metrics` as Prometheus reads it: labels as written, and the value.
    #[track_caller]
    pub fn samples(&self, family: &str) -> BTreeMap<String, u64> {
        let answer = self.get_as("/metrics", Some("text/plain"));
        assert_eq!(answer.status, 200, "{}", answer.text);
        let of_family = |line: &str| {
            let (labels, value) = line.strip_prefix(family)?.strip_prefix('{')?.rsplit_once("} ")?;
            Some((labels.to_owned(), value.parse().unwrap()))
        };
        answer.text.lines().filter_map(of_family).collect()
    }
}
