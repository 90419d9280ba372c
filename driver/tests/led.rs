//! A whole driver on the embedded broker, led by a stand-in for our orchestrator and by a classic one: what it
//! publishes, and what the target counted. One system a process, so one test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

#[allow(dead_code)] // this test needs most of it
mod leader;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use common::kafka::EmbeddedBroker;
use common::settings::KafkaSettings;
use common::wire::{DriverState, Inbound, Topic};
use leader::{Leader, settings_of_d1};
use tokio::sync::oneshot;

fn target() -> (SocketAddr, Arc<AtomicU64>) {
    let received = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&received);
    let server = HttpServer::new(move || {
        let counted = Arc::clone(&counted);
        let ping = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async { HttpResponse::Ok().body("pong") }
        };
        App::new().route("/ping", web::get().to(ping))
    });
    let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    actix_rt::spawn(server.run());
    (address, received)
}

#[actix_rt::test]
async fn a_driver_is_led_from_its_registration_to_its_goodbye() {
    let broker = EmbeddedBroker::start(&KafkaSettings::default()).await.unwrap();
    let kafka = broker.settings(&KafkaSettings::default());
    let (address, received) = target();
    let url = format!("http://{address}/ping");
    let folder = tempfile::tempdir().unwrap();
    let mut leader = Leader::new(&kafka).await;

    let mut settings = settings_of_d1(&broker, folder.path(), 2);
    settings.classic.target_url = Some(url.parse().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let (ready, bound) = oneshot::channel();
    let running =
        actix_rt::spawn(driver::run(settings, async move { stopped.await.unwrap() }, move |bound| {
            ready.send(bound).unwrap()
        }));
    let http = bound.await.unwrap().http.unwrap();

    let register = leader.until("register", |record| match record {
        Inbound::Register(register) => Some(register),
        _ => None,
    });
    let register = register.await;
    assert_eq!((register.node_id.as_str(), register.ours.unwrap().cores), ("d1", 2));
    assert_eq!(register.address, Some(format!("127.0.0.1:{}", http.port())));
    leader.state(DriverState::Idle).await;

    // Our orchestrator: what it cannot do is refused by name, a fair one runs to the request.
    leader.beat(5).await;
    leader
        .configure("far", "http://192.0.2.1/", "[load]\nmode = \"tsunami\"\nrate = 10\nrequests = 10\n")
        .await;
    leader
        .until("refusal of the target", |record| match record {
            Inbound::Heartbeat(beat) => beat
                .ours
                .and_then(|ours| ours.reason)
                .filter(|reason| reason.contains("--allow-target 192.0.2.1")),
            _ => None,
        })
        .await;
    assert_eq!(received.load(Ordering::SeqCst), 0, "nothing was sent");
    leader.configure("fair", &url, "[load]\nmode = \"tsunami\"\nrate = 200\nrequests = 300\n").await;
    let answer = leader.state(DriverState::Ready).await;
    assert_eq!((answer.test_id.unwrap().as_str(), answer.revision), ("fair", Some(1)));
    leader.trigger("fair", true).await;
    let progress = leader.state(DriverState::Running).await;
    assert_eq!(progress.test_id.unwrap().as_str(), "fair");
    let (windows, last) = leader.windows("fair").await;
    let counters = &windows.last().unwrap().figures.all.counters;
    assert_eq!((counters.scheduled, counters.sent, counters.completed), (300, 300, 300), "{counters:?}");
    assert_eq!(received.swap(0, Ordering::SeqCst), 300, "what the target counted");
    assert!(last.classic.complete && last.classic.num_requests == Some(300), "{:?}", last.classic);
    assert_eq!(windows.last().unwrap().ending.as_ref().unwrap().cut_short, None);

    // A classic orchestrator: the trigger first, a test with nothing to do, the same id again.
    leader.state(DriverState::Idle).await;
    let yes = |id: &str| format!("{{\"test_id\": \"{id}\", \"trigger\": \"YES\"}}");
    let config = |id: &str, kind: &str, delay: &str, count: u32| {
        format!(
            "{{\"test_id\":\"{id}\",\"test_type\":\"{kind}\",\"test_message_delay\":\"{delay}\",\"message_count_per_driver\":\"{count}\"}}"
        )
    };
    leader.classic(Topic::Trigger, yes("A_1")).await;
    leader.classic(Topic::TestConfig, config("A_1", "AVALANCHE", "0", 40)).await;
    let (windows, _) = leader.windows("A_1").await;
    assert_eq!(
        (windows.last().unwrap().figures.all.counters.completed, received.swap(0, Ordering::SeqCst)),
        (40, 40)
    );
    leader.classic(Topic::TestConfig, config("A_2", "AVALANCHE", "0", 0)).await;
    leader.classic(Topic::Trigger, yes("A_2")).await;
    let (windows, last) = leader.windows("A_2").await;
    assert_eq!((windows.len(), last.classic.num_requests, last.classic.complete), (1, Some(0), true));
    leader.classic(Topic::TestConfig, config("T_1", "TSUNAMI", "0.02", 10)).await;
    leader.classic(Topic::Trigger, yes("T_1")).await;
    let (windows, _) = leader.windows("T_1").await;
    assert_eq!(
        (windows.last().unwrap().figures.all.counters.completed, received.swap(0, Ordering::SeqCst)),
        (10, 10)
    );

    // Stopped by the orchestrator, and left by the driver.
    leader.configure("stopped", &url, "[load]\nmode = \"tsunami\"\nrate = 50\nduration = \"60s\"\n").await;
    leader.state(DriverState::Ready).await;
    leader.trigger("stopped", true).await;
    leader.state(DriverState::Running).await;
    leader.trigger("stopped", false).await;
    let (windows, _) = leader.windows("stopped").await;
    assert_eq!(windows.last().unwrap().ending.as_ref().unwrap().cut_short.as_deref(), Some("stopped"));
    leader
        .configure(
            "left",
            &url,
            "[load]\nmode = \"avalanche\"\nconnections = 2\ntarget_throughput = 100\nduration = \"60s\"\n",
        )
        .await;
    leader.state(DriverState::Ready).await;
    received.store(0, Ordering::SeqCst);
    leader.trigger("left", true).await;
    leader.state(DriverState::Running).await;
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while received.load(Ordering::SeqCst) < 20 {
        assert!(std::time::Instant::now() < until, "the load runs");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    stop.send(()).unwrap();
    let (windows, _) = leader.windows("left").await;
    let last = windows.last().unwrap();
    assert_eq!(last.ending.as_ref().unwrap().cut_short.as_deref(), Some("leaving"));
    assert_eq!(last.figures.all.counters.in_flight(), 0, "what was in flight is cancelled");
    assert_eq!(
        last.figures.all.counters.sent,
        received.load(Ordering::SeqCst),
        "{:?}",
        last.figures.all.counters
    );
    leader
        .until("goodbye", |record| match record {
            Inbound::Heartbeat(beat) if !beat.alive => Some(()),
            _ => None,
        })
        .await;
    running.await.unwrap().unwrap();
}
