//! A curl command as a plan with one request. What curl does and a plan does not is said line by line.

use common::plan::{TargetUrl, is_secret_parameter, mask_url};
use serde_json::Value;
use url::form_urlencoded;

use super::draft::{BodyDraft, Draft, PartContent, PartDraft, RequestDraft, literal};
use super::fields::{Fields, Secrets, path_template};
use super::names::Names;
use super::options::{self, Given, Means, Word};
use super::{Taken, checked, shell};

/// Most levels of JSON that are written as a table; a deeper one is a text.
const MAX_JSON_DEPTH: usize = 16;

/// Makes a plan of a command: one text with a shell's quotes, or words as a shell passed them on.
///
/// # Errors
/// What is wrong with the command, or why no plan can be made of it.
pub fn from_command(given: &[String]) -> Result<Taken, String> {
    let mut read = match given {
        [line] if line.trim().contains(char::is_whitespace) => shell::split(line)?,
        _ => shell::Words { words: given.to_vec(), remarks: Vec::new() },
    };
    if read.words.iter().any(|word| word.contains("^\"") || word == "^") {
        return Err(
            "is quoted for cmd of Windows (^\"…^\"); in the browser, take \"Copy as cURL (bash)\"".to_owned()
        );
    }
    let is_curl = |word: &String| matches!(word.rsplit('/').next(), Some("curl" | "curl.exe"));
    if read.words.first().is_some_and(|word| word == "$") {
        read.words.remove(0);
    }
    if read.words.first().is_some_and(is_curl) {
        read.words.remove(0);
    }
    let mut command = Command { remarks: read.remarks, ..Command::default() };
    for word in options::read(&read.words) {
        match word {
            Word::Option(Given { means: Means::Next, shown, .. }) => {
                command.remark(format!("{shown}: one request is taken over, and the others are left out"));
                break;
            }
            Word::Option(option) => command.take(option)?,
            Word::Url(url) => command.take_url(url),
            Word::Unknown(shown) => {
                command.remark(format!(
                    "{shown}: is unknown here, and left out; look whether the word behind it was its value"
                ));
            }
            Word::Lacks(shown) => return Err(format!("{shown} lacks its value")),
        }
    }
    command.into_plan()
}

/// Where a text of the body comes from.
enum Datum {
    Text(String),
    File(String),
}

/// What the options say so far.
#[derive(Default)]
struct Command {
    url: Option<String>,
    method: Option<String>,
    headers: Vec<(String, String)>,
    /// Names of headers that curl is asked not to send.
    without: Vec<String>,
    data: Vec<Datum>,
    parts: Vec<PartDraft>,
    user: Option<String>,
    upload: Option<String>,
    timeout: Option<String>,
    is_json: bool,
    get: bool,
    head: bool,
    insecure: bool,
    remarks: Vec<String>,
}

impl Command {
    fn remark(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.remarks.contains(&text) {
            self.remarks.push(text);
        }
    }

    fn take_url(&mut self, url: String) {
        if self.url.is_none() {
            self.url = Some(url);
        } else {
            let shown: String = mask_url(&url).chars().filter(|c| !c.is_control()).take(80).collect();
            self.remark(format!("{shown}: is another URL, and left out; `plan from urls` takes several"));
        }
    }

