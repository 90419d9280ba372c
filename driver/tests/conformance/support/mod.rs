//! What the tests of the engines share: plans, servers on threads of their own with real sockets, and an engine that is
//! driven to the ends of its attempts.

pub mod drive;
pub mod server;
pub mod tls;

use std::net::SocketAddr;
use std::time::Instant;

use common::counters::ErrorKind;
use common::ids::{NodeId, TestId};
use common::plan::{PlanFormat, Request, read, share_out};
use driver::assignment::Assignment;
use driver::driver_test::{Addresses, DriverTest, HostOf, TlsConfig};
use driver::engine::{Outcome, Outgoing};
use driver::start_at::StartAt;

/// A load that does not matter: the engine is driven by the test itself.
pub const ONE: &str = "mode = 'avalanche'\nconnections = 1\nrequests = 1";

/// A test on one driver, whose requests go to `url` at these addresses. `request` and `load` are lines of their tables.
#[track_caller]
pub fn test_to(url: &str, addresses: Vec<SocketAddr>, request: &str, load: &str) -> DriverTest {
    let text = format!("[target]\nurl = '{url}'\n[request]\n{request}\n[load]\n{load}\n");
    let plan = read(&text, PlanFormat::Toml).unwrap_or_else(|faults| panic!("{faults:?}"));
    let node_id = NodeId::new("d").unwrap();
    let share = share_out(&plan, std::slice::from_ref(&node_id)).unwrap().remove(0).1;
    DriverTest {
        script: None,
        shared: None,
        test_id: TestId::new("t").unwrap(),
        node_id,
        assignment: Assignment::of_plan(&plan, share),
        hosts: vec![HostOf::new(plan.target.clone(), addresses)],
        start: StartAt { monotonic: Instant::now(), unix_us: 0 },
        rates: Default::default(),
    }
}

/// The test with these addresses of its target.
pub fn at(mut test: DriverTest, addresses: impl Into<Addresses>) -> DriverTest {
    test.hosts[0].addresses = addresses.into();
    test
}

/// The test with these TLS settings towards its target.
pub fn with_tls(mut test: DriverTest, tls: impl Into<Option<TlsConfig>>) -> DriverTest {
    test.hosts[0].tls = tls.into();
    test
}

/// A test whose requests go to a server by plain HTTP.
#[track_caller]
pub fn test_of(address: SocketAddr, request: &str) -> DriverTest {
    test_to(&format!("http://{address}/"), vec![address], request, ONE)
}

/// A request as these lines of `[request]` describe it.
#[track_caller]
pub fn request(lines: &str) -> Request {
    test_of(([127, 0, 0, 1], 1).into(), lines).assignment.request
}

/// A rendered request to a path, with that body.
pub fn rendered(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    [format!("{method} {path} HTTP/1.1\r\nhost: shop.test\r\n{length}\r\n").as_bytes(), body].concat()
}

/// These bytes as the first request, to the first host, over a shared connection.
pub fn outgoing(bytes: &[u8]) -> Outgoing<'_> {
    Outgoing { request: 0, host: 0, own_connection: None, bytes }
}

/// A whole answer with that status.
pub const fn status(status: u16) -> Outcome {
    Outcome::Status(status)
}

/// No whole answer, of that kind.
pub const fn failed(kind: ErrorKind) -> Outcome {
    Outcome::Failed(kind)
}
