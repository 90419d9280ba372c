//! The requests that the shop logged, in order of arrival, for a test to look at.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Most bytes that are kept of a body.
const MAX_BODY: usize = 4_096;

/// Most requests that a log may be asked to keep.
pub const MAX_REQUESTS: u64 = 100_000;

/// Most headers that a log keeps of a request.
const MAX_HEADERS: usize = 16;

/// Most bytes of all requests together: a log of large bodies ends before its count.
const MAX_BYTES: usize = 64 << 20;

/// A request that was logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Logged {
    /// Its method.
    pub method: String,
    /// Its path and query as they came.
    pub uri: String,
    /// Its body as text, the first 4 kB.
    pub body: String,
    /// The headers that the log was started for, by their lower-case names, where the request had them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

/// Logs nothing before it is started.
#[derive(Debug, Default)]
pub struct Log(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    max: usize,
    /// Names of the headers to log, in lower case.
    headers: Vec<String>,
    bytes: usize,
    requests: Vec<Logged>,
    n_left_out: u64,
}

impl Log {
    /// Clears it, and logs the next `max` requests, with these headers (separated by commas).
    pub fn start(&self, max: u64, headers: &str) {
        let max = usize::try_from(max.min(MAX_REQUESTS)).unwrap_or(0);
        let names = headers.split(',').map(|name| name.trim().to_ascii_lowercase());
        let headers = names.filter(|name| !name.is_empty()).take(MAX_HEADERS).collect();
        *self.lock() = Inner { max, headers, ..Inner::default() };
    }

    /// Logs a request, where there is room. `header` finds the value of a header by its lower-case name.
    pub fn add<'a>(&self, method: &str, uri: &str, body: &[u8], header: impl Fn(&str) -> Option<&'a str>) {
        let mut log = self.lock();
        if log.max == 0 {
            return;
        }
        let found = log.headers.iter().filter_map(|name| Some((name.clone(), header(name)?.to_owned())));
        let headers: BTreeMap<String, String> = found.collect();
        let of_headers: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let bytes = method.len() + uri.len() + body.len().min(MAX_BODY) + of_headers;
        if log.requests.len() >= log.max || log.bytes + bytes > MAX_BYTES {
            log.n_left_out += 1;
            return;
        }
        log.bytes += bytes;
        let (method, uri, body) = (method.to_owned(), uri.to_owned(), text_of(body));
        log.requests.push(Logged { method, uri, body, headers });
    }

    /// What was logged, and how many requests came after the log was full.
    pub fn read(&self) -> (Vec<Logged>, u64) {
        let log = self.lock();
        (log.requests.clone(), log.n_left_out)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The beginning of a body as text; a character that the limit would cut is left out.
fn text_of(body: &[u8]) -> String {
    let mut end = body.len().min(MAX_BODY);
    while end < body.len() && end > 0 && body[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    String::from_utf8_lossy(&body[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_logged_before_the_start_and_the_rest_in_order() {
        let log = Log::default();
        log.add("GET", "/shop/early", b"", |_| None);
        assert_eq!(log.read(), (vec![], 0));
        log.start(2, "");
        for n in 0..3 {
            log.add("POST", &format!("/shop/{n}?a=%20"), b"x", |_| Some("not asked for"));
        }
        let (requests, n_left_out) = log.read();
        assert_eq!((requests.len(), n_left_out), (2, 1));
        assert_eq!((requests[1].uri.as_str(), requests[1].body.as_str()), ("/shop/1?a=%20", "x"));
        assert!(requests[1].headers.is_empty());
        log.start(2, "");
        assert_eq!(log.read(), (vec![], 0));
    }

    #[test]
    fn the_headers_that_were_asked_for_are_logged_where_a_request_has_them() {
        let log = Log::default();
        log.start(2, "X-Api-Key, x-none,,");
        log.add("GET", "/shop/", b"", |name| (name == "x-api-key").then_some("a"));
        let (requests, _) = log.read();
        assert_eq!(requests[0].headers, [("x-api-key".to_owned(), "a".to_owned())].into());
    }

    #[test]
    fn a_long_body_is_cut_between_two_characters() {
        let body = format!("a{}", "ü".repeat(4_000));
        assert_eq!(text_of(body.as_bytes()), format!("a{}", "ü".repeat(2_047)));
        assert_eq!(text_of(b"short"), "short");
        assert_eq!(text_of(&[0x80; 5_000]), "", "no character begins there");
    }

    #[test]
    fn a_log_of_large_bodies_ends_before_its_count() {
        let log = Log::default();
        log.start(MAX_REQUESTS, "");
        let body = vec![b'x'; MAX_BODY];
        let n = MAX_BYTES / MAX_BODY;
        for _ in 0..n {
            log.add("POST", "/shop/", &body, |_| None);
        }
        let (requests, n_left_out) = log.read();
        assert!(n_left_out > 0 && requests.len() + n_left_out as usize == n);
    }
}
