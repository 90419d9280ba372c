//! Lines of URLs as a plan: one URL a line with a count or without, targets of vegeta, or an access log. What the lines
//! are is decided by the first that is one of these; the requests are counted here, and [`mix`] makes the plan.

use std::collections::BTreeMap;

use common::plan::TargetUrl;

use super::access_log::{self, is_method};
use super::curl::origin;
use super::fields::{Fields, Secrets, secret_parameter};
use super::mix::{self, Mix, Sent};
use super::vegeta::{self, Line, Target};
use super::{Taken, checked};

/// Most different requests that are counted, so that a log of any length can be read.
const MAX_DIFFERENT: usize = 200_000;
/// Longest path that is taken over, in bytes.
const MAX_PATH_BYTES: usize = 2_048;
/// Highest count of a line.
const MAX_COUNT: u64 = 1_000_000_000_000;

/// Lines that are not taken over: how many for each reason, and the number of the first line.
#[derive(Debug, Default)]
pub struct Skipped {
    reasons: Vec<Reason>,
}

#[derive(Debug)]
struct Reason {
    what: &'static str,
    reason: String,
    n: u64,
    first: u64,
}

impl Skipped {
    /// Counts a line.
    pub fn add(&mut self, reason: &str, line: u64) {
        self.count("line", reason, 1, line);
    }

    /// Counts requests, the first of which a line asks for.
    pub fn add_requests(&mut self, reason: &str, n: u64, line: u64) {
        self.count("request", reason, n, line);
    }

    fn count(&mut self, what: &'static str, reason: &str, n: u64, line: u64) {
        match self.reasons.iter_mut().find(|known| known.reason == reason) {
            Some(known) => {
                known.n = known.n.saturating_add(n);
                known.first = known.first.min(line);
            }
            None => self.reasons.push(Reason { what, reason: reason.to_owned(), n, first: line }),
        }
    }

    fn remarks(&self) -> Vec<String> {
        let one = |Reason { what, reason, n, first }: &Reason| match n {
            1 => format!("1 {what} is not taken over: {reason} (line {first})"),
            n => format!("{n} {what}s are not taken over: {reason} (the first is line {first})"),
        };
        self.reasons.iter().map(one).collect()
    }
}

/// What the lines are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Urls,
    Vegeta,
    Log,
}

/// What is counted while the lines are read.
struct Reader<'a> {
    base: Option<&'a TargetUrl>,
    sent: BTreeMap<Sent, (u64, u64)>,
    skipped: Skipped,
    secrets: Secrets,
    remarks: Vec<String>,
    n_without_body: u64,
}

/// Makes a plan of lines. `base`: where the requests go; without it, where each URL says.
///
/// # Errors
/// Where no line can be taken over, or no plan can be made of them.
pub fn from_lines(lines: impl Iterator<Item = String>, base: Option<&str>) -> Result<Taken, String> {
    let base = match base {
        None => None,
        Some(text) => Some(read_base(text)?),
    };
    let mut reader = Reader {
        base: base.as_ref(),
        sent: BTreeMap::new(),
        skipped: Skipped::default(),
        secrets: Secrets::default(),
        remarks: Vec::new(),
        n_without_body: 0,
    };
    let mut kind = None;
    let mut target: Option<Target> = None;
    for (number, line) in (1..).zip(lines) {
        let line = line.trim_start_matches('\u{feff}').trim();
        kind = kind.or_else(|| kind_of(line));
        match kind {
            None if line.is_empty() || line.starts_with('#') => {}
            None => reader.skipped.add("no URL", number),
            Some(Kind::Urls) => reader.url_line(line, number),
            Some(Kind::Log) => reader.log_line(line, number),
            Some(Kind::Vegeta) => reader.vegeta_line(line, number, &mut target),
        }
    }
    if let Some(target) = target {
        reader.end_target(target);
    }
    reader.into_plan(kind)
}

fn read_base(text: &str) -> Result<TargetUrl, String> {
    let url = TargetUrl::parse(text).map_err(|reason| format!("--url {reason}"))?;
    if url.path_and_query().contains('?') {
        return Err("--url has a query, and each line has its own; leave it out".to_owned());
    }
    Ok(url)
}

fn kind_of(line: &str) -> Option<Kind> {
    if line.is_empty() || line.starts_with('#') {
        None
    } else if access_log::is_like(line) {
        Some(Kind::Log)
    } else if vegeta::target(line).is_some() {
        Some(Kind::Vegeta)
    } else if line.split_ascii_whitespace().any(|word| word.contains("://") || word.starts_with('/')) {
        Some(Kind::Urls)
    } else {
        None
    }
}

