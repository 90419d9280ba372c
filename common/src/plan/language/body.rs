//! The body of a request: one of `body`, `body_base64`, `json`, `form`, `multipart` and `submit`.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};

use super::names::SetBy;
use super::spelling::unknown;
use super::template::{Reading, plain_text, push_text};
use super::url::fields;
use crate::plan::files::FileHash;
use crate::plan::headers::is_token;
use crate::plan::program::{BodyPlan, Filter, MultipartPart, Part, PartContent, Submit, Template};
use crate::plan::{Fault, MAX_BODY_BYTES};
use crate::tree::{Kind, Node, Table, parse};

/// The keys that give a body.
const KEYS: [&str; 7] = ["body", "body_base64", "body_file", "json", "form", "multipart", "submit"];
/// Most parts of a multipart body.
const MAX_PARTS: usize = 100;
/// Longest name of a multipart field, in bytes.
const MAX_NAME_BYTES: usize = 1_024;

/// Whether a table gives a body.
pub(super) fn is_given(table: &Table) -> bool {
    KEYS.iter().any(|key| table.has(key))
}

/// Reads the body; `None` where the table gives none, or it cannot be read.
pub(super) fn read(table: &mut Table, reading: Reading<'_>) -> Option<BodyPlan> {
    let given: Vec<&str> = KEYS.iter().copied().filter(|key| table.has(key)).collect();
    let is_patch = given.as_slice() == ["form", "submit"];
    if let ([first, second, ..], false) = (given.as_slice(), is_patch) {
        let reason = format!("{first} and {second} both give a body; leave one out");
        // Of a long body its begin is shown, and nothing of keys and values, which may be secrets.
        let shown = match table.kind_of(second) {
            Some(Kind::Table(_) | Kind::List(_)) => "…".to_owned(),
            _ => table.shown(second),
        };
        table.contradiction(second, shown, reason);
    }
    let file = table.get("body_file", |node| file(node, "body_base64")).flatten();
    let text = table.get("body", |node| match &node.kind {
        Kind::Text(text) => reading.text(text),
        kind => Err(format!("expected a text, found {}; json = {{ … }} sends JSON", kind.name())),
    });
    let bytes = table.get("body_base64", base64);
    let json = table.get("json", |node| json(node, reading));
    let form = table.has("form").then(|| fields(table, "form", reading));
    let multipart = table.has("multipart").then(|| read_multipart(table, reading));
    let submit = table.get("submit", |node| submit(node, reading));
    if let Some(variable) = submit {
        return Some(BodyPlan::Submit(Submit { variable, fields: form.unwrap_or_default() }));
    }
    let text = text.map(|text| if text.parts.is_empty() { BodyPlan::None } else { BodyPlan::Text(text) });
    let bytes = bytes.map(|bytes| if bytes.is_empty() { BodyPlan::None } else { BodyPlan::Bytes(bytes) });
    text.or(bytes)
        .or(file.map(BodyPlan::File))
        .or(json.map(BodyPlan::Json))
        .or(form.map(BodyPlan::Form))
        .or(multipart.map(BodyPlan::Multipart))
}

fn base64(node: &Node) -> Result<Vec<u8>, String> {
    let text = parse::text(node)?;
    // Checked before decoding, so that an oversized text costs no memory; four characters are three bytes.
    if text.len() / 4 > MAX_BODY_BYTES / 3 + 1 {
        return Err(format!(
            "is {} characters long, and a body is at most {MAX_BODY_BYTES} bytes",
            text.len()
        ));
    }
    let bytes = BASE64.decode(text).map_err(|error| format!("cannot be decoded as base64: {error}"))?;
    if bytes.len() > MAX_BODY_BYTES {
        return Err(format!("is {} bytes long, and a body is at most {MAX_BODY_BYTES}", bytes.len()));
    }
    Ok(bytes)
}

/// A file that is at the orchestrator; `None` where the text is empty. `instead`: the key that takes its content.
fn file(node: &Node, instead: &str) -> Result<Option<FileHash>, String> {
    match &node.kind {
        Kind::Text(text) if text.is_empty() => Ok(None),
        Kind::Text(text) if FileHash::is_named(text) => FileHash::of_plan(text).map(Some),
        _ => Err(format!(
            "only the command line reads files; send the file's content as {instead}, or put it at PUT \
             /api/v1/data/{{sha256}} and name it here as sha256:…"
        )),
    }
}

/// The variable of a form.
fn submit(node: &Node, reading: Reading<'_>) -> Result<usize, String> {
    let name = parse::word(node)?;
    let names = reading.names;
    let is_form = |index: usize| names.set_by.get(index) == Some(&SetBy::Form);
    if let Some(index) = names.find_variable(&name) {
        return if is_form(index) {
            Ok(index)
        } else {
            Err(format!(
                "is a variable without a form; a request before it needs extract.{name} = {{ form = 0 }}"
            ))
        };
    }
    let forms: Vec<String> = names
        .variables
        .iter()
        .enumerate()
        .filter(|(index, _)| is_form(*index))
        .map(|(_, variable)| variable.name.clone())
        .collect();
    Err(unknown("form", &name, &forms))
}

