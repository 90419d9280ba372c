//! Sessions from a plan's text to a server that counts them: what it saw is what was counted.
#![allow(clippy::unwrap_used, clippy::panic)] // a test: what fails, fails it

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::counters::{Counters, ErrorKind};
use common::figures::{ByRequest, Figures};
use common::ids::{NodeId, RequestName, TestId};
use common::latency::LatencyKind;
use common::plan::program::Program;
use common::plan::{PlanFormat, read, share_out};
use common::session_figures::{AllSessions, SessionCounters, SessionFigures};
use driver::assignment::Assignment;
use driver::driver_test::{DriverTest, HostOf};
use driver::engine::{AwcClient, Engine, FutureEngine, RequestSpec, WireEngine};
use driver::precision::Precision;
use driver::start_at::StartAt;
use driver::worker::report::WorkerEnding;
use driver::worker::windows::Closed;
use driver::worker::{Outlet, run, specs};

/// A request as the server saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    /// Method and target, as in `GET /a?b=c`.
    line: String,
    cookie: String,
    body: String,
    /// Which connection it came over.
    connection: u64,
}

/// An answer: status, more fields, body; and how long it takes.
#[derive(Default)]
struct Reply {
    status: u16,
    fields: String,
    body: String,
    after: Duration,
}

fn ok(body: &str) -> Reply {
    Reply { status: 200, body: body.to_owned(), ..Reply::default() }
}

type Answers = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

/// A server of the test's own, whose threads end with its process.
struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    fn start(answers: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (answers, log): (Answers, _) = (Arc::new(answers), Arc::clone(&seen));
        thread::spawn(move || {
            for (connection, stream) in (0..).zip(listener.incoming()) {
                let (answers, log) = (Arc::clone(&answers), Arc::clone(&log));
                thread::spawn(move || serve(stream.unwrap(), connection, &answers, &log));
            }
        });
        Self { address, seen }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests began with this.
    fn count(&self, line: &str) -> u64 {
        self.seen().iter().filter(|seen| seen.line.starts_with(line)).count() as u64
    }
}

fn serve(stream: TcpStream, connection: u64, answers: &Answers, log: &Mutex<Vec<Seen>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            match reader.read_line(&mut head) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        let field = |name: &str| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
            line.map(|line| line[name.len() + 1..].trim().to_owned()).unwrap_or_default()
        };
        let mut body = vec![0; field("content-length").parse().unwrap_or(0)];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let line = head.lines().next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
        let body = String::from_utf8(body).unwrap();
        let seen = Seen { line, cookie: field("cookie"), body, connection };
        log.lock().unwrap().push(seen.clone());
        let Reply { status, fields, body, after } = answers(&seen);
        thread::sleep(after);
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{fields}\r\n{body}", body.len());
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

#[derive(Clone, Default)]
struct Collected(Rc<RefCell<Reported>>);

#[derive(Default)]
struct Reported {
    figures: ByRequest<Figures>,
    sessions: AllSessions,
    n_windows: u64,
    /// Of each window.
    users: Vec<Option<u32>>,
    ending: Option<WorkerEnding>,
}

impl Outlet for Collected {
    fn progress(&mut self, _: Counters, _: bool) {}

    fn window(&mut self, closed: Closed, _: f64, last: Option<WorkerEnding>) {
        let mut reported = self.0.borrow_mut();
        assert_eq!(closed.seq, reported.n_windows);
        reported.n_windows += 1;
        reported.users.push(closed.users);
        reported.figures += &closed.figures;
        reported.sessions += &closed.sessions.unwrap();
        reported.ending = last;
    }
}

impl Reported {
    fn of(&self, name: &str) -> Counters {
        self.figures.named[&RequestName::new(name).unwrap()].counters.clone()
    }

    fn scenario(&self, name: &str) -> &SessionFigures {
        &self.sessions.scenarios[name]
    }

    fn started(&self) -> u64 {
        self.sessions.scenarios.values().map(|of| of.counters.started + of.warmup.started).sum()
    }
}

fn test_of(server: &Server, plan: &str, (index, of): (usize, usize), workers: u32) -> Arc<DriverTest> {
    test_with(server, plan, (index, of), workers, |_| {})
}

