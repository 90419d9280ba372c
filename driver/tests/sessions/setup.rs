//! Setup and teardown as one driver runs them: what is said of a step that failed.

use common::wire::StepsOf;
use driver::reactor::worker_runtime;
use driver::secrets::Secrets;
use driver::try_one::{Ran, SetupValues, StepsJob, run_steps};

use crate::support::{Reply, Seen, Server, ok, test_of};

/// Runs setup or teardown of a plan.
fn run(server: &Server, plan: &str, run: StepsOf) -> Ran {
    let test = test_of(server, plan, (0, 1));
    let job = StepsJob {
        test_id: test.test_id.clone(),
        node_id: test.node_id.clone(),
        revision: 1,
        run,
        assignment: test.assignment.clone(),
        hosts: test.hosts.clone(),
        secrets: Secrets::default(),
        bodies: Default::default(),
        setup: SetupValues::new(),
        kept: None,
    };
    let runtime = worker_runtime().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, run_steps(job))
}

#[test]
fn the_reason_of_a_failed_step_has_its_answer_without_the_secrets_in_it() {
    let token = "eyJhbGciOi-4711";
    let server = Server::start(move |seen: &Seen| match seen.line.as_str() {
        "POST /created" => Reply { status: 201, ..ok(&format!("{{\"bearer\":\"{token}\",\"n\":7}}")) },
        _ => ok(&format!("{{\"bearer\":\"{token}\",\"n\":7}}")),
    });
    let masked = "the answer: {\"bearer\":\"***\",\"n\":7}";
    for (login, reason, shown) in [
        ("path = '/t'\ncheck.json.'$.n' = 8", "a check failed", masked),
        ("path = '/created'\nexpect_status = 200", "status 201, but 200 is expected", masked),
        ("path = '/t'\nextract.bearer.max = '5B'", "a value to extract is missing", masked),
        ("path = '/t'\nextract.second = { json = '$.none' }", "a value to extract is missing", masked),
        ("path = '/t'\nextract.bearer.json = '$.baerer'", "a value to extract is missing", "(not shown"),
        ("path = '/created'\nexpect_status = 200\nextract.bearer.json = '$.x'", "status 201", "(not shown"),
    ] {
        let (keys, extract): (Vec<&str>, Vec<&str>) =
            login.lines().partition(|line| !line.starts_with("extract.bearer."));
        let more = extract.first().and_then(|line| line.strip_prefix("extract.bearer."));
        let bearer = match more {
            Some(json) if json.starts_with("json") => format!("{json}, secret = true"),
            Some(max) => format!("json = '$.bearer', secret = true, {max}"),
            None => "json = '$.bearer', secret = true".to_owned(),
        };
        let keys = keys.join("\n");
        let plan = format!(
            "[requests.login]\nmethod = 'POST'\n{keys}\nextract.bearer = {{ {bearer} }}\n\
             [requests.home]\npath = '/home'\n[setup]\nonce = 'driver'\nsteps = ['login']\n\
             [teardown]\nsteps = ['login']\n[scenarios.s]\nsteps = ['home']\n[load]\nrate = 1\nsessions = 1\n"
        );
        for steps in [StepsOf::Setup, StepsOf::Teardown] {
            let ran = run(&server, &plan, steps);
            let reported = ran.report.reason.unwrap();
            assert!(reported.contains(reason) && reported.contains(shown), "{login}: {reported}");
            assert!(!reported.contains("4711"), "{login}: {reported}");
        }
    }
}
