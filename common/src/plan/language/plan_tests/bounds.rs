//! How much of a thing a plan may hold. What is too much is one fault, whatever its size.

use std::fmt::Write as _;

use super::fixture::{broken, program};

#[test]
fn requests_have_eight_different_timeouts_at_most() {
    let requests = |n: u32| {
        let of = |i: u32| format!("r{i} = {{ path = \"/\", timeout = \"{}ms\" }}\n", 300 + i.min(n));
        format!("[requests]\n{}", (1..=12).map(of).collect::<String>())
    };
    program(&requests(8));
    broken(&requests(11), &[("requests", "have 11 different timeouts, and 8 are the most")]);
}

#[test]
fn a_plan_has_so_many_different_regexes() {
    let requests = |n: usize, different: usize| {
        let mut text = "[requests]\n".to_owned();
        for i in 0..n {
            let regex = i % different;
            let _ = write!(text, "r{i} = {{ path = \"/\", check.body = {{ regex = \"a{regex}\" }}, ");
            let _ = writeln!(text, "extract.v = {{ regex = \"b{regex}(.)\" }} }}");
        }
        text
    };
    program(&requests(64, 64));
    program(&requests(200, 7));
    broken(&requests(90, 65), &[("requests.r64.extract.v.regex = \"b64(.)\"", "a plan has at most 128")]);
}

#[test]
fn names_that_are_looked_up_are_so_many() {
    let named =
        |n: usize, value: &str| (0..n).map(|i| format!("v{i} = {value}")).collect::<Vec<_>>().join(", ");
    let one = "[requests]\na = { path = \"/\" }\n";
    broken(
        &format!("requests.a.extract = {{ {} }}\nrequests.a.path = \"/\"\n", named(90, "{ json = \"$.a\" }")),
        &[("requests", "90 variables are set by extract and let")],
    );
    broken(
        &format!("{one}[scenarios.s]\nsteps = [\"a\", {{ choose = {{ {} }} }}]\n", named(600, "1")),
        &[("scenarios.s.steps[1].choose", "holds 600 choices, and 513 are the most")],
    );
    broken(
        &format!(
            "{one}[scenarios.s]\nsteps = [\"a\", {{ when = {{ {} }}, steps = [\"a\"] }}]\n",
            named(514, "\"1\"")
        ),
        &[("scenarios.s.steps[1].when", "holds 514 conditions")],
    );
    broken(
        &format!("requests.a.path = \"/\"\nscenarios = {{ {} }}\n", named(300, "{}")),
        &[("scenarios", "holds 300 scenarios, and a plan has at most 256")],
    );
}
