//! A process without descriptors left: alone in its binary, for the limit holds for all its threads.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use common::counters::ErrorKind;
use common::ids::{NodeId, TestId};
use common::plan::{PlanFormat, read, share_out};
use driver::engine::{AwcClient, Client, Outcome};
use driver::load_job::{LoadJob, StartAt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[actix_rt::test]
async fn no_descriptor_left_is_our_limit_and_not_the_targets() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let text = format!(
        "[target]\nurl = 'http://{address}/'\n[load]\nmode = 'avalanche'\nconnections = 1\nrequests = 1\n"
    );
    let plan = read(&text, PlanFormat::Toml).unwrap_or_else(|faults| panic!("{faults:?}"));
    let node_id = NodeId::new("d").unwrap();
    let engine = AwcClient::new(&LoadJob {
        test_id: TestId::new("t").unwrap(),
        share: share_out(&plan, std::slice::from_ref(&node_id)).unwrap().remove(0).1,
        node_id,
        load: plan.load,
        honesty: plan.honesty,
        request: Arc::new(plan.request),
        target: plan.target,
        addresses: vec![address].into(),
        tls: None,
        start: StartAt { monotonic: Instant::now(), unix_us: 0 },
    })
    .unwrap();
    let before = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), maximum: before.maximum }).unwrap();
    let exchange = engine.exchange().await;
    setrlimit(Resource::Nofile, before).unwrap();
    assert_eq!(exchange.outcome, Outcome::Failed(ErrorKind::LocalLimit), "{exchange:?}");
    assert!(exchange.unconnected);
}
