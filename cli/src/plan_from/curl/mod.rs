//! A curl command as a plan with one request. Each option that a plan cannot express is listed, one a line.

mod address;
mod body;
mod data;
mod part;

use common::plan::mask_url;

pub use self::address::origin;
use self::address::{authority, read_url};
use self::body::{file_body, text_body};
use self::data::{Datum, text_or_file, urlencoded, with_query};
use self::part::part;
use super::draft::{BodyDraft, Draft, PartContent, PartDraft, RequestDraft, literal};
use super::fields::{Fields, Secrets, path_template};
use super::names::Names;
use super::options::{self, Given, Means, Word};
use super::{Taken, checked, shell};

/// Makes a plan of a command: one text with a shell's quotes, or words as a shell passed them on.
///
/// # Errors
/// What is wrong with the command, or why no plan can be made of it.
pub fn from_command(given: &[String]) -> Result<Taken, String> {
    let mut read = match given {
        [line] if line.trim().contains(char::is_whitespace) => shell::split(line)?,
        _ => shell::Words { words: given.to_vec(), remarks: Vec::new() },
    };
    // The address stands in such quotes then: a caret alone may be part of any value.
    if read.words.iter().any(|word| word.starts_with("^\"http") || word.starts_with("^http")) {
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
