//! What must hold on every way that a session can take.

use super::fixture::{broken, program};

/// Requests that set and use a variable, a form, and rows.
const REQUESTS: &str = "data.row = { columns = [\"k\"], rows = [[\"1\"]] }\n[requests]\nlist = { path = \"/\" }\n\
    create = { path = \"/create\", extract.id = { header = \"id\" } }\n\
    also = { path = \"/also\", extract.id = { header = \"id\", default = \"none\" } }\n\
    confirm = { path = \"/{{id}}/confirm\" }\n";

#[track_caller]
fn good(scenarios: &str) {
    program(&format!("{REQUESTS}{scenarios}"));
}

#[track_caller]
fn bad(scenarios: &str, expected: &[(&str, &str)]) {
    broken(&format!("{REQUESTS}{scenarios}"), expected);
}

/// Sends each request once, so that none of them is a fault.
const ALL: &str = "[scenarios.all]\nsteps = [\"list\", \"create\", \"also\", \"confirm\"]\n";

#[test]
fn a_variable_is_set_on_every_way_to_its_use() {
    for steps in [
        "\"create\", \"confirm\"",
        "\"create\", { repeat = 3, steps = [\"confirm\"] }",
        "{ repeat = 1, steps = [\"create\"] }, \"confirm\"",
        "{ choose = { create = 1, also = 1 } }, \"confirm\"",
        "\"create\", { choose = { confirm = 1, nothing = 1 } }",
        "\"create\", { when = { id = \"7\" }, steps = [\"confirm\"] }",
        "\"create\", { when = { id = \"7\" }, steps = [\"list\"], otherwise = [\"confirm\"] }",
        "\"create\", { poll = \"confirm\", until = { id = \"7\" }, every = \"1s\", at_most = 3 }",
        "{ poll = \"create\", until = { id = \"7\" }, every = \"1s\", at_most = 3 }, \"confirm\"",
        "{ poll = \"create\", until = { id = \"{{id}}\" }, every = \"1s\", at_most = 3 }",
    ] {
        good(&format!("{ALL}[scenarios.s]\nsteps = [{steps}]\n"));
    }
    let unset = ("requests.confirm.path = id", "is not set on every way where scenarios.s.steps");
    for (steps, expected) in [
        ("\"confirm\"", unset),
        ("\"confirm\", \"create\"", unset),
        ("{ choose = { create = 1, list = 1 } }, \"confirm\"", unset),
        ("{ choose = { create = 1, nothing = 1 } }, \"confirm\"", unset),
        ("{ repeat = 2, steps = [\"confirm\", \"create\"] }", unset),
        ("{ when = { \"row.k\" = \"1\" }, steps = [\"create\"] }, \"confirm\"", unset),
        (
            "{ when = { \"row.k\" = \"1\" }, steps = [\"list\"], otherwise = [\"create\"] }, \"confirm\"",
            unset,
        ),
        (
            "{ when = { id = \"1\" }, steps = [\"list\"] }",
            ("scenarios.s.steps[0].when.id = id", "is not set on every way here"),
        ),
        (
            "{ poll = \"list\", until = { id = \"1\" }, every = \"1s\", at_most = 3 }",
            ("scenarios.s.steps[0].until.id = id", "create or also sets it"),
        ),
        ("{ poll = \"confirm\", until = { id = \"1\" }, every = \"1s\", at_most = 3 }", ("", "")),
    ] {
        let scenarios = format!("{ALL}[scenarios.s]\nsteps = [{steps}]\n");
        let found = super::fixture::faults(&format!("{REQUESTS}{scenarios}"));
        let is = |line: &String| line.starts_with(expected.0) && line.contains(expected.1);
        assert!(!found.is_empty() && found.iter().any(is), "{steps}: {found:?}");
    }
}

#[test]
fn a_step_that_may_fail_leaves_its_variable_unset_without_a_default() {
    let go_on = "on_fail = \"continue\"\n";
    good(&format!("{ALL}[scenarios.s]\n{go_on}steps = [\"also\", \"confirm\"]\n"));
    bad(
        &format!("{ALL}[scenarios.s]\n{go_on}steps = [\"create\", \"confirm\"]\n"),
        &[("requests.confirm.path = id", "with on_fail = \"continue\" the session goes on")],
    );
}