/// A test whose program is changed after it was read.
fn test_with(
    server: &Server,
    plan: &str,
    (index, of): (usize, usize),
    workers: u32,
    change: impl FnOnce(&mut Program),
) -> Arc<DriverTest> {
    let text = format!("target.url = 'http://{}/'\nseed = 7\n{plan}", server.address);
    let mut plan = read(&text, PlanFormat::Toml).unwrap_or_else(|faults| panic!("{faults:#?}"));
    change(Arc::make_mut(plan.program.as_mut().unwrap()));
    let nodes: Vec<_> = (0..of).map(|n| NodeId::new(&format!("d{n}")).unwrap()).collect();
    let (node_id, share) = share_out(&plan, &nodes).unwrap().remove(index);
    let assignment = Assignment::of_plan(&plan, share);
    let test_id = TestId::new("t").unwrap();
    Arc::new(DriverTest {
        shared: None,
        script: DriverTest::script_of(&assignment, (&test_id, &node_id), workers, &[], &BTreeMap::new()),
        test_id,
        node_id,
        assignment,
        hosts: vec![HostOf::new(plan.target.clone(), vec![server.address])],
        start: StartAt { monotonic: Instant::now(), unix_us: 1_700_000_000_000_000 },
    })
}

/// Whether the test is to be stopped now; looked at every few milliseconds.
type StopWhen<'a> = &'a dyn Fn() -> bool;

/// Runs the part of one worker, and checks what always holds.
fn run_worker(
    test: &Arc<DriverTest>,
    worker: usize,
    workers: u32,
    stop_when: Option<StopWhen<'_>>,
) -> Reported {
    run_over(test, worker, workers, stop_when, |specs| WireEngine::of_each(test, specs).unwrap())
}

/// The same over the engine that is made of the requests.
fn run_over<E: Engine>(
    test: &Arc<DriverTest>,
    worker: usize,
    workers: u32,
    stop_when: Option<StopWhen<'_>>,
    engine: impl FnOnce(&[RequestSpec<'_>]) -> E,
) -> Reported {
    let runtime = driver::reactor::worker_runtime().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let collected = Collected::default();
        let engine = specs(test, |specs| Ok(engine(specs))).unwrap();
        let (stop, stopped) = tokio::sync::watch::channel(None);
        let stopping = async {
            if let Some(now) = stop_when {
                while !now() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                let _ = stop.send(Some("stopped".to_owned()));
            }
            std::future::pending::<()>().await;
        };
        let slice = test.slices(workers)[worker];
        tokio::select! {
            ended = run(Arc::clone(test), slice, engine, collected.clone(), Precision::Timer, stopped) => ended.unwrap(),
            () = stopping => {}
        }
        let reported = collected.0.take();
        check_equations(&reported);
        reported
    })
}

fn check_equations(reported: &Reported) {
    let of_each = reported.figures.named.values().map(|figures| &figures.counters);
    let mut sum = Counters::default();
    of_each.clone().for_each(|counters| sum += counters);
    assert_eq!(sum, reported.figures.all.counters, "names sum up to all");
    for counters in of_each.chain([&sum]) {
        assert_eq!(counters.scheduled, counters.sent + counters.dropped(), "{counters:?}");
        assert_eq!(counters.in_flight(), 0, "{counters:?}");
        let both = counters.errors_of(ErrorKind::Check) + counters.errors_of(ErrorKind::Extract);
        let (statuses, errors) =
            (counters.status_codes.values().sum::<u64>(), counters.errors.values().sum::<u64>());
        assert_eq!(counters.completed + counters.failed + both, statuses + errors, "{counters:?}");
    }
    let mut dropped = 0;
    for of in reported.sessions.scenarios.values() {
        for SessionCounters { started, completed, failed, abandoned, dropped: its } in
            [of.counters, of.warmup]
        {
            assert_eq!(started, completed + failed + abandoned);
            dropped += its;
        }
        assert_eq!(of.response.count(), of.counters.completed);
        assert_eq!(of.ended_at.values().sum::<u64>(), of.counters.failed + of.counters.abandoned);
    }
    assert_eq!(dropped, sum.dropped(), "a dropped session is one dropped request");
}

