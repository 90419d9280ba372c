//! The cookies of one session, as RFC 6265 has them, in a fixed number of bytes. What a client must do is here: host-only
//! cookies and those of a domain, paths, `Secure`, both ways to say when a cookie expires, deletion, and the order in
//! which cookies are sent. `HttpOnly` and `SameSite` are for browsers. Time is an argument.
//!
//! Cookies stand one after the other in one buffer, in the order of their creation: a head of fixed length, then domain,
//! path, name and value. A cookie that is set again keeps its place, as section 5.3 wants it.

use self::date::parse_date;

mod date;

/// A cookie that does not fit in the jar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLarge;

/// The cookies of one session.
#[derive(Debug, Clone)]
pub struct CookieJar {
    bytes: Box<[u8]>,
    used: usize,
}

/// Flags, expiry, and the lengths of four texts.
const HEAD: usize = 1 + 8 + 4 * 2;
const HOST_ONLY: u8 = 1;
const SECURE: u8 = 2;
/// Of a cookie that lasts as long as its session.
const NEVER: i64 = i64::MAX;

/// A cookie: in the jar, or about to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cookie<'a> {
    host_only: bool,
    secure: bool,
    /// Unix time in seconds; from then on it is gone.
    expires: i64,
    domain: &'a [u8],
    path: &'a [u8],
    name: &'a [u8],
    value: &'a [u8],
}

impl<'a> Cookie<'a> {
    fn size(&self) -> usize {
        HEAD + self.domain.len() + self.path.len() + self.name.len() + self.value.len()
    }

    /// The cookie at the beginning of these bytes, and how many it takes.
    fn read(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
        let length = |i: usize| usize::from(u16::from_le_bytes([head[9 + 2 * i], head[10 + 2 * i]]));
        let (domain, rest) = rest.split_at_checked(length(0))?;
        let (path, rest) = rest.split_at_checked(length(1))?;
        let (name, rest) = rest.split_at_checked(length(2))?;
        let value = rest.get(..length(3))?;
        let mut expires = [0; 8];
        expires.copy_from_slice(&head[1..9]);
        let cookie = Self {
            host_only: head[0] & HOST_ONLY != 0,
            secure: head[0] & SECURE != 0,
            expires: i64::from_le_bytes(expires),
            domain,
            path,
            name,
            value,
        };
        Some((cookie, cookie.size()))
    }

    /// Writes it; `out` has its size.
    fn write(&self, out: &mut [u8]) -> Result<(), TooLarge> {
        let texts = [self.domain, self.path, self.name, self.value];
        let (head, mut rest) = out.split_at_mut_checked(HEAD).ok_or(TooLarge)?;
        head[0] = if self.host_only { HOST_ONLY } else { 0 } | if self.secure { SECURE } else { 0 };
        head[1..9].copy_from_slice(&self.expires.to_le_bytes());
        for (i, text) in texts.into_iter().enumerate() {
            let length = u16::try_from(text.len()).map_err(|_| TooLarge)?;
            head[9 + 2 * i..11 + 2 * i].copy_from_slice(&length.to_le_bytes());
            let (place, after) = rest.split_at_mut_checked(text.len()).ok_or(TooLarge)?;
            place.copy_from_slice(text);
            rest = after;
        }
        Ok(())
    }

    /// Appends it as the `cookie` field has it, behind another one or as the first.
    fn append(&self, is_next: bool, out: &mut Vec<u8>) {
        if is_next {
            out.extend_from_slice(b"; ");
        }
        out.extend_from_slice(self.name);
        out.push(b'=');
        out.extend_from_slice(self.value);
    }

    /// Whether it takes the place of `other`.
    fn replaces(&self, other: &Cookie<'_>) -> bool {
        self.name == other.name && self.path == other.path && self.domain.eq_ignore_ascii_case(other.domain)
    }

    /// Whether it goes with a request (section 5.4).
    fn goes_with(&self, host: &[u8], path: &[u8], secure: bool, unix_s: i64) -> bool {
        let host_fits = match self.host_only {
            true => host.eq_ignore_ascii_case(self.domain),
            false => domain_matches(host, self.domain),
        };
        host_fits && path_matches(path, self.path) && (secure || !self.secure) && unix_s < self.expires
    }
}

impl CookieJar {
    /// An empty jar of so many bytes, which it never exceeds.
    pub fn new(bytes: usize) -> Self {
        Self { bytes: vec![0; bytes].into_boxed_slice(), used: 0 }
    }

