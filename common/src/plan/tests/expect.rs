//! What sessions are expected to do.

use std::time::Duration;

use super::*;
use crate::plan::PlanFormat;

fn expect(scenarios: &str) -> Expect {
    let text = format!(
        "target.url = \"http://127.0.0.1:8081/\"\n[requests]\na = {{ path = \"/a\" }}\nb = {{ path = \"/b\" }}\n\
         c = {{ path = \"/c\", extract.state = {{ header = \"state\" }} }}\n{scenarios}\n[load]\nrate = 1\nduration = \"1m\"\n"
    );
    let plan =
        crate::plan::read(&text, PlanFormat::Toml).unwrap_or_else(|faults| panic!("{text}\n{faults:?}"));
    let mut program = Program::clone(plan.program.as_ref().unwrap());
    program.requests[1].follow = 2;
    Expect::of(&program)
}

#[track_caller]
fn check(steps: &str, requests: [f64; 3], thinking_s: (f64, f64), most: u64) {
    let expect = expect(&format!("[scenarios.s]\nsteps = [\"a\", \"b\", \"c\", {steps}]\n"));
    for (n, expected) in expect.requests.iter().zip(requests) {
        assert!((n - expected - 1.0).abs() < 1e-9, "{steps}: {:?}", expect.requests);
    }
    let seconds = (expect.thinking.as_secs_f64(), expect.longest_thinking.as_secs_f64());
    assert!(
        (seconds.0 - thinking_s.0).abs() < 1e-6 && (seconds.1 - thinking_s.1).abs() < 1e-6,
        "{steps}: {seconds:?}"
    );
    // The first three steps: one, one with two redirects, one.
    assert_eq!(expect.most_requests, most + 5, "{steps}");
}

#[test]
fn steps_are_added_up_on_average_and_at_most() {
    check("\"a\"", [1.0, 0.0, 0.0], (0.0, 0.0), 1);
    check("\"b\"", [0.0, 1.0, 0.0], (0.0, 0.0), 3);
    check("{ think = \"2s\" }, { think = \"1s..3s\" }, { think = \"~1s\" }", [0.0; 3], (5.0, 15.0), 0);
    check("{ repeat = 20, steps = [\"a\", { think = \"1s..3s\" }] }", [20.0, 0.0, 0.0], (40.0, 60.0), 20);
    check("{ choose = { a = 3, b = 1, nothing = 4 } }", [0.375, 0.125, 0.0], (0.0, 0.0), 3);
    check(
        "{ when = { state = \"x\" }, steps = [\"a\", { think = \"4s\" }], otherwise = [\"a\", \"a\"] }",
        [1.5, 0.0, 0.0],
        (2.0, 4.0),
        2,
    );
    check(
        "{ poll = \"c\", until = { state = \"x\" }, every = \"1s\", at_most = 30 }",
        [0.0, 0.0, 1.0],
        (0.0, 0.0),
        30,
    );
    check(
        "{ think = \"1s\" }, { request = \"a\", at = \"5s\" }, { think = \"1s\" }",
        [1.0, 0.0, 0.0],
        (6.0, 6.0),
        1,
    );
    check("{ think = \"9s\" }, { request = \"a\", at = \"5s\" }", [1.0, 0.0, 0.0], (9.0, 9.0), 1);
    check(
        "{ repeat = 3, steps = [{ request = \"a\", at = \"5s\" }, { think = \"1s\" }] }",
        [3.0, 0.0, 0.0],
        (8.0, 8.0),
        3,
    );
    let nested = "{ repeat = 10000, steps = [{ repeat = 10000, steps = [{ repeat = 10000, steps = [{ repeat = 10000, \
                  steps = [{ repeat = 10000, steps = [\"a\"] }] }] }] }] }";
    let much = expect(&format!("[scenarios.s]\nsteps = [\"a\", \"b\", \"c\", {nested}]\n"));
    assert_eq!(much.most_requests, u64::MAX, "not past the end of numbers");
}

#[test]
fn scenarios_count_by_their_shares() {
    let expect = expect(
        "[scenarios.x]\nshare = 3\nsteps = [\"a\", { think = \"4s\" }]\n[scenarios.y]\nsteps = [\"b\", \"c\", \"c\"]\ncookies = true\n",
    );
    assert_eq!(expect.requests, [0.75, 0.25, 0.5]);
    assert!((expect.requests_per_session() - 1.5).abs() < 1e-9);
    assert_eq!((expect.thinking, expect.longest_thinking), (Duration::from_secs(3), Duration::from_secs(4)));
    assert_eq!(expect.most_requests, 5);
    assert!(expect.depends_on_answers, "redirects may be followed");
    assert_eq!(
        expect.session_bytes,
        SESSION_OVERHEAD_BYTES + 4096 + 256 + 4,
        "a jar, and one variable with its length"
    );
}