/// Runs a plan on one worker.
fn run_plan(server: &Server, plan: &str) -> Reported {
    run_worker(&test_of(server, plan, (0, 1), 1), 0, 1, None)
}

const SHOP: &str = "
[requests.login]
method = 'POST'
path = '/login'
form = { user = 'u{{session}}' }
extract.token = { json = '$.token' }
[requests.cart]
path = '/cart/{{token}}'
check.body = 'cart of {{token}}'
[requests.home]
path = '/home'
";

fn shop(seen: &Seen) -> Reply {
    match seen.line.split_once(' ').unwrap().1 {
        "/login" => ok(&format!("{{\"token\":\"t-{}\"}}", seen.body.trim_start_matches("user="))),
        path if path.starts_with("/cart/") => ok(&format!("the cart of {}", &path[6..])),
        _ => ok("home"),
    }
}

#[test]
fn each_session_sends_its_steps_with_what_it_extracted() {
    let server = Server::start(shop);
    let plan = format!(
        "{SHOP}[scenarios.buy]\nsteps = ['home', 'login', {{ think = '20ms' }}, 'cart']\n[load]\nrate = 100\nduration = '500ms'\n"
    );
    let reported = run_plan(&server, &plan);
    assert_eq!(reported.scenario("buy").counters.completed, 50, "{:?}", reported.figures.all.counters);
    for name in ["home", "login", "cart"] {
        assert_eq!((reported.of(name).completed, reported.of(name).failed), (50, 0), "{name}");
    }
    assert_eq!((server.count("GET /home"), server.count("POST /login")), (50, 50));
    for g in 0..50 {
        assert_eq!(server.count(&format!("GET /cart/t-u{g}")).min(1), 1, "session {g}");
    }
    let response = &reported.scenario("buy").response;
    assert!(response.max_us().unwrap() < 20_000, "thinking is left out: {:?}", response.max_us());
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
            run_worker(&test_of(&fleet, &plan("fleet"), (index, 3), 2), worker, 2, None);
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
    let reported = run_plan(&server, plan);
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
    assert!(reported.ending.as_ref().unwrap().schedule_to < 5_000_000_000);
}

