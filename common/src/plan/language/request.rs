//! `[request]` and `[requests.NAME]`: each is read by itself, so that a fault has the path at which it is written; then
//! what all requests share is put under what each one says.

use std::collections::BTreeSet;
use std::time::Duration;

use super::body;
use super::names::{MAX_NAMES, Names};
use super::template::{Reading, plain_text};
use super::url::{self, Address, Where, check_cells, fields};
use super::{check, extract, lets, split};
use crate::ids::RequestName;
use crate::plan::headers::{MAX_FIELD_BYTES, MAX_HEADERS, check_field, is_token, read_method};
use crate::plan::program::{Basic, BodyPlan, Check, Extract, NamedRequest, Part, Template, UrlPlan};
use crate::plan::read::read_expect_status;
use crate::plan::secrets::{is_secret_header, masked_header};
use crate::plan::{EngineChoice, Fault, MASK, Request};
use crate::tree::{Kind, Node, Table, parse};

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);
const TIMEOUT: Duration = Duration::from_secs(5);
/// Most redirects that a request may follow.
const MAX_FOLLOW: u8 = 20;
/// Highest share of a request or a scenario.
pub(super) const MAX_SHARE: u32 = 1_000_000;

/// What one table says, before it is merged.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    method: Option<String>,
    address: Option<Address>,
    /// Whether an address is given, though it may not be readable.
    has_address: bool,
    host: Option<usize>,
    query: Vec<(String, Template)>,
    headers: Vec<(String, Template)>,
    basic: Option<Basic>,
    body: Option<BodyPlan>,
    /// Whether a body is given, though it may not be readable.
    has_body: bool,
    timeout: Option<Duration>,
    expect_status: Option<Vec<(u16, u16)>>,
    lets: Option<Vec<(usize, Template)>>,
    extracts: Option<Vec<Extract>>,
    checks: Option<Vec<Check>>,
    follow: Option<u8>,
    split: split::Keys,
}

/// Reads `[request]`: what all requests share, and what is the same for the whole plan.
pub(super) fn read_shared(root: &mut Table, names: &Names) -> (Request, Keys) {
    root.table("request", |table| {
        let template = table.get("template", parse::boolean).unwrap_or(false);
        let keys = read_keys(table, Reading { names, literal: !template });
        let engines =
            [("auto", EngineChoice::Auto), ("wire", EngineChoice::Wire), ("awc", EngineChoice::Awc)];
        let literal =
            |(name, value): &(String, Template)| Some((name.clone(), value.as_literal()?.to_owned()));
        let request = Request {
            method: keys.method.clone().unwrap_or_else(|| "GET".to_owned()),
            headers: keys.headers.iter().filter_map(literal).collect(),
            body: Vec::new(),
            timeout: keys.timeout.unwrap_or(TIMEOUT),
            expect_status: keys.expect_status.clone().unwrap_or_else(|| vec![(200, 399)]),
            engine: table.get("engine", parse::one_of(&engines)).unwrap_or(EngineChoice::Auto),
            identify: table.get("identify", parse::boolean).unwrap_or(false),
            connection_reuse: table.get("connection_reuse", parse::boolean).unwrap_or(true),
        };
        (request, keys)
    })
}

/// Reads `[requests]`, in the order of [`Names::requests`].
pub(super) fn read_all(root: &mut Table, names: &mut Names, shared: &Keys, reuse: bool) -> Vec<NamedRequest> {
    let has_scenarios = root.has("scenarios");
    root.table("requests", |requests| {
        let mut read = Vec::with_capacity(names.requests.len());
        let mut shares = Vec::with_capacity(names.requests.len());
        let mut blamed = BTreeSet::new();
        for name in names.requests.iter().take(MAX_NAMES) {
            // A name that cannot be one was reported, and has another here, so that the indices stay right.
            let id = RequestName::new(name).or_else(|_| RequestName::new("_"));
            let Ok(id) = id else { continue };
            requests.table(name, |table| {
                shares.push(read_share(table, has_scenarios));
                let own = read_keys(table, Reading { names, literal: false });
                let split = split::merge(table, &id, own.split, shared.split, names);
                read.push(NamedRequest { split, ..merge(table, id, own, shared, reuse, &mut blamed) });
            });
        }
        if read.is_empty() {
            let reason = "names no request; give each a table, as in [requests.home] with path = \"/\"";
            requests.fault(Fault::value("requests", "", reason), None);
        }
        // Too many are one fault.
        requests.take_all();
        names.shares = shares;
        read
    })
}

