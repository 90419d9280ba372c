//! Files that a plan with `[requests]` names: what the command line reads and puts in their place before the plan is
//! checked, because drivers and the orchestrator receive the plan alone. Paths are relative to the plan's folder.

mod rows;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Value, json};

use super::{Fault, MAX_BODY_BYTES, MAX_PLAN_BYTES};

pub use rows::{Columns, Rows, read_rows};

/// Keys that say the same as `body_file`.
const BODIES: [&str; 6] = ["body", "body_base64", "json", "form", "multipart", "submit"];

/// Reads the files that a plan with `[requests]` names, and puts their contents in the plan: rows of data, bodies, parts
/// of multipart bodies, and certificates. What cannot be read stays as it was, and its fault has the path of its key.
pub fn put_in(plan: &mut Value, folder: &Path) -> Vec<Fault> {
    let mut put_in = PutIn { folder, faults: Vec::new() };
    if let Some(data) = table(plan.get_mut("data")) {
        for (name, set) in data.iter_mut() {
            put_in.data(&format!("data.{name}"), set);
        }
    }
    if let Some(request) = plan.get_mut("request") {
        put_in.body("request", request);
    }
    if let Some(requests) = table(plan.get_mut("requests")) {
        for (name, request) in requests.iter_mut() {
            put_in.body(&format!("requests.{name}"), request);
            put_in.multipart(&format!("requests.{name}.multipart"), request);
        }
    }
    if let Some(target) = plan.get_mut("target") {
        put_in.certificates("target.tls", target);
        if let Some(hosts) = table(target.get_mut("hosts")) {
            for (name, host) in hosts.iter_mut() {
                put_in.certificates(&format!("target.hosts.{name}.tls"), host);
            }
        }
    }
    put_in.faults
}

fn table(value: Option<&mut Value>) -> Option<&mut Map<String, Value>> {
    value.and_then(Value::as_object_mut)
}

struct PutIn<'a> {
    folder: &'a Path,
    faults: Vec<Fault>,
}

impl PutIn<'_> {
    /// `file` of a data set: its rows.
    fn data(&mut self, at: &str, set: &mut Value) {
        let Some(set) = set.as_object_mut() else { return };
        // The reader of the plan reports a value that is not a text.
        let Some(file) = set.get("file").and_then(Value::as_str).map(str::to_owned) else { return };
        let path = format!("{at}.file");
        if set.contains_key("rows") {
            let reason = "file and rows are both given; leave one out";
            self.faults.push(Fault::contradiction(path, format!("{file:?}"), reason));
            return;
        }
        let columns = match columns(set) {
            Ok(columns) => columns,
            // The reader says what is wrong with `columns`.
            Err(()) => return,
        };
        let Some(bytes) = self.read(&path, &file, MAX_PLAN_BYTES) else { return };
        match read_rows(Path::new(&file), &bytes, &columns) {
            Ok(Rows { columns, rows }) => {
                set.remove("file");
                set.remove("delimiter");
                set.insert("columns".to_owned(), json!(columns));
                set.insert("rows".to_owned(), json!(rows));
            }
            Err(reason) => {
                self.faults.push(Fault::value(path, self.folder.join(&file).display(), reason));
            }
        }
    }

    /// `body_file`: bytes, in which braces mean nothing.
    fn body(&mut self, at: &str, request: &mut Value) {
        let Some(request) = request.as_object_mut() else { return };
        let Some(file) = request.get("body_file").and_then(Value::as_str).map(str::to_owned) else { return };
        if file.is_empty() {
            request.remove("body_file");
            return;
        }
        let path = format!("{at}.body_file");
        if let Some(other) = BODIES.iter().find(|key| request.contains_key(**key)) {
            let reason = format!("{other} and body_file are both given; leave one out");
            self.faults.push(Fault::contradiction(path, format!("{file:?}"), reason));
            return;
        }
        if let Some(bytes) = self.read(&path, &file, MAX_BODY_BYTES) {
            request.remove("body_file");
            request.insert("body_base64".to_owned(), json!(BASE64.encode(bytes)));
        }
    }

    /// `file` of the parts of a multipart body; the part has the file's name where it has none of its own.
    fn multipart(&mut self, at: &str, request: &mut Value) {
        let Some(parts) = request.get_mut("multipart").and_then(Value::as_array_mut) else { return };
        for (index, part) in parts.iter_mut().enumerate() {
            let Some(part) = part.as_object_mut() else { continue };
            let Some(file) = part.get("file").and_then(Value::as_str).map(str::to_owned) else { continue };
            let path = format!("{at}[{index}].file");
            if part.contains_key("value") {
                let reason = "value and file are both given; leave one out";
                self.faults.push(Fault::contradiction(path, format!("{file:?}"), reason));
                continue;
            }
            let Some(bytes) = self.read(&path, &file, MAX_BODY_BYTES) else { continue };
            part.remove("file");
            part.insert("base64".to_owned(), json!(BASE64.encode(bytes)));
            if !part.contains_key("filename")
                && let Some(name) = Path::new(&file).file_name()
            {
                // A filename is read as a template; the braces of this name are meant as they are.
                let name = name.to_string_lossy().replace("{{", "{{'{{'}}");
                part.insert("filename".to_owned(), json!(name));
            }
        }
    }

    /// `ca_file`: certificates, which travel.
    fn certificates(&mut self, at: &str, host: &mut Value) {
        let Some(tls) = table(host.get_mut("tls")) else { return };
        let Some(file) = tls.get("ca_file").and_then(Value::as_str).map(str::to_owned) else { return };
        let path = format!("{at}.ca_file");
        let Some(bytes) = self.read(&path, &file, MAX_BODY_BYTES) else { return };
        match String::from_utf8(bytes) {
            Ok(pem) => {
                tls.remove("ca_file");
                tls.insert("ca_pem".to_owned(), json!(pem));
            }
            Err(_) => {
                let reason = "is not UTF-8; certificates are expected as PEM";
                self.faults.push(Fault::value(path, self.folder.join(&file).display(), reason));
            }
        }
    }

    /// The content of a file. Faults show the path as it was opened, instead of the value.
    fn read(&mut self, path: &str, file: &str, most: usize) -> Option<Vec<u8>> {
        let opened = self.folder.join(file);
        let reason = match read_at_most(&opened, most) {
            Ok(Some(bytes)) => return Some(bytes),
            Ok(None) => format!("is larger than {most} bytes"),
            Err(error) => format!("cannot be read: {error}"),
        };
        self.faults.push(Fault::value(path, opened.display(), reason));
        None
    }
}

