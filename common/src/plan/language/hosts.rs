//! `[target]` of a plan with `[requests]`: `url`, further hosts, and how certificates are checked.

use super::names::tables_of;
use super::secrets::plain_file;
use super::spelling::check_name;
use crate::plan::program::{Host, TlsOptions};
use crate::plan::read::read_target_url;
use crate::plan::{Fault, TargetUrl};
use crate::tree::{Kind, Node, Table, parse};

/// Most hosts, `target.url` included.
const MAX_HOSTS: usize = 16;
/// Longest `ca_pem`, in bytes.
const MAX_CA_BYTES: usize = 64 * 1024;

/// The names of the hosts, `target.url` first.
pub(super) fn names(root: &Table) -> Vec<String> {
    let hosts = root.kind_of("target").and_then(|target| super::names::entry(target, "hosts"));
    let named = tables_of(hosts).map(|(name, _)| name.to_owned()).take(MAX_HOSTS - 1);
    std::iter::once(String::new()).chain(named).collect()
}

/// Reads the table `target`; `None` where a host cannot be read. Hosts are in the order of [`names`].
pub(super) fn read(root: &mut Table) -> Option<Vec<Host>> {
    root.table("target", |target| {
        let url = read_url(target);
        let own_tls = target.has("tls");
        let tls = target.table("tls", read_tls);
        let mut hosts = vec![url.map(|url| Host { name: String::new(), url, tls: tls.clone() })];
        target.table("hosts", |table| {
            for name in table.names() {
                if hosts.len() == MAX_HOSTS {
                    let reason = format!(
                        "is one more than the {MAX_HOSTS} hosts that a plan may have, target.url included"
                    );
                    table.fault(Fault::value(table.path_of(&name), "", reason), None);
                    table.take_all();
                    break;
                }
                if let Err(reason) = check_name(&name) {
                    table.fault(Fault::value(table.path_of(&name), format!("{name:?}"), reason), None);
                }
                let host = if matches!(table.kind_of(&name), Some(Kind::Table(_))) {
                    table.table(&name, |host| {
                        let url = read_url(host);
                        let own = if host.has("tls") { Some(host.table("tls", read_tls)) } else { None };
                        check_tls(host, url.as_ref(), own.is_some());
                        url.map(|url| (url, own))
                    })
                } else {
                    read_target_url(table, &name)
                        .and_then(|url| without_query(table, &name, url))
                        .map(|url| (url, None))
                };
                hosts.push(host.map(|(url, own)| Host {
                    name,
                    url,
                    tls: own.unwrap_or_else(|| tls.clone()),
                }));
            }
        });
        let any_https = hosts.iter().flatten().any(|host| host.url.scheme() == "https");
        if own_tls && hosts.iter().all(Option::is_some) && !any_https {
            let reason = "says how certificates are checked, and every host is sent to without TLS (http://)";
            target.contradiction("tls", "", reason);
        }
        hosts.into_iter().collect()
    })
}

fn read_url(table: &mut Table) -> Option<TargetUrl> {
    read_target_url(table, "url").and_then(|url| without_query(table, "url", url))
}

/// A host's address has a path at most: each request has its own query.
fn without_query(table: &Table, key: &str, url: TargetUrl) -> Option<TargetUrl> {
    if url.path_and_query().contains('?') {
        let reason =
            "has a query, and each request appends its own path to it; put the query into [request] query";
        let shown = format!("{:?}", crate::plan::mask_url(url.as_str()));
        table.fault(Fault::value(table.path_of(key), shown, reason), None);
        return None;
    }
    Some(url)
}

fn check_tls(host: &Table, url: Option<&TargetUrl>, given: bool) {
    if given && url.is_some_and(|url| url.scheme() != "https") {
        host.contradiction(
            "tls",
            "",
            "says how a certificate is checked, and the host is sent to without TLS (http://)",
        );
    }
}

fn read_tls(tls: &mut Table) -> TlsOptions {
    let verify = tls.get("verify", parse::boolean).unwrap_or(true);
    if let Some(node) = tls.take("ca_file") {
        tls.fault_at(
            "ca_file",
            &node,
            "only the command line reads files; send the file's content as ca_pem",
        );
    }
    let ca_pem = tls.get("ca_pem", ca_pem);
    let cert = tls.get("cert_file", plain_file);
    let key = tls.get("key_file", plain_file);
    for (given, other) in [("cert_file", "key_file"), ("key_file", "cert_file")] {
        let (is_given, is_other) = if given == "cert_file" { (&cert, &key) } else { (&key, &cert) };
        if is_given.is_some() && is_other.is_none() && !tls.is_faulty(other) {
            tls.missing(other, format!("is missing; {given} and {other} belong together"));
        }
    }
    let server_name = tls.get("server_name", |node| {
        let name = parse::word(node)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if name.chars().all(fits) { Ok(name) } else { Err("is not the name of a host".to_owned()) }
    });
    TlsOptions { verify, ca_pem, client: cert.zip(key), server_name }
}

fn ca_pem(node: &Node) -> Result<String, String> {
    let text = parse::text(node)?;
    if text.len() > MAX_CA_BYTES {
        return Err(format!("is {} bytes long, and at most {MAX_CA_BYTES} travel in a plan", text.len()));
    }
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        return Err("holds no certificate in PEM (-----BEGIN CERTIFICATE-----)".to_owned());
    }
    if text.contains("PRIVATE KEY-----") {
        return Err("holds a private key, which never travels; give the certificates alone".to_owned());
    }
    Ok(text)
}
