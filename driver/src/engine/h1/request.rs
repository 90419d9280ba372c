//! The requests of a test, prepared once: their bytes, and what else differs from one to the other.

use common::plan::Request;
use url::Position;

use super::answer::AnswerTo;
use super::attempts::ListIndex;
use crate::driver_test::DriverTest;
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
}

impl Prepared {
    /// Prepares a request to the target of a test.
    pub fn new(test: &DriverTest, spec: &RequestSpec<'_>, list: ListIndex) -> Self {
        let RequestSpec { request: plan, wants_body } = *spec;
        Self {
            bytes: encode(test, plan).into_boxed_slice(),
            to: AnswerTo { head_only: plan.method == "HEAD", wants_body },
            reuses: plan.connection_reuse,
            list,
        }
    }
}

/// Encodes a request to the target of a test: a header of the plan replaces the one that would be sent by default.
fn encode(test: &DriverTest, plan: &Request) -> Vec<u8> {
    let target = &test.assignment.target;
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
