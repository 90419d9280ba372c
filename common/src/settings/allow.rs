//! What a driver may send to: networks, checked on the resolved address, and host names.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// One entry of `[safety] allow_targets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowTarget {
    /// Every address of a network.
    Network(IpNet),
    /// A host by its name, wherever it resolves to; `*.example.com` is every name below that.
    Host(String),
}

/// Loopback and the private networks of RFC 1918 and RFC 4193.
const DEFAULT_NETWORKS: [&str; 6] =
    ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

/// What a driver may send to by default: loopback and private networks.
pub fn default_targets() -> Vec<AllowTarget> {
    DEFAULT_NETWORKS.iter().filter_map(|network| network.parse().ok().map(AllowTarget::Network)).collect()
}

/// Whether one of the entries allows a host at the address that it resolved to.
pub fn allows(entries: &[AllowTarget], host: &str, address: IpAddr) -> bool {
    entries.iter().any(|entry| entry.allows(host, address))
}

impl AllowTarget {
    /// Whether this entry allows a host at the address that it resolved to.
    pub fn allows(&self, host: &str, address: IpAddr) -> bool {
        match self {
            // ::ffff:127.0.0.1 is 127.0.0.1 by another name.
            Self::Network(network) => network.contains(&address.to_canonical()),
            Self::Host(name) => {
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                match name.strip_prefix('*') {
                    Some(below) => host.ends_with(below) && host.len() > below.len(),
                    None => host == *name,
                }
            }
        }
    }
}

impl fmt::Display for AllowTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Host(name) => f.write_str(name),
        }
    }
}

impl FromStr for AllowTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self::Network(IpNet::from(address)));
        }
        if text.contains('/') {
            return match text.parse::<IpNet>() {
                Ok(network) => Ok(Self::Network(network.trunc())),
                Err(_) => Err("is neither a network, as in \"10.0.0.0/8\", nor a host name".to_owned()),
            };
        }
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let labels = name.strip_prefix("*.").unwrap_or(&name);
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        // What is all digits was meant as an address.
        let looks_numeric = labels.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if name.len() > 253 || looks_numeric || !labels.split('.').all(label) {
            return Err("expected a network, an address or a host name, as in \"10.0.0.0/8\"".to_owned());
        }
        Ok(Self::Host(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entries: &[&str], host: &str, address: &str, expected: bool) {
        let entries: Vec<AllowTarget> = entries.iter().map(|entry| entry.parse().unwrap()).collect();
        assert_eq!(
            allows(&entries, host, address.parse().unwrap()),
            expected,
            "{entries:?} {host} {address}"
        );
    }

    #[test]
    fn a_network_looks_at_the_resolved_address_alone() {
        check(&["127.0.0.0/8"], "localhost", "127.0.0.5", true);
        check(&["127.0.0.0/8"], "127.0.0.1.example.com", "93.184.216.34", false);
        check(&["127.0.0.2"], "localhost", "127.0.0.1", false);
        check(&["127.0.0.0/8"], "localhost", "::ffff:127.0.0.1", true);
        check(&["::1"], "localhost", "::1", true);
        check(&["10.1.2.3/8"], "x", "10.200.0.1", true);
        check(&[], "localhost", "127.0.0.1", false);
    }

    #[test]
    fn a_host_name_is_allowed_wherever_it_is() {
        check(&["Staging.Example.com"], "staging.example.com.", "93.184.216.34", true);
        check(&["example.com"], "staging.example.com", "93.184.216.34", false);
        check(&["*.example.com"], "staging.example.com", "93.184.216.34", true);
        check(&["*.example.com"], "example.com", "93.184.216.34", false);
        check(&["*.example.com"], "evilexample.com", "93.184.216.34", false);
    }

    #[test]
    fn by_default_nothing_public_is_allowed() {
        let defaults = default_targets();
        assert_eq!(defaults.len(), DEFAULT_NETWORKS.len());
        for (address, expected) in [
            ("127.9.9.9", true),
            ("::1", true),
            ("172.31.255.255", true),
            ("fd00::1", true),
            ("172.32.0.1", false),
            ("169.254.169.254", false),
            ("0.0.0.0", false),
            ("93.184.216.34", false),
            ("2606:2800:220:1::1", false),
        ] {
            assert_eq!(allows(&defaults, "x", address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn what_is_neither_network_nor_name_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0", "http://x", "a b", "*", "-/-", "a..b"] {
            assert!(text.parse::<AllowTarget>().is_err(), "{text:?}");
        }
        for entry in default_targets() {
            assert_eq!(entry.to_string().parse(), Ok(entry));
        }
    }
}
