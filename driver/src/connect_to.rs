//! Where connections go: to the URL's host and port, unless `--connect-to` names another place, as in curl. What is
//! sent remains that of the URL: the Host field, TLS's server name and the name in the certificate. Pure; nothing is
//! resolved.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// What is expected, for messages.
const EXPECTED: &str = "expected HOST:PORT:ADDR:PORT, as in \"shop.test:443:127.0.0.1:8443\" (an IPv6 address stands \
                        in brackets, an empty HOST or PORT fits any)";

/// One entry of `[driver] connect_to`: connections to this host and port go to that place instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectTo {
    /// Of the URL, in lower case; `None` fits any.
    host: Option<String>,
    /// Of the URL; `None` fits any.
    port: Option<u16>,
    /// A name or an address, an IPv6 one with its zone; `None`: the URL's host.
    to_host: Option<String>,
    /// `None`: the URL's port.
    to_port: Option<u16>,
}

/// A place to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// A name, or an address without brackets.
    pub host: String,
    pub port: u16,
}

impl Destination {
    /// Where connections for a URL go: by the first entry that fits it, else to its own host and port.
    pub fn of(url: &Url, entries: &[ConnectTo]) -> Self {
        let host = bare(url.host_str().unwrap_or_default()).to_owned();
        let port = url.port_or_known_default().unwrap_or(80);
        let fits = |entry: &&ConnectTo| {
            entry.host.as_ref().is_none_or(|wanted| *wanted == host.to_ascii_lowercase())
                && entry.port.is_none_or(|wanted| wanted == port)
        };
        match entries.iter().find(fits) {
            Some(entry) => {
                Self { host: entry.to_host.clone().unwrap_or(host), port: entry.to_port.unwrap_or(port) }
            }
            None => Self { host, port },
        }
    }

    /// The name that has to be looked up; `None` for an address.
    pub fn name(&self) -> Option<&str> {
        let address = self.host.split_once('%').map_or(&self.host[..], |(address, _)| address);
        address.parse::<std::net::IpAddr>().is_err().then_some(&self.host)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)
    }
}

fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Takes what stands before the next colon that is not within brackets.
fn part<'a>(rest: &mut Option<&'a str>) -> Option<&'a str> {
    let text = (*rest)?;
    let from = if text.starts_with('[') { text.find(']')? } else { 0 };
    match text[from..].find(':') {
        Some(at) => {
            *rest = Some(&text[from + at + 1..]);
            Some(&text[..from + at])
        }
        None => {
            *rest = None;
            Some(text)
        }
    }
}

/// A host of an entry: a name or an address; `None` where it is empty.
fn host(text: &str) -> Result<Option<String>, String> {
    let inner = bare(text);
    let (address, zone) =
        inner.split_once('%').map_or((inner, None), |(address, zone)| (address, Some(zone)));
    let is_v6 = address.parse::<std::net::Ipv6Addr>().is_ok();
    let bracketed = inner.len() < text.len();
    let named = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    let right = match zone {
        _ if bracketed != is_v6 => false,
        Some(zone) => is_v6 && !zone.is_empty() && named(zone),
        None => is_v6 || named(inner),
    };
    match right {
        true if text.is_empty() => Ok(None),
        true => Ok(Some(inner.to_ascii_lowercase())),
        false => Err(format!("{text:?} is neither a host name nor an address: {EXPECTED}")),
    }
}

/// A port of an entry; `None` where it is empty.
fn port(text: &str) -> Result<Option<u16>, String> {
    match text {
        "" => Ok(None),
        _ => match text.parse::<u16>() {
            Ok(port @ 1..) => Ok(Some(port)),
            _ => Err(format!("{text:?} is not a port from 1 to 65535: {EXPECTED}")),
        },
    }
}

impl FromStr for ConnectTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rest = Some(text.trim());
        let parts = [part(&mut rest), part(&mut rest), part(&mut rest), part(&mut rest)];
        let [Some(from_host), Some(from_port), Some(to_host), Some(to_port)] = parts else {
            return Err(EXPECTED.to_owned());
        };
        if rest.is_some() {
            return Err(EXPECTED.to_owned());
        }
        let from_host = host(from_host)?;
        if from_host.as_ref().is_some_and(|host| host.contains('%')) {
            return Err(
                "the HOST is that of a URL, which has no zone (%…): only ADDR may have one".to_owned()
            );
        }
        Ok(Self {
            host: from_host,
            port: port(from_port)?,
            // A zone is the name of a network interface, which may have capitals.
            to_host: host(to_host)?.map(|_| bare(to_host).to_owned()),
            to_port: port(to_port)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, entries: &[&str], host: &str, port: u16) {
        let entries: Vec<ConnectTo> = entries.iter().map(|entry| entry.parse().unwrap()).collect();
        let expected = Destination { host: host.to_owned(), port };
        assert_eq!(Destination::of(&url.parse().unwrap(), &entries), expected, "{url} {entries:?}");
    }

    #[test]
    fn the_first_entry_that_fits_says_where_a_url_leads() {
        let shop = "https://shop.test/x";
        check(shop, &[], "shop.test", 443);
        check(shop, &["shop.test:443:127.0.0.1:8443"], "127.0.0.1", 8443);
        check(shop, &["SHOP.test:443:Staging.test:8443"], "Staging.test", 8443);
        check(shop, &["shop.test:80:127.0.0.1:8080"], "shop.test", 443);
        check(shop, &["cart.test:443:10.0.0.1:1", ":443:10.0.0.2:2", "::10.0.0.3:3"], "10.0.0.2", 2);
        check("http://shop.test:8080/", &["::10.0.0.3:"], "10.0.0.3", 8080);
        check("http://shop.test:8080/", &["shop.test:::"], "shop.test", 8080);
        check("http://shop.test:8080/", &["shop.test:::9090"], "shop.test", 9090);
        check("http://[::1]:8080/", &["[::1]:8080:[fd00::2]:81"], "fd00::2", 81);
        check("http://shop.test/", &["shop.test:80:[fe80::1%eth0]:8080"], "fe80::1%eth0", 8080);
    }

    #[test]
    fn an_address_needs_no_look_up_with_a_zone_or_without() {
        let name = |host: &str| Destination { host: host.to_owned(), port: 1 }.name().map(str::to_owned);
        assert_eq!(name("shop.test"), Some("shop.test".to_owned()));
        for address in ["127.0.0.1", "::1", "fe80::1%eth0"] {
            assert_eq!(name(address), None, "{address}");
        }
    }

    #[test]
    fn what_is_none_is_refused_with_what_is_expected() {
        for text in [
            "",
            "shop.test",
            "shop.test:443:127.0.0.1",
            "shop.test:443:127.0.0.1:8443:9",
            "shop.test:0:127.0.0.1:8443",
            "shop.test:443:127.0.0.1:70000",
            "shop.test:443:fe80::1:8443",
            "shop.test:443:[127.0.0.1]:8443",
            "shop.test:443:[fe80::1%]:8443",
            "shop.test:443:127.0.0.1%eth0:8443",
            "a b:443:127.0.0.1:8443",
            "[fe80::1%eth0]:443:127.0.0.1:8443",
        ] {
            let reason = text.parse::<ConnectTo>().unwrap_err();
            assert!(reason.contains("ADDR"), "{text}: {reason}");
        }
    }
}
