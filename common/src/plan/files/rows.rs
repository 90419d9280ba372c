//! Rows of data from the text of a file: CSV (RFC 4180), a JSON array of objects, or JSON lines. Pure.

use std::path::Path;

use csv::ReaderBuilder;
use serde_json::{Map, Value};

/// Most rows of a file.
const MAX_ROWS: usize = 10_000_000;

/// What the plan says of a file's columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Names of the columns; the file then has no head. CSV alone.
    pub names: Option<Vec<String>>,
    /// What stands between cells, one ASCII character; a comma where it is not given. CSV alone.
    pub delimiter: Option<String>,
}

/// Rows with the names of their cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// A cell for each column in each row.
    pub rows: Vec<Vec<String>>,
}

/// Reads rows. The name of the file says what it is: `.json` holds an array or lines, `.jsonl` and `.ndjson` hold lines,
/// every other one is CSV.
///
/// # Errors
/// The reason, with the line or the item.
pub fn read_rows(name: &Path, bytes: &[u8], columns: &Columns) -> Result<Rows, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let ending = name.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    let rows = match ending.as_deref() {
        Some(ending @ ("json" | "jsonl" | "ndjson")) => {
            for (key, given) in
                [("columns", columns.names.is_some()), ("delimiter", columns.delimiter.is_some())]
            {
                if given {
                    return Err(format!(
                        "{key} belongs to CSV, and this is .{ending}, whose objects name their values"
                    ));
                }
            }
            if ending == "json" && text.trim_start().starts_with('[') {
                of_array(text)?
            } else {
                of_lines(text)?
            }
        }
        _ => of_csv(text, columns)?,
    };
    match rows.rows.len() {
        0 => Err("holds no row".to_owned()),
        n if n > MAX_ROWS => Err(format!("holds {n} rows, and {MAX_ROWS} are the most")),
        _ => Ok(rows),
    }
}

fn of_csv(text: &str, columns: &Columns) -> Result<Rows, String> {
    let delimiter = match columns.delimiter.as_deref().map(str::as_bytes) {
        None => b',',
        Some([one]) if one.is_ascii() && !matches!(one, b'"' | b'\r' | b'\n') => *one,
        Some(_) => return Err("has a delimiter that is not one ASCII character, as in \";\"".to_owned()),
    };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut names = columns.names.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells: Vec<String> = record.iter().map(str::to_owned).collect();
        match &names {
            // The head: a name with blanks around it could never be named.
            None => names = Some(cells.iter().map(|name| name.trim().to_owned()).collect()),
            Some(names) if names.len() == cells.len() => rows.push(cells),
            Some(names) => {
                let given = if columns.names.is_some() { "columns names" } else { "the head names" };
                return Err(format!("line {line} has {} cells, and {given} {}", cells.len(), names.len()));
            }
        }
    }
    Ok(Rows { columns: names.unwrap_or_default(), rows })
}

fn of_array(text: &str) -> Result<Rows, String> {
    let items: Vec<Value> = serde_json::from_str(text).map_err(|error| crate::tree::json_reason(&error))?;
    let object = |(index, item): (usize, Value)| match item {
        Value::Object(object) => Ok(object),
        other => {
            Err(format!("item {index} is {}, and each is an object, as in {{ \"id\": 7 }}", kind(&other)))
        }
    };
    of_objects(items.into_iter().enumerate().map(object))
}

fn of_lines(text: &str) -> Result<Rows, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    of_objects(lines.map(|(index, line)| match serde_json::from_str(line) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(format!(
            "line {} is {}, and each is an object, as in {{ \"id\": 7 }}",
            index + 1,
            kind(&other)
        )),
        Err(error) => Err(format!("line {}: {error}", index + 1)),
    }))
}

