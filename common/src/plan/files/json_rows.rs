//! Rows from JSON: an array of objects, or an object a line. The first object names the columns.

use std::fmt;
use std::io::{self, BufRead, Read};

use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::rows::{EachRow, MAX_COLUMNS};

/// The items of one array, which are never held together.
pub(super) fn of_array(
    input: impl Read,
    lines_before: usize,
    each: &mut EachRow<'_>,
) -> Result<Vec<String>, String> {
    struct Items<'a, 'e> {
        objects: &'a mut Objects,
        each: &'a mut EachRow<'e>,
        /// Why a row was refused: serde would write line and column behind it.
        refused: &'a mut Option<String>,
    }

    impl<'de> Visitor<'de> for Items<'_, '_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of objects")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
            let mut index = 0_usize;
            while let Some(item) = items.next_element::<Value>()? {
                let taken = object(item, || format!("item {index}"))
                    .and_then(|object| self.objects.take(object, self.each));
                if let Err(reason) = taken {
                    *self.refused = Some(reason);
                    return Err(A::Error::custom(""));
                }
                index += 1;
            }
            Ok(())
        }
    }

    let (mut objects, mut refused) = (Objects::default(), None);
    let mut reader = serde_json::Deserializer::from_reader(input);
    let items = Items { objects: &mut objects, each, refused: &mut refused };
    let read = reader.deserialize_seq(items).and_then(|()| reader.end());
    match (read, refused) {
        (_, Some(reason)) => Err(reason),
        (Err(error), None) if error.is_io() => Err(io::Error::from(error).to_string()),
        (Err(error), None) => {
            let reason = crate::tree::json_reason(&error);
            Err(if lines_before == 0 { reason } else { format!("{lines_before} blank lines, then {reason}") })
        }
        (Ok(()), None) => Ok(objects.columns),
    }
}

pub(super) fn of_lines(
    mut input: impl BufRead,
    lines_before: usize,
    each: &mut EachRow<'_>,
) -> Result<Vec<String>, String> {
    let mut objects = Objects::default();
    let mut line = Vec::new();
    for number in lines_before + 1.. {
        line.clear();
        if input.read_until(b'\n', &mut line).map_err(|error| error.to_string())? == 0 {
            break;
        }
        let text = std::str::from_utf8(&line).map_err(|_| format!("line {number} is not UTF-8"))?.trim();
        if text.is_empty() {
            continue;
        }
        let item = serde_json::from_str(text).map_err(|error| format!("line {number}: {error}"))?;
        objects.take(object(item, || format!("line {number}"))?, each)?;
    }
    Ok(objects.columns)
}

fn object(item: Value, what: impl FnOnce() -> String) -> Result<Map<String, Value>, String> {
    match item {
        Value::Object(object) => Ok(object),
        other => Err(format!("{} is {}, and each is an object, as in {{ \"id\": 7 }}", what(), kind(&other))),
    }
}

/// The columns are all keys, in the order in which they come first. What an object lacks, and null, is an empty cell.
#[derive(Default)]
struct Objects {
    columns: Vec<String>,
    row: Vec<String>,
}

impl Objects {
    fn take(&mut self, object: Map<String, Value>, each: &mut EachRow<'_>) -> Result<(), String> {
        self.row.clear();
        self.row.resize(self.columns.len(), String::new());
        for (key, value) in object {
            let cell = cell(value);
            match self.columns.iter().position(|column| *column == key) {
                Some(at) => {
                    if let Some(place) = self.row.get_mut(at) {
                        *place = cell;
                    }
                }
                None if self.columns.len() >= MAX_COLUMNS => {
                    return Err(format!("holds more than {MAX_COLUMNS} columns"));
                }
                None => {
                    self.columns.push(key);
                    self.row.push(cell);
                }
            }
        }
        let cells: Vec<&str> = self.row.iter().map(String::as_str).collect();
        each(&self.columns, &cells)
    }
}

/// A value as the text of a cell.
fn cell(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
