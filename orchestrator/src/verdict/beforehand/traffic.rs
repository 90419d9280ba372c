//! Requests that are seldom meant as they are: GET with a body, and secrets where access logs keep them.

use std::collections::BTreeSet;

use common::plan::program::{BodyPlan, Bound, Function, NamedRequest, Program, SlotValue, Template, UrlPlan};
use common::plan::{Fault, Plan};

/// One for each key.
pub(super) fn warnings(plan: &Plan) -> Vec<Fault> {
    let Some(program) = &plan.program else {
        let has_body = !plan.request.body.is_empty() && plan.request.method == "GET";
        return has_body.then(|| get_with_body("request.method", "body")).into_iter().collect();
    };
    let secret = secret_variables(program);
    program.requests.iter().flat_map(|request| of_request(program, request, &secret)).collect()
}

fn of_request(program: &Program, request: &NamedRequest, secret: &BTreeSet<usize>) -> Vec<Fault> {
    let at = |key: &str| format!("requests.{}.{key}", request.name);
    let body = match request.body {
        // The fields of a form that is sent with GET stand in its address.
        BodyPlan::None | BodyPlan::Submit(_) => None,
        BodyPlan::Text(_) | BodyPlan::Bytes(_) => Some("body"),
        BodyPlan::File(_) => Some("body_file"),
        BodyPlan::Json(_) => Some("json"),
        BodyPlan::Form(_) => Some("form"),
        BodyPlan::Multipart(_) => Some("multipart"),
    };
    let with_get = body.filter(|_| request.method.as_deref() == Some("GET"));
    let mut warnings: Vec<Fault> =
        with_get.map(|body| get_with_body(&at("method"), body)).into_iter().collect();
    let texts: Vec<(String, &Template)> = match &request.url {
        UrlPlan::Path { path, query, .. } => {
            let query = query.iter().map(|(key, text)| (format!("query.{key}"), text));
            std::iter::once(("path".to_owned(), path)).chain(query).collect()
        }
        UrlPlan::Address { url, .. } => vec![("url".to_owned(), url)],
        UrlPlan::Form => Vec::new(),
    };
    for (key, text) in texts {
        let found = text.slots().find_map(|slot| secret_in(program, &slot.value, secret));
        warnings.extend(found.map(|name| {
            let reason = "a path or query is kept in access logs, and this one holds a secret; send it in a header or a body";
            Fault::value(at(&key), format!("{{{{{name}}}}}"), reason)
        }));
    }
    warnings
}

fn get_with_body(path: &str, body: &str) -> Fault {
    let reason =
        format!("is sent with a body ({body}), which servers and proxies may ignore or refuse; POST has one");
    Fault::value(path, "GET", reason)
}

/// The variables that hold secrets: those that `extract` marks, and each `let` that uses a secret.
fn secret_variables(program: &Program) -> BTreeSet<usize> {
    let marked = program.variables.iter().enumerate().filter(|(_, variable)| variable.secret);
    let mut secret: BTreeSet<usize> = marked.map(|(index, _)| index).collect();
    let of_scenarios = program.scenarios.iter().flat_map(|scenario| &scenario.lets);
    let lets: Vec<&(usize, Template)> =
        of_scenarios.chain(program.requests.iter().flat_map(|request| &request.lets)).collect();
    // One that uses another may stand before it, where they are of a request and of a scenario.
    for _ in 0..=lets.len() {
        let before = secret.len();
        for (variable, text) in &lets {
            if text.slots().any(|slot| secret_in(program, &slot.value, &secret).is_some()) {
                secret.insert(*variable);
            }
        }
        if secret.len() == before {
            break;
        }
    }
    secret
}

/// The name by which a slot uses a secret.
fn secret_in(program: &Program, value: &SlotValue, secret: &BTreeSet<usize>) -> Option<String> {
    let variable = |index: &usize| {
        let name = program.variables.get(*index).map(|variable| variable.name.clone());
        name.filter(|_| secret.contains(index))
    };
    let bound = |bound: &Bound| match bound {
        Bound::Variable(index, _) => variable(index),
        Bound::Number(_) => None,
    };
    match value {
        SlotValue::Secret(index) => program.secrets.get(*index).map(|one| format!("secret.{}", one.name)),
        SlotValue::Variable(index) => variable(index),
        SlotValue::Function(Function::Int(low, high)) => bound(low).or_else(|| bound(high)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::fixtures;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let load = "[load]\nrate = 5\nduration = '5s'\n";
        let plan = fixtures::plan(&format!("target.url = 'http://127.0.0.1:1/'\n{text}\n{load}"));
        assert_eq!(super::super::warnings(&plan, None), expected, "{text}");
    }

    #[test]
    fn a_get_with_a_body_is_named_by_its_key() {
        let why = "which servers and proxies may ignore or refuse; POST has one";
        let of = |path: &str, body: &str| format!("{path} = GET: is sent with a body ({body}), {why}");
        check("request = { method = 'GET', body = 'x' }", &[&of("request.method", "body")]);
        check("request = { method = 'PUT', body = 'x' }", &[]);
        for (body, key) in
            [("body = 'x'", "body"), ("json = { a = 1 }", "json"), ("form = { a = '1' }", "form")]
        {
            let request = |method: &str| format!("requests.a = {{ path = '/', {method}{body} }}");
            check(&request("method = 'GET', "), &[&of("requests.a.method", key)]);
            check(&request(""), &[]);
        }
    }

    #[test]
    fn a_secret_in_a_path_or_query_is_named_by_its_key() {
        let why = "a path or query is kept in access logs, and this one holds a secret; send it in a header or a body";
        let secrets = "secrets.key = { env = 'KEY' }\n";
        let of = |request: &str| format!("{secrets}requests.a = {{ {request} }}");
        check(&of("path = '/', headers = { x-key = '{{secret.key}}' }"), &[]);
        let expected = format!("requests.a.query.k = {{{{secret.key}}}}: {why}");
        check(&of("path = '/', query = { a = '1', k = 'x{{secret.key | sha256}}' }"), &[&expected]);
        let expected = format!("requests.a.path = {{{{secret.key}}}}: {why}");
        check(&of("path = '/{{secret.key}}'"), &[&expected]);
        // A let that uses one is one, and so is a value that an answer gives as a secret.
        let expected = format!("requests.a.path = {{{{b}}}}: {why}");
        check(&of("path = '/{{b}}', let = { b = 'x{{c}}', c = '{{secret.key}}' }"), &[&expected]);
        let expected = format!("requests.b.path = {{{{t}}}}: {why}");
        let token = "requests.a = { path = '/', extract.t = { header = 't', secret = true } }\n\
                     requests.b.path = '/{{t}}'\nscenarios.s.steps = ['a', 'b']";
        check(token, &[&expected]);
        check(&token.replace(", secret = true", ""), &[]);
    }
}
