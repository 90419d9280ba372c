//! From a parsed tree to a [`Plan`]: the walk that takes every key, checks it, and then checks how the
//! keys fit together. It goes on after a fault, so that all of them are reported at once.

use std::borrow::Cow;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::Value;

use super::headers::{read_headers, read_method};
use super::load::read_load;
use super::placeholders;
use super::secrets::masked_parameter;
use super::threshold::{Naming, Threshold, ThresholdError};
use super::{
    DriverChoice, EngineChoice, Fault, Honesty, Load, MAX_BODY_BYTES, Mode, Per, Plan, Request, TargetUrl,
};
use super::{abort, capacity, language};
use crate::ids::NodeId;
use crate::tree::{Kind, Node, Table, parse};

/// Most drivers that a plan names or counts.
const MAX_DRIVERS: u32 = 1_000;
/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 200;
/// Longest URL, in bytes.
pub(super) const MAX_URL_BYTES: usize = 8 * 1024;

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// Reads a plan from a parsed tree.
///
/// # Errors
/// Every fault, each with its path, its value and the reason.
pub fn read_value(value: &Value) -> Result<Plan, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut value = Cow::Borrowed(value);
    if language::is_program(&value) {
        faults = language::substitute::put_in(value.to_mut(), None);
    }
    if capacity::is_asked(&value) {
        capacity::complete(value.to_mut());
    }
    let (plan, findings) = Table::walk(Node::from(value.as_ref()), |root| read_plan(root, &value));
    faults.extend(findings.into_faults().into_iter().map(|found| found.fault));
    match plan {
        Some(plan) if faults.is_empty() => Ok(plan),
        _ => Err(faults),
    }
}

/// Every key that the reader of a plan asks for, as paths.
#[cfg(test)]
pub(super) fn keys_read(value: &Value) -> Vec<String> {
    let (_, findings) = Table::walk(Node::from(value), |root| read_plan(root, value));
    findings.keys()
}

/// The plan, or `None` where a value without a default is missing or wrong; faults are recorded in the table.
fn read_plan(root: &mut Table, value: &Value) -> Option<Plan> {
    let name = root.get("name", read_name);
    let drivers = read_drivers(root);
    let per = root
        .get("per", parse::one_of(&[("driver", Per::Driver), ("fleet", Per::Fleet)]))
        .unwrap_or(Per::Driver);
    if language::is_program(value) {
        let read = language::read_program(root, value, &drivers, per);
        let honesty = root.table("honesty", read_honesty);
        let language::Read { target, request, program, load, thresholds, abort, capacity } = read?;
        if let Some(capacity) = &capacity {
            capacity::check(
                capacity,
                root,
                Some(&load),
                Some(&program),
                per,
                (thresholds.len(), abort.len()),
            );
        }
        let name = name.unwrap_or_else(|| default_name(&load, &target));
        let program = Some(program);
        return Some(Plan {
            name,
            drivers,
            per,
            target,
            request,
            program,
            load,
            thresholds,
            abort,
            capacity,
            honesty,
        });
    }
    language::refuse_without_requests(root);
    let target = root.table("target", read_target);
    let request = root.table("request", read_request);
    let load = root.table("load", |load| read_load(load, request.timeout, &drivers, per));
    let thresholds = root.table("thresholds", read_thresholds);
    let abort = abort::read(root, Naming::Unnamed);
    let capacity = capacity::read(root, Naming::Unnamed);
    if let Some(capacity) = &capacity {
        capacity::check(capacity, root, load.as_ref(), None, per, (thresholds.len(), abort.len()));
    }
    let honesty = root.table("honesty", read_honesty);
    if request.engine == EngineChoice::Awc
        && let Some(c) = target.as_ref().and_then(TargetUrl::beyond_awc)
    {
        let reason = format!(
            "the awc engine cannot send the {c:?} in target.url; engine = \"wire\" can, or write it as %{:02X}",
            u32::from(c)
        );
        root.contradiction("request.engine", "\"awc\"", reason);
    }
    let (target, load) = (target?, load?);
    let name = name.unwrap_or_else(|| default_name(&load, &target));
    Some(Plan {
        name,
        drivers,
        per,
        target,
        request,
        program: None,
        load,
        thresholds,
        abort,
        capacity,
        honesty,
    })
}

fn read_name(node: &Node) -> Result<String, String> {
    let name = parse::word(node)?;
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(format!("is longer than {MAX_NAME_CHARS} characters"));
    }
    if name.contains(char::is_control) {
        return Err("holds a control character".to_owned());
    }
    Ok(name)
}

/// What a plan without a name is called.
fn default_name(load: &Load, target: &TargetUrl) -> String {
    let mode = match load.mode {
        Mode::Tsunami { .. } => "tsunami",
        Mode::Avalanche { .. } => "avalanche",
    };
    let name = format!("{mode} on {}{}", target.host_str().unwrap_or_default(), target.path());
    name.chars().take(MAX_NAME_CHARS).collect()
}