fn read_share(table: &mut Table, has_scenarios: bool) -> Option<u32> {
    if has_scenarios && table.has("share") {
        let reason = "belongs to plans without [scenarios]; with them, each scenario has a share";
        table.contradiction("share", table.shown("share"), reason);
    }
    table.get("share", parse::integer(1..=MAX_SHARE))
}

fn read_keys(table: &mut Table, reading: Reading<'_>) -> Keys {
    let names = reading.names;
    let method = table.get("method", read_method);
    let has_address = table.has("path") || table.has("url");
    let address = url::read(table, reading);
    let host = table.get("host", |node| names.host(&parse::word(node)?));
    let query = fields(table, "query", reading);
    let headers = table.table("headers", |headers| read_headers(headers, reading));
    let basic =
        table.has("basic").then(|| table.table("basic", |basic| read_basic(basic, reading))).flatten();
    let has_body = body::is_given(table);
    let body = body::read(table, reading);
    let timeout = table.get("timeout", parse::duration(MS..=HOUR));
    let expect_status = table.has("expect_status").then(|| read_expect_status(table));
    let lets = table.has("let").then(|| lets::read(table, reading));
    let extracts = table.has("extract").then(|| table.table("extract", |it| extract::read(it, names)));
    let checks = table.has("check").then(|| table.table("check", |it| check::read(it, names)));
    let follow = table.get("follow", parse::integer(0..=MAX_FOLLOW));
    let split = split::read(table, names);
    Keys {
        method,
        address,
        has_address,
        host,
        query,
        headers,
        basic,
        body,
        has_body,
        timeout,
        expect_status,
        lets,
        extracts,
        checks,
        follow,
        split,
    }
}

