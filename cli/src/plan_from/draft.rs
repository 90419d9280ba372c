//! A plan while it is made, and its text: TOML as people write it, short tables in one line and long ones below.

use std::fmt::Write as _;

use common::plan::escape_placeholders;
use serde_json::Value;

/// Longest value that is written in one line behind its key, in bytes.
const MAX_INLINE_BYTES: usize = 90;
/// Sessions a second.
const RATE_PER_S: u64 = 10;
/// How long the load takes, where that is enough for each request.
const SHORTEST: &str = "10s";
/// The bytes of a key that needs no quotes.
const BARE: fn(u8) -> bool = |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');

/// A plan with `[requests]`. Its texts are templates: what is to be sent as it is went through [`literal`].
#[derive(Debug, Default)]
pub struct Draft {
    /// What the plan was made from, as in "a curl command".
    pub from: String,
    /// Scheme, host and port that requests without a host go to.
    pub url: String,
    /// Whether certificates are not checked.
    pub insecure: bool,
    /// Further hosts by name.
    pub hosts: Vec<(String, String)>,
    /// Names of secrets, and of what holds them in the environment.
    pub secrets: Vec<(String, String)>,
    /// What is sent.
    pub requests: Vec<RequestDraft>,
    /// Paths with weights, by the name of their data set.
    pub data: Vec<(String, Vec<(String, u64)>)>,
}

/// A request of a plan.
#[derive(Debug, Default)]
pub struct RequestDraft {
    pub name: String,
    pub share: Option<u64>,
    pub host: Option<String>,
    /// `None`: what the body asks for.
    pub method: Option<String>,
    pub path: String,
    /// A name may have several values.
    pub headers: Vec<(String, Vec<String>)>,
    pub basic: Option<(String, String)>,
    pub timeout: Option<String>,
    pub body: BodyDraft,
}

/// The body of a request.
#[derive(Debug, Default)]
pub enum BodyDraft {
    #[default]
    None,
    Text(String),
    /// The path of a file beside the plan.
    File(String),
    /// Its texts are not templates.
    Json(Value),
    Form(Vec<(String, Vec<String>)>),
    Multipart(Vec<PartDraft>),
}

/// A part of a multipart body.
#[derive(Debug)]
pub struct PartDraft {
    pub name: String,
    /// A file's path, or a template.
    pub content: PartContent,
    pub filename: Option<String>,
    pub content_type: Option<String>,
}

/// What a part sends.
#[derive(Debug)]
pub enum PartContent {
    Value(String),
    File(String),
}

/// A text as a template that sends it as it is.
pub fn literal(text: &str) -> String {
    braced(text, "")
}

/// As [`literal`], in a path: nothing is percent-encoded.
pub fn literal_path(text: &str) -> String {
    braced(text, " | raw")
}

/// Two braces begin a slot; a run of them is written as a slot with a quoted text.
fn braced(text: &str, filter: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        let n = rest[at..].bytes().take_while(|byte| *byte == b'{').count();
        out.push_str(&escape_placeholders(&rest[..at]));
        let _ = write!(out, "{{{{'{}'{filter}}}}}", &rest[at..at + n]);
        rest = &rest[at + n..];
    }
    out.push_str(&escape_placeholders(rest));
    out
}

impl Draft {
    /// The text of the plan.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write_head(&mut out);
        let _ = writeln!(out, "\n[target]\nurl = {}", quoted(&escape_placeholders(&self.url)));
        for (name, url) in &self.hosts {
            let _ = writeln!(out, "hosts.{} = {}", key(name), quoted(&escape_placeholders(url)));
        }
        if self.insecure {
            out.push_str("tls.verify = false\n");
        }
        if !self.secrets.is_empty() {
            out.push_str("\n[secrets]\n");
            for (name, env) in &self.secrets {
                let _ = writeln!(out, "{} = {{ env = {} }}", key(name), quoted(env));
            }
        }
        for (name, rows) in &self.data {
            let _ = writeln!(out, "\n[data.{}]", key(name));
            out.push_str(
                "columns = [\"path\", \"weight\"]\norder = \"random\"\nweight = \"weight\"\nrows = [\n",
            );
            for (path, weight) in rows {
                let _ = writeln!(out, "    [{}, {weight}],", quoted(path));
            }
            out.push_str("]\n");
        }
        for request in &self.requests {
            request.write(&mut out);
        }
        let (rate, duration) = (RATE_PER_S, self.duration());
        let _ = write!(
            out,
            "\n[load]\nrate = {rate}           # sessions a second: a start\nduration = \"{duration}\""
        );
        if duration != SHORTEST {
            out.push_str("    # the rarest request has a session");
        }
        out.push('\n');
        out
    }

    /// How long the load takes: so long that the rarest request has a session, in whole minutes where that is long.
    fn duration(&self) -> String {
        let shares = || self.requests.iter().map(|request| request.share.unwrap_or(1));
        let least = shares().min().unwrap_or(1).max(1);
        match shares().sum::<u64>().div_ceil(least).div_ceil(RATE_PER_S) {
            0..=10 => SHORTEST.to_owned(),
            seconds @ 11..60 => format!("{seconds}s"),
            seconds => format!("{}m", seconds.div_ceil(60)),
        }
    }

    fn write_head(&self, out: &mut String) {
        let _ = writeln!(out, "# A plan from {}. What to do next, with this text as plan.toml:", self.from);
        out.push_str("#   groundswell validate plan.toml     checks it\n");
        out.push_str("#   groundswell plan show plan.toml    says what it will do, with every default\n");
        let duration = self.duration();
        let _ = writeln!(
            out,
            "#   groundswell run plan.toml          sends {RATE_PER_S} a second for {duration}; [load] has more"
        );
        if let [(_, first), ..] = self.secrets.as_slice() {
            let _ = writeln!(
                out,
                "# Secrets are not in it. Before the run, give the environment their values, as in: export {first}='…'"
            );
        }
        out.push_str("# docs/plans.md has log-ins, values from answers, checks, rows of data, stages and thresholds.\n");
    }
}