fn read_drivers(root: &mut Table) -> DriverChoice {
    let Some(node) = root.take("drivers") else { return DriverChoice::All };
    let expected = "expected a number, \"all\", or a list of node ids";
    let read = match &node.kind {
        Kind::Integer(_) => parse::integer(1..=MAX_DRIVERS)(&node).map(DriverChoice::Count),
        Kind::Text(text) if text == "all" => Ok(DriverChoice::All),
        Kind::List(items) if items.is_empty() => Err("names no driver".to_owned()),
        Kind::List(items) if items.len() > MAX_DRIVERS as usize => {
            Err(format!("names more than {MAX_DRIVERS} drivers"))
        }
        Kind::List(items) => return DriverChoice::Named(read_node_ids(root, items)),
        Kind::Text(_) => Err(expected.to_owned()),
        kind => Err(format!("{expected}, found {}", kind.name())),
    };
    read.unwrap_or_else(|reason| {
        root.fault_at("drivers", &node, reason);
        DriverChoice::All
    })
}

fn read_node_ids(root: &Table, items: &[Node]) -> Vec<NodeId> {
    let mut ids: Vec<NodeId> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let key = format!("drivers[{index}]");
        match parse::text(item).and_then(|text| NodeId::new(&text).map_err(|error| error.to_string())) {
            Ok(id) if ids.contains(&id) => root.fault_at(&key, item, "is named twice"),
            Ok(id) => ids.push(id),
            Err(reason) => root.fault_at(&key, item, reason),
        }
    }
    ids
}

fn read_target(target: &mut Table) -> Option<TargetUrl> {
    read_target_url(target, "url")
}

/// Takes an address that is sent to, and reads it.
pub(super) fn read_target_url(target: &mut Table, key: &str) -> Option<TargetUrl> {
    if !target.has(key) && !target.is_faulty(key) {
        let missing = "is missing; every plan names what it sends to, as in \"http://127.0.0.1:8081/ping\"";
        target.take(key);
        target.missing(key, missing);
        return None;
    }
    let node = target.take(key)?;
    match parse::text(&node).and_then(|text| given_url(&text)) {
        Ok(url) => Some(url),
        Err(reason) => {
            // A URL that is refused must not show its secrets. Masked before it is quoted: a query's secret reaches up to
            // the end of the text.
            let shown = match &node.kind {
                Kind::Text(text) => format!("{:?}", super::mask_url(text)),
                _ => node.to_string(),
            };
            target.fault(Fault::value(target.path_of(key), shown, reason), None);
            None
        }
    }
}

/// The URL that is sent to: neither one that masks a secret, nor one that other tools would put another text in.
fn given_url(text: &str) -> Result<TargetUrl, String> {
    if let Some(reason) = masked_parameter(text) {
        return Err(reason);
    }
    let text = placeholders::unescape(text)
        .map_err(|name| placeholders::reason(&name, &format!("--url \"http://…${name}…\"")))?;
    TargetUrl::parse(&text)
}

/// Reads a URL as a browser does: http or https, with a host, without user and fragment.
///
/// # Errors
/// The reason, and what would be right.
pub fn parse_target_url(text: &str) -> Result<url::Url, String> {
    let text = text.trim();
    if text.len() > MAX_URL_BYTES {
        return Err(format!("is longer than {MAX_URL_BYTES} bytes"));
    }
    if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err("holds a blank or a control character; write it as %20 and the like".to_owned());
    }
    if !text.contains("://") {
        return Err(format!("has no scheme; \"http://{text}\"?"));
    }
    let url = url::Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("has the scheme {}, and only http and https are sent", url.scheme()));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("has no host".to_owned());
    }
    if url.port() == Some(0) {
        return Err("has the port 0, on which nothing listens".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user or a password; give them as -u USER:PASSWORD, or in a plan as request.headers.authorization".to_owned());
    }
    if url.fragment().is_some() {
        return Err("has a fragment (#…), which is never sent; leave it out".to_owned());
    }
    Ok(url)
}

fn read_request(request: &mut Table) -> Request {
    let method = request.get("method", read_method);
    let headers = request.table("headers", read_headers);
    let body = read_body(request);
    let method = method.unwrap_or_else(|| if body.is_empty() { "GET" } else { "POST" }.to_owned());
    if let Some(node) = request.take("body_file")
        && node.kind != Kind::Text(String::new())
    {
        let reason = "only the command line reads files; send the file's content as body, or as body_base64";
        request.fault_at("body_file", &node, reason);
    }
    let engines = [("auto", EngineChoice::Auto), ("wire", EngineChoice::Wire), ("awc", EngineChoice::Awc)];
    Request {
        method,
        headers,
        body,
        timeout: request.get("timeout", parse::duration(MS..=HOUR)).unwrap_or(Duration::from_secs(5)),
        expect_status: read_expect_status(request),
        engine: request.get("engine", parse::one_of(&engines)).unwrap_or(EngineChoice::Auto),
        identify: request.get("identify", parse::boolean).unwrap_or(false),
        connection_reuse: request.get("connection_reuse", parse::boolean).unwrap_or(true),
    }
}

