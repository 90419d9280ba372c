//! What a session sends: its steps, with what earlier answers gave, over the connections that the plan gives it.

use std::sync::atomic::{AtomicU64, Ordering};

use common::counters::ErrorKind;
use driver::engine::{AwcClient, FutureEngine};

use crate::support::{
    Reply, SHOP, Seen, Server, ok, run_over, run_plan, run_worker, shop, test_of, test_with,
};

#[test]
fn each_session_sends_its_steps_with_what_it_extracted() {
    let server = Server::start(shop);
    let plan = format!(
        "{SHOP}[scenarios.buy]\nsteps = ['home', 'login', {{ think = '500ms' }}, 'cart']\n[load]\nrate = 100\nduration = '500ms'\n"
    );
    let reported = run_plan(&server, &plan);
    assert_eq!(reported.scenario("buy").counters.completed, 50, "{:?}", reported.figures.all.counters);
    for name in ["home", "login", "cart"] {
        assert_eq!((reported.of(name).completed, reported.of(name).failed), (50, 0), "{name}");
    }
    assert_eq!((server.count("GET /home"), server.count("POST /login")), (50, 50));
    let mut carts: Vec<String> = server.seen().into_iter().map(|seen| seen.line).collect();
    carts.retain(|line| line.starts_with("GET /cart/"));
    let mut expected: Vec<String> = (0..50).map(|g| format!("GET /cart/t-u{g}")).collect();
    carts.sort();
    expected.sort();
    assert_eq!(carts, expected, "each session sends the token of its own log-in, once");
    let response = &reported.scenario("buy").response;
    // A busy machine may add as much to some of the fifty; with their thinking none would be below it.
    assert!(response.min_us().unwrap() < 500_000, "thinking is left out: {:?}", response.min_us());
}

#[test]
fn the_sessions_of_a_fleet_are_those_of_one_driver() {
    let plan = |per: &str| {
        format!(
            "per = '{per}'\n{SHOP}[scenarios.buy]\nsteps = ['login', 'cart']\nshare = 2\n[scenarios.look]\nsteps = ['home']\n[load]\nrate = 200\nduration = '300ms'\n"
        )
    };
    let lines = |server: &Server| {
        let mut lines: Vec<_> = server.seen().into_iter().map(|seen| (seen.line, seen.body)).collect();
        lines.sort();
        lines
    };
    let one = Server::start(shop);
    run_plan(&one, &plan("driver"));
    let fleet = Server::start(shop);
    for index in 0..3 {
        for worker in 0..2 {
            run_worker(&test_of(&fleet, &plan("fleet"), (index, 3)), worker, 2, None);
        }
    }
    assert_eq!(lines(&one), lines(&fleet));
}

#[test]
fn failed_checks_and_extracts_count_under_their_status_and_end_the_session() {
    let server = Server::start(|seen: &Seen| match seen.body.as_str() {
        "user=u0" => ok("{}"),
        "user=u1" => Reply { status: 500, ..Reply::default() },
        _ if seen.line == "GET /cart/t-u2" => ok("nothing"),
        _ => shop(seen),
    });
    let plan = format!(
        "{SHOP}[scenarios.buy]\nsteps = ['home', 'login', 'cart']\n[load]\nrate = 100\nsessions = 6\n"
    );
    let reported = run_plan(&server, &plan);
    let (login, cart) = (reported.of("login"), reported.of("cart"));
    assert_eq!((login.completed, login.failed, login.errors_of(ErrorKind::Extract)), (4, 2, 1));
    assert_eq!((&login.status_codes, cart.errors_of(ErrorKind::Check)), (&[(200, 5), (500, 1)].into(), 1));
    assert_eq!((cart.completed, cart.failed), (3, 1));
    let buy = reported.scenario("buy");
    assert_eq!((buy.counters.started, buy.counters.completed, buy.counters.failed), (6, 3, 3));
    assert_eq!(buy.ended_at, [("login".to_owned(), 2), ("cart".to_owned(), 1)].into());
}

#[test]
fn a_check_whose_text_cannot_be_written_fails_and_the_answer_counts() {
    let server = Server::start(|seen: &Seen| match seen.line.as_str() {
        "GET /a" => ok("{\"total\":\"n/a\"}"),
        _ => Reply { status: 201, ..ok("{\"total\":7}") },
    });
    let plan = "
[requests.a]
path = '/a'
extract.total = { json = '$.total' }
[requests.b]
path = '/b'
check.json.'$.total' = '{{total | number}}'
[scenarios.s]
steps = ['a', 'b']
[load]
rate = 100
sessions = 8
";
    let reported = run_plan(&server, plan);
    let b = reported.of("b");
    assert_eq!((b.sent, &b.status_codes, server.count("GET /b")), (8, &[(201, 8)].into(), 8));
    assert_eq!((b.errors_of(ErrorKind::Check), b.errors_of(ErrorKind::Template)), (8, 0));
}

