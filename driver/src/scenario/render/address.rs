//! Addresses from answers: resolved (RFC 3986) against the address that answered, and sent only where they belong to a
//! declared host.

use common::plan::TargetUrl;
use common::plan::program::Host;
use url::{Position, Url};

use super::RenderError;
use super::escape::replace;

/// The declared hosts, by their origins.
#[derive(Debug, Clone)]
pub struct Origins {
    hosts: Box<[Origin]>,
}

#[derive(Debug, Clone)]
struct Origin {
    url: TargetUrl,
    /// As in `http://shop.test:8080`, lower case.
    text: Box<str>,
    /// As in `shop.test:8080`: what `host` says.
    authority: Box<str>,
}

impl Origins {
    pub fn new(hosts: &[Host]) -> Self {
        let origin = |host: &Host| Origin {
            url: host.url.clone(),
            text: host.url[..Position::BeforePath].into(),
            authority: host.url[Position::BeforeHost..Position::AfterPort].into(),
        };
        Self { hosts: hosts.iter().map(origin).collect() }
    }

    /// What `host` says for requests to a host.
    pub fn authority(&self, host: usize) -> &str {
        self.hosts.get(host).map_or("", |origin| &origin.authority)
    }

    /// Whether two hosts have the same scheme, host and port.
    pub fn same(&self, a: usize, b: usize) -> bool {
        match (self.hosts.get(a), self.hosts.get(b)) {
            (Some(a), Some(b)) => a.text == b.text,
            _ => false,
        }
    }

    /// Makes an address, which stands in `out` from there on, the target of a request line, and returns its host.
    /// `base`: what it is resolved against, a host and a path (a query may follow); without a path, the host's own.
    ///
    /// # Errors
    /// Where it is not an address, or not one of a declared host.
    pub fn resolve(
        &self,
        (host, path): (usize, Option<&str>),
        out: &mut Vec<u8>,
        from: usize,
    ) -> Result<usize, RenderError> {
        let given = out.get(from..).unwrap_or_default();
        if let Some((host, target_at)) = self.plain(host, given) {
            replace(out, from, from + target_at);
            return Ok(host);
        }
        let text = std::str::from_utf8(given).map_err(|_| RenderError::Target)?;
        let base = self.hosts.get(host).ok_or(RenderError::Target)?;
        let base_path = path.unwrap_or(base.url.path_and_query());
        // Allocates; only for addresses that are relative to a path, or written in an unusual way.
        let base = Url::parse(&format!("{}{base_path}", base.text)).map_err(|_| RenderError::Target)?;
        let url = base.join(text).map_err(|_| RenderError::Target)?;
        let parts = |url: &Url| {
            (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default())
        };
        let wanted = parts(&url);
        let same = |origin: &Origin| parts(&origin.url) == wanted;
        let found = self.first(host, same).ok_or(RenderError::Target)?;
        out.truncate(from);
        out.extend_from_slice(url[Position::BeforePath..Position::AfterQuery].as_bytes());
        Ok(found)
    }

    /// An address that needs no rewriting, as nearly all of them do: its host, and where in it the target begins.
    fn plain(&self, base: usize, given: &[u8]) -> Option<(usize, usize)> {
        let (host, at) = if given.starts_with(b"/") && !given.starts_with(b"//") {
            (base, 0)
        } else {
            let begins = |origin: &Origin| {
                let text = origin.text.as_bytes();
                let head = given.get(..text.len());
                head.is_some_and(|head| head.eq_ignore_ascii_case(text))
                    && given.get(text.len()) == Some(&b'/')
            };
            let host = self.first(base, begins)?;
            (host, self.hosts[host].text.len())
        };
        let target = &given[at..];
        let dotted = target.windows(2).any(|pair| pair == b"/.") || contains_dot_escape(target);
        let is_plain = host < self.hosts.len() && !dotted && target.iter().all(|byte| is_kept(*byte));
        is_plain.then_some((host, at))
    }

    /// The first host that fits, and `preferred` before all others.
    fn first(&self, preferred: usize, fits: impl Fn(&Origin) -> bool) -> Option<usize> {
        let in_order = std::iter::once(preferred).chain(0..self.hosts.len());
        in_order.into_iter().find(|host| self.hosts.get(*host).is_some_and(&fits))
    }
}

/// Characters of a path or query that the URL standard never rewrites.
const fn is_kept(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'(' | b')')
        || matches!(byte, b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' | b'/' | b'?' | b'%')
}

/// Whether `%2e` stands in it, which the URL standard takes for a dot.
fn contains_dot_escape(target: &[u8]) -> bool {
    target.windows(3).any(|three| three.eq_ignore_ascii_case(b"%2e"))
}