/// The columns are all keys, in the order in which they come first. What an object lacks, and null, is an empty cell.
fn of_objects(objects: impl Iterator<Item = Result<Map<String, Value>, String>>) -> Result<Rows, String> {
    let mut columns: Vec<String> = Vec::new();
    let mut rows: Vec<Vec<String>> = Vec::new();
    for object in objects {
        let mut row = vec![String::new(); columns.len()];
        for (key, value) in object? {
            let cell = cell(value);
            match columns.iter().position(|column| *column == key) {
                Some(at) => {
                    if let Some(place) = row.get_mut(at) {
                        *place = cell;
                    }
                }
                None => {
                    columns.push(key);
                    row.push(cell);
                }
            }
        }
        rows.push(row);
    }
    for row in &mut rows {
        row.resize(columns.len(), String::new());
    }
    Ok(Rows { columns, rows })
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(name: &str, text: &str) -> Result<Rows, String> {
        read_rows(Path::new(name), text.as_bytes(), &Columns::default())
    }

    #[track_caller]
    fn check(read: Result<Rows, String>, columns: &[&str], rows: &[&[&str]]) {
        let expected = Rows {
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            rows: rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect(),
        };
        assert_eq!(read, Ok(expected));
    }

    #[test]
    fn csv_is_read_as_rfc_4180_says() {
        let text = "\u{feff}id, name\r\n1,\"a, \"\"b\"\"\nc\"\r\n2, x \r\n\r\n";
        check(read("u.csv", text), &["id", "name"], &[&["1", "a, \"b\"\nc"], &["2", " x "]]);
        check(read("u.txt", "id\n\"\"\n"), &["id"], &[&[""]]);
        let columns = |names: Option<&[&str]>, delimiter: Option<&str>| Columns {
            names: names.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            delimiter: delimiter.map(str::to_owned),
        };
        let semicolons = read_rows(Path::new("u.csv"), b"1;a,b\n", &columns(Some(&["id", "n"]), Some(";")));
        check(semicolons, &["id", "n"], &[&["1", "a,b"]]);
        let wrong = |text: &str, columns: Columns| read_rows(Path::new("u.csv"), text.as_bytes(), &columns);
        let tabs = wrong("a\tb\n1\t2\n", columns(None, Some("\t")));
        check(tabs, &["a", "b"], &[&["1", "2"]]);
        for (found, expected) in [
            (wrong("a,b\n1,2\n3\n", columns(None, None)), "line 3 has 1 cells, and the head names 2"),
            (wrong("1,2\n", columns(Some(&["a"]), None)), "line 1 has 2 cells, and columns names 1"),
            (wrong("a,b\n", columns(None, None)), "holds no row"),
            (wrong("", columns(None, None)), "holds no row"),
            (wrong("a\n1\n", columns(None, Some("ab"))), "delimiter that is not one ASCII character"),
            (read_rows(Path::new("u.csv"), b"a\nb\n\xff\n", &columns(None, None)), "line 3 is not UTF-8"),
            (read_rows(Path::new("u.json"), b"[]", &columns(Some(&["a"]), None)), "columns belongs to CSV"),
        ] {
            assert!(found.as_ref().unwrap_err().contains(expected), "{found:?}: {expected}");
        }
    }

    #[test]
    fn json_is_an_array_of_objects_or_lines() {
        let array = r#"[{ "url": "/a", "count": 13737, "deep": [1, {"b": null}] }, { "count": 1.5, "new": true, "url": null }]"#;
        let columns = ["url", "count", "deep", "new"];
        let rows: [&[&str]; 2] = [&["/a", "13737", r#"[1,{"b":null}]"#, ""], &["", "1.5", "", "true"]];
        check(read("hits.json", array), &columns, &rows);
        let lines = "{\"url\": \"/a\"}\n\n{\"url\": \"/b\"}\n";
        for name in ["hits.json", "hits.jsonl", "hits.NDJSON"] {
            check(read(name, lines), &["url"], &[&["/a"], &["/b"]]);
        }
        for (name, text, expected) in [
            ("h.json", "[1]", "item 0 is a number"),
            ("h.json", "[", "line 1"),
            ("h.json", "[]", "holds no row"),
            ("h.jsonl", "{}\n[]\n", "line 2 is a list"),
            ("h.jsonl", "{}\n{\n", "line 2: EOF"),
        ] {
            let found = read(name, text);
            assert!(found.as_ref().unwrap_err().contains(expected), "{found:?}: {expected}");
        }
    }

    proptest! {
        #[test]
        fn what_a_csv_writer_writes_is_read_again(rows in proptest::collection::vec(proptest::collection::vec(".{0,8}", 3), 1..9)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["a", "b", "c"]).unwrap();
            rows.iter().for_each(|row| writer.write_record(row).unwrap());
            let bytes = writer.into_inner().unwrap();
            let read = read_rows(Path::new("x.csv"), &bytes, &Columns::default()).unwrap();
            prop_assert_eq!(read.rows, rows);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[\\[\\]{}\",:a1\n]{0,40}", json in any::<bool>()) {
            let _ = read(if json { "x.json" } else { "x.csv" }, &text);
        }
    }
}
