//! The target of a request line: the address that a plan gives, prepared, and how path and query are put together.

use common::plan::program::{Filter, Part, Place, Program, Template, UrlPlan};

use super::body::pairs;
use super::text::{Builder, Text};

/// Where a request goes.
#[derive(Debug, Clone)]
pub(super) enum Target {
    Path {
        host: usize,
        /// The path of the host and the request's own.
        path: Text,
        /// How long the host's part is, where the request's own begins with a value that may lack its slash.
        may_lack_slash: Option<usize>,
        query: Text,
    },
    Address {
        host: usize,
        address: Text,
    },
    Form,
}

impl Target {
    pub(super) fn compile(url: &UrlPlan, path: &str, program: &Program, builder: &mut Builder<'_>) -> Self {
        match url {
            UrlPlan::Form => Self::Form,
            UrlPlan::Address { url, host } => Self::Address {
                host: *host,
                address: builder.template(url, Place::Plain, &format!("{path}.url")).finish(),
            },
            UrlPlan::Path { host, path: own, query } => {
                let url = program.hosts.get(*host).map(|host| &host.url);
                let base = url.map_or("/", |url| url.path());
                let base = base.strip_suffix('/').unwrap_or(base);
                builder.bytes(base.as_bytes());
                let may_lack_slash = match begin(own) {
                    Begin::Slash => None,
                    Begin::Query if !base.is_empty() => None,
                    Begin::Nothing if !base.is_empty() => None,
                    Begin::RawSlot => Some(base.len()),
                    Begin::Nothing | Begin::Query | Begin::Else => {
                        builder.bytes(b"/");
                        None
                    }
                };
                let own = builder.template(own, Place::Path, &format!("{path}.path")).finish();
                // The query of the host's URL, if it has one, is a part of every address on it.
                let of_host = url.and_then(|url| url.path_and_query().split_once('?')).map_or("", |it| it.1);
                builder.bytes(of_host.as_bytes());
                if !of_host.is_empty() && !query.is_empty() {
                    builder.bytes(b"&");
                }
                pairs(query, &format!("{path}.query"), builder);
                Self::Path { host: *host, path: own, may_lack_slash, query: builder.finish() }
            }
        }
    }
}

/// How a path of the plan begins.
enum Begin {
    Nothing,
    Slash,
    Query,
    /// With a value that is not escaped, and so may have the slash.
    RawSlot,
    Else,
}

fn begin(path: &Template) -> Begin {
    match path.parts.first() {
        None => Begin::Nothing,
        Some(Part::Text(text)) if text.starts_with('/') => Begin::Slash,
        Some(Part::Text(text)) if text.starts_with('?') => Begin::Query,
        Some(Part::Slot(slot)) if slot.filters.last() == Some(&Filter::Raw) => Begin::RawSlot,
        Some(_) => Begin::Else,
    }
}

/// Puts the slash before the request's own path where its value lacks it, and where a target must have one.
pub(super) fn put_slash(from: usize, own_at: usize, out: &mut Vec<u8>) {
    match out.get(own_at) {
        Some(b'/') => {}
        Some(b'?') | None if own_at > from => {}
        _ => out.insert(own_at, b'/'),
    }
}

/// What stands between a target so far and the next pair of its query.
pub(super) fn begin_query(from: usize, out: &mut Vec<u8>) {
    match out[from..].contains(&b'?') {
        false => out.push(b'?'),
        true if out.ends_with(b"?") || out.ends_with(b"&") => {}
        true => out.push(b'&'),
    }
}

/// The target of a rendered request: what stands between the first two blanks of its request line.
pub fn request_target(request: &[u8]) -> &str {
    let from = memchr::memchr(b' ', request).map_or(request.len(), |blank| blank + 1);
    let rest = &request[from..];
    let target = &rest[..memchr::memchr(b' ', rest).unwrap_or(rest.len())];
    std::str::from_utf8(target).unwrap_or("/")
}