    fn take(&mut self, Given { shown, means, value }: Given) -> Result<(), String> {
        match means {
            Means::Method => self.method = Some(value),
            Means::Header => self.take_header(&value),
            Means::Data => match value.strip_prefix('@') {
                Some(file) => {
                    self.remark(format!("{shown} @file: the file is sent as it is; curl leaves its line ends out"));
                    self.data.push(Datum::File(file.to_owned()));
                }
                None => self.data.push(Datum::Text(value)),
            },
            Means::DataRaw => self.data.push(Datum::Text(value)),
            Means::DataBinary => self.data.push(text_or_file(value)),
            Means::DataUrlencode => self.data.push(urlencoded(&value)?),
            Means::Json => {
                self.is_json = true;
                self.data.push(text_or_file(value));
            }
            Means::Form => {
                let part = part(&value)?;
                self.parts.push(part);
            }
            Means::FormString => {
                let (name, value) = value.split_once('=').ok_or("--form-string takes NAME=VALUE")?;
                let content = PartContent::Value(literal(value));
                self.parts.push(PartDraft { name: name.to_owned(), content, filename: None, content_type: None });
            }
            Means::User => self.user = Some(value),
            Means::Bearer => self.headers.push(("authorization".to_owned(), format!("Bearer {value}"))),
            Means::Cookie if value.contains('=') => {
                self.remark(format!(
                    "{shown}: is sent as a header, the same in each request; cookies = true in a scenario keeps those of answers"
                ));
                self.headers.push(("cookie".to_owned(), value));
            }
            Means::Cookie => self.remark(format!(
                "{shown}: the file of cookies is not read; cookies = true in a scenario keeps those of answers"
            )),
            Means::Agent => self.headers.push(("user-agent".to_owned(), value)),
            Means::Referer => {
                let value = value.strip_suffix(";auto").unwrap_or(&value).to_owned();
                self.headers.push(("referer".to_owned(), value));
            }
            Means::Get => self.get = true,
            Means::Head => self.head = true,
            Means::Insecure => self.insecure = true,
            Means::Compressed => {
                self.remark(format!(
                    "{shown}: is sent as accept-encoding; answers are counted as they come, and checks and extracts need it left out"
                ));
                if !self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept-encoding")) {
                    self.headers.push(("accept-encoding".to_owned(), "gzip, deflate, br".to_owned()));
                }
            }
            Means::MaxTime => match value.trim().parse::<f64>() {
                Ok(seconds) if (0.001..=3_600.0).contains(&seconds) => {
                    self.timeout = Some(format!("{}ms", (seconds * 1_000.0).round()));
                }
                _ => self.remark(format!("{shown}: is not from 1 ms to an hour; the timeout is 5 s")),
            },
            Means::Url => self.take_url(value),
            Means::Upload => self.upload = Some(value),
            Means::LeftOut(why) => self.remark(format!("{shown}: {why}")),
            Means::Next | Means::Nothing => {}
        }
        Ok(())
    }

    fn take_header(&mut self, value: &str) {
        if value.starts_with('@') {
            return self.remark("-H @file: the file is not read; give its fields one by one");
        }
        match value.split_once(':') {
            // curl sends no field of that name then.
            Some((name, value)) if value.trim().is_empty() => {
                self.without.push(name.trim().to_ascii_lowercase())
            }
            Some((name, value)) => {
                // The last --compressed or the browser's own: one of them.
                if name.trim().eq_ignore_ascii_case("accept-encoding") {
                    self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case("accept-encoding"));
                }
                self.headers.push((name.trim().to_owned(), value.to_owned()));
            }
            None => match value.strip_suffix(';') {
                Some(name) => self.headers.push((name.trim().to_owned(), String::new())),
                None => self.remark("-H without a colon: is not sent by curl, and left out"),
            },
        }
    }

    fn into_plan(mut self) -> Result<Taken, String> {
        let url = self.url.take().ok_or("names no URL")?;
        let mut remarks = std::mem::take(&mut self.remarks);
        let (url, user_of_url) = read_url(&url, &mut remarks)?;
        let mut secrets = Secrets::default();
        let mut fields = Fields::default();
        for (name, value) in &self.headers {
            if name.eq_ignore_ascii_case("host") && value.trim().eq_ignore_ascii_case(&authority(&url)) {
                continue;
            }
            fields.add(name, value, &mut secrets, &mut remarks);
        }
        let basic = self.user.take().or(user_of_url).filter(|_| !fields.has("authorization")).map(|user| {
            let (user, password) = user.split_once(':').unwrap_or((&user, ""));
            let slot = secrets.slot("password", password);
            let name = slot.trim_matches(['{', '}']).trim_start_matches("secret.");
            remarks.push(secrets.remark("the password", name));
            (literal(user), slot)
        });
        let (mut path, base) = (url.path_and_query().to_owned(), origin(&url));
        if self.get {
            path = with_query(path, &self.data, &mut remarks);
            self.data.clear();
        }
        let body = self.body(&mut fields, &mut remarks)?;
        for name in &self.without {
            fields.remove(name);
        }
        if self.insecure && !base.starts_with("https") {
            self.insecure = false;
        }
        let usual = match (&body, &self.upload) {
            _ if self.head => "HEAD",
            (_, Some(_)) => "PUT",
            (BodyDraft::None, None) => "GET",
            _ => "POST",
        };
        let method = self.method.unwrap_or_else(|| usual.to_owned()).trim().to_ascii_uppercase();
        let name = Names::default().of_request(&method, &path);
        let path = path_template(&path, &mut secrets, &mut remarks);
        let request = RequestDraft {
            name,
            method: Some(method),
            path,
            headers: fields.into_list(),
            basic,
            timeout: self.timeout,
            body,
            ..RequestDraft::default()
        };
        let draft = Draft {
            from: "a curl command".to_owned(),
            url: base,
            insecure: self.insecure,
            secrets: secrets.into_entries(),
            requests: vec![request],
            ..Draft::default()
        };
        checked(draft.text(), remarks)
    }

    fn body(&mut self, fields: &mut Fields, remarks: &mut Vec<String>) -> Result<BodyDraft, String> {
        if !self.parts.is_empty() {
            if fields.has("content-type") {
                fields.remove("content-type");
                remarks
                    .push("content-type: is made up with the boundary of multipart, and left out".to_owned());
            }
            return Ok(BodyDraft::Multipart(std::mem::take(&mut self.parts)));
        }
        if let Some(file) = self.upload.clone() {
            return file_body(&file, remarks);
        }
        if self.is_json {
            for (name, value) in [("content-type", "application/json"), ("accept", "application/json")] {
                if !fields.has(name) {
                    fields.add(name, value, &mut Secrets::default(), remarks);
                }
            }
        }
        let data = std::mem::take(&mut self.data);
        if data.is_empty() {
            return Ok(BodyDraft::None);
        }
        if !fields.has("content-type") && !self.without.iter().any(|name| name == "content-type") {
            fields.add("content-type", "application/x-www-form-urlencoded", &mut Secrets::default(), remarks);
        }
        if let [Datum::File(file)] = data.as_slice() {
            return file_body(file, remarks);
        }
        let mut texts = Vec::new();
        for datum in data {
            match datum {
                Datum::Text(text) => texts.push(text),
                Datum::File(_) => {
                    return Err("joins a file with other data; put all of it into one file".to_owned());
                }
            }
        }
        let text = texts.join(if self.is_json { "" } else { "&" });
        Ok(text_body(text, fields, remarks))
    }
}

