//! Addresses and similar values that the settings of several nodes have.

use std::net::{IpAddr, SocketAddr};

use url::Url;

use crate::plan::TargetUrl;
use crate::tree::{Node, parse};

/// An address to listen on: `IP:PORT`, or `localhost:PORT`. Port 0 takes a free one.
pub fn listen(node: &Node) -> Result<SocketAddr, String> {
    let text = parse::word(node)?;
    let numeric = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.clone(),
    };
    numeric.parse().map_err(|_| match text.parse::<IpAddr>() {
        Ok(IpAddr::V4(ip)) => format!("has no port; \"{ip}:8080\"?"),
        Ok(IpAddr::V6(ip)) => format!("has no port; \"[{ip}]:8080\"?"),
        Err(_) => "expected an address to listen on, as in \"127.0.0.1:8080\" or \"[::1]:8080\"".to_owned(),
    })
}

/// A host and a port, as in `kafka.example.com:9092` or `[::1]:9092`.
pub fn host_port(node: &Node) -> Result<String, String> {
    let text = parse::word(node)?;
    let reason = || "expected HOST:PORT, as in \"127.0.0.1:9092\"".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(reason)?;
    let bracketed = host.starts_with('[') && host.ends_with(']');
    let named = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b) || (bracketed && b":[]%".contains(&b)));
    match port.parse::<u16>() {
        Ok(port) if port > 0 && named => Ok(text),
        _ => Err(reason()),
    }
}

/// Where an orchestrator answers: `HOST:PORT`, or a URL of http or https.
pub fn orchestrator_url(node: &Node) -> Result<Url, String> {
    let text = parse::word(node)?;
    parse_orchestrator_url(&text)
}

/// Reads where an orchestrator answers: `HOST:PORT`, or a URL of http or https.
///
/// # Errors
/// The reason, where it is neither.
pub fn parse_orchestrator_url(text: &str) -> Result<Url, String> {
    let reason = || "expected HOST:PORT or a URL, as in \"http://127.0.0.1:8080\"".to_owned();
    let text = text.trim();
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = crate::plan::parse_target_url(&whole).map_err(|why| format!("{}: {why}", reason()))?;
    if url.query().is_some() {
        return Err(reason());
    }
    Ok(url)
}

/// The URL of something to test.
pub fn target_url(node: &Node) -> Result<TargetUrl, String> {
    TargetUrl::parse(&parse::text(node)?)
}

/// Whether only this machine reaches an address: 127.0.0.0/8 and `::1`, the first within IPv6 too.
pub fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
