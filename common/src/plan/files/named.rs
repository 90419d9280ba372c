//! Data files that a plan names by their hash: what is known of them is put beside the hash, as `facts`. The command line
//! does it for its own files, and the orchestrator for those that it has, in the place of what a client says of them.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::facts::{Facts, Looked, Unfit};
use super::rows::{Columns, Format};
use super::{FileHash, HashingReader, MAX_BODY_FILE};
use crate::plan::Fault;

/// A file that is there, and how many bytes it has.
pub type Opened<R> = io::Result<Option<(R, u64)>>;

/// By data set, the columns that requests are split by.
pub(super) type Splits = BTreeMap<String, Vec<String>>;

/// What `split_by` of all requests names.
pub(super) fn splits_of(plan: &Value) -> Splits {
    let requests =
        plan.get("requests").and_then(Value::as_object).into_iter().flat_map(|table| table.values());
    let mut splits = Splits::new();
    for request in requests.chain(plan.get("request")) {
        let named =
            request.get("split_by").and_then(Value::as_str).and_then(|text| text.trim().split_once('.'));
        if let Some((data, column)) = named {
            let columns: &mut Vec<String> = splits.entry(data.to_owned()).or_default();
            if !columns.iter().any(|known| known == column) {
                columns.push(column.to_owned());
            }
        }
    }
    splits
}

/// What is looked for in the file of a data set.
pub(super) fn looked_for(name: &str, set: &Value, splits: &Splits) -> Looked {
    let text = |key: &str| set.get(key).and_then(Value::as_str).map(str::trim);
    let weight = if text("order") == Some("random") { text("weight").map(str::to_owned) } else { None };
    Looked { weight, splits: splits.get(name).cloned().unwrap_or_default() }
}

/// What a data set says of its file's columns.
///
/// # Errors
/// Where that is not a list of texts, which the reader of the plan reports.
pub(super) fn columns(set: &Map<String, Value>) -> Result<Columns, ()> {
    let names = match set.get("columns") {
        None | Some(Value::Null) => None,
        Some(Value::Array(names)) => {
            let name = |name: &Value| name.as_str().map(|name| name.trim().to_owned()).ok_or(());
            Some(names.iter().map(name).collect::<Result<Vec<String>, ()>>()?)
        }
        Some(_) => return Err(()),
    };
    let delimiter = match set.get("delimiter") {
        None | Some(Value::Null) => None,
        // Another kind of value has no text, which the reader of rows refuses.
        Some(text) => Some(text.as_str().unwrap_or_default().to_owned()),
    };
    Ok(Columns { names, delimiter })
}

/// What a data set says that its file is, or else the file's name.
///
/// # Errors
/// Where that is not the word of a format, which the reader of the plan reports.
pub(super) fn format(set: &Map<String, Value>, name: &Path) -> Result<Format, ()> {
    match set.get("format") {
        None | Some(Value::Null) => Ok(Format::of_name(name)),
        Some(word) => word.as_str().and_then(|word| Format::of_word(word.trim())).ok_or(()),
    }
}

/// Reads a file once, for its hash and what is known of it.
pub(super) fn hash_and_facts(
    file: impl Read,
    format: Format,
    columns: &Columns,
    looked: &Looked,
) -> Result<(FileHash, Facts), Unfit> {
    let mut reader = HashingReader::new(file);
    let facts = Facts::of(&mut reader, format, columns, looked)?;
    let hash =
        reader.finish().map_err(|error| Unfit { key: "file", reason: format!("cannot be read: {error}") })?;
    Ok((hash, facts))
}

/// Puts the name of a file and what is known of it in a data set.
pub(super) fn write(set: &mut Map<String, Value>, hash: FileHash, format: Format, facts: Facts) {
    set.insert("file".to_owned(), json!(hash.in_plan()));
    set.insert("format".to_owned(), json!(format.word()));
    set.insert("facts".to_owned(), json!(facts));
}

/// Looks at each file that a plan names by its hash, and puts what is known of rows in the plan. Facts that are there
/// already are a client's word, and go. `open`: finds a file by its hash. A file that is missing, that cannot be read or
/// does not fit is a fault at the key that names it.
pub fn put_facts<R: Read>(plan: &mut Value, open: &dyn Fn(&FileHash) -> Opened<R>) -> Vec<Fault> {
    let splits = splits_of(plan);
    let mut put = PutFacts { open, faults: Vec::new() };
    let table = |plan: &mut Value, key: &str| match plan.get_mut(key) {
        Some(Value::Object(entries)) => std::mem::take(entries),
        _ => Map::new(),
    };
    let mut data = table(plan, "data");
    for (name, set) in &mut data {
        let looked = looked_for(name, set, &splits);
        if let Value::Object(set) = set {
            put.data(&format!("data.{name}"), set, &looked);
        }
    }
    if let Some(Value::Object(entries)) = plan.get_mut("data") {
        *entries = data;
    }
    if let Some(request) = plan.get("request") {
        put.sent("request", request);
    }
    for (name, request) in plan.get("requests").and_then(Value::as_object).into_iter().flatten() {
        put.sent(&format!("requests.{name}"), request);
    }
    put.faults
}