#[test]
fn the_lets_of_a_scenario_hold_for_it_alone_and_those_of_a_request_for_its_attempt() {
    let text =
        "[requests]\na = { path = \"/{{user}}\" }\nb = { path = \"/{{n}}\", let.n = \"{{int 1 9}}\" }\n";
    program(&format!(
        "{text}[scenarios.s]\nlet = {{ user = \"{{{{who}}}}-1\", who = \"{{{{session}}}}\" }}\nsteps = [\"a\", \"b\"]\n"
    ));
    broken(
        &format!(
            "{text}[scenarios.s]\nlet.user = \"u\"\nsteps = [\"a\", \"b\"]\n[scenarios.t]\nsteps = [\"a\"]\n"
        ),
        &[("requests.a.path = user", "the let of scenario s sets it")],
    );
    let leak = "[requests]\na = { path = \"/{{n}}\" }\nb = { path = \"/{{n}}\", let.n = \"{{int 1 9}}\" }\n";
    broken(
        &format!("{leak}[scenarios.s]\nsteps = [\"b\", \"a\"]\n"),
        &[("requests.a.path = n", "is a let of request b, which holds for its own attempts alone")],
    );
}

#[test]
fn a_request_that_nothing_leads_to_is_a_fault() {
    bad(
        "[flows.unused]\nsteps = [\"confirm\"]\n[scenarios.s]\nsteps = [\"list\", \"create\"]\n",
        &[("requests.also", "is never sent"), ("requests.confirm", "is never sent")],
    );
}

#[test]
fn a_form_is_there_before_it_is_submitted() {
    let text = "[requests]\npage = { path = \"/\", extract.f = { form = 0 } }\n\
                code = { path = \"/code\" }\nlogin = { submit = \"f\" }\n";
    program(&format!("{text}[scenarios.s]\nsteps = [\"page\", \"code\", \"login\"]\n"));
    broken(
        &format!("{text}[scenarios.s]\nsteps = [{{ choose = {{ page = 1, code = 1 }} }}, \"login\"]\n"),
        &[("requests.login.submit = f", "not every way there sends page")],
    );
}

#[test]
fn a_form_that_a_round_takes_away_is_not_there_in_the_next() {
    let text = "[requests]\npage = { path = \"/\", extract.f = { form = 0 } }\nlook = { path = \"/look\" }\n\
                send = { submit = \"f\", extract.f = { form = 0, default = \"none\" }, extract.n = { status = true } }\n[scenarios.s]\n";
    for steps in [
        "\"page\", \"send\", { repeat = 1, steps = [\"look\"] }",
        "\"page\", { repeat = 1, steps = [\"send\", \"look\"] }",
        "{ repeat = 4, steps = [\"page\", \"send\", \"look\"] }",
        "\"page\", \"look\", { poll = \"send\", until = { n = \"204\" }, every = \"1s\", at_most = 1 }",
        "\"page\", { repeat = 4, steps = [\"look\", { repeat = 1, steps = [\"send\"] }, \"page\"] }",
    ] {
        program(&format!("{text}steps = [{steps}]\n"));
    }
    for steps in [
        "\"page\", \"send\", \"look\", \"send\"",
        "\"page\", { repeat = 4, steps = [\"send\", \"look\"] }",
        "\"page\", { repeat = 2, steps = [{ repeat = 1, steps = [\"look\", \"send\"] }] }",
        "\"page\", { repeat = 2, steps = [{ choose = { look = 1, send = 5 } }] }",
        "\"page\", \"look\", { poll = \"send\", until = { n = \"204\" }, every = \"1s\", at_most = 5 }",
        "\"page\", { repeat = 2, steps = [\"look\", { repeat = 2, steps = [\"page\", \"send\"] }, \"send\"] }",
    ] {
        broken(
            &format!("{text}steps = [{steps}]\n"),
            &[("requests.send.submit = f", "holds no form where scenarios.s.steps")],
        );
    }
}

