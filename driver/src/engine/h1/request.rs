//! The requests of a test, prepared once: their bytes, and what else differs from one to the other.

use common::plan::{Request, TargetUrl};
use url::Position;

use super::answer::AnswerTo;
use super::attempts::ListIndex;
use crate::driver_test::DriverTest;
use crate::engine::spec::is_head;
use crate::engine::{RequestSpec, USER_AGENT};

/// Methods that send `content-length: 0` with an empty body: a server may wait for a body otherwise.
const SEND_LENGTH: [&str; 3] = ["POST", "PUT", "PATCH"];

/// One request, as all attempts with it need it.
#[derive(Debug)]
pub struct Prepared {
    /// Head and body, as they are sent.
    pub bytes: Box<[u8]>,
    /// How answers to it are read.
    pub to: AnswerTo,
    /// Whether it is sent on kept connections, and leaves its own for others. One that is not opens a connection for
    /// each attempt.
    pub reuses: bool,
    /// The list of the attempts that have its timeout.
    pub list: ListIndex,
    /// Where it goes.
    pub host: usize,
}

impl Prepared {
    /// Prepares a request to a host of a test.
    ///
    /// # Errors
    /// The test has no such host.
    pub fn new(test: &DriverTest, spec: &RequestSpec<'_>, list: ListIndex) -> Result<Self, String> {
        let plan = spec.request;
        let host = usize::from(spec.host);
        let url = &test.hosts.get(host).ok_or_else(|| format!("the test has no host {host}"))?.url;
        let bytes = spec.bytes.map_or_else(|| encode(test, url, plan), <[u8]>::to_vec);
        let head_only = is_head(&bytes);
        let &RequestSpec { wants_head, wants_body, max_body, .. } = spec;
        Ok(Self {
            bytes: bytes.into_boxed_slice(),
            to: AnswerTo { head_only, wants_head, wants_body, max_body },
            reuses: plan.connection_reuse,
            list,
            host,
        })
    }

    /// How an answer is read to a rendered request with these bytes.
    pub fn to_rendered(&self, bytes: &[u8]) -> AnswerTo {
        AnswerTo { head_only: is_head(bytes), ..self.to }
    }
}

/// Encodes a request to a host of a test: a header of the plan replaces the one that would be sent by default.
fn encode(test: &DriverTest, target: &TargetUrl, plan: &Request) -> Vec<u8> {
    let path = target.path_and_query();
    let host = &target[Position::BeforeHost..Position::AfterPort];
    let mut head = format!("{} {path} HTTP/1.1\r\n", plan.method);
    let mut field = |name: &str, value: &str| {
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    };
    if !plan.has_header("host") {
        field("host", host);
    }
    if !plan.has_header("user-agent") {
        field("user-agent", USER_AGENT);
    }
    let sends_length = SEND_LENGTH.contains(&plan.method.as_str()) || !plan.body.is_empty();
    if sends_length && !plan.has_header("content-length") {
        field("content-length", &plan.body.len().to_string());
    }
    for (name, value) in &plan.headers {
        field(name, value);
    }
    if !plan.connection_reuse {
        field("connection", "close");
    }
    if plan.identify {
        field("x-groundswell-node", test.node_id.as_str());
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(&plan.body);
    bytes
}