fn text_or_file(value: String) -> Datum {
    match value.strip_prefix('@') {
        Some(file) => Datum::File(file.to_owned()),
        None => Datum::Text(value),
    }
}

fn file_body(file: &str, remarks: &mut Vec<String>) -> Result<BodyDraft, String> {
    if file.is_empty() || file == "-" {
        return Err("sends what curl reads from standard input; put it into a file, and name that".to_owned());
    }
    let shown: String = file.chars().filter(|c| !c.is_control()).take(100).collect();
    remarks.push(format!("{shown}: is read when the plan is, relative to the plan"));
    Ok(BodyDraft::File(file.to_owned()))
}

/// A body as what its content-type says it is, where that sends the same.
fn text_body(text: String, fields: &mut Fields, remarks: &mut Vec<String>) -> BodyDraft {
    if text.is_empty() {
        return BodyDraft::None;
    }
    let given = fields.get("content-type").unwrap_or_default().trim().to_ascii_lowercase();
    let essence = given.split(';').next().unwrap_or_default().trim_end().to_owned();
    if essence == "application/json"
        && let Some(value) = json(&text)
    {
        if given == essence {
            fields.remove("content-type");
        }
        warn_of_secrets(json_names(&value), remarks);
        return BodyDraft::Json(value);
    }
    if essence == "application/x-www-form-urlencoded" {
        if let Some(form) = form(&text) {
            if given == essence {
                fields.remove("content-type");
            }
            warn_of_secrets(form.iter().map(|(name, _)| name.clone()).collect(), remarks);
            let fields = form
                .into_iter()
                .map(|(name, values)| (name, values.iter().map(|value| literal(value)).collect()))
                .collect();
            return BodyDraft::Form(fields);
        }
        if text.trim_start().starts_with(['{', '[']) {
            remarks.push(
                "content-type: curl sends this JSON as application/x-www-form-urlencoded, and so does the plan; with \
                 -H 'content-type: application/json' it is JSON"
                    .to_owned(),
            );
        }
    }
    BodyDraft::Text(literal(&text))
}

