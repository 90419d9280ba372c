//! The target's answers, and the trouble that it makes on purpose.

use std::time::{Duration, Instant};

use target::{TargetSettings, settings::BehaviourSettings};

use crate::start;

fn good() -> BehaviourSettings {
    TargetSettings::default().behaviour
}

async fn metrics(base: &str) -> serde_json::Value {
    awc::Client::default().get(format!("{base}/metrics")).send().await.unwrap().json().await.unwrap()
}

#[actix_rt::test]
async fn ping_answers_pong_and_is_counted_and_the_rest_is_not() {
    let (base, _stop) = start(good()).await;
    let client = awc::Client::default();
    let mut answer =
        client.get(format!("{base}/ping")).insert_header(("x-groundswell-node", "a")).send().await.unwrap();
    assert_eq!(answer.body().await.unwrap(), "pong");
    assert_eq!(client.post(format!("{base}/ping")).send_body("hello").await.unwrap().status(), 200);
    assert_eq!(client.get(format!("{base}/nowhere")).send().await.unwrap().status(), 404);
    let counted = metrics(&base).await;
    assert_eq!(counted["requests_received"], 2);
    assert_eq!(counted["responses_sent"], 2);
    assert_eq!(counted["by_driver"]["a"]["requests_received"], 1);
    let mut text =
        client.get(format!("{base}/metrics")).insert_header(("accept", "text/plain")).send().await.unwrap();
    let text = text.body().await.unwrap();
    assert!(String::from_utf8_lossy(&text).contains("groundswell_target_requests_received_total 2"));
}

#[actix_rt::test]
async fn a_request_asks_for_its_own_trouble() {
    let (base, _stop) = start(good()).await;
    let client = awc::Client::default();
    let began = Instant::now();
    let answer = client.get(format!("{base}/ping?delay=50ms&status=418")).send().await.unwrap();
    assert_eq!(answer.status(), 418);
    assert!(began.elapsed() >= Duration::from_millis(50));
    assert_eq!(client.get(format!("{base}/ping?delay=never")).send().await.unwrap().status(), 400);
    client.get(format!("{base}/ping?drop=true")).send().await.unwrap_err();
    let counted = metrics(&base).await;
    assert_eq!(counted["requests_received"], 3);
    assert_eq!(counted["responses_sent"], 2);
    assert_eq!(counted["connections_dropped"], 1);
}

#[actix_rt::test]
async fn a_narrow_room_makes_the_others_wait() {
    let behaviour = BehaviourSettings { max_concurrent: Some(1), delay: Duration::from_millis(40), ..good() };
    let (base, _stop) = start(behaviour).await;
    let client = awc::Client::default();
    let began = Instant::now();
    let get = || client.get(format!("{base}/ping")).send();
    let answers = futures_util::future::join_all([get(), get(), get()]).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().status() == 200));
    assert!(began.elapsed() >= Duration::from_millis(120), "one after the other");
}

#[actix_rt::test]
async fn a_stall_holds_all_that_comes_and_then_lets_it_go() {
    const STALL: Duration = Duration::from_secs(1);
    let behaviour = BehaviourSettings {
        stall_at: Duration::from_millis(100),
        stall_for: STALL,
        max_concurrent: Some(1),
        ..good()
    };
    let (base, _stop) = start(behaviour).await;
    let client = awc::Client::default();
    let began = Instant::now();
    let get = || client.get(format!("{base}/ping")).send();
    assert_eq!(get().await.unwrap().status(), 200);
    while began.elapsed() < Duration::from_millis(150) {
        get().await.unwrap();
    }
    // The last one met the stall, unless the machine was late by all of it.
    get().await.unwrap();
    assert!(
        began.elapsed() >= Duration::from_millis(100) + STALL,
        "answered during the stall: {:?}",
        began.elapsed()
    );
    let after = Instant::now();
    let answers = futures_util::future::join_all([get(), get(), get()]).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().status() == 200));
    assert!(after.elapsed() < STALL, "each waited for the stall again");
}
