//! The secrets of a plan: which of its values are never shown, the mask shown instead, and the check that a mask is
//! never sent. A report holds the plan as it was run, so that it can be run again: with a masked value it cannot.

use std::ops::Range;

use serde_json::{Value, json};

/// The mask shown in place of a secret value.
pub const MASK: &str = "***";

/// Whether the value of a header must appear in no answer, report or log.
pub fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "authorization" | "proxy-authorization" | "cookie" | "set-cookie")
        || ["-key", "-token", "-secret", "-password", "-signature"].iter().any(|end| name.ends_with(end))
}

/// Whether the value of a parameter in a URL's query must appear in no answer, report or log: by the rule for headers,
/// and by the names that services use for keys and signatures (`api_key`, `accessToken`, `sig`, `X-Amz-Signature`).
pub fn is_secret_parameter(name: &str) -> bool {
    const WORDS: [&str; 8] = ["key", "auth", "authorization", "sig", "pass", "pw", "pwd", "jwt"];
    const ENDS: [&str; 10] = [
        "apikey",
        "accesskey",
        "secretkey",
        "privatekey",
        "token",
        "secret",
        "password",
        "passwd",
        "signature",
        "credential",
    ];
    let name = decoded(name).to_ascii_lowercase().replace('_', "-");
    let joined = name.replace(['-', '.'], "");
    is_secret_header(&name) || WORDS.contains(&name.as_str()) || ENDS.iter().any(|end| joined.ends_with(end))
}

/// The escapes `%xx` of a parameter's name, decoded as far as they are ASCII.
fn decoded(name: &str) -> String {
    let mut parts = name.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii);
        match byte {
            Some(byte) => {
                text.push(char::from(byte));
                text.push_str(&part[2..]);
            }
            None => {
                text.push('%');
                text.push_str(part);
            }
        }
    }
    text
}

/// A URL or a path without the password and the secrets of its query, valid or not.
pub fn mask_url(text: &str) -> String {
    let (mut masked, mut shown_to) = (String::with_capacity(text.len()), 0);
    for secret in secrets_of_address(text) {
        masked.push_str(&text[shown_to..secret.start]);
        masked.push_str(MASK);
        shown_to = secret.end;
    }
    masked.push_str(&text[shown_to..]);
    masked
}

/// Where the secrets of a URL or a path stand in it, in their order: the password, and values of the query.
pub(super) fn secrets_of_address(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // Another URL may stand in the query.
    if let Some((scheme, rest)) = text.split_once("://")
        && !scheme.contains(['/', '?', '#'])
    {
        let begin = scheme.len() + 3;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let user = authority.rsplit_once('@').and_then(|(user, _)| Some((user, user.find(':')?)));
        found.extend(user.map(|(user, colon)| begin + colon + 1..begin + user.len()));
    }
    let end = text.find('#').unwrap_or(text.len());
    let Some(question) = text[..end].find('?') else { return found };
    let mut at = question + 1;
    for pair in text[at..end].split('&') {
        if let Some((name, value)) = pair.split_once('=')
            && !value.is_empty()
            && is_secret_parameter(name)
        {
            found.push(at + name.len() + 1..at + pair.len());
        }
        at += pair.len() + 1;
    }
    found
}

/// Masks the secrets of a plan's tree, valid or not: values of secret headers, passwords and secrets in the URL.
pub fn mask_json(plan: &mut Value) {
    if let Some(Value::Object(headers)) = plan.pointer_mut("/request/headers") {
        for (_, value) in headers.iter_mut().filter(|(name, _)| is_secret_header(name)) {
            match value {
                // One name with several values.
                Value::Array(values) => values.iter_mut().for_each(|value| *value = json!(MASK)),
                _ => *value = json!(MASK),
            }
        }
    }
    if let Some(Value::String(url)) = plan.pointer_mut("/target/url") {
        *url = mask_url(url);
    }
    if plan.get("requests").is_some_and(|requests| !requests.is_null()) {
        super::language::mask::mask_program(plan);
    }
}

/// Why a header's value cannot be sent: it is the mask of a report.
pub(super) fn masked_header(name: &str, value: &str) -> Option<String> {
    (value.trim() == MASK && is_secret_header(name)).then(|| {
        format!(
            "is the mask that a report shows instead of the secret; give the value itself, as in \
             --header \"{name}: $SECRET\""
        )
    })
}

