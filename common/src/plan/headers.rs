//! What may stand in the head of a request: HTTP's own rules, and the fields that the engine writes.

use std::collections::BTreeMap;

use super::Fault;
use super::write::is_secret_header;
use crate::tree::{Node, Table, parse};

/// Most header fields.
const MAX_HEADERS: usize = 100;
/// Longest name and longest value, in bytes.
const MAX_FIELD_BYTES: usize = 8 * 1024;
/// Longest method, in bytes.
const MAX_METHOD_BYTES: usize = 32;

/// Fields that follow from the request or from the connection, and why they are not given.
const RESERVED: [(&str, &str); 10] = [
    ("content-length", "follows from the body"),
    ("transfer-encoding", "is the engine's: a body is sent whole, with its length"),
    ("connection", "is the engine's: connections are kept"),
    ("keep-alive", "is the engine's: connections are kept"),
    ("proxy-connection", "is the engine's: connections are kept"),
    ("upgrade", "would end HTTP on the connection"),
    ("expect", "would make the body wait for an answer"),
    ("te", "is the engine's"),
    ("trailer", "is the engine's: a body is sent whole, with its length"),
    ("x-groundswell-node", "is sent where request.identify = true"),
];

/// Whether a text is a token (RFC 9110): what methods and names of fields are made of.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// Reads a method, in capitals.
pub fn read_method(node: &Node) -> Result<String, String> {
    let method = parse::word(node)?.to_ascii_uppercase();
    if !is_token(&method) || method.len() > MAX_METHOD_BYTES {
        return Err("is no HTTP method, as GET or POST is".to_owned());
    }
    if method == "CONNECT" {
        return Err("opens a tunnel, which no engine does".to_owned());
    }
    Ok(method)
}

/// Reads the header fields of a request, names as given, values without the blanks around them.
pub fn read_headers(table: &mut Table) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    let given = table.take_all();
    if given.len() > MAX_HEADERS {
        let reason = format!("{} header fields are more than {MAX_HEADERS}", given.len());
        table.fault(Fault::value("request.headers", "", reason), None);
    }
    for (name, node) in given {
        let twin = headers.keys().any(|known| known.eq_ignore_ascii_case(&name));
        let read = check_name(&name).and_then(|()| read_value(&node));
        match read {
            Ok(_) if twin => tell(table, &name, &node, "is there twice, in upper and lower case"),
            Ok(value) => {
                headers.insert(name, value);
            }
            Err(reason) => tell(table, &name, &node, &reason),
        }
    }
    headers
}

/// Tells a fault without showing a secret.
fn tell(table: &Table, name: &str, node: &Node, reason: &str) {
    let shown = if is_secret_header(name) { "***".to_owned() } else { node.to_string() };
    // A name that is no token may hold anything: it is shown as text.
    let name = if is_token(name) { name.to_owned() } else { format!("{name:?}") };
    table.fault(Fault::value(table.path_of(&name), shown, reason), node.origin.clone());
}

fn check_name(name: &str) -> Result<(), String> {
    if !is_token(name) || name.len() > MAX_FIELD_BYTES {
        return Err("is no name of an HTTP header field".to_owned());
    }
    match RESERVED.iter().find(|(reserved, _)| reserved.eq_ignore_ascii_case(name)) {
        Some((_, why)) => Err(format!("cannot be given: it {why}")),
        None => Ok(()),
    }
}

fn read_value(node: &Node) -> Result<String, String> {
    let value = parse::text(node)?;
    let value = value.trim_matches([' ', '\t']);
    if value.len() > MAX_FIELD_BYTES {
        return Err(format!("is longer than {MAX_FIELD_BYTES} bytes"));
    }
    if value.contains(['\r', '\n']) {
        return Err("holds a line break, which would end the field".to_owned());
    }
    if !value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
        return Err("holds a character that HTTP does not carry in a field; ASCII alone is sent".to_owned());
    }
    Ok(value.to_owned())
}