fn warn_of_secrets(names: Vec<String>, remarks: &mut Vec<String>) {
    if let Some(name) = names.iter().find(|name| is_secret_parameter(name)) {
        let name: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
        remarks.push(format!(
            "{name}: looks like a secret in the body, and stands in the plan; {{{{secret.NAME}}}} with an entry in [secrets] keeps it out"
        ));
    }
}

fn json_names(value: &Value) -> Vec<String> {
    value.as_object().map(|entries| entries.keys().cloned().collect()).unwrap_or_default()
}

/// JSON that a plan can hold as a table, so that what is sent is the same but for blanks.
fn json(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text).ok()?;
    let written = value.to_string();
    let is_same = written == without_blanks(text);
    (is_same && fits(&value, 0)).then_some(value)
}

/// Whether TOML has it: no null, no deep nesting, and keys without braces and dollars, which a plan reads.
fn fits(value: &Value, depth: usize) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.is_i64() || number.is_f64(),
        Value::Array(items) => depth < MAX_JSON_DEPTH && items.iter().all(|item| fits(item, depth + 1)),
        Value::Object(entries) => {
            depth < MAX_JSON_DEPTH
                && entries.iter().all(|(name, value)| !name.contains(['{', '$']) && fits(value, depth + 1))
        }
    }
}

/// JSON without the blanks between its parts.
fn without_blanks(text: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let keep = |c: &char| {
        if quoted {
            match (escaped, *c) {
                (true, _) => escaped = false,
                (false, '\\') => escaped = true,
                (false, '"') => quoted = false,
                _ => {}
            }
            return true;
        }
        quoted = *c == '"';
        !c.is_whitespace()
    };
    text.chars().filter(keep).collect()
}

/// The fields of a form whose table sends the same: each has a name and a `=`, and those of one name stand together.
fn form(text: &str) -> Option<Vec<(String, Vec<String>)>> {
    let has_all = |pair: &str| pair.split_once('=').is_some_and(|(name, _)| !name.is_empty());
    if !text.split('&').all(has_all) || text.contains(|c: char| c.is_control()) {
        return None;
    }
    let mut form: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        let is_odd = |text: &str| text.contains(char::REPLACEMENT_CHARACTER);
        if is_odd(&name) || is_odd(&value) || name.contains(['{', '$']) || value == common::plan::MASK {
            return None;
        }
        match form.iter().position(|(known, _)| *known == name) {
            Some(at) if at + 1 == form.len() => {
                form.last_mut().into_iter().for_each(|(_, values)| values.push(value.to_string()));
            }
            Some(_) => return None,
            None => form.push((name.into_owned(), vec![value.into_owned()])),
        }
    }
    (form.len() <= 500).then_some(form)
}