/// Why a URL cannot be sent to: a parameter of its query is the mask of a report.
pub(super) fn masked_parameter(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let query = query.split('#').next().unwrap_or_default();
    let masked = query.split('&').filter_map(|pair| pair.split_once('='));
    let (name, _) = masked.into_iter().find(|(name, value)| *value == MASK && is_secret_parameter(name))?;
    Some(format!(
        "holds the mask that a report shows instead of the secret ({name}={MASK}); give the value itself, as in \
         --url \"http://…?{name}=$SECRET\""
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_a_plan_are_masked_and_nothing_else() {
        let plan = super::super::read_value(&json!({
            "target": { "url": "http://127.0.0.1/ping?api_key=hunter2&page=3&X-Amz-Signature=hunter2" },
            "request": { "headers": {
                "Authorization": "Bearer hunter2", "COOKIE": "hunter2", "x-api-key": "hunter2", "X-Csrf-Token": "hunter2",
                "accept": "text/plain", "x-keyboard": "qwerty", "x-b-token": ["hunter2", "hunter2b"],
            } },
            "load": { "rate": 1, "duration": "1s" },
        }))
        .unwrap();
        let masked = plan.masked_json();
        assert!(!masked.to_string().contains("hunter2"), "{masked}");
        assert_eq!(masked["request"]["headers"]["accept"], "text/plain");
        assert_eq!(masked["request"]["headers"]["x-keyboard"], "qwerty");
        assert_eq!(masked["request"]["headers"]["Authorization"], "***");
        assert_eq!(masked["request"]["headers"]["x-b-token"], json!(["***", "***"]));
        assert_eq!(masked["target"]["url"], "http://127.0.0.1/ping?api_key=***&page=3&X-Amz-Signature=***");
        assert!(plan.to_json().to_string().contains("hunter2"), "drivers need them");
    }

    #[test]
    fn a_url_shows_no_secret() {
        for (text, expected) in [
            ("http://me:hunter2@host/a@b", "http://me:***@host/a@b"),
            ("http://a:b@c:hunter2@host", "http://a:***@host"),
            ("http://me@host/", "http://me@host/"),
            ("http://host:80/x:y@z", "http://host:80/x:y@z"),
            ("http://host/x?token=hunter2&a=token", "http://host/x?token=***&a=token"),
            ("http://host?a&api%5Fkey=hunter2#token=x", "http://host?a&api%5Fkey=***#token=x"),
            ("http://host/?token=&next=/?key", "http://host/?token=&next=/?key"),
            ("no url", "no url"),
            ("/x?token=hunter2&q=a=b#key=1", "/x?token=***&q=a=b#key=1"),
            ("/x?token=hunter2&next=http://a:b@c/", "/x?token=***&next=http://a:b@c/"),
            ("host/x?&pwd=hunter2&", "host/x?&pwd=***&"),
        ] {
            assert_eq!(mask_url(text), expected);
        }
        let headers = json!({ "authorization": ["hunter2", "hunter2"], "x-a": ["b"] });
        let mut broken =
            json!({ "target": { "url": "ftp://me:hunter2@host" }, "request": { "headers": headers } });
        mask_json(&mut broken);
        assert!(!broken.to_string().contains("hunter2"));
        assert_eq!(broken["request"]["headers"]["x-a"][0], "b");
    }

    #[test]
    fn names_of_secrets() {
        for name in [
            "api_key",
            "apikey",
            "apiKey",
            "key",
            "x-api-key",
            "token",
            "access_token",
            "accessToken",
            "id_token",
            "secret",
            "client_secret",
            "password",
            "passwd",
            "pwd",
            "sig",
            "signature",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "X-Amz-Security-Token",
            "auth",
            "AWSAccessKey",
            "subscription-key",
        ] {
            assert!(is_secret_parameter(name), "{name}");
        }
        for name in
            ["page", "monkey", "keyboard", "design", "author", "q", "tokens_per_page", "compass", "keyword"]
        {
            assert!(!is_secret_parameter(name), "{name}");
        }
    }

    #[test]
    fn a_masked_plan_is_refused_where_it_is_masked() {
        let plan = |url: &str, headers: Value| json!({ "target": { "url": url }, "request": { "headers": headers }, "load": { "rate": 1, "duration": "1s" } });
        let faults = |plan: Value| super::super::read_value(&plan).unwrap_err();
        let url = "http://127.0.0.1/?page=1&access_token=hunter2";
        let whole = super::super::read_value(&plan(url, json!({ "X-Api-Key": "hunter2" }))).unwrap();
        let found = faults(whole.masked_json());
        let at: Vec<&str> = found.iter().map(|fault| fault.path.as_str()).collect();
        assert_eq!(at, ["target.url", "request.headers.X-Api-Key"], "{found:#?}");
        assert!(
            found[0].reason.contains("access_token=***") && found[0].reason.contains("--url"),
            "{}",
            found[0]
        );
        assert!(found[1].reason.contains("--header \"X-Api-Key: $SECRET\""), "{}", found[1]);
        // Three stars that mask nothing are three stars.
        let stars = plan("http://127.0.0.1/?stars=***", json!({ "x-stars": "***" }));
        assert!(super::super::read_value(&stars).is_ok());
    }
}
