//! When sessions begin and end: open loops, users, stages, pacing, the drain and a stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::counters::ErrorKind;
use common::ids::RequestName;

use crate::support::{Reply, SHOP, Seen, Server, ok, run_plan, run_worker, shop, test_of, test_with};

#[test]
fn users_keep_cookies_and_choose_and_their_number_of_sessions_ends_the_load() {
    let server = Server::start(|seen: &Seen| match seen.line.as_str() {
        "GET /in" => {
            Reply { fields: "set-cookie: sid=s; Path=/\r\nset-cookie: x=y; Path=/b\r\n".to_owned(), ..ok("") }
        }
        _ => ok(""),
    });
    let plan = "
[requests]
in = { path = '/in' }
a = { path = '/a' }
b = { path = '/b/c' }
[scenarios.user]
cookies = true
steps = ['in', { choose = { a = 1, b = 3 } }, { think = '1ms' }]
[load]
mode = 'avalanche'
users = 5
sessions = 200
";
    let began = Instant::now();
    let reported = run_plan(&server, plan);
    let took = i64::try_from(began.elapsed().as_nanos()).unwrap();
    assert_eq!((reported.started(), reported.scenario("user").counters.completed), (200, 200));
    let (a, b) = (reported.of("a").completed, reported.of("b").completed);
    assert_eq!((a, b, reported.of("in").completed), (server.count("GET /a"), server.count("GET /b/c"), 200));
    assert!(a + b == 200 && (25..80).contains(&a), "{a} and {b}");
    for seen in server.seen() {
        let expected = match seen.line.as_str() {
            "GET /in" => "",
            "GET /a" => "sid=s",
            _ => "x=y; sid=s",
        };
        assert_eq!(seen.cookie, expected, "{}", seen.line);
    }
    let to = reported.ending.as_ref().unwrap().schedule_to;
    assert!((1..=took).contains(&to), "the schedule ends with the last session: {to} ns of {took}");
}

#[test]
fn a_session_that_finds_no_place_is_one_dropped_session_and_one_dropped_request() {
    let server = Server::start(|seen: &Seen| Reply { after: Duration::from_millis(400), ..shop(seen) });
    let plan = format!(
        "{SHOP}[scenarios.buy]\nsteps = ['login', 'cart', 'home']\n[load]\nrate = 50\nduration = '1s'\nmax_sessions = 3\n"
    );
    let reported = run_plan(&server, &plan);
    let counters = reported.scenario("buy").counters;
    assert_eq!((counters.started + counters.dropped, counters.failed), (50, 0));
    assert_eq!((reported.of("login").dropped(), reported.of("cart").dropped()), (counters.dropped, 0));
    assert!((3..7).contains(&counters.started), "{counters:?}");
}

#[test]
fn what_thinks_beyond_the_drain_is_abandoned_and_is_not_waited_for() {
    let server = Server::start(shop);
    const DRAIN: Duration = Duration::from_secs(60);
    let plan = format!(
        "{SHOP}[scenarios.buy]\nsteps = ['home', {{ think = '90s' }}, 'login', 'cart']\n[load]\nrate = 40\nduration = '500ms'\ndrain_timeout = '60s'\nmax_sessions = 4000\n"
    );
    let began = Instant::now();
    let reported = run_plan(&server, &plan);
    assert!(began.elapsed() < DRAIN, "the drain was waited for");
    let buy = reported.scenario("buy");
    assert_eq!((buy.counters.abandoned, buy.ended_at.get("login")), (20, Some(&20)));
    assert_eq!((reported.of("home").completed, server.count("POST")), (20, 0));
}

#[test]
fn a_stop_cancels_attempts_and_abandons_sessions() {
    for load in ["rate = 50\nduration = '9m'", "mode = 'avalanche'\nusers = 10\nduration = '9m'"] {
        let server = Server::start(|seen: &Seen| Reply { after: Duration::from_secs(600), ..shop(seen) });
        let plan = format!("{SHOP}[scenarios.buy]\nsteps = ['login', 'cart', 'home']\n[load]\n{load}\n");
        let test = test_of(&server, &plan, (0, 1));
        let reported = run_worker(&test, 0, 1, Some(&|| server.seen().len() >= 10));
        let counters = reported.scenario("buy").counters;
        assert_eq!(counters.abandoned, counters.started);
        // How many an open loop has started by then depends on how busy the machine is; users start ten, and no more.
        assert!(counters.started >= 10, "{counters:?}");
        assert!(load.starts_with("rate") || counters.started == 10, "{counters:?}");
        assert_eq!(reported.of("login").errors_of(ErrorKind::Cancelled), counters.started);
        assert_eq!(reported.ending.as_ref().unwrap().cut_short.as_deref(), Some("stopped"));
    }
}

