//! Lines of an access log in the common or the combined format, as Apache httpd and nginx write them.

/// What a line says that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Logged<'a> {
    pub method: &'a str,
    /// A path with its query, or a whole URL where the server is a proxy.
    pub target: &'a str,
    pub status: Option<u16>,
}

/// Reads a line: `host ident user [time] "GET /path HTTP/1.1" 200 512 …`, whatever stands before and behind.
pub fn read(line: &str) -> Option<Logged<'_>> {
    let (before, rest) = line.split_once('"')?;
    // The time; without it, the line is something else with quotes.
    if !(before.contains('[') && before.contains(']')) {
        return None;
    }
    let (request, behind) = rest.split_once('"')?;
    let mut words = request.split_ascii_whitespace();
    let (method, target) = (words.next()?, words.next()?);
    let version = words.next();
    let is_request = words.next().is_none()
        && version.is_none_or(|version| version.starts_with("HTTP/"))
        && (target.starts_with('/') || target.contains("://"))
        && is_method(method);
    let status = behind.split_ascii_whitespace().next().and_then(|status| status.parse().ok());
    is_request.then_some(Logged { method, target, status })
}

/// Whether a line looks like one of a log, whether or not its request can be read.
pub fn is_like(line: &str) -> bool {
    let Some((before, rest)) = line.split_once('"') else { return false };
    before.contains('[') && before.contains(']') && rest.contains('"')
}

/// Whether a word can be a method: capitals.
pub fn is_method(word: &str) -> bool {
    (2..=20).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
        && word != "CONNECT"
}
