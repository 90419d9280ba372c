//! Requests as they are rendered, and the laws that hold for all of them.

mod properties;
mod requests;

use std::collections::BTreeMap;
use std::time::Duration;

use common::ids::RequestName;
use common::plan::TargetUrl;
use common::plan::program::{
    BodyPlan, DataSet, Filter, Function, Host, NamedRequest, Order, Part, Program, Slot, SlotValue, Template,
    TlsOptions, UrlPlan, Variable,
};
use serde_json::Map;

use super::*;
use crate::scenario::variables::Layout;

/// What tests render with, kept in one place.
pub struct Bench {
    pub program: Program,
    pub secrets: Vec<String>,
    pub setup: BTreeMap<String, String>,
    pub shared_names: Vec<(String, String)>,
    pub shared: Vec<Option<Vec<u8>>>,
    pub variables: Variables,
    pub rows: Vec<Rows>,
    pub row_of: Vec<Option<usize>>,
    pub g: u64,
    pub place: u64,
    pub cookie: Vec<u8>,
    pub answered_from: Option<(usize, String)>,
    pub identify: bool,
}

pub const SEED: u64 = 7;

impl Bench {
    pub fn new() -> Self {
        let host = |name: &str, url: &str| Host {
            name: name.to_owned(),
            url: TargetUrl::parse(url).unwrap(),
            tls: TlsOptions::default(),
        };
        let variables: Vec<Variable> = ["a", "b", "form"]
            .map(|name| Variable { name: name.to_owned(), max: 4_096, secret: false })
            .to_vec();
        let data = DataSet {
            name: "log".to_owned(),
            columns: vec!["url".to_owned(), "q".to_owned()],
            rows: vec![vec!["/cams/?".to_owned(), "a b".to_owned()], vec!["/x".to_owned(), "ü".to_owned()]],
            order: Order::Circular,
            weight: None,
        };
        let program = Program {
            source: Map::new(),
            seed: Some(SEED),
            hosts: vec![
                host("", "http://shop.test:8080/api/"),
                host("pay", "https://pay.test"),
                host("keyed", "http://keyed.test/v1?key=1"),
            ],
            secrets: Vec::new(),
            data: vec![data.clone()],
            requests: Vec::new(),
            variables: variables.clone(),
            scenarios: Vec::new(),
            groups: Vec::new(),
            setup: None,
            teardown: None,
            shared: Vec::new(),
        };
        Self {
            program,
            secrets: vec!["hunter2".to_owned(), "two\nlines".to_owned()],
            setup: BTreeMap::from([("key".to_owned(), "k 1".to_owned())]),
            shared_names: vec![("token".to_owned(), "jwt".to_owned())],
            shared: vec![Some(b"fresh".to_vec())],
            variables: Variables::new(&Layout::new(&variables)),
            rows: vec![Rows::new(&data, SEED)],
            row_of: vec![Some(0)],
            g: 5,
            place: 0,
            cookie: Vec::new(),
            answered_from: None,
            identify: false,
        }
    }

    pub fn set(&mut self, variable: usize, value: &[u8]) {
        self.variables.set(variable, value).unwrap();
    }

    pub fn constants(&self) -> Constants<'_> {
        Constants {
            program: &self.program,
            secrets: &self.secrets,
            setup: &self.setup,
            shared: &self.shared_names,
            test_id: "t1",
            driver: "d1",
            seed: SEED,
            user_agent: "groundswell/0",
            identify: self.identify,
        }
    }

    pub fn compile(&self, request: &NamedRequest) -> RequestText {
        RequestText::compile(request, &self.constants())
    }

    pub fn context(&mut self) -> Context<'_> {
        Context {
            variables: &mut self.variables,
            rows: &self.rows,
            row_of: &self.row_of,
            shared: &self.shared,
            g: self.g,
            ordinal: 3,
            n_in_session: 2,
            place: self.place,
            seed: SEED,
            unix_us: 1_795_995_698_250_000,
            cookie: &self.cookie,
            answered_from: self.answered_from.as_ref().map(|(host, path)| (*host, path.as_str())),
        }
    }

    /// The request as text; the host.
    pub fn render(&mut self, request: &NamedRequest) -> Result<(String, usize), RenderError> {
        let text = self.compile(request);
        let mut out = b"kept".to_vec();
        let destination = text.render(&mut self.context(), &mut out);
        assert!(out.starts_with(b"kept"));
        assert!(destination.is_ok() || out == b"kept", "nothing is left of what failed");
        destination.map(|to| (String::from_utf8(out[4..].to_vec()).unwrap(), to.host))
    }

    pub fn text(
        &mut self,
        template: &Template,
        place: common::plan::program::Place,
    ) -> Result<String, RenderError> {
        let text = Text::compile(template, place, "requests.r.x", &self.constants());
        let mut out = Vec::new();
        text.render(&mut self.context(), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }
}

pub fn slot(value: SlotValue, filters: &[Filter]) -> Part {
    Part::Slot(Slot { value, filters: filters.to_vec() })
}

pub fn variable(index: usize) -> Part {
    slot(SlotValue::Variable(index), &[])
}

pub fn function(function: Function) -> Part {
    slot(SlotValue::Function(function), &[])
}

pub fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

pub fn template(parts: impl IntoIterator<Item = Part>) -> Template {
    Template { parts: parts.into_iter().collect() }
}

pub fn literal(text: &str) -> Template {
    Template::literal(text)
}

pub fn request(method: &str, path: Template) -> NamedRequest {
    NamedRequest {
        name: RequestName::new("r").unwrap(),
        method: Some(method.to_owned()),
        url: UrlPlan::Path { host: 0, path, query: Vec::new() },
        headers: Vec::new(),
        basic: None,
        body: BodyPlan::None,
        timeout: Duration::from_secs(5),
        expect_status: vec![(200, 399)],
        follow: 0,
        connection_reuse: true,
        lets: Vec::new(),
        extracts: Vec::new(),
        checks: Vec::new(),
        split: None,
    }
}
