//! Programs for tests, made by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use common::ids::RequestName;
use common::plan::TargetUrl;
use common::plan::program::{
    BodyPlan, Check, Connections, Host, NamedRequest, OnFail, Program, Scenario, Step, Template, TlsOptions,
    UrlPlan, Variable,
};

use super::files::Bodies;
use super::render::Constants;
use super::script::Script;

/// A GET of `/NAME`.
pub fn request(name: &str) -> NamedRequest {
    NamedRequest {
        name: RequestName::new(name).unwrap(),
        method: Some("GET".to_owned()),
        url: UrlPlan::Path { host: 0, path: Template::literal(format!("/{name}")), query: Vec::new() },
        headers: Vec::new(),
        basic: None,
        body: BodyPlan::None,
        timeout: Duration::from_secs(2),
        expect_status: vec![(200, 399)],
        follow: 0,
        connection_reuse: true,
        lets: Vec::new(),
        extracts: Vec::new(),
        checks: Vec::<Check>::new(),
        split: None,
    }
}

/// A scenario that ends with its first failed step.
pub fn scenario(name: &str, steps: Vec<Step>) -> Scenario {
    Scenario {
        name: name.to_owned(),
        share: 1,
        steps,
        lets: Vec::new(),
        cookie_bytes: None,
        connections: Connections::Shared,
        on_fail: OnFail::End,
    }
}

/// A program of these, with the groups `g0` and `g1` and the variables `v0` and `v1`.
pub fn program(requests: Vec<NamedRequest>, scenarios: Vec<Scenario>) -> Program {
    let url = TargetUrl::parse("http://127.0.0.1:1/").unwrap();
    let variable = |i: usize| Variable { name: format!("v{i}"), max: 64, secret: false };
    Program {
        source: serde_json::Map::new(),
        seed: Some(7),
        hosts: vec![Host { name: String::new(), url, tls: TlsOptions::default() }],
        secrets: Vec::new(),
        data: Vec::new(),
        requests,
        variables: (0..2).map(variable).collect(),
        scenarios,
        groups: ["g0", "g1"].map(|name| RequestName::new(name).unwrap()).into(),
        setup: None,
        teardown: None,
        shared: Vec::new(),
    }
}

/// The same, compiled.
pub fn script(program: &Program) -> Script {
    let setup = BTreeMap::new();
    let constants = Constants {
        program,
        secrets: &[],
        setup: &setup,
        shared: &[],
        test_id: "t",
        driver: "d",
        seed: program.seed.unwrap(),
        user_agent: "groundswell",
        identify: false,
        bodies: &Bodies::new(),
    };
    Script::new(program, &constants, BTreeMap::new())
}
