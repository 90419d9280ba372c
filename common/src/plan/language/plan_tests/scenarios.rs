//! Flows and scenarios: every form of a step, and every fault.

use std::time::Duration;

use super::fixture::{broken, program};
use crate::plan::program::{Choice, Connections, OnFail, SlotValue, Step, Think};

const REQUESTS: &str = "data.product = { columns = [\"id\"], rows = [[\"x\"], [\"y\"]] }\n\
    [requests]\nhome = { path = \"/\" }\nlook = { path = \"/look\", extract.state = { header = \"state\" } }\n\
    buy = { path = \"/buy\" }\n";

fn send(request: usize) -> Step {
    Step::Request { request, at: None }
}

#[track_caller]
fn steps(steps: &str) -> Vec<Step> {
    let text = format!("{REQUESTS}[scenarios.s]\nsteps = [\"home\", \"look\", \"buy\", {steps}]\n");
    program(&text).scenarios.remove(0).steps.split_off(3)
}

#[test]
fn every_form_of_a_step_is_read() {
    let s = Duration::from_secs;
    assert_eq!(steps("\"buy\""), [send(2)]);
    assert_eq!(steps("{ request = \"buy\", at = \"2s\" }"), [Step::Request { request: 2, at: Some(s(2)) }]);
    assert_eq!(
        steps("{ think = \"2s\" }, { think = \"1s..3s\" }, { think = \"~2s\" }"),
        [
            Step::Think(Think::Fixed(s(2))),
            Step::Think(Think::Uniform(s(1), s(3))),
            Step::Think(Think::Exponential(s(2)))
        ]
    );
    assert_eq!(
        steps("{ choose = { look = 7, nothing = 5, buy = 3 } }"),
        [Step::Choose(vec![
            Choice { name: "look".to_owned(), weight: 7, steps: vec![send(1)] },
            Choice { name: "nothing".to_owned(), weight: 5, steps: vec![] },
            Choice { name: "buy".to_owned(), weight: 3, steps: vec![send(2)] },
        ])],
        "in the order in which they are written"
    );
    assert_eq!(
        steps("{ repeat = 3, steps = [\"buy\", { draw = \"product\" }] }"),
        [Step::Repeat { times: 3, steps: vec![send(2), Step::Draw { data: 0 }] }]
    );
    let [Step::Poll { request: 1, until, every, at_most: 30 }] = &steps(
        "{ poll = \"look\", until = { state = [\"done\", 200, true] }, every = \"1s\", at_most = 30 }",
    )[..] else {
        panic!("not a poll");
    };
    assert_eq!((until.len(), until[0].not, until[0].any_of.len(), *every), (1, false, 3, s(1)));
    let when = "{ when = { state = \"v\", \"product.id\" = { not = [\"x\"] } }, steps = [\"buy\"], otherwise = [\"home\"] }";
    let [Step::When { conditions, steps, otherwise }] = &steps(when)[..] else { panic!("not a when") };
    assert_eq!((steps, otherwise), (&vec![send(2)], &vec![send(0)]));
    let values: Vec<_> = conditions.iter().map(|one| (one.value.clone(), one.not)).collect();
    assert_eq!(values, [(SlotValue::Variable(0), false), (SlotValue::Column(0, 0), true)]);
}

#[test]
fn flows_are_put_in_where_they_are_used() {
    let text = format!(
        "{REQUESTS}[flows]\nlooks = {{ steps = [\"look\"] }}\npay = {{ group = \"pay\", steps = [\"looks\", \"buy\"] }}\n\
         [scenarios]\ns = {{ steps = [\"home\", \"pay\", {{ choose = {{ pay = 1, nothing = 1 }} }}] }}\n"
    );
    let program = program(&text);
    let looks = Step::Flow { name: "looks".to_owned(), steps: vec![send(1)] };
    let pay = Step::Group { group: 0, steps: vec![looks, send(2)] };
    let steps = &program.scenarios[0].steps;
    assert_eq!(steps[..2], [send(0), pay.clone()]);
    assert!(matches!(&steps[2], Step::Choose(choices) if choices[0].steps == [pay]));
    assert_eq!(program.groups.iter().map(ToString::to_string).collect::<Vec<_>>(), ["pay"]);
}

#[test]
fn a_scenario_has_defaults_and_every_key() {
    let text = format!(
        "{REQUESTS}[scenarios.all]\nsteps = [\"home\", \"look\", \"buy\"]\nshare = 3\nlet.user = \"u{{{{session}}}}\"\ncookies = \"16KiB\"\n\
         connections = \"session\"\non_fail = \"continue\"\n[scenarios.least]\nsteps = [\"home\"]\ncookies = true\n"
    );
    let scenarios = program(&text).scenarios;
    let [all, least] = &scenarios[..] else { panic!("{scenarios:?}") };
    assert_eq!((all.name.as_str(), all.share, all.cookie_bytes), ("all", 3, Some(16 * 1024)));
    assert_eq!((all.connections, all.on_fail, all.lets.len()), (Connections::Session, OnFail::Continue, 1));
    assert_eq!((least.share, least.cookie_bytes), (1, Some(4096)));
    assert_eq!((least.connections, least.on_fail), (Connections::Shared, OnFail::End));
}

