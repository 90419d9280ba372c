//! The host that a request names. A page of another site can have its own name resolve to this machine (DNS
//! rebinding) and then speak to an orchestrator on loopback as if it were its own; the name is what gives it
//! away.

use std::net::IpAddr;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::uri::{Authority, Uri};
use common::settings::fields::is_loopback;

/// Whether a request names this machine by a name or an address of loopback. A request without a
/// host does not come from a browser, and is accepted as well.
pub fn is_loopback_host(uri: &Uri, headers: &HeaderMap) -> bool {
    let mut named = headers.get_all(header::HOST);
    let authority = match (uri.authority(), named.next(), named.next()) {
        // A target in absolute form says where it goes, whatever the field says (RFC 9112, section 3.2.2).
        (Some(authority), _, _) => Some(authority.clone()),
        (None, None, _) => return true,
        (None, Some(host), None) => parsed(host),
        (None, Some(_), Some(_)) => None,
    };
    authority.is_some_and(|authority| !authority.as_str().contains('@') && names_loopback(authority.host()))
}

fn parsed(host: &HeaderValue) -> Option<Authority> {
    host.to_str().ok()?.parse().ok()
}

fn names_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return is_loopback(address);
    }
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    // Names below localhost never leave the machine (RFC 6761).
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_another_site_differs_from_this_machines() {
        for (hosts, expected) in [
            (&[][..], true),
            (&["127.0.0.1:8080"], true),
            (&["127.9.9.9"], true),
            (&["localhost:8080"], true),
            (&["LocalHost."], true),
            (&["up.localhost:1"], true),
            (&["[::1]:8080"], true),
            (&["[::ffff:127.0.0.1]:8080"], true),
            (&["evil.example"], false),
            (&["evil.example:8080"], false),
            (&["localhost.evil.example"], false),
            (&["127.0.0.1.evil.example"], false),
            (&["notlocalhost"], false),
            (&["localhost@evil.example"], false),
            (&["evil.example@localhost"], false),
            (&["0.0.0.0:8080"], false),
            (&["[::]:8080"], false),
            (&["192.168.0.5"], false),
            (&[""], false),
            (&["a b"], false),
            (&["localhost", "evil.example"], false),
        ] {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, HeaderValue::from_str(host).unwrap());
            }
            let origin_form = Uri::from_static("/healthz");
            assert_eq!(is_loopback_host(&origin_form, &headers), expected, "{hosts:?}");
            let absolute = Uri::from_static("http://evil.example/healthz");
            assert!(!is_loopback_host(&absolute, &headers), "its target says otherwise: {hosts:?}");
        }
    }
}
