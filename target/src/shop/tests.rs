//! The shop without HTTP.

use std::time::{Duration, Instant};

use serde_json::json;

use super::read::Pairs;
use super::reply::{Call, Reply};
use super::*;

/// A request as a test writes it.
#[derive(Clone, Copy, Default)]
struct Ask<'a> {
    authorization: &'a str,
    cookies: &'a str,
    content_type: &'a str,
    body: &'a str,
}

fn ask_at(shop: &Shop, now: Instant, line: &str, ask: Ask<'_>) -> (Reply, Duration) {
    let (method, uri) = line.split_once(' ').unwrap();
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let Ask { authorization, cookies, content_type, body } = ask;
    let query = &Pairs::read(query);
    shop.answer(
        &Call { method, path, query, authorization, cookies, content_type, body: body.as_bytes() },
        now,
    )
}

fn ask(shop: &Shop, line: &str, ask: Ask<'_>) -> Reply {
    ask_at(shop, Instant::now(), line, ask).0
}

/// The `name=value` of the cookie that an answer sets.
fn set(reply: &Reply) -> String {
    reply.field("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

fn token_of_form(page: &Reply) -> String {
    let page = String::from_utf8(page.body.clone()).unwrap();
    let value = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(value.contains("&amp;") && value.contains("&quot;"), "{value}");
    value.replace("&lt;", "<").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn log_in(shop: &Shop) -> Reply {
    let page = ask(shop, "GET /shop/login", Ask::default());
    let body = format!("user=me+too&password=p%26w&csrf={}", encoded(&token_of_form(&page)));
    let content_type = "application/x-www-form-urlencoded; charset=utf-8";
    ask(shop, "POST /shop/login", Ask { cookies: &set(&page), content_type, body: &body, ..Ask::default() })
}

#[test]
fn a_log_in_needs_the_cookie_and_the_token_of_one_form() {
    let shop = Shop::keeping(10);
    let signed_in = log_in(&shop);
    assert_eq!(signed_in.status, 303);
    assert!(signed_in.field("location").unwrap().starts_with("/shop/account?code="));
    let cookies = &set(&signed_in);
    let account = ask(&shop, "GET /shop/account?code=1", Ask { cookies, ..Ask::default() });
    assert_eq!((account.status, account.value()), (200, json!({ "user": "me too" })));
    assert_eq!(ask(&shop, "GET /shop/account", Ask::default()).status, 401);

    let (one, other) =
        (ask(&shop, "GET /shop/login", Ask::default()), ask(&shop, "GET /shop/login", Ask::default()));
    let content_type = "application/x-www-form-urlencoded";
    let (token, cookies) = (encoded(&token_of_form(&one)), &set(&one));
    for (cookies, body, status) in [
        (cookies.as_str(), format!("user=a&password=b&csrf={token}"), 303),
        (set(&other).as_str(), format!("user=a&password=b&csrf={token}"), 403),
        ("", format!("user=a&password=b&csrf={token}"), 403),
        (cookies.as_str(), "user=a&password=b".to_owned(), 403),
        (cookies.as_str(), format!("user=a&password=b&csrf={token}x"), 403),
        (cookies.as_str(), format!("user=&password=b&csrf={token}"), 403),
    ] {
        let reply =
            ask(&shop, "POST /shop/login", Ask { cookies, content_type, body: &body, ..Ask::default() });
        assert_eq!(reply.status, status, "{cookies} {body}");
    }
    assert_eq!(ask(&shop, "POST /shop/login", Ask { cookies, ..Ask::default() }).status, 415);
}

#[test]
fn a_cookie_of_a_form_that_was_made_up_or_evicted_is_refused() {
    let shop = Shop::keeping(1);
    let page = ask(&shop, "GET /shop/login", Ask::default());
    ask(&shop, "GET /shop/login", Ask::default());
    let body = format!("user=a&password=b&csrf={}", encoded(&token_of_form(&page)));
    let content_type = "application/x-www-form-urlencoded";
    let late = ask(
        &shop,
        "POST /shop/login",
        Ask { cookies: &set(&page), content_type, body: &body, ..Ask::default() },
    );
    assert_eq!(late.status, 403);
}

#[test]
fn a_token_is_good_until_it_expires() {
    let (shop, now) = (Shop::keeping(10), Instant::now());
    let body = r#"{"user":"u","password":"p"}"#;
    let given = ask_at(&shop, now, "POST /shop/token?ttl=1500", Ask { body, ..Ask::default() }).0.value();
    assert_eq!(given["expires_in"], 1.5);
    let bearer = format!("Bearer {}", given["access_token"].as_str().unwrap());
    let me = |ms| {
        let ask = Ask { authorization: &bearer, ..Ask::default() };
        ask_at(&shop, now + Duration::from_millis(ms), "GET /shop/me", ask).0.status
    };
    assert_eq!((me(0), me(1_499), me(1_500)), (200, 200, 401));
    let basic = ask(&shop, "POST /shop/token", Ask { authorization: "Basic dTpw", ..Ask::default() });
    assert_eq!((basic.status, &basic.value()["expires_in"]), (200, &json!(3_600)));
    for (body, authorization, status) in [("{}", "", 401), ("no", "", 400), (body, "Basic x", 401)] {
        let ask = ask(&shop, "POST /shop/token", Ask { body, authorization, ..Ask::default() });
        assert_eq!(ask.status, status, "{body} {authorization}");
    }
}

#[test]
fn an_order_is_created_and_confirmed() {
    let shop = Shop::keeping(10);
    let body = r#"{"product":7}"#;
    assert_eq!(ask(&shop, "POST /shop/orders", Ask { body, ..Ask::default() }).status, 401);
    assert_eq!(ask(&shop, "POST /shop/orders?anonymous=1", Ask { body: "{", ..Ask::default() }).status, 400);
    let cookies = &set(&log_in(&shop));
    let created = ask(&shop, "POST /shop/orders", Ask { body, cookies, ..Ask::default() });
    let id = created.value()["id"].as_str().unwrap().to_owned();
    assert_eq!((created.status, created.value()), (201, json!({ "id": id, "status": "created" })));
    assert_eq!(created.field("location").unwrap(), format!("/shop/orders/{id}"));
    let etag = created.field("etag").unwrap();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    assert_eq!(ask(&shop, "GET /shop/orders/x", Ask::default()).status, 404);
    assert_eq!(ask(&shop, "POST /shop/orders/undefined/confirm", Ask::default()).status, 404);
    let confirmed = ask(&shop, &format!("POST /shop/orders/{id}/confirm"), Ask::default());
    assert_eq!((confirmed.status, &confirmed.value()["status"]), (200, &json!("succeeded")));
    let shown = ask(&shop, &format!("GET /shop/orders/{id}"), Ask::default());
    assert_eq!(shown.value()["status"], "succeeded");
    assert_ne!(shown.field("etag"), Some(etag));
}

#[test]
fn a_job_is_done_after_its_time() {
    let (shop, now) = (Shop::keeping(10), Instant::now());
    let job = ask_at(&shop, now, "POST /shop/jobs?ms=200", Ask::default()).0;
    assert_eq!(job.status, 202);
    let line = format!("GET /shop/jobs/{}", job.value()["id"].as_str().unwrap());
    let state =
        |ms| ask_at(&shop, now + Duration::from_millis(ms), &line, Ask::default()).0.value()["state"].clone();
    assert_eq!((state(199), state(200)), (json!("running"), json!("done")));
    assert_eq!(ask(&shop, "GET /shop/jobs/x", Ask::default()).status, 404);
    assert_eq!(ask(&shop, "POST /shop/jobs?ms=soon", Ask::default()).status, 400);
}

#[test]
fn redirects_lead_where_they_should() {
    let shop = Shop::keeping(10);
    let to = |line: &str| {
        let reply = ask(&shop, line, Ask::default());
        (reply.status, reply.field("location").unwrap_or_default().to_owned())
    };
    assert_eq!(to("GET /shop/old/3"), (302, "/shop/old/2".to_owned()));
    assert_eq!(to("GET /shop/old/0"), (302, "/shop/".to_owned()));
    assert_eq!(to("GET /shop/old/-1").0, 404);
    assert_eq!(
        to("POST /shop/redirect?status=307&to=%2Fshop%2Fcart%3Fa=1"),
        (307, "/shop/cart?a=1".to_owned())
    );
    assert_eq!(to("POST /shop/redirect?to=/shop/"), (303, "/shop/".to_owned()));
    for wrong in ["status=304&to=/", "status=303", "to=/%0d%0aset-cookie:x", "to=/%C3%BC"] {
        assert_eq!(to(&format!("POST /shop/redirect?{wrong}")).0, 400, "{wrong}");
    }
}

#[test]
fn a_request_asks_for_its_own_trouble() {
    let (shop, now) = (Shop::keeping(10), Instant::now());
    let (reply, delay) = ask_at(&shop, now, "POST /shop/cart?fail=503&delay_ms=20", Ask::default());
    assert_eq!((reply.status, delay), (503, Duration::from_millis(20)));
    for line in ["GET /shop/?fail=99", "GET /shop/?fail=x", "GET /shop/?delay_ms=-1"] {
        assert_eq!(ask(&shop, line, Ask::default()).status, 400, "{line}");
    }
    assert_eq!(ask(&shop, "DELETE /shop/", Ask::default()).status, 405);
    assert_eq!(ask(&shop, "HEAD /shop/", Ask::default()).status, 200);
    assert_eq!(ask(&shop, "GET /shop/nowhere", Ask::default()).status, 404);
}

#[test]
fn a_stall_lasts_10_s_at_most() {
    let (shop, now) = (Shop::keeping(10), Instant::now());
    assert_eq!(shop.stalled_until(now), None);
    ask_at(&shop, now, "POST /shop/stall?ms=60000", Ask::default());
    let until = now + Duration::from_secs(10);
    assert_eq!((shop.stalled_until(now), shop.stalled_until(until)), (Some(until), None));
    ask_at(&shop, now, "POST /shop/stall?ms=0", Ask::default());
    assert_eq!(shop.stalled_until(now), None, "a new stall takes the place of the old one");
}