/// A log-in as sites have it: a form with a hidden token and a cookie, both of which have to come back.
fn site(seen: &Seen) -> Reply {
    let token = |sid: &str| format!("t{}", sid.trim_start_matches('s'));
    match seen.line.as_str() {
        "GET /login" => {
            // Each form is one visitor's.
            static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
            let sid = format!("s{}", NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
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
            let test = test_of(&server, &format!("{LOG_IN}[load]\n{load}\n"), (0, 1), 1);
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
    let plan = format!(
        "{SHOP}[scenarios.buy]\nsteps = ['home', {{ think = '30s' }}, 'login', 'cart']\n[load]\nrate = 100\nduration = '200ms'\ndrain_timeout = '6s'\nmax_sessions = 4000\n"
    );
    let began = Instant::now();
    let reported = run_plan(&server, &plan);
    assert!(began.elapsed() < Duration::from_secs(3));
    let buy = reported.scenario("buy");
    assert_eq!((buy.counters.abandoned, buy.ended_at.get("login")), (20, Some(&20)));
    assert_eq!((reported.of("home").completed, server.count("POST")), (20, 0));
}

#[test]
fn a_stop_cancels_attempts_and_abandons_sessions() {
    let server = Server::start(|seen: &Seen| Reply { after: Duration::from_secs(9), ..shop(seen) });
    for load in ["rate = 50\nduration = '9s'", "mode = 'avalanche'\nusers = 10\nduration = '9s'"] {
        let plan = format!("{SHOP}[scenarios.buy]\nsteps = ['login', 'cart', 'home']\n[load]\n{load}\n");
        let test = test_of(&server, &plan, (0, 1), 1);
        let before = server.seen().len();
        let reported = run_worker(&test, 0, 1, Some(&|| server.seen().len() >= before + 10));
        let counters = reported.scenario("buy").counters;
        assert_eq!(counters.abandoned, counters.started);
        // How many an open loop has started by then depends on how busy the machine is; users start ten, and no more.
        assert!((10..450).contains(&counters.started), "{counters:?}");
        assert!(load.starts_with("rate") || counters.started == 10, "{counters:?}");
        assert_eq!(reported.of("login").errors_of(ErrorKind::Cancelled), counters.started);
        assert_eq!(reported.ending.as_ref().unwrap().cut_short.as_deref(), Some("stopped"));
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
    let test = test_with(&server, plan, (0, 1), 1, |program| {
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

#[test]
fn stages_of_users_come_and_go_and_their_last_one_ends_the_load() {
    let server = Server::start(|seen: &Seen| Reply { after: Duration::from_millis(10), ..shop(seen) });
    let plan = "
requests.home = { path = '/home' }
[load]
mode = 'avalanche'
stages = [{ users = 4, hold = '500ms' }, { users = 1, hold = '500ms' }]
";
    let reported = run_plan(&server, plan);
    let ending = reported.ending.as_ref().unwrap();
    assert_eq!((ending.schedule_from, ending.schedule_to), (0, 1_000_000_000));
    // 4 users for half a second and one for the other, each 10 ms an answer.
    let sent = reported.of("home").sent;
    assert!((120..=255).contains(&sent) && sent == server.count("GET /home"), "{sent}");
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
duration = '990ms'
";
    let reported = run_plan(&server, plan);
    assert_eq!(reported.of("home").completed, 40, "ten of each user");
    let slow = Server::start(|seen: &Seen| Reply { after: Duration::from_millis(130), ..shop(seen) });
    let held = run_plan(&slow, plan);
    let home = &held.scenario("home").response;
    assert!(home.max_us().unwrap() > 250_000, "held up by those before: {:?}", home.max_us());
}

#[test]
fn a_target_that_is_down_is_tried_ever_more_rarely() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = Server { address: gone, seen: Arc::default() };
    let plan = "
requests.home = { path = '/home' }
[load]
mode = 'avalanche'
users = 2
duration = '400ms'
";
    let reported = run_plan(&server, plan);
    let counters = reported.scenario("home").counters;
    assert_eq!(counters.failed, counters.started);
    assert!((8..=14).contains(&counters.started), "at 0, 10, 30, 70, 150 and 310 ms: {counters:?}");
}

#[test]
fn attempts_of_sessions_wait_in_order_for_one_of_so_many_connections() {
    let slow = |_: &Seen| Reply { after: Duration::from_millis(10), ..ok("") };
    let server = Server::start(slow);
    // 500 sessions a second to one connection that takes 10 ms and more.
    let plan = "[requests]\na = { path = '/{{session}}' }\n[load]\nrate = 500\nsessions = 20\nconnections = 1\n\
                drain_timeout = '30s'\n";
    let reported = run_worker(&test_of(&server, plan, (0, 1), 1), 0, 1, None);
    let order: Vec<String> = server.seen().iter().map(|seen| seen.line.clone()).collect();
    assert_eq!(order, (0..20).map(|g| format!("GET /{g}")).collect::<Vec<_>>(), "first come, first served");
    assert!(server.seen().iter().all(|seen| seen.connection == 0), "one connection");
    let latencies = &reported.figures.all.latencies;
    let sum_ms = |kind| {
        let latency = latencies.of(kind);
        latency.mean_us().unwrap_or(0.0) * latency.count() as f64 / 1e3
    };
    // The last, due at 38 ms, is answered after all services and lags one after the other.
    let computed = sum_ms(LatencyKind::Service) + sum_ms(LatencyKind::Lag) - 38.0;
    let last = latencies.of(LatencyKind::Response).max_us().unwrap() as f64 / 1e3;
    assert!((last - computed).abs() < 0.02 * computed, "{last} ms, and {computed} ms as computed");
    assert!(last > 0.99 * 162.0, "{last} ms");
    assert_eq!(reported.scenario("a").response.max_us(), latencies.of(LatencyKind::Response).max_us());
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
    let reported = run_worker(&test_of(&server, plan, (0, 1), 1), 0, 1, None);
    assert_eq!(reported.scenario("s").counters.completed, 40);
    assert_eq!((server.count("GET /a"), server.count("GET /new"), server.count("GET /b")), (40, 40, 40));
    let connections: std::collections::BTreeSet<u64> =
        server.seen().iter().map(|seen| seen.connection).collect();
    assert!(connections.len() <= 3, "{connections:?}");
}
