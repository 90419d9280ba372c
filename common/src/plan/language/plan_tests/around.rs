//! `[setup]` and `[teardown]`: what they send, what they set, and what they may not use.

use std::time::Duration;

use super::fixture::{broken, program};
use crate::plan::program::{Once, Step};
use crate::plan::threshold::StatisticsNames;

/// A log-in that sets `token`, a page that uses it, and a log-out.
const SHOP: &str = r#"
requests.login = { method = "POST", path = "/login", extract.token = { json = "$.token" } }
requests.page = { path = "/page", headers = { x = "{{setup.token}}" } }
requests.logout = { method = "POST", path = "/logout", headers = { x = "{{setup.token}}" } }
"#;

#[test]
fn requests_of_setup_and_teardown_are_no_part_of_the_mix() {
    let program =
        program(&format!("setup = {{ steps = ['login'] }}\nteardown = {{ steps = ['logout'] }}{SHOP}"));
    let names: Vec<&str> = program.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    assert_eq!(names, ["page"]);
    let setup = program.setup.as_ref().unwrap();
    assert_eq!((setup.once, setup.timeout), (Once::Fleet, Duration::from_secs(60)));
    assert_eq!(setup.steps, [Step::Request { request: 0, at: None }]);
    let statistics = StatisticsNames::of(&program);
    assert_eq!(statistics.requests.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["page"]);
    let alone = program.alone("setup", setup);
    assert_eq!((alone.scenarios.len(), alone.requests.len(), alone.setup), (1, 3, None));
}

#[test]
fn setup_and_teardown_have_a_cookie_jar_where_the_plan_says_so() {
    let of = |jars: [&str; 2]| {
        let [setup, teardown] = jars.map(|jar| format!("cookies = {jar}, "));
        let program = program(&format!(
            "setup = {{ {setup}steps = ['login'] }}\nteardown = {{ {teardown}steps = ['logout'] }}{SHOP}"
        ));
        let around = [("setup", &program.setup), ("teardown", &program.teardown)];
        let alone = around.map(|(name, around)| program.alone(name, around.as_ref().unwrap()));
        assert_eq!(program.scenarios[0].cookie_bytes, None, "the load has none of it");
        alone.map(|program| program.scenarios[0].cookie_bytes)
    };
    assert_eq!(of(["true", "false"]), [Some(4_096), None]);
    assert_eq!(of(["false", "'16KiB'"]), [None, Some(16 * 1_024)]);
}

#[test]
fn steps_around_the_load_may_be_flows_thoughts_polls_and_repeats() {
    let plan = format!(
        r#"setup = {{ once = "driver", timeout = "5s", steps = [{{ think = "1ms" }}, {{ repeat = 2, steps = ["enter"] }}] }}
teardown.steps = [{{ poll = "logout", until = {{ gone = "yes" }}, every = "10ms", at_most = 3 }}]
flows.enter.steps = ["login"]
scenarios.s.steps = ["page", "logout"]{SHOP}requests.logout.extract.gone = {{ json = "$.gone" }}"#
    );
    let plan = plan.replace(
        "requests.logout = { method = \"POST\", path = \"/logout\", headers = { x = \"{{setup.token}}\" } }\n",
        "requests.logout.path = \"/logout\"\n",
    );
    let program = program(&plan);
    let setup = program.setup.unwrap();
    assert_eq!((setup.once, setup.timeout), (Once::Driver, Duration::from_secs(5)));
    let Step::Repeat { steps, .. } = &setup.steps[1] else { panic!("{:?}", setup.steps) };
    assert!(matches!(&steps[0], Step::Flow { steps, .. } if steps.len() == 1), "{steps:?}");
}

#[test]
fn a_value_of_setup_is_set_on_every_way_through_it() {
    let steps =
        |steps: &str| format!("setup.steps = [{steps}]\nscenarios.s.steps = ['page', 'logout']{SHOP}");
    let not = "is not set on every way through setup";
    broken(
        &steps("'login', { choose = { login = 1, nothing = 1 } }").replace("'login', {", "{"),
        &[("requests.page.headers.x", not), ("requests.logout.headers.x", not)],
    );
    broken(
        &format!("scenarios.s.steps = ['login', 'page', 'logout']{SHOP}"),
        &[
            ("requests.page.headers.x", "the plan has no setup"),
            ("requests.logout.headers.x", "the plan has no setup"),
        ],
    );
    broken(
        &steps("'login', 'page'"),
        &[("requests.page.headers.x", "within setup its own values have their plain names")],
    );
    broken(
        &steps("'login'").replacen("{{setup.token}}", "{{token}}", 1),
        &[("requests.page.headers.x", "its value is {{setup.token}}")],
    );
    broken(
        &steps("'login'").replacen("{{setup.token}}", "{{setup.tokn}}", 1),
        &[("requests.page.headers.x", "no request extracts tokn")],
    );
    broken(
        &steps("'login'").replace("json = \"$.token\"", "form = 0"),
        &[("requests.page.headers.x", "is a form"), ("requests.logout.headers.x", "is a form")],
    );
}

#[test]
fn secrets_do_not_travel_and_rows_belong_to_sessions() {
    let secret = SHOP.replace("json = \"$.token\"", "json = \"$.token\", secret = true");
    let around = "scenarios.s.steps = ['page', 'logout']\nsetup.steps = ['login']\n";
    broken(&format!("{around}{secret}"), &[("requests.login.extract.token.secret", "once = \"driver\"")]);
    program(&format!("{around}setup.once = 'driver'\n{secret}"));
    let data = "data.d = { columns = ['c'], rows = [['1']] }\n";
    let used = SHOP.replace("path = \"/login\"", "path = \"/login/{{d.c}}\"");
    broken(&format!("{around}{data}{used}"), &[("requests.login.path", "cannot be used in setup")]);
    broken(
        &format!("{around}teardown.steps = ['logout', {{ draw = 'd' }}]\n{data}{SHOP}"),
        &[("teardown.steps", "cannot be used in teardown")],
    );
}

#[test]
fn what_only_setup_sends_has_no_share_and_something_is_left_for_the_load() {
    let login = SHOP.replace("path = \"/login\"", "path = \"/login\", share = 3");
    broken(&format!("setup.steps = ['login']\n{login}"), &[("requests.login.share", "has no effect")]);
    broken("setup.steps = ['a']\nrequests.a.path = '/'", &[("requests", "none is left for the load")]);
    broken(
        &format!("setup.steps = ['login']\nscenarios.s.steps = ['page']\n{SHOP}"),
        &[("requests.logout", "no step of a scenario, setup or teardown")],
    );
    broken(
        &format!("setup.steps = ['login']\nthresholds.'login.errors.ratio' = '< 1%'\n{SHOP}"),
        &[("thresholds.login.errors.ratio", "login")],
    );
}
