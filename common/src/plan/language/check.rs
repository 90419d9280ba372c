//! `check`: what an answer with an expected status must hold.

use super::extract::regex;
use super::names::Names;
use super::template;
use crate::plan::headers::is_token;
use crate::plan::json_path::JsonPath;
use crate::plan::program::{
    BodyCheck, Check, Compare, HeaderCheck, JsonCheck, JsonExpected, JsonText, SizeCheck,
};
use crate::tree::{Kind, Node, Table, parse};

/// Most lines of all checks of a request.
const MAX_CHECKS: usize = 100;

/// Reads the table `check` of a request.
pub(super) fn read(check: &mut Table, names: &Names) -> Vec<Check> {
    let mut checks = Vec::new();
    checks.extend(read_body(check, names).map(Check::Body));
    checks.extend(check.table("header", |headers| read_headers(headers, names)));
    checks.extend(check.table("json", |paths| read_json(paths, names)));
    checks.extend(check.get("size", size).map(Check::Size));
    if checks.len() > MAX_CHECKS {
        let reason = format!("holds {} checks, and a request has at most {MAX_CHECKS}", checks.len());
        check.missing("json", reason);
    }
    checks
}

/// The only key of a table with one key of these.
fn one_key<'a>(node: &'a Node, keys: &[&'static str]) -> Result<(&'static str, &'a Node), String> {
    let expected = || format!("expected one key of {}", keys.join(" or "));
    let Kind::Table(entries) = &node.kind else { return Err(expected()) };
    let mut given = entries.iter();
    let (Some((name, value)), None) = (given.next(), given.next()) else { return Err(expected()) };
    match keys.iter().find(|key| *key == name) {
        Some(key) => Ok((key, value)),
        None => Err(format!("{}, found {name}", expected())),
    }
}

fn absent(node: &Node) -> Result<(), String> {
    match node.kind {
        Kind::Bool(true) => Ok(()),
        _ => Err(format!("expected absent = true, found {node}")),
    }
}

fn read_body(check: &mut Table, names: &Names) -> Option<BodyCheck> {
    let text = |node: &Node| {
        if matches!(&node.kind, Kind::Text(text) if text.is_empty()) {
            return Err("is empty, which every body contains".to_owned());
        }
        template::read(node, names)
    };
    check.get("body", |node| match &node.kind {
        Kind::Table(_) => match one_key(node, &["absent", "regex"])? {
            ("regex", value) => regex(value, names).map(|(text, _)| BodyCheck::Regex(text)),
            (_, value) => text(value).map(BodyCheck::Absent),
        },
        _ => text(node).map(BodyCheck::Contains),
    })
}

fn read_headers(headers: &mut Table, names: &Names) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, node) in headers.take_written() {
        let read = match &node.kind {
            _ if !is_token(&name) => Err("is not a valid HTTP header name".to_owned()),
            Kind::Table(_) => {
                one_key(&node, &["absent"]).and_then(|(_, value)| absent(value)).map(|()| HeaderCheck::Absent)
            }
            _ => template::read(&node, names).map(HeaderCheck::Is),
        };
        match read {
            Ok(expected) => checks.push(Check::Header(name.to_ascii_lowercase(), expected)),
            Err(reason) => headers.fault_at(&name, &node, reason),
        }
    }
    checks
}

fn read_json(paths: &mut Table, names: &Names) -> Vec<Check> {
    let mut checks = Vec::new();
    for (path, node) in paths.take_written() {
        // An unquoted path is a table of tables.
        let is_split =
            path == "$" && matches!(&node.kind, Kind::Table(_)) && one_key(&node, &["is", "absent"]).is_err();
        if is_split {
            paths.fault_at(
                &path,
                &node,
                "is a part of a path; quote the whole, as in check.json.\"$.status\" = \"ok\"",
            );
            continue;
        }
        match JsonPath::parse(&path).and_then(|_| json_expected(&node, names)) {
            Ok(expected) => checks.push(Check::Json(JsonCheck { path, expected })),
            Err(reason) => paths.fault_at(&path, &node, reason),
        }
    }
    checks
}

fn json_expected(node: &Node, names: &Names) -> Result<JsonExpected, String> {
    let Kind::Table(_) = &node.kind else {
        return json_text(node, names).map(|text| JsonExpected::OneOf(vec![text]));
    };
    match one_key(node, &["is", "absent"])? {
        ("is", value) => match &value.kind {
            Kind::List(items) if items.is_empty() => Err("names no value".to_owned()),
            Kind::List(items) => items
                .iter()
                .map(|item| json_text(item, names))
                .collect::<Result<_, _>>()
                .map(JsonExpected::OneOf),
            _ => json_text(value, names).map(|text| JsonExpected::OneOf(vec![text])),
        },
        (_, value) => absent(value).map(|()| JsonExpected::Absent),
    }
}

fn json_text(node: &Node, names: &Names) -> Result<JsonText, String> {
    match &node.kind {
        Kind::Text(text) => template::parse(text, names).map(JsonText::Text),
        // Beyond 2^53 a number is rounded, as it is by those who send it.
        Kind::Integer(integer) => Ok(JsonText::Number(*integer as f64)),
        Kind::Float(number) => Ok(JsonText::Number(*number)),
        Kind::Bool(on) => Ok(JsonText::Bool(*on)),
        kind => Err(format!(
            "expected a text, a number, true or false, or {{ is = […] }} or {{ absent = true }}, found {}",
            kind.name()
        )),
    }
}

/// `">= 100"`: a comparison and a number of bytes.
fn size(node: &Node) -> Result<SizeCheck, String> {
    let expected = || "expected a comparison with a number of bytes, as in \">= 100\"".to_owned();
    let text = parse::word(node).map_err(|_| expected())?;
    let all = [Compare::LessOrEqual, Compare::GreaterOrEqual, Compare::Less, Compare::Greater];
    let found =
        all.into_iter().find_map(|it| text.strip_prefix(it.as_str()).map(|rest| (it, rest.trim_start())));
    let (compare, bytes) = found.ok_or_else(expected)?;
    let bytes = bytes.strip_suffix('B').unwrap_or(bytes).trim_end().parse().map_err(|_| expected())?;
    Ok(SizeCheck { compare, bytes })
}
