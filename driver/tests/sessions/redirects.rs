//! Redirects: which are followed, how, and what is said of them.

use crate::support::{Reply, Seen, Server, ok, run_plan};

fn to(status: u16, location: &str) -> Reply {
    Reply { status, fields: format!("location: {location}\r\n"), ..Reply::default() }
}

#[test]
fn no_address_of_an_answer_is_reported_of_a_plan_with_sessions() {
    let server = Server::start(|seen: &Seen| match seen.line.as_str() {
        "GET /old" => to(307, "/cb?code=S3CRET"),
        _ => ok(""),
    });
    for follow in [0, 3] {
        let plan = format!(
            "[requests.old]\npath = '/old'\nfollow = {follow}\nextract.code = {{ location = 'code', secret = true }}\n\
             expect_status = [200, 307]\n[scenarios.s]\nsteps = ['old']\non_fail = 'continue'\n\
             [load]\nrate = 100\nsessions = 6\n"
        );
        let reported = run_plan(&server, &plan);
        assert_eq!(reported.of("old").status_codes.values().sum::<u64>(), 6);
        assert_eq!(reported.ending.unwrap().redirected_to, None);
    }
    assert_eq!((server.count("GET /old"), server.count("GET /cb")), (12, 6));
}

#[test]
fn what_went_on_as_get_stays_a_get_whatever_redirects_follow() {
    let server = Server::start(|seen: &Seen| match seen.line.as_str() {
        "POST /in" => to(303, "/home"),
        "POST /up" => to(302, "/home"),
        "PUT /up" => to(302, "/kept"),
        "GET /home" => to(308, "/home/"),
        "PUT /kept" => to(307, "/kept/"),
        _ => ok(""),
    });
    let plan = "
[requests]
in = { method = 'POST', path = '/in', form = { a = 'b' }, follow = 3 }
up = { method = 'POST', path = '/up', body = 'x', follow = 2 }
put = { method = 'PUT', path = '/up', body = 'y', follow = 2 }
[scenarios.s]
steps = ['in', 'up', 'in', 'put']
[load]
rate = 100
sessions = 7
";
    let reported = run_plan(&server, plan);
    assert_eq!(reported.scenario("s").counters.completed, 7);
    assert_eq!((server.count("GET /home/"), server.count("POST /home")), (21, 0));
    assert_eq!((server.count("PUT /kept/"), server.count("GET /kept")), (7, 0));
    let with_body = server.seen().iter().filter(|seen| !seen.body.is_empty()).count();
    assert_eq!(with_body, 2 * 7 + 7 + 3 * 7, "each POST once, and the PUT as often as it was redirected");
}