impl Reader<'_> {
    fn url_line(&mut self, line: &str, number: u64) {
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        let words: Vec<&str> = line.split_ascii_whitespace().take(3).collect();
        let is_url = |word: &str| word.contains("://") || word.starts_with('/');
        let count = |word: &str| word.parse::<u64>().ok().filter(|count| (1..=MAX_COUNT).contains(count));
        let (url, n) = match words.as_slice() {
            [url] if is_url(url) => (*url, Some(1)),
            [url, n] if is_url(url) => (*url, count(n)),
            [n, url] if is_url(url) => (*url, count(n)),
            [_] | [_, _] => return self.skipped.add("no URL", number),
            _ => return self.skipped.add("more than a URL and a count", number),
        };
        let Some(n) = n else { return self.skipped.add("a count that is not a whole number from 1", number) };
        self.take("GET", url, Fields::default(), None, n, number);
    }

    fn log_line(&mut self, line: &str, number: u64) {
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        let Some(logged) = access_log::read(line) else {
            return self.skipped.add("no request in it", number);
        };
        // Nobody wants to know how fast a 404 for a scanner is.
        if logged.status.is_some_and(|status| (400..500).contains(&status)) {
            return self.skipped.add("was answered with 4xx", number);
        }
        if matches!(logged.method, "POST" | "PUT" | "PATCH") {
            self.n_without_body += 1;
        }
        self.take(logged.method, logged.target, Fields::default(), None, 1, number);
    }

    fn vegeta_line(&mut self, line: &str, number: u64, target: &mut Option<Target>) {
        match (vegeta::read(line), target.as_mut()) {
            (Line::Target(method, url), _) => {
                let next = Target {
                    line: number,
                    method: method.to_owned(),
                    url: url.to_owned(),
                    headers: Vec::new(),
                    body_file: None,
                };
                if let Some(before) = target.replace(next) {
                    self.end_target(before);
                }
            }
            (Line::Header(name, value), Some(target)) => {
                target.headers.push((name.to_owned(), value.to_owned()));
            }
            (Line::Body(file), Some(target)) if !file.is_empty() => target.body_file = Some(file.to_owned()),
            (Line::Nothing, _) => {}
            (Line::Header(..) | Line::Body(_) | Line::Unknown, _) => {
                self.skipped.add("belongs to no target", number);
            }
        }
    }

    fn end_target(&mut self, target: Target) {
        let mut fields = Fields::default();
        let mut remarks = Vec::new();
        for (name, value) in &target.headers {
            fields.add(name, value, &mut self.secrets, &mut remarks);
        }
        for remark in remarks {
            if !self.remarks.contains(&remark) && self.remarks.len() < 100 {
                self.remarks.push(remark);
            }
        }
        self.take(&target.method, &target.url, fields, target.body_file, 1, target.line);
    }

    /// Counts a request.
    fn take(
        &mut self,
        method: &str,
        url: &str,
        fields: Fields,
        body_file: Option<String>,
        n: u64,
        line: u64,
    ) {
        if !is_method(method) {
            return self.skipped.add("no method of HTTP", line);
        }
        let url = url.split_once('#').map_or(url, |(before, _)| before);
        let parsed = match (url.starts_with('/'), self.base) {
            // So that the path is read as that of a URL.
            (true, _) => TargetUrl::parse(&format!("http://host{url}")),
            (false, _) => TargetUrl::parse(url),
        };
        let Ok(parsed) = parsed else {
            let has_user = url
                .split_once("://")
                .is_some_and(|(_, rest)| rest.split('/').next().is_some_and(|host| host.contains('@')));
            let reason =
                if has_user { "a user or a password in the URL" } else { "not a URL of http or https" };
            return self.skipped.add(reason, line);
        };
        let host = match self.base {
            Some(_) => String::new(),
            None if url.starts_with('/') => {
                return self.skipped.add("a path without a host; --url http://HOST says where it goes", line);
            }
            None => origin(&parsed),
        };
        let path = parsed.path_and_query();
        if path.len() > MAX_PATH_BYTES {
            return self.skipped.add("a path of more than 2 KiB", line);
        }
        if secret_parameter(path).is_some() {
            return self.skipped.add("a secret in its query (a token, a key, a password)", line);
        }
        let sent = Sent { method: method.to_owned(), host, fields, body_file, path: path.to_owned() };
        if !self.sent.contains_key(&sent) && self.sent.len() >= MAX_DIFFERENT {
            return self.skipped.add("more than 200,000 different requests", line);
        }
        let entry = self.sent.entry(sent).or_insert((0, line));
        entry.0 = entry.0.saturating_add(n).min(MAX_COUNT);
    }

    fn into_plan(mut self, kind: Option<Kind>) -> Result<Taken, String> {
        if self.sent.is_empty() {
            let mut lines = vec!["no line can be taken over".to_owned()];
            lines.extend(self.skipped.remarks());
            return Err(lines.join("\n"));
        }
        if self.n_without_body > 0 {
            self.remarks.push(format!(
                "{} requests with POST, PUT or PATCH have no body in a log, and are sent without one; give those requests json, form or body",
                self.n_without_body
            ));
        }
        let base = self.base.map(|url| url.as_str().trim_end_matches('/').to_owned());
        let from = match kind {
            Some(Kind::Log) => "an access log",
            Some(Kind::Vegeta) => "targets of vegeta",
            _ => "a list of URLs",
        };
        let mix = Mix { base, from: from.to_owned(), secrets: self.secrets.into_entries() };
        let (draft, raised) = mix::draft(mix, self.sent, &mut self.skipped);
        let mut remarks = self.remarks;
        remarks.extend(raised);
        remarks.extend(self.skipped.remarks());
        checked(draft.text(), remarks)
    }
}