#[cfg(test)]
mod tests {
    use common::plan::program::TlsOptions;
    use proptest::prelude::*;

    use super::*;

    fn origins() -> Origins {
        let host = |url: &str| Host {
            name: String::new(),
            url: TargetUrl::parse(url).unwrap(),
            tls: TlsOptions::default(),
        };
        Origins::new(&[
            host("http://shop.test:8080/api/"),
            host("https://pay.test"),
            host("http://shop.test:8080/other"),
        ])
    }

    fn resolved(base: (usize, Option<&str>), address: &str) -> Result<(usize, String), RenderError> {
        let mut out = b"GET ".to_vec();
        out.extend(address.as_bytes());
        let host = origins().resolve(base, &mut out, 4)?;
        Ok((host, String::from_utf8(out[4..].to_vec()).unwrap()))
    }

    #[test]
    fn addresses_are_resolved_against_the_one_that_answered() {
        let base = (0, Some("/api/cart/view?id=1"));
        for (address, host, expected) in [
            ("/pay", 0, "/pay"),
            ("/pay?x=1&y=%20#part", 0, "/pay?x=1&y=%20"),
            ("pay", 0, "/api/cart/pay"),
            ("../pay", 0, "/api/pay"),
            ("?id=2", 0, "/api/cart/view?id=2"),
            ("", 0, "/api/cart/view?id=1"),
            ("#top", 0, "/api/cart/view?id=1"),
            ("/a/../b/./c", 0, "/b/c"),
            ("/a/%2E%2e/b", 0, "/b"),
            ("/a b", 0, "/a%20b"),
            ("/gr\u{fc}n", 0, "/gr%C3%BCn"),
            (" /trimmed\n", 0, "/trimmed"),
            ("//pay.test/x", 1, ""),
            ("https://pay.test/x", 1, "/x"),
            ("https://PAY.test:443", 1, "/"),
            ("HTTPS://pay.test/x?a='y", 1, "/x?a=%27y"),
            ("http://shop.test:8080/x", 0, "/x"),
            ("https://user:secret@pay.test/x", 1, "/x"),
        ] {
            let expected = match address {
                "//pay.test/x" => Err(RenderError::Target), // http, which pay.test is not declared for
                _ => Ok((host, expected.to_owned())),
            };
            assert_eq!(resolved(base, address), expected, "{address:?}");
        }
        assert_eq!(resolved((2, Some("/other/x")), "http://shop.test:8080/y"), Ok((2, "/y".to_owned())));
        assert_eq!(resolved((0, None), "cart"), Ok((0, "/api/cart".to_owned())), "the host's own path");
    }

    #[test]
    fn other_hosts_are_refused() {
        for address in [
            "http://evil.test/",
            "http://shop.test/x",
            "http://shop.test:80801/",
            "http://shop.test:8080.evil.test/",
            "http://shop.test:8080@evil.test/",
            "http://pay.test/",
            "javascript:void(0)",
            "mailto:a@b",
            "http://",
            "\\\\evil.test\\x",
        ] {
            assert_eq!(resolved((0, Some("/")), address), Err(RenderError::Target), "{address}");
        }
        assert_eq!(resolved((9, Some("/")), "/x"), Err(RenderError::Target), "there are three");
        let mut out = vec![0xFF];
        assert_eq!(origins().resolve((0, None), &mut out, 0), Err(RenderError::Target));
    }

    proptest! {
        #[test]
        fn the_short_way_gives_what_the_long_one_gives(
            address in "(http://shop.test:8080|HTTPS://pay.test)?/[a-zA-Z0-9/._~!$&()*+,;=:@?%-]{0,20}",
        ) {
            let base = Url::parse("http://shop.test:8080/api/cart").unwrap();
            let url = base.join(&address);
            let got = resolved((0, Some("/api/cart")), &address);
            match url {
                Ok(url) if url.host_str() == Some("shop.test") || url.host_str() == Some("pay.test") => {
                    if let Ok((_, target)) = got {
                        prop_assert_eq!(target, &url[Position::BeforePath..Position::AfterQuery]);
                    }
                }
                _ => prop_assert_eq!(got, Err(RenderError::Target)),
            }
        }

        #[test]
        fn no_address_is_a_panic(address in ".{0,40}", path in ".{0,20}") {
            let got = resolved((0, Some(&path)), &address);
            if let Ok((_, target)) = got {
                prop_assert!(target.starts_with('/') && !target.contains(|c: char| c.is_control() || c == ' '));
            }
        }
    }
}
