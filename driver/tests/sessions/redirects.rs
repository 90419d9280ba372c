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