/// The content of a file; `None` where it is longer than that.
fn read_at_most(path: &Path, most: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= most).then_some(bytes))
}

/// What a data set says of its file's columns.
fn columns(set: &Map<String, Value>) -> Result<Columns, ()> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &[u8]| std::fs::write(folder.path().join(name), content).unwrap();
        write("users.csv", b"name,town\nAnn,\"Bath, Avon\"\n");
        write("image.png", &[0x89, b'P', 0xff]);
        write("ca.pem", b"-----BEGIN CERTIFICATE-----\n");
        write("large", &vec![b'x'; MAX_BODY_BYTES + 1]);
        folder
    }

    #[test]
    fn files_are_put_in_where_the_plan_names_them() {
        let folder = folder();
        let mut plan = json!({
            "target": { "url": "https://a.test", "tls": { "ca_file": "ca.pem" },
                        "hosts": { "b": { "url": "https://b.test", "tls": { "ca_file": "ca.pem" } } } },
            "data": { "user": { "file": "users.csv", "order": "once" } },
            "requests": {
                "put": { "path": "/", "body_file": "image.png" },
                "form": { "path": "/", "multipart": [{ "name": "a", "value": "1" }, { "name": "f", "file": "image.png" }] },
            },
        });
        assert_eq!(put_in(&mut plan, folder.path()), []);
        assert_eq!(plan["target"]["tls"], json!({ "ca_pem": "-----BEGIN CERTIFICATE-----\n" }));
        assert_eq!(plan["target"]["hosts"]["b"]["tls"], plan["target"]["tls"]);
        let rows = json!([["Ann", "Bath, Avon"]]);
        assert_eq!(
            plan["data"]["user"],
            json!({ "order": "once", "columns": ["name", "town"], "rows": rows })
        );
        assert_eq!(plan["requests"]["put"], json!({ "path": "/", "body_base64": "iVD/" }));
        let part = json!({ "name": "f", "base64": "iVD/", "filename": "image.png" });
        assert_eq!(plan["requests"]["form"]["multipart"][1], part);
    }

    #[test]
    fn every_file_that_cannot_be_read_is_named_with_its_key() {
        let folder = folder();
        let mut plan = json!({
            "target": { "tls": { "ca_file": "image.png" } },
            "data": { "a": { "file": "none.csv" }, "b": { "file": "users.csv", "rows": [] }, "c": { "file": "image.png" } },
            "requests": {
                "x": { "body_file": "large" },
                "y": { "body_file": "image.png", "json": {} },
                "z": { "multipart": [{ "name": "f", "value": "", "file": "image.png" }, { "name": "g", "file": "none" }] },
            },
        });
        let found = put_in(&mut plan, folder.path());
        let paths: Vec<&str> = found.iter().map(|fault| fault.path.as_str()).collect();
        let expected = [
            "data.a.file",
            "data.b.file",
            "data.c.file",
            "requests.x.body_file",
            "requests.y.body_file",
            "requests.z.multipart[0].file",
            "requests.z.multipart[1].file",
            "target.tls.ca_file",
        ];
        assert_eq!(paths, expected);
        assert!(
            found[0].value.ends_with("none.csv") && found[0].reason.starts_with("cannot be read"),
            "{found:?}"
        );
        assert!(found[3].reason.contains("larger than 524288 bytes"), "{found:?}");
        assert!(found[4].reason.contains("json and body_file are both given"), "{found:?}");
    }
}
