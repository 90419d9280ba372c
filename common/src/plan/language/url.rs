//! Where a request goes: `path` with `query`, or `url`; and which texts fit there.

use super::mask::mask_address;
use super::names::{Cells, Names};
use super::template::Reading;
use crate::plan::MASK;
use crate::plan::files::facts::unfit_in;
use crate::plan::program::{Filter, Function, Part, Slot, SlotValue, Template};
use crate::plan::secrets::{is_secret_parameter, mask_url, masked_parameter};
use crate::tree::{Kind, Node, Table};

/// Most keys of a query or a form.
const MAX_FIELDS: usize = 1_000;

/// A request's own address.
#[derive(Debug, Clone)]
pub(super) enum Address {
    /// Appended to the path of its host.
    Path(Template),
    /// From an answer.
    Url(Template),
}

/// Reads `path` and `url`.
pub(super) fn read(table: &mut Table, reading: Reading<'_>) -> Option<Address> {
    if table.has("path") && table.has("url") {
        let url = table.kind_of("url").map_or_else(String::new, |kind| shown(&Node::new(kind.clone())));
        table.contradiction("url", url, "path and url are both given; leave one out");
    }
    let path = table.get_shown("path", shown, |node| path(node, reading)).map(Address::Path);
    let url = table.get_shown("url", shown, |node| url(node, reading)).map(Address::Url);
    path.or(url)
}

/// An address as a fault shows it.
fn shown(node: &Node) -> String {
    match &node.kind {
        Kind::Text(text) => Node::new(Kind::Text(mask_address(text))).to_string(),
        _ => node.to_string(),
    }
}

fn path(node: &Node, reading: Reading<'_>) -> Result<Template, String> {
    let template = reading.node(node)?;
    match template.parts.first() {
        Some(Part::Text(text)) if !text.starts_with(['/', '?']) => {
            return Err(format!(
                "must begin with /; \"/{}\"? A whole address from an answer is given as url",
                mask_url(text)
            ));
        }
        None => return Err("is empty; write \"/\" for the path of the host alone".to_owned()),
        _ => {}
    }
    check_mask(&template)?;
    // The query begins within the first text that has a question mark.
    let query = template.parts.iter().position(|part| matches!(part, Part::Text(text) if text.contains('?')));
    let (before, behind) = template.parts.split_at(query.unwrap_or(template.parts.len()));
    check_cells(before, reading.names, Where::Path)?;
    check_cells(behind, reading.names, Where::Query)?;
    encoded(&template)
}

fn url(node: &Node, reading: Reading<'_>) -> Result<Template, String> {
    let template = reading.node(node)?;
    check_mask(&template)?;
    encoded(&template)
}

/// Refuses a mask in place of a secret, which would be sent.
fn check_mask(template: &Template) -> Result<(), String> {
    let text = |part: &Part| match part {
        Part::Text(text) | Part::Slot(Slot { value: SlotValue::Text(text), .. }) => text.clone(),
        Part::Slot(_) => "x".to_owned(),
    };
    let text: String = template.parts.iter().map(text).collect();
    masked_parameter(&text).map_or(Ok(()), Err)
}

/// With what is not ASCII in its texts percent-encoded. The other characters are sent as they are given.
fn encoded(template: &Template) -> Result<Template, String> {
    let mut parts = Vec::with_capacity(template.parts.len());
    for part in &template.parts {
        let Part::Text(text) = part else {
            parts.push(part.clone());
            continue;
        };
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err("holds a blank or a control character; a blank is written as %20".to_owned());
        }
        if text.contains('#') {
            return Err(
                "has a fragment (#…), which is never sent; leave it out, or write # as %23".to_owned()
            );
        }
        let mut sent = String::with_capacity(text.len());
        for c in text.chars() {
            if c.is_ascii() {
                sent.push(c);
            } else {
                let mut bytes = [0; 4];
                c.encode_utf8(&mut bytes).bytes().for_each(|byte| sent.push_str(&format!("%{byte:02X}")));
            }
        }
        parts.push(Part::Text(sent));
    }
    Ok(Template { parts })
}