/// `--data-urlencode`: `content`, `=content`, `name=content`, `@file` or `name@file`.
fn urlencoded(value: &str) -> Result<Datum, String> {
    match value.split_once(['=', '@']) {
        Some((_, _)) if value.find('@') < value.find('=') && value.contains('@') && !value.contains('=') => {
            Err("--data-urlencode with a file: its content would have to be encoded; give it as a text"
                .to_owned())
        }
        _ => match value.split_once('=') {
            Some(("", content)) => Ok(Datum::Text(percent_encoded(content))),
            Some((name, content)) => Ok(Datum::Text(format!("{name}={}", percent_encoded(content)))),
            None if value.contains('@') => {
                Err("--data-urlencode with a file: its content would have to be encoded; give it as a text"
                    .to_owned())
            }
            None => Ok(Datum::Text(percent_encoded(value))),
        },
    }
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// `-F`: `name=value`, `name=@file` or `name=<file`, with `;type=…` and `;filename=…` behind it.
fn part(given: &str) -> Result<PartDraft, String> {
    let (name, rest) = given.split_once('=').ok_or("-F takes NAME=VALUE, or NAME=@FILE")?;
    let (content, mut options) = match rest.strip_prefix(['@', '<']) {
        Some(file) => unquoted(file),
        None => match rest.strip_prefix('"') {
            Some(_) => unquoted(rest),
            None => match rest.find(";type=").or_else(|| rest.find(";filename=")) {
                Some(at) => (rest[..at].to_owned(), &rest[at..]),
                None => (rest.to_owned(), ""),
            },
        },
    };
    let (mut filename, mut content_type) = (None, None);
    while let Some(option) = options.strip_prefix(';') {
        let (value, behind) = unquoted(option.split_once('=').map_or("", |(_, value)| value));
        match option.split_once('=').map(|(key, _)| key.trim()) {
            Some("type") => content_type = Some(value),
            Some("filename") => filename = Some(literal(&value)),
            _ => {}
        }
        options = behind;
    }
    let content = match rest.as_bytes().first() {
        Some(b'@' | b'<') if content.is_empty() || content == "-" => {
            return Err(
                "-F sends what curl reads from standard input; put it into a file, and name that".to_owned()
            );
        }
        Some(b'@') => {
            let own = content.rsplit(['/', '\\']).next().unwrap_or_default();
            filename = filename.or_else(|| Some(literal(own)));
            PartContent::File(content)
        }
        Some(b'<') => PartContent::File(content),
        _ => PartContent::Value(literal(&content)),
    };
    Ok(PartDraft { name: name.to_owned(), content, filename, content_type })
}

/// A value up to the next `;`, or one in double quotes; and what follows.
fn unquoted(text: &str) -> (String, &str) {
    let Some(inside) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim_end().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &inside[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

/// A URL as curl takes it: http where it has no scheme, with a user in it, and blanks as they are.
fn read_url(given: &str, remarks: &mut Vec<String>) -> Result<(TargetUrl, Option<String>), String> {
    let given = given.trim();
    let given = given.split_once('#').map_or(given, |(before, _)| before);
    let (scheme, rest) = given.split_once("://").unwrap_or(("http", given));
    let end = rest.find(['/', '?', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user.to_owned()), host),
        None => (None, authority),
    };
    if path.contains(['[', ']']) || (path.contains('{') && path.contains('}')) {
        remarks.push(
            "URL: brackets and braces in it are sent as they are; curl without -g makes several URLs of them"
                .to_owned(),
        );
    }
    let url = TargetUrl::parse(&format!("{scheme}://{host}{}", path.replace(' ', "%20")))
        .map_err(|reason| format!("the URL {reason}"))?;
    Ok((url, user))
}

/// Scheme, host and port of a URL.
pub fn origin(url: &TargetUrl) -> String {
    let whole = url.as_str();
    whole[..whole.len() - url.path_and_query().len()].to_owned()
}

/// Host and port of a URL.
fn authority(url: &TargetUrl) -> String {
    let origin = origin(url);
    origin.split_once("://").map(|(_, host)| host.to_owned()).unwrap_or_default()
}

/// A path with the data of `-G` in its query.
fn with_query(mut path: String, data: &[Datum], remarks: &mut Vec<String>) -> String {
    for datum in data {
        match datum {
            Datum::Text(text) => {
                path.push(if path.contains('?') { '&' } else { '?' });
                // What curl would send as it is breaks a request line: these characters at least are encoded.
                for c in text.chars() {
                    if c.is_ascii_graphic() && c != '#' {
                        path.push(c)
                    } else {
                        path.push_str(&percent_encoded(&c.to_string()))
                    }
                }
            }
            Datum::File(_) => {
                remarks.push("-G with @file: the file is not read; write the query into the URL".to_owned())
            }
        }
    }
    path
}
