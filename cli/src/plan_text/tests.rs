//! What `plan show` prints.

use super::*;
use common::plan::PlanFormat;

#[track_caller]
fn shown(plan: &str) -> String {
    let plan = common::plan::read(plan, PlanFormat::Toml).unwrap_or_else(|faults| {
        panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    let text = text(&plan);
    for line in text.lines() {
        assert!(line.chars().count() <= COLUMNS, "{line}");
    }
    text
}

const BOUTIQUE: &str = r#"
name = "boutique: shoppers"
seed = 7
target.url = "http://boutique.example.test"
data.product = { columns = ["id"], rows = [["0PUK6V"], ["1YMWWN"]], order = "random" }
[requests]
home = { path = "/" }
product = { path = "/product/{{product.id}}" }
add = { method = "POST", path = "/cart", form = { product_id = "{{product.id}}", quantity = "{{int 1 10}}" } }
[flows]
look = { steps = [{ draw = "product" }, "product"] }
checkout = { group = "checkout", steps = ["look", "add"] }
[scenarios.shopper]
cookies = true
steps = ["home", { repeat = 20, steps = [{ think = "1s..10s" }, { choose = { home = 1, look = 10, checkout = 4 } }] }]
"#;

#[test]
fn an_open_loop_shows_sessions_and_requests_a_second() {
    let text = shown(&format!("{BOUTIQUE}[load]\nrate = 5\nduration = \"10m\"\nmax_sessions = 2000\n"));
    for expected in [
        "boutique: shoppers\n",
        "  target    http://boutique.example.test",
        "  load      5 sessions/s, about 132 requests/s (open loop, tsunami; arrival",
        "ends after 10m: about 3,000 sessions in all",
        "at most 2,000 sessions at a time on a driver",
        "  seed      7\n",
        "  home      2.33",
        "  product   18.67",
        "200-399  GET /product/{{product.id}}",
        "  shopper: share 1 (100 %), cookies 4.0 KiB, connections shared",
        "    20 times:\n      think 1s to 10s\n      one of home 6.67 %, look 66.67 %, checkout 26.67 %\n",
        "  checkout:\n    look (a flow)\n    add\n  look:\n    another row of product\n    product\n",
        "errors.ratio < 1% (default)",
        "session.errors.ratio < 1% (default)",
        "lag p99 at most 5ms",
    ] {
        let is_there = text.contains(expected) || squeezed(&text).contains(&squeezed(expected));
        assert!(is_there, "{expected} is not in:\n{text}");
    }
}

#[test]
fn a_search_shows_where_it_begins_and_its_objective() {
    let search = "[load]\nrate = 5\n[capacity]\nslo = ['checkout.response.p99 < 300ms', 'errors.ratio < 2%']\nmax_rate = 40\n";
    let text = shown(&format!("{BOUTIQUE}{search}"));
    let squeezed_text = squeezed(&text);
    for expected in [
        "a search for the highest rate that holds, from 5 sessions/s up to 40/s, of all drivers together",
        "ends where a rate that holds and one that does not are at most 5% apart, after 10m at the latest",
        "at a rate: checkout.response.p99 < 300ms",
        "at a rate: errors.ratio < 2%",
        "at a rate: dropped.ratio < 0.1% (default)",
        "over 30s, each rate for 1m at most",
    ] {
        assert!(squeezed_text.contains(expected), "{expected} is not in:\n{text}");
    }
    assert!(!text.contains("sessions in all") && !text.contains("session.errors.ratio"), "{text}");
}

/// With single blanks.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn closed_loops_stages_and_plans_with_one_request_are_shown_too() {
    let text = shown(&format!(
        "{BOUTIQUE}[load]\nmode = \"avalanche\"\nstages = [{{ users = 500, ramp = \"5m\", hold = \"20m\" }}]\npacing = \"5m\"\n"
    ));
    assert!(text.contains("up to 500 users, a session each every 5m"), "{text}");
    assert!(text.contains("from 0 to 500 users over 5m, then 20m at 500 users"), "{text}");
    let one = shown("target.url = \"http://127.0.0.1/\"\n[load]\nrate = 9\nduration = \"1m\"\n");
    assert!(one.contains("9 requests/s (open loop, tsunami)"), "{one}");
    assert!(one.contains("ends after 1m: about 540 requests in all"), "{one}");
}

#[test]
fn addresses_are_shown_without_secrets_and_those_of_all_requests_too() {
    let text = shown(
        r#"
target.url = "http://127.0.0.1/"
load = { rate = 9, duration = "1m" }
request.path = "/all?page=2&pwd=hunter2"
[requests]
a = {}
b = { path = "/b?api_key=hunter2&q={{'x&y'}}" }
c = { path = "/c?token={{'hunter2&q=1'}}" }
d = { path = "/d", extract.f = { form = 0 } }
e = { submit = "f" }
[scenarios.s]
steps = ["a", "b", "c", "d", "e"]
"#,
    );
    assert!(!text.contains("hunter2"), "{text}");
    for expected in
        ["GET /all?page=2&pwd=***", "GET /b?api_key=***&q={{'x&y'}}", "GET /c?token=***", "form's the form f"]
    {
        assert!(text.contains(expected), "{expected} is not in:\n{text}");
    }
}

#[test]
fn setup_and_teardown_show_their_cookies_and_their_requests() {
    let text = shown(
        r#"
target.url = "http://127.0.0.1/"
load = { rate = 9, duration = "1m" }
[requests]
home = { path = "/" }
seed = { method = "PUT", path = "/seed", timeout = "7s", expect_status = 201 }
clear = { method = "DELETE", path = "/seed?key=hunter2" }
[setup]
steps = ["seed", "home"]
cookies = "8KiB"
[teardown]
steps = ["clear"]
[scenarios.s]
steps = ["home"]
"#,
    );
    let squeezed = squeezed(&text);
    for expected in [
        "at most 1m, cookies 8.0 KiB",
        "at most 1m, cookies off",
        "seed 7s 201 PUT /seed",
        "clear 5s 200-399 DELETE /seed?key=***",
    ] {
        assert!(squeezed.contains(expected), "{expected} is not in:\n{text}");
    }
    assert_eq!(text.matches("GET /\n").count(), 1, "home is one of the load's:\n{text}");
}
