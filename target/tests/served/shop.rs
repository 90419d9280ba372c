//! The target's shop.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use target::TargetSettings;

use crate::start;

async fn get(url: String) -> Value {
    client().get(url).send().await.unwrap().json().await.unwrap()
}

async fn post(url: String) -> u16 {
    client().post(url).send().await.unwrap().status().as_u16()
}

/// Redirects are left to the test.
fn client() -> awc::Client {
    awc::Client::builder().disable_redirects().finish()
}

#[actix_rt::test]
async fn answers_are_counted_by_name_by_route_and_by_session() {
    let (base, _stop) = start(TargetSettings::default().behaviour).await;
    for (path, session) in [("/shop/products/7", "a"), ("/shop/products/1001?x=1", "b"), ("/shop/", "a")] {
        let request = client().get(format!("{base}{path}")).insert_header(("x-session", session));
        request.insert_header(("x-name", "look")).send().await.unwrap();
    }
    assert_eq!(post(format!("{base}/shop/cart?fail=503")).await, 503);
    let expected = json!({
        "by_name": { "look": { "200": 2, "404": 1 } },
        "by_route": {
            "GET /shop/": { "200": 1 },
            "GET /shop/products/{id}": { "200": 1, "404": 1 },
            "POST /shop/cart": { "503": 1 },
        },
        "sessions": 2,
    });
    assert_eq!(get(format!("{base}/shop/counts")).await, expected);
    let metrics = get(format!("{base}/metrics")).await;
    let counted = (&metrics["shop_by_name"], &metrics["shop_sessions"]);
    assert_eq!(counted, (&expected["by_name"], &expected["sessions"]));
    assert_eq!(post(format!("{base}/shop/counts/reset")).await, 200);
    let counts = get(format!("{base}/shop/counts")).await;
    assert_eq!(counts, json!({ "by_name": {}, "by_route": {}, "sessions": 0 }));

    let metrics = get(format!("{base}/metrics")).await;
    assert_eq!((&metrics["requests_received"], &metrics["shop"]), (&json!(0), &expected["by_route"]));
    assert_eq!((&metrics["shop_by_name"], &metrics["shop_sessions"]), (&json!({}), &json!(0)));
    let mut text =
        client().get(format!("{base}/metrics")).insert_header(("accept", "text/plain")).send().await.unwrap();
    let text = String::from_utf8(text.body().await.unwrap().to_vec()).unwrap();
    let line = "groundswell_target_shop_requests_total{route=\"/shop/\",method=\"GET\",status=\"200\"} 1\n";
    assert!(text.contains(line) && text.contains("groundswell_target_responses_sent_total 0"), "{text}");
}

#[actix_rt::test]
async fn requests_are_logged_as_they_came() {
    let (base, _stop) = start(TargetSettings::default().behaviour).await;
    assert_eq!(post(format!("{base}/shop/log/start?max=2")).await, 200);
    post(format!("{base}/shop/stall?ms=0")).await;
    let form = client().post(format!("{base}/shop/search?q=a%20b+c"));
    form.send_body("x=1&y=ü").await.unwrap();
    for _ in 0..2 {
        client().get(format!("{base}/shop/cart")).send().await.unwrap();
    }
    let logged = get(format!("{base}/shop/log")).await;
    let first = json!({ "method": "POST", "uri": "/shop/search?q=a%20b+c", "body": "x=1&y=ü" });
    let second = json!({ "method": "GET", "uri": "/shop/cart", "body": "" });
    assert_eq!(logged, json!([first, second]));
}

#[actix_rt::test]
async fn a_stall_and_a_delay_hold_answers_back() {
    let (base, _stop) = start(TargetSettings::default().behaviour).await;
    let began = Instant::now();
    assert_eq!(post(format!("{base}/shop/stall?ms=700")).await, 200);
    let slow = async {
        get(format!("{base}/shop/products?delay_ms=50")).await;
        began.elapsed()
    };
    let looks = async {
        get(format!("{base}/shop/counts")).await;
        began.elapsed()
    };
    let (answered, looked) = futures_util::future::join(slow, looks).await;
    assert!(answered >= Duration::from_millis(700), "{answered:?}");
    assert!(looked < answered, "counts are not held back: {looked:?}");
    let after = Instant::now();
    get(format!("{base}/shop/products?delay_ms=60")).await;
    assert!(after.elapsed() >= Duration::from_millis(60));
}

#[actix_rt::test]
async fn a_token_buys_an_order() {
    let (base, _stop) = start(TargetSettings::default().behaviour).await;
    let mut given = client()
        .post(format!("{base}/shop/token"))
        .send_json(&json!({ "user": "u", "password": "p" }))
        .await
        .unwrap();
    let given: Value = given.json().await.unwrap();
    let order =
        client().post(format!("{base}/shop/orders")).bearer_auth(given["access_token"].as_str().unwrap());
    let mut created = order.send_json(&json!({ "product": 7 })).await.unwrap();
    let location = created.headers().get("location").unwrap().to_str().unwrap().to_owned();
    let body: Value = created.json().await.unwrap();
    assert_eq!((created.status().as_u16(), &body["status"]), (201, &json!("created")));
    assert_eq!(post(format!("{base}{location}/confirm")).await, 200);
    assert_eq!(get(format!("{base}{location}")).await["status"], "succeeded");
}

#[actix_rt::test]
async fn an_upload_is_read_and_one_too_large_is_refused() {
    let (base, _stop) = start(TargetSettings::default().behaviour).await;
    let upload = |body: Vec<u8>| {
        let request = client().post(format!("{base}/shop/upload"));
        request.insert_header(("content-type", "multipart/form-data; boundary=b")).send_body(body)
    };
    let head = "--b\r\ncontent-disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\n\
                content-type: application/octet-stream\r\n\r\n";
    let body = [head.as_bytes(), &vec![0_u8; 2 << 20], b"\r\n--b--\r\n"].concat();
    let mut answer = upload(body).await.unwrap();
    let parts: Value = answer.json().await.unwrap();
    let part =
        json!({ "name": "f", "filename": "a.bin", "type": "application/octet-stream", "size": 2 << 20 });
    assert_eq!(parts, json!({ "parts": [part] }));
    assert_eq!(upload(b"--b".to_vec()).await.unwrap().status(), 400);
    assert_eq!(upload(vec![0; 21 << 20]).await.unwrap().status(), 413);
    let order = client().post(format!("{base}/shop/orders?anonymous=1")).send_body(vec![b'1'; 2 << 20]);
    assert_eq!(order.await.unwrap().status(), 413);
}

#[actix_rt::test]
async fn cookies_of_several_headers_and_heads_work() {
    let (base, _stop) = start(TargetSettings::default().behaviour).await;
    let request = client().get(format!("{base}/shop/cart")).append_header(("cookie", "x=1"));
    let cart: Value =
        request.append_header(("cookie", "cart=7x2")).send().await.unwrap().json().await.unwrap();
    assert_eq!(cart["items"][0]["quantity"], 2);
    let head = client().head(format!("{base}/shop/products/7")).send().await.unwrap();
    assert_eq!(head.status(), 200);
    let old = client().get(format!("{base}/shop/old/0")).send().await.unwrap();
    assert_eq!(
        (old.status().as_u16(), old.headers().get("location").unwrap().to_str().unwrap()),
        (302, "/shop/")
    );
}