/// JSON as one text: slots stand inside the quotes of their strings, but for a string that is one slot alone and ends
/// with `number`.
fn json(node: &Node, reading: Reading<'_>) -> Result<Template, String> {
    let mut template = Template::default();
    write_json(node, reading, &mut template)?;
    let bytes: usize =
        template.parts.iter().map(|part| if let Part::Text(text) = part { text.len() } else { 0 }).sum();
    if bytes > MAX_BODY_BYTES {
        return Err(format!("is {bytes} bytes long as JSON, and a body is at most {MAX_BODY_BYTES}"));
    }
    Ok(template)
}

fn write_json(node: &Node, reading: Reading<'_>, out: &mut Template) -> Result<(), String> {
    match &node.kind {
        Kind::Null => push_text(out, "null"),
        Kind::Bool(on) => push_text(out, &on.to_string()),
        Kind::Integer(integer) => push_text(out, &integer.to_string()),
        Kind::Float(number) => match serde_json::Number::from_f64(*number) {
            Some(number) => push_text(out, &number.to_string()),
            None => return Err("holds a number that JSON has not".to_owned()),
        },
        Kind::Text(text) => write_json_text(&reading.text(text)?, out),
        Kind::List(items) => {
            push_text(out, "[");
            for (index, item) in items.iter().enumerate() {
                push_text(out, if index == 0 { "" } else { "," });
                write_json(item, reading, out)?;
            }
            push_text(out, "]");
        }
        Kind::Table(entries) => {
            push_text(out, "{");
            for (index, (key, item)) in entries.iter().enumerate() {
                push_text(out, if index == 0 { "" } else { "," });
                push_text(out, &format!("\"{}\":", escaped(key)));
                write_json(item, reading, out).map_err(|reason| format!("{key}: {reason}"))?;
            }
            push_text(out, "}");
        }
    }
    Ok(())
}

fn write_json_text(text: &Template, out: &mut Template) {
    if let [Part::Slot(slot)] = text.parts.as_slice()
        && slot.filters.last() == Some(&Filter::Number)
    {
        out.parts.push(Part::Slot(slot.clone()));
        return;
    }
    push_text(out, "\"");
    for part in &text.parts {
        match part {
            Part::Text(text) => push_text(out, &escaped(text)),
            Part::Slot(_) => out.parts.push(part.clone()),
        }
    }
    push_text(out, "\"");
}

/// The content of a JSON string.
fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

fn read_multipart(table: &mut Table, reading: Reading<'_>) -> Vec<MultipartPart> {
    let Some(node) = table.take("multipart") else { return Vec::new() };
    let Kind::List(items) = &node.kind else {
        table.fault_at("multipart", &node, format!("expected a list of parts, found {}", node.kind.name()));
        return Vec::new();
    };
    if items.is_empty() || items.len() > MAX_PARTS {
        let reason = format!("has {} parts; from 1 to {MAX_PARTS} are sent", items.len());
        table.fault(Fault::value(table.path_of("multipart"), "", reason), None);
        return Vec::new();
    }
    let parts = items.iter().enumerate().filter_map(|(index, item)| {
        table.item(&format!("multipart[{index}]"), item.clone(), |part| read_part(part, reading))
    });
    parts.collect()
}

fn read_part(part: &mut Table, reading: Reading<'_>) -> Option<MultipartPart> {
    if !part.has("name") {
        part.missing("name", "is missing; each part has the name of its field");
    }
    let name = part.get("name", |node| {
        let name = parse::word(node)?;
        if name.len() > MAX_NAME_BYTES || name.contains(char::is_control) {
            return Err("is too long or holds a control character".to_owned());
        }
        Ok(name)
    });
    let given: Vec<&str> = ["value", "base64", "file"].into_iter().filter(|key| part.has(key)).collect();
    match given.as_slice() {
        [] => part.missing("value", "is missing; a part has a value or a file"),
        [first, second, ..] => {
            let reason = format!("{first} and {second} are both given; leave one out");
            part.contradiction(second, part.shown(second), reason);
        }
        [_] => {}
    }
    let file = part.get("file", |node| {
        file(node, "base64, beside filename")?.ok_or_else(|| "is empty; name a file".to_owned())
    });
    let value = part.get("value", |node| reading.node(node)).map(PartContent::Text);
    let bytes = part.get("base64", base64).map(PartContent::Bytes);
    let content = value.or(bytes).or(file.map(PartContent::File));
    let filename = part.get("filename", |node| {
        let text = plain_text(node)?;
        if text.contains(char::is_control) {
            return Err("holds a control character".to_owned());
        }
        reading.text(&text)
    });
    let content_type = part.get("type", |node| {
        let kind = parse::word(node)?;
        let essence = kind.split(';').next().unwrap_or_default().trim_end();
        let is_type = essence.split_once('/').is_some_and(|(a, b)| is_token(a) && is_token(b));
        if is_type && !kind.contains(char::is_control) && kind.is_ascii() {
            Ok(kind)
        } else {
            Err("is not a media type, as in \"image/png\"".to_owned())
        }
    });
    Some(MultipartPart { name: name?, filename, content_type, content: content? })
}