/// Reads `query` or `form`: keys in the order in which they are written, a list for a key that is sent several times.
pub(super) fn fields(table: &mut Table, key: &str, reading: Reading<'_>) -> Vec<(String, Template)> {
    table.table(key, |fields| {
        let mut read = Vec::new();
        for (name, node) in fields.take_written() {
            let (values, is_list) = match &node.kind {
                Kind::List(values) => (values.as_slice(), true),
                _ => (std::slice::from_ref(&node), false),
            };
            for (index, value) in values.iter().enumerate() {
                let parsed = match &value.kind {
                    Kind::Text(text) if text == MASK && is_secret_parameter(&name) => {
                        Err("is the mask that a report shows instead of the secret; give the value itself"
                            .to_owned())
                    }
                    _ => reading.node(value),
                };
                let parsed = parsed.and_then(|template| {
                    check_cells(&template.parts, reading.names, Where::Query)?;
                    Ok(template)
                });
                match parsed {
                    Ok(template) => read.push((name.clone(), template)),
                    Err(reason) => {
                        let at = if is_list { format!("{name}[{index}]") } else { name.clone() };
                        let shown =
                            if is_secret_parameter(&name) { MASK.to_owned() } else { value.to_string() };
                        fields.fault(crate::plan::Fault::value(fields.path_of(&at), shown, reason), None);
                    }
                }
            }
        }
        if read.len() > MAX_FIELDS {
            let reason = format!("has {} fields, and at most {MAX_FIELDS} are sent", read.len());
            fields.fault(crate::plan::Fault::value(fields.path(), "", reason), None);
        }
        read
    })
}

/// Where cells of data are put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    /// Escaped unless raw; never empty.
    Path,
    /// Escaped unless raw.
    Query,
    /// As they are.
    Header,
}

/// Whether every cell and every text that a template puts in fits there.
pub(super) fn check_cells(parts: &[Part], names: &Names, place: Where) -> Result<(), String> {
    let slots = parts.iter().filter_map(|part| if let Part::Slot(slot) = part { Some(slot) } else { None });
    for slot in slots {
        let SlotValue::Column(data, column) = slot.value else {
            check_texts(slot, place)?;
            continue;
        };
        let Some(cells) = names.cells.get(data).and_then(|columns| columns.get(column)) else { continue };
        if let Some((row, what)) = unfit(slot, *cells, place) {
            let name = names.data.get(data).map(|set| set.name.as_str()).unwrap_or_default();
            return Err(format!("row {row} of data {name} {what}"));
        }
    }
    Ok(())
}

/// Texts of the plan itself: every attempt that puts such a one in would fail. The text is not shown, because it may be a
/// value of the environment. Those of a header are checked with the whole text.
fn check_texts(slot: &Slot, place: Where) -> Result<(), String> {
    let texts = match &slot.value {
        SlotValue::Text(text) => std::slice::from_ref(text),
        SlotValue::Function(Function::Choice(texts)) => texts.as_slice(),
        _ => return Ok(()),
    };
    let has_blank = texts.iter().map(|text| unfit_in(text)).any(|[_, _, blank]| blank);
    if has_blank && place != Where::Header && keeps_blanks(slot) {
        return Err(
            "puts in a text with a blank or a control character, and raw sends it as it is; leave raw out"
                .to_owned(),
        );
    }
    Ok(())
}

fn unfit(slot: &Slot, cells: Cells, place: Where) -> Option<(usize, &'static str)> {
    let makes_text = |filter: &Filter| matches!(filter, Filter::Pad(_) | Filter::Sha256);
    let empty = cells.empty.filter(|_| place == Where::Path && !slot.filters.iter().any(makes_text));
    if let Some(row) = empty {
        return Some((row, "has an empty cell there, and a path needs one"));
    }
    match place {
        Where::Path | Where::Query if keeps_blanks(slot) => cells.blank.map(|row| {
            (row, "has a blank or a control character there, and raw sends it as it is; leave raw out")
        }),
        Where::Header if keeps_controls(slot) => {
            cells.control.map(|row| (row, "has a control character there, which no header carries"))
        }
        _ => None,
    }
}

/// Whether a control character is still there behind the filters.
fn keeps_controls(slot: &Slot) -> bool {
    let removes = |filter: &Filter| {
        matches!(filter, Filter::Json | Filter::Url | Filter::Base64 | Filter::Sha256 | Filter::Number)
    };
    !slot.filters.iter().any(removes)
}

/// Whether a blank is still there behind the filters, and sent as it is.
fn keeps_blanks(slot: &Slot) -> bool {
    let removes =
        |filter: &Filter| matches!(filter, Filter::Url | Filter::Base64 | Filter::Sha256 | Filter::Number);
    slot.filters.last() == Some(&Filter::Raw) && !slot.filters.iter().any(removes)
}
