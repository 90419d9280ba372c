//! The one request of a test as bytes, made once.

use url::Position;

use crate::driver_test::DriverTest;
use crate::engine::USER_AGENT;

/// Methods that send `content-length: 0` with an empty body: a server may wait for a body otherwise.
const SEND_LENGTH: [&str; 3] = ["POST", "PUT", "PATCH"];

/// Encodes the request of a test: a header of the plan replaces the one that would be sent by default.
pub fn encode(test: &DriverTest) -> Vec<u8> {
    let (plan, target) = (&test.assignment.request, &test.assignment.target);
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