/// Puts what is shared under what a request says, and checks how the keys fit together. `blamed`: the keys of `[request]`
/// that have a fault, because they are the same for all requests.
fn merge(
    table: &Table,
    name: RequestName,
    own: Keys,
    shared: &Keys,
    reuse: bool,
    blamed: &mut BTreeSet<&'static str>,
) -> NamedRequest {
    let (given_headers, given_query) = (own.headers.len(), own.query.len());
    // A key that does not fit is the request's own, or that of all.
    let mut blame = |is_own: bool, key: &'static str, shown: &str, reason: &str| {
        if is_own {
            table.contradiction(key, shown, reason);
        } else if blamed.insert(key) {
            table.fault(Fault::contradiction(format!("request.{key}"), shown, reason), None);
        }
    };
    let own_has = |field: &str| has(&own.headers, field);
    let (own_authorization, own_type) = (own_has("authorization"), own_has("content-type"));
    let (own_encoding, own_method, own_basic) =
        (own_has("accept-encoding"), own.method.is_some(), own.basic.is_some());
    let own_multipart = matches!(own.body, Some(BodyPlan::Multipart(_)));
    // What the request says in another way takes the place of what all say.
    let replaced = [("authorization", own_basic), ("content-type", own_multipart)];
    let kept = shared.headers.iter().filter(|(name, _)| {
        !replaced.iter().any(|(field, is_so)| *is_so && name.eq_ignore_ascii_case(field))
    });
    let mut headers = under(own.headers, kept, |a, b| a.eq_ignore_ascii_case(b));
    let query = under(own.query, shared.query.iter(), |a, b| a == b);
    let body = if own.has_body { own.body } else { shared.body.clone() }.unwrap_or(BodyPlan::None);
    let basic = own.basic.or_else(|| shared.basic.clone().filter(|_| !own_authorization));
    if basic.is_some() && has(&headers, "authorization") {
        let reason = "basic and the header authorization are both given; leave one out";
        blame(own_basic, "basic", "", reason);
    }
    let is_submit = matches!(body, BodyPlan::Submit(_));
    let has_address = own.has_address || (shared.has_address && !is_submit);
    let address = if own.has_address { own.address } else { shared.address.clone() };
    let address = address.filter(|_| has_address);
    if is_submit && has_address {
        let reason = "is given beside submit, and a form is sent to its own address; leave it out";
        let key = if matches!(address, Some(Address::Url(_))) { "url" } else { "path" };
        table.contradiction(key, "", reason);
    }
    // A path that cannot be read is still one.
    if given_query > 0 && (is_submit || matches!(address, Some(Address::Url(_)))) {
        let reason = "belongs to a path; the address from an answer has its own query";
        table.contradiction("query", "", reason);
    }
    if !is_submit && !has_address {
        table
            .missing("path", format!("is missing; each request has one, as in requests.{name}.path = \"/\""));
    }
    let host = own.host.or(shared.host).unwrap_or(0);
    let url = match address {
        _ if is_submit => UrlPlan::Form,
        Some(Address::Url(url)) => UrlPlan::Address { url, host },
        Some(Address::Path(path)) => UrlPlan::Path { host, path, query },
        None => UrlPlan::Path { host, path: Template::default(), query },
    };
    let content_type = match body {
        BodyPlan::Json(_) => Some("application/json"),
        BodyPlan::Form(_) => Some("application/x-www-form-urlencoded"),
        _ => None,
    };
    if let Some(content_type) = content_type
        && !has(&headers, "content-type")
    {
        headers.push(("content-type".to_owned(), Template::literal(content_type)));
    }
    if matches!(body, BodyPlan::Multipart(_)) && has(&headers, "content-type") {
        let reason = "is set by multipart, which makes up the boundary in it; leave it out";
        blame(own_type, "headers.content-type", "", reason);
    }
    if headers.len() > MAX_HEADERS && given_headers > 0 {
        let reason = format!("{} header fields are more than {MAX_HEADERS}", headers.len());
        table.fault(Fault::value(table.path_of("headers"), "", reason), None);
    }
    let method = own.method.or_else(|| shared.method.clone());
    let method = match (&body, method) {
        (_, Some(method)) => Some(method),
        (BodyPlan::Submit(_), None) => None,
        (BodyPlan::None, None) => Some("GET".to_owned()),
        (_, None) => Some("POST".to_owned()),
    };
    let request = NamedRequest {
        name,
        method,
        url,
        headers,
        basic,
        body,
        timeout: own.timeout.or(shared.timeout).unwrap_or(TIMEOUT),
        expect_status: own
            .expect_status
            .or_else(|| shared.expect_status.clone())
            .unwrap_or_else(|| vec![(200, 399)]),
        follow: own.follow.or(shared.follow).unwrap_or(0),
        connection_reuse: reuse,
        lets: own.lets.or_else(|| shared.lets.clone()).unwrap_or_default(),
        extracts: own.extracts.or_else(|| shared.extracts.clone()).unwrap_or_default(),
        checks: own.checks.or_else(|| shared.checks.clone()).unwrap_or_default(),
        split: None,
    };
    if request.method.as_deref() == Some("HEAD") && request.wants_body() {
        let reason = "HEAD has an answer without a body, and extract or check looks at it";
        blame(own_method, "method", "\"HEAD\"", reason);
    }
    if request.wants_body() && has(&request.headers, "accept-encoding") {
        let reason = "asks for a compressed body, and extract or check looks at it; leave it out";
        blame(own_encoding, "headers.accept-encoding", "", reason);
    }
    request
}

