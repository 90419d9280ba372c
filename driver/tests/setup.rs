//! Setup on a whole driver, where the check of the test before is still under way. One system a process, so one test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

#[allow(dead_code)] // this test needs some of it
mod leader;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use common::kafka::EmbeddedBroker;
use common::settings::KafkaSettings;
use common::wire::{DriverState, Inbound, StepsOf, StepsState};
use leader::{Leader, settings_of_d1};
use tokio::sync::{mpsc, oneshot};

/// Reports the path of each request that it receives, and answers at once, but `/token` when it is released.
fn target(received: mpsc::UnboundedSender<String>, mut released: oneshot::Receiver<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut waits: Vec<TcpStream> = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).unwrap();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            if path == "/token" {
                waits.push(stream);
            } else {
                // The token is answered before the request for which it had to be.
                if released.try_recv().is_ok() {
                    waits.drain(..).for_each(answer);
                }
                answer(stream);
            }
            // The test may be over.
            let _ = received.send(path);
        }
    });
    address
}

fn answer(mut stream: TcpStream) {
    stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\nt=ab").unwrap();
}

#[actix_rt::test]
async fn a_check_that_ends_after_that_of_the_next_test_takes_nothing_from_its_setup() {
    let broker = EmbeddedBroker::start(&KafkaSettings::default()).await.unwrap();
    let kafka = broker.settings(&KafkaSettings::default());
    let folder = tempfile::tempdir().unwrap();
    let mut leader = Leader::new(&kafka).await;
    let settings = settings_of_d1(&broker, folder.path(), 1);
    let (stop, stopped) = oneshot::channel::<()>();
    let running = actix_rt::spawn(driver::run(settings, async move { stopped.await.unwrap() }, |_| ()));
    leader.state(DriverState::Idle).await;
    leader.beat(5).await;

    let (sender, mut received) = mpsc::unbounded_channel();
    let (release, released) = oneshot::channel();
    let url = format!("http://{}/", target(sender, released));
    let plan = |requests: &str| {
        format!(
            "[setup]\nsteps = ['one', 'two']\n[requests]\none.path = '/one'\ntwo.path = '/two'\n{requests}\n\
             [load]\nrate = 10\nduration = '1s'"
        )
    };
    let of_token = "token = { path = '/token', extract.t = { regex = 't=(.+)' } }\n\
                    page.path = '/{{shared.s.t}}'\n[shared.s]\nrequest = 'token'\nevery = '1m'";
    leader.configure("held", &url, &plan(of_token)).await;
    let begun = tokio::time::timeout(Duration::from_secs(20), received.recv()).await;
    assert_eq!(begun.unwrap().unwrap(), "/token", "its check has begun");
    leader.configure("next", &url, &plan("page.path = '/'")).await;
    let ready = leader.state(DriverState::Ready).await;
    assert_eq!(ready.test_id.unwrap().as_str(), "next");
    release.send(()).unwrap();
    // The first request of setup lets the check of before end.
    for run in [StepsOf::Setup, StepsOf::Teardown] {
        leader.ask(5, "next", run).await;
        let over = leader.until("end of the steps", |record| match record {
            Inbound::Heartbeat(beat) => beat
                .ours
                .and_then(|ours| ours.steps)
                .filter(|steps| steps.run == run && steps.state != StepsState::Running),
            _ => None,
        });
        let over = over.await;
        let has_none = "the plan has no teardown";
        match run {
            StepsOf::Setup => assert_eq!(over.state, StepsState::Completed, "{over:?}"),
            StepsOf::Teardown => {
                assert_eq!(over.reason.as_deref(), Some(has_none), "the kit is still its own")
            }
        }
    }
    stop.send(()).unwrap();
    running.await.unwrap().unwrap();
}