#[test]
fn rows_that_are_taken_once_serve_one_scenario_and_as_many_sessions() {
    let text = "data.user = { columns = [\"id\"], rows = [[\"x\"], [\"y\"], [\"z\"]], order = \"once\" }\n\
                [requests]\na = { path = \"/{{user.id}}\" }\nb = { path = \"/b\" }\n";
    let sessions = |scenarios: &str, load: &str| format!("{text}{scenarios}[load]\n{load}\n");
    let s = "[scenarios.s]\nsteps = [\"a\", \"b\"]\n";
    let t = "[scenarios.t]\nsteps = [\"b\"]\n";
    program(&sessions(s, "rate = 1\nsessions = 3"));
    // Which sessions follow a scenario is drawn, so it may be all of them.
    program(&sessions(&format!("{s}{t}"), "rate = 1\nsessions = 3"));
    broken(
        &sessions(&format!("{s}{t}"), "rate = 1\nsessions = 4"),
        &[("data.user.order = \"once\"", "up to 4 sessions of s start")],
    );
    program(&sessions(s, "rate = 0.5\nwarmup = \"2s\"\nduration = \"4s\""));
    program(&sessions(s, "mode = \"avalanche\"\nusers = 5\nduration = \"1m\""));
    let few = |load: &str, n: &str| {
        let reason = format!("has 3 rows, each for one session, and up to {n} sessions of s start");
        broken(&sessions(s, load), &[("data.user.order = \"once\"", reason.as_str())]);
    };
    few("rate = 1\nsessions = 4", "4");
    few("rate = 0.5\nwarmup = \"2s\"\nduration = \"6s\"", "4");
    few("stages = [{ rate = 2, ramp = \"2s\", hold = \"1s\" }]", "4");
    few("mode = \"avalanche\"\nusers = 5\nsessions = 5", "5");
    broken(
        &format!("drivers = 2\n{}", sessions(s, "rate = 1\nsessions = 2")),
        &[("data.user.order", "up to 4 sessions")],
    );
    broken(
        &sessions(&format!("{s}[scenarios.t]\nsteps = [\"a\"]\n"), "rate = 1\nsessions = 3"),
        &[("data.user.order", "s, t use it")],
    );
    broken(
        &sessions("[scenarios.s]\nsteps = [\"a\", { draw = \"user\" }, \"b\"]\n", "rate = 1\nsessions = 3"),
        &[("data.user.order", "cannot be drawn from, and s does")],
    );
}

#[test]
fn a_threshold_on_a_name_that_is_not_counted_is_a_fault() {
    let text = format!("{REQUESTS}{ALL}[load]\nrate = 10\nduration = \"1m\"\n[thresholds]\n");
    let plan = super::fixture::plan(&format!(
        "{text}\"confirm.response.p99\" = \"< 1s\"\n\"all.session.errors.ratio\" = \"< 2%\"\n"
    ));
    assert_eq!(plan.thresholds.len(), 2);
    assert_eq!(plan.default_thresholds().last().unwrap().expression, "session.errors.ratio < 1%");
    broken(
        &format!("{text}\"confrm.response.p99\" = \"< 1s\"\n"),
        &[("thresholds.confrm.response.p99", "did you mean confirm?")],
    );
    let groups = "[flows.pay]\ngroup = \"checkout\"\nsteps = [\"list\"]\n[flows.spare]\ngroup = \"unused\"\nsteps = [\"list\"]\n\
                  [scenarios.s]\nsteps = [{ repeat = 2, steps = [\"pay\"] }]\n";
    let text = text.replace(ALL, &format!("{groups}{ALL}"));
    broken(
        &format!("{text}\"checkout.response.p99\" = \"< 1s\"\n\"unused.response.p99\" = \"< 2s\"\n"),
        &[("thresholds.unused.response.p99", "has no statistics")],
    );
}

proptest::proptest! {
    /// Whatever the steps: where the reader finds no fault, a walk along any way finds every variable set.
    #[test]
    fn no_plan_without_a_fault_uses_what_is_not_set(steps in proptest::collection::vec(0..6_u8, 1..6), seed in 0..64_u32) {
        let step = |n: &u8| match n {
            0 => "\"create\"",
            1 => "\"confirm\"",
            2 => "\"list\"",
            3 => "{ choose = { create = 1, list = 1 } }",
            4 => "{ repeat = 2, steps = [\"list\", \"create\"] }",
            _ => "{ choose = { confirm = 1, nothing = 1 } }",
        };
        let text: Vec<&str> = steps.iter().map(step).collect();
        let text = format!("{REQUESTS}{ALL}[scenarios.s]\nsteps = [{}]\n", text.join(", "));
        if super::fixture::faults(&text).is_empty() {
            let mut set = false;
            for (index, step) in steps.iter().enumerate() {
                let first = seed >> index & 1 == 0;
                match step {
                    0 | 4 => set = true,
                    3 => set |= first,
                    1 => proptest::prop_assert!(set),
                    5 if first => proptest::prop_assert!(set),
                    _ => {}
                }
            }
        }
    }
}