#[test]
fn stages_of_users_come_and_go_and_their_last_one_ends_the_load() {
    let (now, most) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (held, highest) = (Arc::clone(&now), Arc::clone(&most));
    let server = Server::start(move |_: &Seen| {
        highest.fetch_max(held.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        // Held here and not by `after`, so that what is counted is at the server all the time.
        thread::sleep(Duration::from_millis(10));
        held.fetch_sub(1, Ordering::SeqCst);
        ok("home")
    });
    let plan = "
requests.home = { path = '/home' }
[load]
mode = 'avalanche'
stages = [{ users = 4, hold = '500ms' }, { users = 1, hold = '500ms' }]
";
    let reported = run_plan(&server, plan);
    let ending = reported.ending.as_ref().unwrap();
    assert_eq!((ending.schedule_from, ending.schedule_to), (0, 1_000_000_000));
    // At most: 4 users for half a second and one for the other, each 10 ms an answer, and five that began before an end.
    // How many fewer depends on the machine; four would send 400 in a whole second.
    let sent = reported.of("home").sent;
    assert!((4..=255).contains(&sent) && sent == server.count("GET /home"), "{sent}");
    assert_eq!(most.load(Ordering::SeqCst), 4, "users at a time");
    assert_eq!(reported.users[0], Some(4), "{:?}", reported.users);
}

#[test]
fn users_stop_when_the_rows_that_are_taken_once_are_used_up() {
    let server = Server::start(shop);
    let rows: Vec<String> = (0..7).map(|row| format!("['{row}']")).collect();
    let plan = format!(
        "data.guest = {{ columns = ['id'], order = 'once', rows = [{}] }}\nrequests.home = {{ path = '/home/{{{{guest.id}}}}' }}\n\
         [load]\nmode = 'avalanche'\nusers = 3\nduration = '5m'\n",
        rows.join(", ")
    );
    let reported = run_plan(&server, &plan);
    let mut lines: Vec<String> = server.seen().into_iter().map(|seen| seen.line).collect();
    lines.sort();
    assert_eq!(lines, (0..7).map(|row| format!("GET /home/{row}")).collect::<Vec<_>>());
    let ending = reported.ending.unwrap();
    assert_eq!((ending.begun, ending.used_up.as_ref().map(RequestName::as_str)), (7, Some("guest")));
    assert_eq!(reported.users[0], Some(3));
    // Where the rows suffice, nothing is said.
    let ending = run_plan(&server, &plan.replace("'5m'", "'5m'\nsessions = 7")).ending.unwrap();
    assert_eq!((ending.begun, ending.used_up), (7, None));
}

#[test]
fn a_pacing_spreads_users_and_counts_what_held_them_up() {
    let server = Server::start(|seen: &Seen| Reply { after: Duration::from_millis(30), ..shop(seen) });
    let plan = "
requests.home = { path = '/home' }
[load]
mode = 'avalanche'
users = 4
pacing = '100ms'
";
    // The users begin 25 ms apart and each is due every 100 ms, so the fortieth is not due before 975 ms.
    let reported = run_plan(&server, &format!("{plan}sessions = 40\n"));
    let to = reported.ending.as_ref().unwrap().schedule_to;
    assert_eq!(reported.of("home").completed, 40);
    assert!(to >= 1_005_000_000, "the last was answered after {to} ns");
    // Answers take longer than the pacing: with each session a user is 30 ms later, or more on a busy machine.
    let slow = Server::start(|seen: &Seen| Reply { after: Duration::from_millis(130), ..shop(seen) });
    let held = run_plan(&slow, &format!("{plan}duration = '990ms'\n"));
    let home = &held.scenario("home").response;
    assert!(home.max_us().unwrap() > 250_000, "held up by those before: {:?}", home.max_us());
}

#[test]
fn a_target_that_is_down_is_tried_ever_more_rarely() {
    let server = Server::refusing();
    let plan = "
requests.home = { path = '/home' }
[load]
mode = 'avalanche'
users = 2
sessions = 10
";
    let reported = run_plan(&server, plan);
    let counters = reported.scenario("home").counters;
    assert_eq!((counters.started, counters.failed), (10, 10), "{counters:?}");
    // A user tries at 0, 10, 30, 70 and 150 ms, or later. One of the two makes five of the ten, or more.
    let to = reported.ending.as_ref().unwrap().schedule_to;
    assert!(to >= 150_000_000, "ended after {to} ns");
}

#[test]
fn attempts_of_sessions_wait_in_order_for_one_of_so_many_connections() {
    let slow = |_: &Seen| Reply { after: Duration::from_millis(10), ..ok("") };
    let server = Server::start(slow);
    // 500 sessions a second to one connection that takes 10 ms and more.
    let plan = "[requests]\na = { path = '/{{session}}' }\n[load]\nrate = 500\nsessions = 20\nconnections = 1\n\
                drain_timeout = '30s'\n";
    let reported = run_worker(&test_of(&server, plan, (0, 1)), 0, 1, None);
    let order: Vec<String> = server.seen().iter().map(|seen| seen.line.clone()).collect();
    assert_eq!(order, (0..20).map(|g| format!("GET /{g}")).collect::<Vec<_>>(), "first come, first served");
    assert!(server.seen().iter().all(|seen| seen.connection == 0), "one connection");
    let latencies = &reported.figures.all.latencies;
    let sum_ms = |kind| {
        let latency = latencies.of(kind);
        latency.mean_us().unwrap_or(0.0) * latency.count() as f64 / 1e3
    };
    // The last, due at 38 ms, is answered after all services and lags one after the other.
    let computed =
        sum_ms(common::latency::LatencyKind::Service) + sum_ms(common::latency::LatencyKind::Lag) - 38.0;
    let last = latencies.of(common::latency::LatencyKind::Response).max_us().unwrap() as f64 / 1e3;
    assert!((last - computed).abs() < 0.02 * computed, "{last} ms, and {computed} ms as computed");
    assert!(last > 0.99 * 162.0, "{last} ms");
    assert_eq!(
        reported.scenario("a").response.max_us(),
        latencies.of(common::latency::LatencyKind::Response).max_us()
    );
}

#[test]
fn steps_and_redirects_wait_for_a_connection_like_any_attempt() {
    let server = Server::start(|seen: &Seen| match seen.line.as_str() {
        "GET /old" => Reply { status: 302, fields: "location: /new\r\n".to_owned(), ..Reply::default() },
        _ => Reply { after: Duration::from_millis(2), ..ok("") },
    });
    let plan = "[requests]\na = { path = '/a' }\nold = { path = '/old', follow = 2 }\n\
                b = { path = '/b/{{session}}' }\n[scenarios.s]\nsteps = ['a', 'old', { think = '1ms' }, 'b']\n\
                [load]\nrate = 400\nsessions = 40\nconnections = 3\ndrain_timeout = '30s'\n";
    let reported = run_worker(&test_of(&server, plan, (0, 1)), 0, 1, None);
    assert_eq!(reported.scenario("s").counters.completed, 40);
    assert_eq!((server.count("GET /a"), server.count("GET /new"), server.count("GET /b")), (40, 40, 40));
    let connections: std::collections::BTreeSet<u64> =
        server.seen().iter().map(|seen| seen.connection).collect();
    assert!(connections.len() <= 3, "{connections:?}");
}

#[test]
fn the_drain_begins_where_the_load_ends_though_no_session_began_for_long() {
    let server = Server::start(shop);
    // All sessions have begun at 0.2 s and come to their second step at 2 s; a drain from then on would let it begin up to
    // 1.2 s. It is through long before the load's end, which nothing waits for.
    let plan = format!(
        "request.timeout = '30s'\n{SHOP}[scenarios.buy]\nsteps = ['home', {{ think = '2s' }}, 'login', 'cart']\n[load]\n\
         stages = [{{ rate = 50, hold = '200ms' }}, {{ rate = 0, hold = '10m' }}]\ndrain_timeout = '31s'\n"
    );
    let reported = run_plan(&server, &plan);
    let buy = reported.scenario("buy").counters;
    assert_eq!((buy.started, buy.completed, buy.abandoned), (10, 10, 0), "{buy:?}");
}

#[test]
fn sessions_of_an_open_loop_that_have_no_row_left_do_not_begin() {
    let server = Server::start(shop);
    let rows: Vec<String> = (0..20).map(|row| format!("['{row}']")).collect();
    let plan = format!(
        "per = 'fleet'\ndata.guest = {{ columns = ['id'], order = 'once', rows = [{}] }}\n\
         requests.in = {{ path = '/in/{{{{guest.id}}}}' }}\nrequests.home = {{ path = '/home' }}\n\
         scenarios.guest = {{ share = 3, steps = ['in'] }}\nscenarios.rest.steps = ['home']\n\
         [load]\nrate = 200\nsessions = 20\n",
        rows.join(", ")
    );
    // Fewer rows than the plan has, as if chance had made more sessions than the check expects.
    let test = test_with(&server, &plan, (0, 1), |program| program.data[0].rows.truncate(5));
    let reported = run_worker(&test, 0, 1, None);
    let lines: Vec<String> = server.seen().into_iter().map(|seen| seen.line).collect();
    let mut with_row: Vec<&String> = lines.iter().filter(|line| line.starts_with("GET /in/")).collect();
    with_row.sort();
    assert_eq!(
        with_row,
        (0..5).map(|row| format!("GET /in/{row}")).collect::<Vec<_>>().iter().collect::<Vec<_>>()
    );
    let (guests, others) = (reported.scenario("guest").counters, reported.scenario("rest").counters);
    assert_eq!(guests.started, 5);
    assert_eq!(guests.dropped + guests.started + others.started, 20, "{guests:?} {others:?}");
    let ending = reported.ending.unwrap();
    assert_eq!(ending.used_up.as_ref().map(RequestName::as_str), Some("guest"));
    assert_eq!(ending.begun, 5 + others.started);
}
