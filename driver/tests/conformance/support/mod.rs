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
use driver::driver_test::DriverTest;
use driver::engine::Outcome;
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
        test_id: TestId::new("t").unwrap(),
        node_id,
        assignment: Assignment::of_plan(&plan, share),
        addresses: addresses.into(),
        tls: None,
        start: StartAt { monotonic: Instant::now(), unix_us: 0 },
    }
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

/// A whole answer with that status.
pub const fn status(status: u16) -> Outcome {
    Outcome::Status(status)
}

/// No whole answer, of that kind.
pub const fn failed(kind: ErrorKind) -> Outcome {
    Outcome::Failed(kind)
}
