//! A process without descriptors left: alone in its binary, for the limit holds for all its threads.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

#[path = "conformance/support/mod.rs"]
#[allow(dead_code)] // this test needs little of it
mod support;

use common::counters::ErrorKind;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use support::drive::{BOTH, Drive};
use support::server::{answer_all, server};
use support::{failed, status, test_of};

#[actix_rt::test]
async fn no_descriptor_left_is_our_limit_and_not_the_targets() {
    let (address, _) = server(answer_all);
    for which in BOTH {
        let mut drive = Drive::new(which, &test_of(address, ""));
        let before = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: Some(3), maximum: before.maximum }).unwrap();
        let exchange = drive.exchange().await;
        setrlimit(Resource::Nofile, before).unwrap();
        assert_eq!(exchange.outcome, failed(ErrorKind::LocalLimit), "{which:?}: {exchange:?}");
        assert!(exchange.unconnected, "{which:?}");
        assert_eq!(drive.exchange().await.outcome, status(200), "{which:?}: once there is one");
    }
}
