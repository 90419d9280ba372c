//! The URL of a curl command.

use common::plan::TargetUrl;

/// A URL as curl takes it: http where it has no scheme, with a user in it, and blanks as they are.
pub fn read_url(given: &str, remarks: &mut Vec<String>) -> Result<(TargetUrl, Option<String>), String> {
    let given = given.trim();
    let given = given.split_once('#').map_or(given, |(before, _)| before);
    let (scheme, rest) = given.split_once("://").unwrap_or(("http", given));
    let end = rest.find(['/', '?', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user.to_owned()), host),
        None => (None, authority),
    };
    if path.contains(['[', ']']) || (path.contains('{') && path.contains('}')) {
        remarks.push(
            "URL: brackets and braces in it are sent as they are; curl without -g makes several URLs of them"
                .to_owned(),
        );
    }
    let url = TargetUrl::parse(&format!("{scheme}://{host}{}", path.replace(' ', "%20")))
        .map_err(|reason| format!("the URL {reason}"))?;
    Ok((url, user))
}

/// Scheme, host and port of a URL.
pub fn origin(url: &TargetUrl) -> String {
    let whole = url.as_str();
    whole[..whole.len() - url.path_and_query().len()].to_owned()
}

/// Host and port of a URL.
pub fn authority(url: &TargetUrl) -> String {
    let origin = origin(url);
    origin.split_once("://").map(|(_, host)| host.to_owned()).unwrap_or_default()
}