#[test]
fn without_scenarios_every_request_is_one_of_its_share() {
    let text = "[requests]\nb = { path = \"/b\", share = 600 }\na = { path = \"/a\" }\n[load]\nmode = \"avalanche\"\n\
                users = 3\nduration = \"1m\"\n";
    let program = program(text);
    let scenarios: Vec<_> = program.scenarios.iter().map(|one| (one.name.as_str(), one.share)).collect();
    assert_eq!(scenarios, [("b", 600), ("a", 1)]);
    assert_eq!(program.scenarios[0].steps, [send(0)]);
    assert_eq!(program.scenarios[0].connections, Connections::User, "a closed loop's default");
}

#[test]
fn a_wrong_step_has_its_path_and_what_would_be_right() {
    let at = "scenarios.s.steps[3]";
    for (step, path, reason) in [
        ("\"byu\"", at, "unknown request or flow \"byu\"; did you mean buy?"),
        ("5", at, "expected the name of a request or flow"),
        ("{ thnk = \"2s\" }", at, "unknown key thnk; did you mean think?"),
        (
            "{ pause = 2 }",
            at,
            "expected the name of a request or flow, or a table with one of request, think",
        ),
        ("{ think = \"2s\", draw = \"product\" }", at, "holds think and draw; a step does one thing"),
        ("{ think = 2 }", "scenarios.s.steps[3].think = 2", "expected a text with a unit, as in \"2s\""),
        ("{ think = \"3s..1s\" }", "scenarios.s.steps[3].think", "is empty; \"1s..3s\"?"),
        ("{ think = \"~0s\" }", "scenarios.s.steps[3].think", "has a mean of zero"),
        ("{ think = \"2\" }", "scenarios.s.steps[3].think", "has no unit"),
        ("{ think = \"2s\", at = \"1s\" }", "scenarios.s.steps[3].at", "unknown key"),
        ("{ choose = {} }", "scenarios.s.steps[3].choose", "names no choice"),
        ("{ choose = { buy = 0 } }", "scenarios.s.steps[3].choose.buy = 0", "must be from 1"),
        (
            "{ choose = { none = 1 } }",
            "scenarios.s.steps[3].choose.none = 1",
            "unknown request or flow \"none\"",
        ),
        ("{ repeat = 10001, steps = [\"buy\"] }", "scenarios.s.steps[3].repeat", "must be from 1 to 10000"),
        ("{ repeat = 2 }", "scenarios.s.steps[3].steps", "is missing; it lists what is done"),
        ("{ repeat = 2, steps = \"buy\" }", "scenarios.s.steps[3].steps", "expected a list of steps"),
        ("{ repeat = 2, steps = [] }", "scenarios.s.steps[3].steps", "names no step"),
        ("{ repeat = 2, steps = [\"byu\"] }", "scenarios.s.steps[3].steps[0]", "did you mean buy?"),
        ("{ draw = \"products\" }", "scenarios.s.steps[3].draw", "did you mean product?"),
        ("{ request = \"home\", at = 3 }", "scenarios.s.steps[3].at", "expected a text with a unit"),
        ("{ when = {}, steps = [\"buy\"] }", "scenarios.s.steps[3].when", "names no condition"),
        ("{ when = { stat = \"x\" }, steps = [\"buy\"] }", "scenarios.s.steps[3].when.stat", "stat"),
        ("{ when = { state = [] }, steps = [\"buy\"] }", "scenarios.s.steps[3].when.state", "names no value"),
        (
            "{ when = { state = { no = 1 } }, steps = [\"buy\"] }",
            "scenarios.s.steps[3].when.state.no",
            "unknown key",
        ),
        (
            "{ when = { product.id = \"x\" }, steps = [\"buy\"] }",
            "scenarios.s.steps[3].when.product",
            "quote a column, as in \"product.id\"",
        ),
        (
            "{ poll = \"look\", until = { state = \"x\" }, every = \"9ms\", at_most = 3 }",
            "scenarios.s.steps[3].every",
            "must be from 10ms",
        ),
        (
            "{ poll = \"look\", until = { state = \"x\" }, every = \"1s\" }",
            "scenarios.s.steps[3].at_most",
            "is missing",
        ),
        ("{ poll = \"look\", every = \"1s\", at_most = 3 }", "scenarios.s.steps[3].until", "is missing"),
    ] {
        let text = format!("{REQUESTS}[scenarios.s]\nsteps = [\"home\", \"look\", \"buy\", {step}]\n");
        let expected: &[(&str, &str)] = match step {
            "{ when = { state = { no = 1 } }, steps = [\"buy\"] }" => {
                &[(path, reason), ("scenarios.s.steps[3].when.state.not", "is missing")]
            }
            _ => &[(path, reason)],
        };
        broken(&text, expected);
    }
}