struct PutFacts<'a, R> {
    open: &'a dyn Fn(&FileHash) -> Opened<R>,
    faults: Vec<Fault>,
}

impl<R: Read> PutFacts<'_, R> {
    fn data(&mut self, at: &str, set: &mut Map<String, Value>, looked: &Looked) {
        set.remove("facts");
        let path = format!("{at}.file");
        let Some((hash, file, _)) = set.get("file").and_then(|file| self.opened(&path, file)) else { return };
        let (Ok(columns), Ok(format)) = (columns(set), format(set, Path::new(""))) else { return };
        match Facts::of(file, format, &columns, looked) {
            Ok(facts) => write(set, hash, format, facts),
            Err(unfit) => {
                self.faults.push(Fault::value(format!("{at}.{}", unfit.key), hash.in_plan(), unfit.reason));
            }
        }
    }

    /// The files of a request's body: their lengths.
    fn sent(&mut self, at: &str, request: &Value) {
        let parts = request.get("multipart").and_then(Value::as_array).into_iter().flatten();
        let parts = parts
            .enumerate()
            .filter_map(|(i, part)| Some((format!("{at}.multipart[{i}].file"), part.get("file")?)));
        let body = request.get("body_file").map(|file| (format!("{at}.body_file"), file));
        for (path, file) in body.into_iter().chain(parts) {
            let Some((hash, _, bytes)) = self.opened(&path, file) else { continue };
            if bytes > MAX_BODY_FILE {
                let reason =
                    format!("is {bytes} bytes long, and a file that is sent is at most {MAX_BODY_FILE}");
                self.faults.push(Fault::value(path, hash.in_plan(), reason));
            }
        }
    }

    /// The file that a value names by its hash; `None`: it names none, or there is a fault.
    fn opened(&mut self, path: &str, file: &Value) -> Option<(FileHash, R, u64)> {
        // A path, and a hash that cannot be one, are reported by the reader of the plan.
        let hash = file.as_str().and_then(|text| FileHash::of_plan(text).ok())?;
        let reason = match (self.open)(&hash) {
            Ok(Some((file, bytes))) => return Some((hash, file, bytes)),
            Ok(None) => {
                format!("is not at this orchestrator; put the file there first: PUT /api/v1/data/{hash}")
            }
            Err(error) => format!("cannot be read at the orchestrator: {error}"),
        };
        self.faults.push(Fault::value(path, hash.in_plan(), reason));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &[u8] = b"name,town\nAnn,Bath\nBob,York\n";

    fn open(hash: &FileHash) -> Opened<&'static [u8]> {
        Ok((*hash == FileHash::of(USERS)).then_some((USERS, USERS.len() as u64)))
    }

    #[test]
    fn facts_are_those_of_the_file_whatever_the_client_says() {
        let users = FileHash::of(USERS);
        let mut plan = json!({
            "data": {
                "user": { "file": users.in_plan(), "facts": { "rows": 1_000_000, "bytes": 1, "columns": [] } },
                "inline": { "columns": ["a"], "rows": [["1"]], "facts": {} },
            },
            "requests": { "a": { "split_by": "user.town", "body_file": users.in_plan() } },
        });
        assert_eq!(put_facts(&mut plan, &open), []);
        let set = &plan["data"]["user"];
        assert_eq!((&set["format"], &set["facts"]["rows"]), (&json!("csv"), &json!(2)));
        assert_eq!(
            set["facts"]["columns"][1]["values"],
            json!({ "n": 2, "total": 2.0, "heaviest": [["Bath", 1.0], ["York", 1.0]] })
        );
        assert_eq!(plan["data"]["inline"], json!({ "columns": ["a"], "rows": [["1"]] }));
    }

    #[test]
    fn a_file_that_is_not_there_is_named_where_the_plan_names_it() {
        let missing = FileHash::of(b"missing");
        let users = FileHash::of(USERS).in_plan();
        let mut plan = json!({
            "data": { "a": { "file": missing.in_plan() }, "b": { "file": "users.csv" },
                      "c": { "file": users, "order": "random", "weight": "town" }, "d": { "file": users, "format": "json" } },
            "request": { "body_file": missing.in_plan() },
            "requests": { "r": { "multipart": [{ "name": "x", "value": "1" }, { "name": "f", "file": missing.in_plan() }] } },
        });
        let faults = put_facts(&mut plan, &open);
        let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "data.a.file",
                "data.c.weight",
                "data.d.file",
                "request.body_file",
                "requests.r.multipart[1].file"
            ]
        );
        assert_eq!(faults[0].value, missing.in_plan());
        assert!(faults[0].reason.contains(&format!("PUT /api/v1/data/{missing}")), "{faults:?}");
    }
}