/// Whether a field is among these.
fn has(headers: &[(String, Template)], field: &str) -> bool {
    headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(field))
}

/// What is shared, without the names that the request gives too, and then what it gives.
fn under<'a>(
    own: Vec<(String, Template)>,
    shared: impl Iterator<Item = &'a (String, Template)>,
    same: impl Fn(&str, &str) -> bool,
) -> Vec<(String, Template)> {
    let is_given = |name: &str| own.iter().any(|(given, _)| same(given, name));
    let kept: Vec<_> = shared.filter(|(name, _)| !is_given(name)).cloned().collect();
    kept.into_iter().chain(own).collect()
}

fn read_headers(table: &mut Table, reading: Reading<'_>) -> Vec<(String, Template)> {
    let mut headers: Vec<(String, Template)> = Vec::new();
    for (name, node) in table.take_written() {
        if headers.len() > MAX_HEADERS {
            let reason = format!("more than {MAX_HEADERS} header fields are given");
            table.fault(Fault::value(table.path(), "", reason), None);
            break;
        }
        let values = match &node.kind {
            Kind::List(values) => values.as_slice(),
            _ => std::slice::from_ref(&node),
        };
        let report = |key: &str, node: &Node, reason: String| {
            let shown = if is_secret_header(&name) { MASK.to_owned() } else { node.to_string() };
            let key = if is_token(&name) { key.to_owned() } else { format!("{name:?}") };
            table.fault(Fault::value(table.path_of(&key), shown, reason), None);
        };
        let twin = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
        if let Err(reason) = check_field(&name, values.len(), twin.map(|(known, _)| known.as_str())) {
            report(&name, &node, reason);
            continue;
        }
        for (index, value) in values.iter().enumerate() {
            match header_value(&name, value, reading) {
                Ok(value) => headers.push((name.clone(), value)),
                Err(reason) => {
                    let is_list = matches!(node.kind, Kind::List(_));
                    let key = if is_list { format!("{name}[{index}]") } else { name.clone() };
                    report(&key, value, reason);
                }
            }
        }
    }
    headers
}

fn header_value(name: &str, node: &Node, reading: Reading<'_>) -> Result<Template, String> {
    let text = plain_text(node)?;
    let text = text.trim_matches([' ', '\t']);
    if text.len() > MAX_FIELD_BYTES {
        return Err(format!("is longer than {MAX_FIELD_BYTES} bytes"));
    }
    if text.contains(['\r', '\n']) {
        return Err("holds a line break, which would end the field".to_owned());
    }
    if text.contains(|c: char| c.is_control() && c != '\t') {
        return Err("holds a control character, which no header carries".to_owned());
    }
    if let Some(reason) = masked_header(name, text) {
        return Err(reason);
    }
    let template = reading.text(text)?;
    check_cells(&template.parts, reading.names, Where::Header)?;
    Ok(template)
}

fn read_basic(basic: &mut Table, reading: Reading<'_>) -> Option<Basic> {
    for key in ["user", "password"].into_iter().filter(|key| !basic.has(key)) {
        basic.missing(key, "is missing; basic has a user and a password");
    }
    let user = basic.get("user", |node| {
        let user = reading.node(node)?;
        let has_colon = user.parts.iter().any(|part| matches!(part, Part::Text(text) if text.contains(':')));
        if has_colon { Err("holds a colon, which ends the user (RFC 7617)".to_owned()) } else { Ok(user) }
    });
    let password = basic.get_secret("password", |node| {
        let text = plain_text(node)?;
        if text == MASK {
            return Err(
                "is the mask that a report shows instead of the secret; give the value itself".to_owned()
            );
        }
        reading.text(&text)
    });
    Some(Basic { user: user?, password: password? })
}
