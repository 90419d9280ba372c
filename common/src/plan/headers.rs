//! What may stand in the head of a request: HTTP's own rules, and the fields that the engine writes.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use super::Fault;
use super::placeholders;
use super::secrets::{MASK, is_secret_header, masked_header};
use crate::tree::{Kind, Node, Table, parse};

/// Most header fields.
pub(super) const MAX_HEADERS: usize = 100;
/// Longest name and longest value, in bytes.
pub(super) const MAX_FIELD_BYTES: usize = 8 * 1024;
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
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// Whether a field follows from the request or from the connection, so that a plan cannot give it.
pub fn is_engines_own(name: &str) -> bool {
    RESERVED.iter().any(|(reserved, _)| reserved.eq_ignore_ascii_case(name))
}

/// The value of `authorization` that gives a user and a password, `user:password` (RFC 7617).
pub fn basic_authorization(user_and_password: &str) -> String {
    format!("Basic {}", BASE64.encode(user_and_password))
}

/// Reads a method, in capitals.
pub fn read_method(node: &Node) -> Result<String, String> {
    let method = parse::word(node)?.to_ascii_uppercase();
    if !is_token(&method) || method.len() > MAX_METHOD_BYTES {
        return Err("is not an HTTP method, such as GET or POST".to_owned());
    }
    if method == "CONNECT" {
        return Err("opens a tunnel, which no engine does".to_owned());
    }
    Ok(method)
}

/// Reads the header fields of a request, names as given, values without the blanks around them. A name may have a list
/// of values: each is sent as a field of its own, in that order. (The order of different names means nothing in HTTP,
/// and a table has none.)
pub fn read_headers(table: &mut Table) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, node) in table.take_all() {
        let values = match &node.kind {
            Kind::List(values) => values.as_slice(),
            _ => std::slice::from_ref(&node),
        };
        let twin = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
        if let Err(reason) = check_field(&name, values.len(), twin.map(|(known, _)| known.as_str())) {
            report(table, &name, &name, &node, &reason);
            continue;
        }
        for (index, value) in values.iter().enumerate() {
            match read_value(value).and_then(|text| given_value(&name, &text)) {
                Ok(text) => headers.push((name.clone(), text)),
                Err(reason) => {
                    let is_list = matches!(node.kind, Kind::List(_));
                    let key = if is_list { format!("{name}[{index}]") } else { name.clone() };
                    report(table, &name, &key, value, &reason);
                }
            }
        }
    }
    if headers.len() > MAX_HEADERS {
        let reason = format!("{} header fields are more than {MAX_HEADERS}", headers.len());
        table.fault(Fault::value("request.headers", "", reason), None);
    }
    headers
}

/// Reports a fault without showing a secret.
fn report(table: &Table, name: &str, key: &str, node: &Node, reason: &str) {
    let shown = if is_secret_header(name) { MASK.to_owned() } else { node.to_string() };
    // A name that is not a token may contain any character, so it is shown quoted.
    let key = if is_token(name) { key.to_owned() } else { format!("{name:?}") };
    table.fault(Fault::value(table.path_of(&key), shown, reason), node.origin.clone());
}

/// Whether a field of this name may have so many values. `twin`: the same name in other letters, which is given too.
pub(super) fn check_field(name: &str, n_values: usize, twin: Option<&str>) -> Result<(), String> {
    check_name(name)?;
    match (twin, n_values) {
        (Some(twin), _) => Err(format!(
            "is there twice, as {twin} and {name}; to send both, give one name a list, as in {name} = [\"1\", \"2\"]"
        )),
        (None, 0) => Err("is an empty list; leave the field out, or give it a value".to_owned()),
        (None, 2..) if name.eq_ignore_ascii_case("host") => {
            Err("has several values; a request names one host (RFC 9112, 3.2)".to_owned())
        }
        _ => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), String> {
    if !is_token(name) || name.len() > MAX_FIELD_BYTES {
        return Err("is not a valid HTTP header name".to_owned());
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

/// The value that is sent: neither what masks one, nor what other tools would put another text for.
fn given_value(name: &str, value: &str) -> Result<String, String> {
    if let Some(reason) = masked_header(name, value) {
        return Err(reason);
    }
    placeholders::unescape(value)
        .map_err(|variable| placeholders::reason(&variable, &format!("--header \"{name}: …${variable}\"")))
}
