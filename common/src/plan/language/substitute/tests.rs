//! What is put in where, as a text or as a number, and the fault of each value that is missing.

use super::*;

fn put(mut tree: Value) -> (Value, Vec<String>) {
    let env = |name: &str| (name == "SHOP").then(|| "http://it's.{{test}}".to_owned());
    let faults = put_in(&mut tree, Some(&env));
    (tree, faults.iter().map(ToString::to_string).collect())
}

#[test]
fn values_are_quoted_in_templates_and_plain_elsewhere() {
    let (tree, faults) = put(json!({
        "vars": { "rate": "25", "page": "a b", "shop": "{{env.SHOP}}/x", "n": 7 },
        "target": { "url": "{{env.SHOP}}" },
        "name": "{{vars.n}} pages",
        "request": { "headers": { "x": "{{x}}" } },
        "requests": { "a": {
            "path": "/{{vars.page | upper}}/{{int 1 vars.n}}/{{'vars.page'}}",
            "timeout": "{{vars.n}}s",
            "check": { "body": "{{vars.n}}", "json": { "$.a": "{{ vars.page }}" } },
        } },
        "data": { "d": { "columns": ["a"], "rows": [["{{vars.page}}"]] } },
        "flows": { "f": { "steps": [{ "choose": { "a": "{{vars.n}}" } }] } },
        "load": { "rate": "{{vars.rate}}", "duration": "{{vars.n}}m" },
        "x": "{{vars.shop}}",
    }));
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(
        tree,
        json!({
            "target": { "url": "http://it's.{{test}}" },
            "name": "7 pages",
            "request": { "headers": { "x": "{{x}}" } },
            "requests": { "a": {
                "path": "/{{'a b' | upper}}/{{int 1 '7'}}/{{'vars.page'}}",
                "timeout": "7s",
                "check": { "body": "{{'7'}}", "json": { "$.a": "{{ 'a b' }}" } },
            } },
            "data": { "d": { "columns": ["a"], "rows": [["{{vars.page}}"]] } },
            "flows": { "f": { "steps": [{ "choose": { "a": 7 } }] } },
            "load": { "rate": 25, "duration": "7m" },
            "x": "http://it's.{{test}}/x",
        })
    );
}

#[test]
fn what_cannot_be_put_in_is_a_fault_with_its_path() {
    let (_, faults) = put(json!({
        "vars": { "rate": 5, "a-b": 1, "list": [1] },
        "request": { "headers": { "authorization": "Bearer {{env.SHOP}}" } },
        "requests": { "a": { "path": "/{{vars.rat}}", "headers": { "x": "{{env.NONE}}" } } },
        "load": { "rate": "{{vars.rate | pad 2}}" },
    }));
    for (fault, part) in faults.iter().zip([
        "vars.a-b = \"a-b\": holds a character",
        "vars.list = …: expected a text",
        "request.headers.authorization = \"{{env.SHOP}}\": stands in [request]",
        "requests.a.path = \"{{vars.rat}}\": unknown var \"rat\"; did you mean rate?",
        "requests.a.headers.x = \"{{env.NONE}}\": the environment has no variable NONE",
        "load.rate = \"{{vars.rate | pad 2}}\": has a filter",
    ]) {
        assert!(fault.contains(part), "{fault}");
    }
    assert_eq!(faults.len(), 6, "{faults:#?}");
    let mut tree = json!({ "requests": { "a": { "path": "/{{env.A}}" } } });
    assert!(put_in(&mut tree, None)[0].reason.contains("command line"));
    assert_eq!(tree["requests"]["a"]["path"], "/{{''}}");
}

#[test]
fn a_var_of_the_command_line_replaces_that_of_the_plan() {
    let mut tree = json!({ "vars": { "rate": 5 }, "requests": {}, "load": { "rate": "{{vars.rate}}" } });
    set_var(&mut tree, "rate", "2.5");
    assert_eq!(put_in(&mut tree, None), []);
    assert_eq!(tree["load"]["rate"], json!(2.5));
}

#[test]
fn no_var_has_the_value_of_another_one_in_whichever_order_they_stand() {
    for vars in
        [json!({ "first": 3, "then": "{{vars.first}}" }), json!({ "then": "{{vars.first}}", "first": 3 })]
    {
        let (_, faults) = put(json!({ "vars": vars, "requests": {} }));
        let reason = "a var may have a value of the environment, and not another var's";
        assert_eq!(faults, [format!("vars.then = \"{{{{vars.first}}}}\": {reason}")]);
    }
}