impl RequestDraft {
    fn write(&self, out: &mut String) {
        let table = format!("requests.{}", key(&self.name));
        let _ = writeln!(out, "\n[{table}]");
        if let Some(share) = self.share {
            let _ = writeln!(out, "share = {share}");
        }
        if let Some(host) = &self.host {
            let _ = writeln!(out, "host = {}", quoted(host));
        }
        let usual = if matches!(self.body, BodyDraft::None) { "GET" } else { "POST" };
        if let Some(method) = self.method.as_deref().filter(|method| *method != usual) {
            let _ = writeln!(out, "method = {}", quoted(method));
        }
        let _ = writeln!(out, "path = {}", quoted(&self.path));
        if let Some((user, password)) = &self.basic {
            let _ = writeln!(out, "basic = {{ user = {}, password = {} }}", quoted(user), quoted(password));
        }
        if let Some(timeout) = &self.timeout {
            let _ = writeln!(out, "timeout = {}", quoted(timeout));
        }
        // Tables below the keys: what follows a table's head belongs to it.
        let mut below = String::new();
        match &self.body {
            BodyDraft::None => {}
            BodyDraft::Text(text) => {
                let _ = writeln!(out, "body = {}", quoted(text));
            }
            BodyDraft::File(path) => {
                let _ = writeln!(out, "body_file = {}", quoted(path));
            }
            BodyDraft::Json(value) => write_json(value, &table, out, &mut below),
            BodyDraft::Form(fields) => write_lists("form", fields, &table, out, &mut below),
            BodyDraft::Multipart(parts) => {
                out.push_str("multipart = [\n");
                parts.iter().for_each(|part| part.write(out));
                out.push_str("]\n");
            }
        }
        if !self.headers.is_empty() {
            write_lists("headers", &self.headers, &table, out, &mut below);
        }
        out.push_str(&below);
    }
}

impl PartDraft {
    fn write(&self, out: &mut String) {
        let _ = write!(out, "    {{ name = {}", quoted(&self.name));
        let _ = match &self.content {
            PartContent::Value(value) => write!(out, ", value = {}", quoted(value)),
            PartContent::File(path) => write!(out, ", file = {}", quoted(path)),
        };
        if let Some(filename) = &self.filename {
            let _ = write!(out, ", filename = {}", quoted(filename));
        }
        if let Some(content_type) = &self.content_type {
            let _ = write!(out, ", type = {}", quoted(content_type));
        }
        out.push_str(" },\n");
    }
}

/// A table of texts, in one line or below.
fn write_lists(
    name: &str,
    fields: &[(String, Vec<String>)],
    table: &str,
    out: &mut String,
    below: &mut String,
) {
    let value = |values: &[String]| match values {
        [one] => quoted(one),
        _ => format!("[{}]", values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", ")),
    };
    let entries: Vec<String> =
        fields.iter().map(|(name, values)| format!("{} = {}", key(name), value(values))).collect();
    write_entries(name, &entries, table, out, below);
}

fn write_entries(name: &str, entries: &[String], table: &str, out: &mut String, below: &mut String) {
    let line = entries.join(", ");
    if entries.is_empty() {
        let _ = writeln!(out, "{name} = {{}}");
    } else if line.len() <= MAX_INLINE_BYTES {
        let _ = writeln!(out, "{name} = {{ {line} }}");
    } else {
        let _ = writeln!(below, "\n[{table}.{name}]");
        entries.iter().for_each(|entry| {
            let _ = writeln!(below, "{entry}");
        });
    }
}

fn write_json(value: &Value, table: &str, out: &mut String, below: &mut String) {
    match value {
        Value::Object(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(name, value)| format!("{} = {}", key(name), inline(value))).collect();
            write_entries("json", &entries, table, out, below);
        }
        _ => {
            let _ = writeln!(out, "json = {}", inline(value));
        }
    }
}

/// JSON as TOML in one line. TOML has no null, so a draft must not contain one.
fn inline(value: &Value) -> String {
    match value {
        Value::Null => "\"\"".to_owned(),
        Value::Bool(on) => on.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(&literal(text)),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let entry = |(name, value): (&String, &Value)| format!("{} = {}", key(name), inline(value));
            format!("{{ {} }}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A key of TOML, in quotes where it needs them.
fn key(name: &str) -> String {
    if !name.is_empty() && name.bytes().all(BARE) { name.to_owned() } else { quoted(name) }
}

/// A text of TOML: in single quotes where it has double ones or backslashes, so that it stays readable.
fn quoted(text: &str) -> String {
    let is_plain = !text.contains('\'') && !text.contains(char::is_control);
    if is_plain && text.contains(['"', '\\']) {
        return format!("'{text}'");
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