    /// Forgets all cookies, for the next session.
    pub fn clear(&mut self) {
        self.used = 0;
    }

    /// Whether there is no cookie.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Takes the value of a `set-cookie` field of an answer from this host (without a port) and path. A cookie that the
    /// RFC has clients ignore is ignored.
    ///
    /// # Errors
    /// Where the cookie does not fit beside those that have not expired; then the jar is as before, without what it replaces.
    pub fn take(&mut self, set_cookie: &[u8], host: &str, path: &str, unix_s: i64) -> Result<(), TooLarge> {
        match parse(set_cookie, host, path, unix_s) {
            Some(cookie) => self.put(&cookie, unix_s),
            None => Ok(()),
        }
    }

    /// Whether each of its cookies goes with requests of any path.
    pub fn ignores_paths(&self) -> bool {
        self.cookies().all(|cookie| cookie.path == b"/")
    }

    fn cookies(&self) -> Cookies<'_> {
        Cookies { bytes: &self.bytes[..self.used] }
    }

    fn put(&mut self, cookie: &Cookie<'_>, unix_s: i64) -> Result<(), TooLarge> {
        // Many servers send the same cookie with every answer.
        if cookie.expires > unix_s && self.cookies().any(|held| held == *cookie) {
            return Ok(());
        }
        let at = self.remove(unix_s, cookie).unwrap_or(self.used);
        if cookie.expires <= unix_s {
            return Ok(());
        }
        let size = cookie.size();
        if size > self.bytes.len() - self.used {
            return Err(TooLarge);
        }
        // A gap where it is to stand, behind older cookies and before younger ones.
        self.bytes.copy_within(at..self.used, at + size);
        match cookie.write(&mut self.bytes[at..at + size]) {
            Ok(()) => self.used += size,
            Err(TooLarge) => {
                self.bytes.copy_within(at + size..self.used + size, at);
                return Err(TooLarge);
            }
        }
        Ok(())
    }

    /// Removes what this one replaces, and what has expired. Returns where the former stood.
    fn remove(&mut self, unix_s: i64, replaced_by: &Cookie<'_>) -> Option<usize> {
        let (mut from, mut to, mut stood_at) = (0, 0, None);
        while let Some((cookie, size)) = Cookie::read(&self.bytes[from..self.used]) {
            let replaced = replaced_by.replaces(&cookie);
            let stays = !replaced && cookie.expires > unix_s;
            if replaced {
                stood_at = Some(to);
            }
            if stays {
                if from != to {
                    self.bytes.copy_within(from..from + size, to);
                }
                to += size;
            }
            from += size;
        }
        self.used = to;
        stood_at
    }

    /// Appends what the `cookie` field of a request says, as in `a=1; b=2`: longest path first, and of equally long ones
    /// the oldest. Nothing where no cookie goes with it.
    pub fn header(&self, host: &str, path: &str, secure: bool, unix_s: i64, out: &mut Vec<u8>) {
        let path = without_query(path);
        let cookies = || {
            self.cookies().filter(|cookie| cookie.goes_with(host.as_bytes(), path.as_bytes(), secure, unix_s))
        };
        // Nearly always no path is longer than that of an older cookie: then the order is that of the jar.
        let from = out.len();
        let mut length = usize::MAX;
        for cookie in cookies() {
            if cookie.path.len() > length {
                out.truncate(from);
                return longest_path_first(cookies, out);
            }
            length = cookie.path.len();
            cookie.append(out.len() > from, out);
        }
    }
}

/// The lengths of paths from the longest on: a jar has few of them, and so nothing has to be sorted.
fn longest_path_first<'a, I: Iterator<Item = Cookie<'a>>>(cookies: impl Fn() -> I, out: &mut Vec<u8>) {
    let from = out.len();
    let mut longest = cookies().map(|cookie| cookie.path.len()).max();
    while let Some(length) = longest {
        for cookie in cookies().filter(|cookie| cookie.path.len() == length) {
            cookie.append(out.len() > from, out);
        }
        longest = cookies().map(|cookie| cookie.path.len()).filter(|other| *other < length).max();
    }
}

/// The cookies of a jar, in the order of their creation.
struct Cookies<'a> {
    bytes: &'a [u8],
}

impl<'a> Iterator for Cookies<'a> {
    type Item = Cookie<'a>;

