//! Files that a plan with `[requests]` names. The command line reads them, because neither a driver nor the orchestrator
//! reads a client's disk: what is small is put in the plan in their place, and what is larger is named by its hash there
//! and put at the orchestrator, from which drivers fetch it. Paths are relative to the plan's folder.

pub mod facts;
mod hash;
mod json_rows;
mod named;
pub mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Map, Value, json};

use super::{Fault, MAX_BODY_BYTES, MAX_PLAN_BYTES, placeholders};

pub use hash::{FileHash, Hashing, HashingReader};
pub use named::{Opened, put_facts};
pub use rows::{Columns, Format, Rows, read_rows};

/// Largest file that travels in the plan, in bytes.
pub const MAX_INLINE_FILE: u64 = 64 * 1024;
/// Most bytes of files that travel in one plan together: a plan is one record of Kafka, beside all else that is in it.
const MAX_INLINE_FILES: u64 = 256 * 1024;
/// Largest file that is sent as a body or as a part of one, in bytes.
pub const MAX_BODY_FILE: u64 = 16 * 1024 * 1024;

/// Keys that say the same as `body_file`.
const BODIES: [&str; 6] = ["body", "body_base64", "json", "form", "multipart", "submit"];

/// Where the files are that a plan names by their hash: on this machine, to be put at the orchestrator.
pub type LocalFiles = BTreeMap<FileHash, PathBuf>;

/// Reads the files that a plan with `[requests]` names: rows of data, bodies, parts of multipart bodies, and certificates.
/// Small ones are put in the plan; larger ones are named by their hash there, and added to `local`. What cannot be read
/// stays as it was, and its fault has the path of its key.
pub fn put_in(plan: &mut Value, folder: &Path, local: &mut LocalFiles) -> Vec<Fault> {
    let splits = named::splits_of(plan);
    let mut put_in = PutIn { folder, local, inline_left: MAX_INLINE_FILES, faults: Vec::new() };
    if let Some(data) = table(plan.get_mut("data")) {
        for (name, set) in data.iter_mut() {
            put_in.data(&format!("data.{name}"), set, named::looked_for(name, set, &splits));
        }
    }
    if let Some(request) = plan.get_mut("request") {
        put_in.body("request", request);
        let is_template = request.get("template") == Some(&json!(true));
        put_in.multipart("request.multipart", request, is_template);
    }
    if let Some(requests) = table(plan.get_mut("requests")) {
        for (name, request) in requests.iter_mut() {
            put_in.body(&format!("requests.{name}"), request);
            put_in.multipart(&format!("requests.{name}.multipart"), request, true);
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
    local: &'a mut LocalFiles,
    /// How many more bytes of files may travel in the plan.
    inline_left: u64,
    faults: Vec<Fault>,
}

/// What a file becomes in the plan.
enum Content {
    Inline(Vec<u8>),
    Named(FileHash),
}

impl PutIn<'_> {
    /// `file` of a data set: its rows, or what is known of them.
    fn data(&mut self, at: &str, set: &mut Value, looked: facts::Looked) {
        let Some(set) = set.as_object_mut() else { return };
        // The reader of the plan reports a value that is not a text.
        let Some(file) = set.get("file").and_then(Value::as_str).map(str::to_owned) else { return };
        let path = format!("{at}.file");
        if set.contains_key("rows") {
            let reason = "file and rows are both given; leave one out";
            self.faults.push(Fault::contradiction(path, format!("{file:?}"), reason));
            return;
        }
        if FileHash::is_named(&file) {
            return;
        }
        let (Ok(columns), Ok(format)) = (named::columns(set), named::format(set, Path::new(&file))) else {
            // The reader says what is wrong with `columns` or `format`.
            return;
        };
        let Some((opened, bytes)) = self.open(&path, &file) else { return };
        if !self.travels(bytes) {
            match named::hash_and_facts(opened, format, &columns, &looked) {
                Ok((hash, facts)) => {
                    self.local.insert(hash, self.folder.join(&file));
                    named::write(set, hash, format, facts);
                }
                Err(unfit) => {
                    let path = format!("{at}.{}", unfit.key);
                    self.faults.push(Fault::value(path, self.folder.join(&file).display(), unfit.reason));
                }
            }
            return;
        }
        let Some(bytes) = self.read(&path, &file, MAX_PLAN_BYTES) else { return };
        match read_rows(format, &bytes, &columns) {
            Ok(Rows { columns, rows }) => {
                self.inline_left = self.inline_left.saturating_sub(bytes.len() as u64);
                for key in ["file", "format", "delimiter"] {
                    set.remove(key);
                }
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
        if FileHash::is_named(&file) {
            return;
        }
        match self.content(&path, &file) {
            Some(Content::Inline(bytes)) => {
                request.remove("body_file");
                request.insert("body_base64".to_owned(), json!(BASE64.encode(bytes)));
            }
            Some(Content::Named(hash)) => {
                request.insert("body_file".to_owned(), json!(hash.in_plan()));
            }
            None => {}
        }
    }

    /// `file` of the parts of a multipart body; the part has the file's name where it has none of its own. `is_template`:
    /// whether braces in a filename begin a slot.
    fn multipart(&mut self, at: &str, request: &mut Value, is_template: bool) {
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
            if FileHash::is_named(&file) {
                continue;
            }
            match self.content(&path, &file) {
                Some(Content::Inline(bytes)) => {
                    part.remove("file");
                    part.insert("base64".to_owned(), json!(BASE64.encode(bytes)));
                }
                Some(Content::Named(hash)) => {
                    part.insert("file".to_owned(), json!(hash.in_plan()));
                }
                None => continue,
            }
            if !part.contains_key("filename")
                && let Some(name) = Path::new(&file).file_name()
            {
                // The dollars and braces of this name are meant as they are.
                let name = placeholders::escape(&name.to_string_lossy());
                let name = if is_template { name.replace("{{", "{{'{{'}}") } else { name };
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

    /// The content of a file that is sent, or its hash where it is too large to travel in the plan.
    fn content(&mut self, path: &str, file: &str) -> Option<Content> {
        let (opened, bytes) = self.open(path, file)?;
        let at = self.folder.join(file);
        if self.travels(bytes) {
            let bytes = self.read(path, file, MAX_BODY_BYTES)?;
            self.inline_left = self.inline_left.saturating_sub(bytes.len() as u64);
            return Some(Content::Inline(bytes));
        }
        let reason = if bytes > MAX_BODY_FILE {
            format!("is {bytes} bytes long, and a file that is sent is at most {MAX_BODY_FILE}")
        } else {
            match HashingReader::new(opened).finish() {
                Ok(hash) => {
                    self.local.insert(hash, at);
                    return Some(Content::Named(hash));
                }
                Err(error) => format!("cannot be read: {error}"),
            }
        };
        self.faults.push(Fault::value(path, at.display(), reason));
        None
    }

    /// A file, and how long it is. A pipe has no length, and is read like a file that travels in the plan.
    fn open(&mut self, path: &str, file: &str) -> Option<(File, u64)> {
        let at = self.folder.join(file);
        let opened = File::open(&at).and_then(|opened| {
            let about = opened.metadata()?;
            Ok((opened, if about.is_file() { about.len() } else { 0 }))
        });
        opened
            .map_err(|error| {
                self.faults.push(Fault::value(path, at.display(), format!("cannot be read: {error}")));
            })
            .ok()
    }

    /// Whether a file of this length travels in the plan.
    fn travels(&self, bytes: u64) -> bool {
        bytes <= MAX_INLINE_FILE.min(self.inline_left)
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