/// The body: text in `body`, or any bytes in `body_base64`.
fn read_body(request: &mut Table) -> Vec<u8> {
    if request.has("body")
        && request.has("body_base64")
        && let Some(node) = request.take("body_base64")
    {
        let reason = "body and body_base64 are both given; leave one out";
        request.fault_at("body_base64", &node, reason);
    }
    let text = request.get("body", |node| {
        let body = placeholders::unescape(&bounded(parse::text(node)?)?)
            .map_err(|name| placeholders::reason(&name, &format!("--body \"…${name}…\"")))?;
        Ok(body.into_bytes())
    });
    let bytes = request.get("body_base64", |node| {
        let text = parse::text(node)?;
        // Checked before decoding, so that an oversized text costs no memory; four characters are three bytes.
        if text.len() / 4 > MAX_BODY_BYTES / 3 + 1 {
            return Err(format!(
                "is {} characters long, and a body is at most {MAX_BODY_BYTES} bytes",
                text.len()
            ));
        }
        bounded(BASE64.decode(text).map_err(|error| format!("cannot be decoded as base64: {error}"))?)
    });
    text.or(bytes).unwrap_or_default()
}

fn bounded<B: AsRef<[u8]>>(body: B) -> Result<B, String> {
    let bytes = body.as_ref().len();
    if bytes > MAX_BODY_BYTES {
        return Err(format!("is {bytes} bytes long, and a body is at most {MAX_BODY_BYTES}"));
    }
    Ok(body)
}

pub(super) fn read_expect_status(request: &mut Table) -> Vec<(u16, u16)> {
    let default = vec![(200, 399)];
    let empty = matches!(request.kind_of("expect_status"), Some(Kind::List(items)) if items.is_empty());
    if empty && let Some(node) = request.take("expect_status") {
        request.fault_at("expect_status", &node, "names no status; leave it out for \"200-399\"");
        return default;
    }
    request.get_list("expect_status", parse_status_range).unwrap_or(default)
}

/// A status or a range of them: `200`, `"200"`, `"200-399"`.
fn parse_status_range(node: &Node) -> Result<(u16, u16), String> {
    let reason = || "expected a status from 100 to 999 or a range of them, as in \"200-399\"".to_owned();
    let status = |text: &str| -> Option<u16> {
        let plain = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|status| plain && (100..=999).contains(status))
    };
    let text = match &node.kind {
        Kind::Integer(integer) => integer.to_string(),
        Kind::Text(text) => text.trim().to_owned(),
        _ => return Err(reason()),
    };
    let (low, high) = text.split_once('-').unwrap_or((&text, &text));
    let (low, high) =
        (status(low.trim_end()).ok_or_else(reason)?, status(high.trim_start()).ok_or_else(reason)?);
    if low > high {
        return Err(format!("is empty; \"{high}-{low}\"?"));
    }
    Ok((low, high))
}

pub(super) fn read_thresholds(table: &mut Table) -> Vec<Threshold> {
    read_conditions(table, "p99", Threshold::parse)
}

/// Reads a table of conditions, one or several a key. `example` is a figure that a key of this table may be, and stands in
/// the fault of a key without quotes.
pub(super) fn read_conditions(
    table: &mut Table,
    example: &str,
    parse: impl Fn(&str, &str) -> Result<Threshold, ThresholdError>,
) -> Vec<Threshold> {
    let mut thresholds = Vec::new();
    for (key, node) in table.take_all() {
        let conditions = match &node.kind {
            Kind::List(conditions) if !conditions.is_empty() => conditions.clone(),
            _ => vec![node.clone()],
        };
        for condition in &conditions {
            let parsed = match &condition.kind {
                Kind::Text(text) => parse(&key, text),
                // An unquoted key with dots is a table of tables.
                Kind::Table(_) => Err(ThresholdError::Figure(format!(
                    "expected a condition, found a table; quote the key, as in \"{key}.{example}\" = \"< 250ms\""
                ))),
                kind => Err(ThresholdError::Bound(format!(
                    "expected a condition, as in \"< 250ms\", found {}",
                    kind.name()
                ))),
            };
            match parsed {
                Ok(threshold) if thresholds.contains(&threshold) => {
                    table.fault_at(&key, condition, "is there twice");
                }
                Ok(threshold) => thresholds.push(threshold),
                Err(error) => table.fault_at(&key, condition, error.to_string()),
            }
        }
    }
    thresholds
}

fn read_honesty(honesty: &mut Table) -> Honesty {
    let default = Honesty::default();
    let one_us = Duration::from_micros(1);
    Honesty {
        max_lag_p99: honesty
            .get("max_lag_p99", parse::duration(one_us..=HOUR))
            .unwrap_or(default.max_lag_p99),
        max_late: honesty.get("max_late", parse::ratio).unwrap_or(default.max_late),
        max_catch_up: honesty
            .get("max_catch_up", parse::duration(Duration::ZERO..=HOUR))
            .unwrap_or(default.max_catch_up),
    }
}