#[test]
fn a_wrong_scenario_or_flow_has_its_path() {
    let all = "steps = [\"home\", \"look\", \"buy\"]";
    for (tables, expected) in [
        ("[scenarios.s]\nshare = 2\n", &[("scenarios.s.steps", "is missing")][..]),
        ("[scenarios.s]\nSTEPS\nshare = 0\n", &[("scenarios.s.share = 0", "must be from 1")]),
        ("[scenarios.s]\nSTEPS\ncookies = \"0B\"\n", &[("scenarios.s.cookies", "leaves no room")]),
        (
            "[scenarios.s]\nSTEPS\ncookies = 4096\n",
            &[("scenarios.s.cookies", "expected true, false or a size")],
        ),
        (
            "[scenarios.s]\nSTEPS\nconnections = \"user\"\n",
            &[("scenarios.s.connections", "belongs to mode \"avalanche\"")],
        ),
        (
            "[scenarios.s]\nSTEPS\non_fail = \"stop\"\n",
            &[("scenarios.s.on_fail", "must be \"end\" or \"continue\"")],
        ),
        ("[scenarios.s]\nSTEPS\nlod = 1\n", &[("scenarios.s.lod", "unknown key")]),
        ("[scenarios.home]\nSTEPS\n", &[("scenarios.home", "is the name of a request too")]),
        (
            "[flows.f]\nsteps = [\"home\"]\n[scenarios.f]\nSTEPS\n",
            &[("scenarios.f", "is the name of a flow too")],
        ),
        ("[flows.f]\nsteps = [\"home\"]\n", &[("flows.f", "is used by nothing")]),
        (
            "[flows.f]\ngroup = \"home\"\nsteps = [\"home\"]\n[scenarios.s]\nSTEPS\n",
            &[("flows.f.group = \"home\"", "is the name of a request too")],
        ),
        (
            "[flows.f]\ngroup = \"session\"\nsteps = [\"home\"]\n[scenarios.s]\nSTEPS\n",
            &[("flows.f.group = \"session\"", "reserved")],
        ),
        (
            "[flows.f]\ngroup = \"g\"\nsteps = [\"home\"]\n[flows.h]\ngroup = \"g\"\nsteps = [\"buy\"]\n[scenarios.s]\nSTEPS\n",
            &[("flows.h.group = \"g\"", "is the group of another flow too")],
        ),
        (
            "[scenarios.s]\nSTEPS\nshare = 1000000\n[scenarios.t]\nSTEPS\nshare = 99\n",
            &[
                ("scenarios.t.share = 99", "is less than one session in 10007"),
                ("scenarios.t.share = 99", "to 100 or"),
            ],
        ),
        (
            "[flows.a]\nsteps = [\"b\"]\n[flows.b]\nsteps = [\"home\", \"a\"]\n[scenarios.s]\nSTEPS\n",
            &[("flows.a.steps", "uses itself: a → b → a"), ("flows.b.steps", "uses itself: b → a → b")],
        ),
    ] {
        let text = format!("{REQUESTS}{}", tables.replace("STEPS", all));
        let n = if tables.contains("share = 99") { &expected[..1] } else { expected };
        broken(&text, n);
        expected.iter().for_each(|(path, reason)| {
            assert!(
                super::fixture::faults(&text)
                    .iter()
                    .any(|line| line.starts_with(path) && line.contains(reason))
            );
        });
    }
}

#[test]
fn flows_nest_at_most_eight_deep_and_do_not_multiply_without_bound() {
    let nested = |n: usize| {
        let flow = |i: usize| match i {
            1 => "[flows.f1]\nsteps = [\"home\", \"look\", \"buy\"]\n".to_owned(),
            i => format!("[flows.f{i}]\nsteps = [\"f{}\"]\n", i - 1),
        };
        let flows: String = (1..=n).map(flow).collect();
        format!("{REQUESTS}{flows}[scenarios.s]\nsteps = [\"f{n}\"]\n")
    };
    program(&nested(8));
    let found = super::fixture::faults(&nested(9));
    assert!(found.iter().any(|line| line.contains("flows.f9.steps: nests flows 9 deep")), "{found:?}");
    // 10 to the power of 8 steps.
    let flow = |i: usize| {
        let inner = if i == 1 { "home".to_owned() } else { format!("f{}", i - 1) };
        format!("[flows.f{i}]\nsteps = [{}]\n", vec![format!("\"{inner}\""); 10].join(", "))
    };
    let flows: String = (1..=8).map(flow).collect();
    let found = super::fixture::faults(&format!("{REQUESTS}{flows}[scenarios.s]\nsteps = [\"f8\"]\n"));
    assert!(found.iter().any(|line| line.contains("steps when its flows are put in")), "{found:?}");
}