    fn next(&mut self) -> Option<Cookie<'a>> {
        let (cookie, size) = Cookie::read(self.bytes)?;
        self.bytes = &self.bytes[size..];
        Some(cookie)
    }
}

/// Name and value of a `set-cookie` field. `None`: it has no name, or has a control character, which no request may carry.
pub(super) fn name_and_value(set_cookie: &[u8]) -> Option<(&[u8], &[u8])> {
    let pair = &set_cookie[..memchr::memchr(b';', set_cookie).unwrap_or(set_cookie.len())];
    let equals = memchr::memchr(b'=', pair)?;
    let (name, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii());
    let plain = |text: &[u8]| text.iter().all(|byte| !byte.is_ascii_control() || *byte == b'\t');
    (!name.is_empty() && plain(name) && plain(value)).then_some((name, value))
}

/// Section 5.2 and the first half of 5.3. `None`: the cookie is ignored.
fn parse<'a>(set_cookie: &'a [u8], host: &'a str, path: &'a str, unix_s: i64) -> Option<Cookie<'a>> {
    let (name, value) = name_and_value(set_cookie)?;
    let (mut by_age, mut by_date, mut domain, mut own_path, mut secure) = (None, None, None, None, false);
    // The last of equal attributes counts.
    for attribute in set_cookie.split(|byte| *byte == b';').skip(1) {
        let equals = memchr::memchr(b'=', attribute).unwrap_or(attribute.len());
        let key = attribute[..equals].trim_ascii();
        let value = attribute.get(equals + 1..).unwrap_or_default().trim_ascii();
        let is = |name: &str| key.eq_ignore_ascii_case(name.as_bytes());
        if is("max-age") {
            by_age = max_age(value)
                .map(|age| if age > 0 { unix_s.saturating_add(age) } else { i64::MIN })
                .or(by_age);
        } else if is("expires") {
            by_date = parse_date(value).or(by_date);
        } else if is("domain") {
            let value = value.strip_prefix(b".").unwrap_or(value);
            domain = if value.is_empty() { domain } else { Some(value) };
        } else if is("path") {
            own_path = Some(value);
        } else if is("secure") {
            secure = true;
        }
    }
    let host = host.as_bytes();
    let domain = match domain {
        Some(domain) if domain_matches(host, domain) => Some(domain),
        // Somebody else's.
        Some(_) => return None,
        None => None,
    };
    Some(Cookie {
        host_only: domain.is_none(),
        secure,
        expires: by_age.or(by_date).unwrap_or(NEVER),
        domain: domain.unwrap_or(host),
        path: own_path.filter(|path| path.starts_with(b"/")).unwrap_or_else(|| default_path(path)),
        name,
        value,
    })
}

/// Section 5.2.2: digits, or a minus and digits. What is longer than any age is the longest.
fn max_age(value: &[u8]) -> Option<i64> {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let age = digits
        .iter()
        .fold(0_i64, |age, digit| age.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    Some(if value.len() > digits.len() { -age } else { age })
}

/// Section 5.1.4: up to the last `/`.
fn default_path(path: &str) -> &[u8] {
    let path = without_query(path);
    match path.rfind('/') {
        Some(last) if last > 0 && path.starts_with('/') => &path.as_bytes()[..last],
        _ => b"/",
    }
}

fn without_query(path: &str) -> &str {
    let end = path.find(['?', '#']).unwrap_or(path.len());
    if end == 0 { "/" } else { &path[..end] }
}

/// Section 5.1.4.
fn path_matches(path: &[u8], of_cookie: &[u8]) -> bool {
    match path.strip_prefix(of_cookie) {
        Some(rest) => rest.is_empty() || of_cookie.ends_with(b"/") || rest.starts_with(b"/"),
        None => false,
    }
}

/// Section 5.1.3: the host itself, or a parent of it that has a dot (`test` would belong to every host below it) where the host is a
/// name.
fn domain_matches(host: &[u8], domain: &[u8]) -> bool {
    if host.eq_ignore_ascii_case(domain) {
        return true;
    }
    let Some(before) = host.len().checked_sub(domain.len()).filter(|before| *before > 0) else {
        return false;
    };
    host[before..].eq_ignore_ascii_case(domain)
        && host[before - 1] == b'.'
        && domain.contains(&b'.')
        && !is_address(host)
}

fn is_address(host: &[u8]) -> bool {
    let text = std::str::from_utf8(host).unwrap_or_default();
    text.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests;