/// A log-in as sites have it: a form with a hidden token and a cookie, both of which have to come back.
fn site(seen: &Seen) -> Reply {
    let token = |sid: &str| format!("t{}", sid.trim_start_matches('s'));
    match seen.line.as_str() {
        "GET /login" => {
            // Each form is one visitor's.
            static NEXT: AtomicU64 = AtomicU64::new(0);
            let sid = format!("s{}", NEXT.fetch_add(1, Ordering::Relaxed));
            let form = format!(
                "<form method=post action='/login'><input type=hidden name=csrf value='{}'></form>",
                token(&sid)
            );
            Reply { fields: format!("set-cookie: sid={sid}; Path=/; HttpOnly\r\n"), ..ok(&form) }
        }
        "POST /login" => {
            let sid = seen.cookie.strip_prefix("sid=").unwrap_or("none");
            let fits = seen.body.ends_with(&format!("&csrf={}", token(sid)));
            let fields = format!("location: /account\r\nset-cookie: user=of-{sid}; Path=/\r\n");
            if fits { Reply { status: 303, fields, ..ok("") } } else { Reply { status: 403, ..ok("") } }
        }
        _ => {
            let has = |name: &str| {
                seen.cookie.split("; ").find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
            };
            match (has("sid"), has("user")) {
                (Some(sid), Some(user)) if user == format!("of-{sid}") => ok(&format!("welcome {sid}")),
                _ => Reply { status: 401, ..ok("") },
            }
        }
    }
}

const LOG_IN: &str = "
[requests.form]
path = '/login'
extract.csrf = { input = 'csrf' }
extract.sid = { cookie = 'sid' }
[requests.login]
method = 'POST'
path = '/login'
form = { user = 'guest {{session}}', csrf = '{{csrf}}' }
expect_status = 303
[requests.account]
path = '/account'
check.body = 'welcome {{sid}}'
[scenarios.customer]
cookies = true
steps = ['form', 'login', { think = '5ms' }, 'account']
";

#[test]
fn a_log_in_is_the_same_over_both_engines() {
    for load in ["rate = 100\nsessions = 40", "mode = 'avalanche'\nusers = 4\nsessions = 40"] {
        for name in ["wire", "awc"] {
            let server = Server::start(site);
            let test = test_of(&server, &format!("{LOG_IN}[load]\n{load}\n"), (0, 1));
            let reported = match name {
                "wire" => run_worker(&test, 0, 1, None),
                _ => run_over(&test, 0, 1, None, |specs| {
                    FutureEngine::new(AwcClient::of_each(&test, specs).unwrap(), test.start)
                }),
            };
            let counters = reported.scenario("customer").counters;
            assert_eq!(
                (counters.started, counters.completed, counters.failed),
                (40, 40, 0),
                "{name}, {load}"
            );
            for (request, status) in [("form", 200), ("login", 303), ("account", 200)] {
                let of = reported.of(request);
                assert_eq!(
                    (of.completed, &of.status_codes),
                    (40, &[(status, 40)].into()),
                    "{name}: {request}"
                );
            }
            assert_eq!(server.seen().len(), 120, "{name}: what the server saw is what was counted");
            // Both send the same: the users of the 40 sessions, encoded.
            for g in 0..40 {
                let body = format!("user=guest%20{g}&csrf=");
                let sent = server.seen().iter().filter(|seen| seen.body.starts_with(&body)).count();
                assert_eq!(sent, 1, "{name}: {body}");
            }
        }
    }
}

#[test]
fn redirects_are_followed_and_counted_under_a_name_of_their_own() {
    let server = Server::start(|seen: &Seen| {
        let to = |status: u16, location: &str| Reply {
            status,
            fields: format!("location: {location}\r\n"),
            ..Reply::default()
        };
        match seen.line.as_str() {
            "POST /in" => to(303, "/next"),
            "GET /next" => to(302, "there?code=5"),
            "GET /there?code=5" => ok("here"),
            "GET /away" => to(302, "http://192.0.2.1/"),
            "GET /round" => to(302, "/round"),
            _ => Reply { status: 404, ..Reply::default() },
        }
    });
    let plan = "
[requests.in]
method = 'POST'
path = '/in'
form = { a = 'b' }
check.body = 'here'
[requests.away]
path = '/away'
[requests.round]
path = '/round'
expect_status = [200]
[scenarios.all]
steps = ['in', 'away', 'round']
on_fail = 'continue'
[load]
rate = 100
sessions = 10
";
    let test = test_with(&server, plan, (0, 1), |program| {
        for (request, follow) in program.requests.iter_mut().zip([3, 1, 2]) {
            request.follow = follow;
        }
    });
    let reported = run_worker(&test, 0, 1, None);
    assert_eq!((reported.of("in").completed, reported.of("in.redirect").completed), (10, 20));
    assert_eq!(reported.of("in.redirect").status_codes, [(302, 10), (303, 10)].into());
    assert_eq!(
        (reported.of("away").errors_of(ErrorKind::Target), reported.of("away.redirect").completed),
        (10, 10)
    );
    assert_eq!((reported.of("round").failed, reported.of("round.redirect").completed), (10, 20));
    assert_eq!(
        (server.count("POST /in"), server.count("GET /there"), server.count("GET /round")),
        (10, 10, 30)
    );
    assert_eq!(reported.scenario("all").ended_at, [("away".to_owned(), 10)].into());
}

#[test]
fn sessions_of_their_own_connections_open_one_each_and_users_keep_theirs() {
    for (load, connections, expected) in [
        ("rate = 100\nsessions = 12", "session", 12),
        ("mode = 'avalanche'\nusers = 3\nsessions = 12", "session", 12),
        ("mode = 'avalanche'\nusers = 3\nsessions = 12", "user", 3),
    ] {
        let server = Server::start(shop);
        let plan = format!(
            "{SHOP}[scenarios.buy]\nsteps = ['home', 'login', 'cart']\nconnections = '{connections}'\n[load]\n{load}\n"
        );
        let reported = run_plan(&server, &plan);
        assert_eq!(reported.scenario("buy").counters.completed, 12, "{connections}");
        let mut seen: Vec<_> = server.seen().iter().map(|seen| seen.connection).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), expected, "{load} {connections}");
        assert_eq!(reported.ending.unwrap().opened.connections, expected as u64);
    }
}
