//! The secrets of a plan with `[requests]`, masked: values of secret headers, of secret keys of queries and forms, of
//! passwords, and of secret columns of data. A template is shown, because what it puts in is not in it; a quoted text in
//! it may be a value of the environment, so it is masked.

use serde_json::{Value, json};

use super::template::{Piece, Token, pieces, quote, tokens};
use crate::plan::secrets::{MASK, is_secret_header, is_secret_parameter, mask_url, secrets_of_address};

/// Words before a token that say what it is.
const SCHEMES: [&str; 4] = ["", "bearer", "basic", "token"];

/// Masks what the tables of a program hold, valid or not. Headers of `[request]` and `target.url` are masked before.
pub(in crate::plan) fn mask_program(plan: &mut Value) {
    if let Some(Value::Object(hosts)) = plan.pointer_mut("/target/hosts") {
        for host in hosts.values_mut() {
            let url = if host.is_object() { host.get_mut("url") } else { Some(host) };
            if let Some(Value::String(url)) = url {
                *url = mask_url(url);
            }
        }
    }
    if let Some(request) = plan.get_mut("request") {
        mask_request(request);
    }
    if let Some(Value::Object(requests)) = plan.get_mut("requests") {
        requests.values_mut().for_each(mask_request);
    }
    if let Some(Value::Object(sets)) = plan.get_mut("data") {
        sets.values_mut().for_each(mask_rows);
    }
    if let Some(Value::Object(profiles)) = plan.get_mut("profiles") {
        for profile in profiles.values_mut() {
            // A profile within a profile is not laid over anything, and may nest without end.
            if let Value::Object(entries) = profile {
                entries.remove("profiles");
            }
            crate::plan::secrets::mask_json(profile);
            mask_program(profile);
        }
    }
}

fn mask_request(request: &mut Value) {
    mask_keys(request.get_mut("headers"), is_secret_header);
    mask_keys(request.get_mut("query"), is_secret_parameter);
    mask_keys(request.get_mut("form"), is_secret_parameter);
    mask_keys(request.get_mut("basic"), |key| key == "password");
    for key in ["path", "url"] {
        if let Some(Value::String(text)) = request.get_mut(key) {
            *text = mask_address(text);
        }
    }
}

/// The template of a path or a URL without the secrets that stand in it. A slot is one value, whatever characters it
/// holds; it may hold a whole address.
pub(super) fn mask_address(text: &str) -> String {
    let Ok(pieces) = pieces(text) else { return mask_url(text) };
    // Of the same length, so that both have their secrets at the same places.
    let bare: String = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => (*text).to_owned(),
            Piece::Slot(inside) => "x".repeat(inside.len() + 4),
        })
        .collect();
    let (mut masked, mut shown_to) = (String::with_capacity(text.len()), 0);
    for secret in secrets_of_address(&bare) {
        masked.push_str(&with_words(&text[shown_to..secret.start], &mask_word));
        masked.push_str(MASK);
        shown_to = secret.end;
    }
    masked.push_str(&with_words(&text[shown_to..], &mask_word));
    masked
}

/// A word of a slot that is an address, or a part of a query.
fn mask_word(word: &Token) -> Option<String> {
    let text = word.text();
    let masked = if text.contains('?') || text.contains("://") {
        mask_url(text)
    } else {
        mask_url(&format!("?{text}")).split_off(1)
    };
    (masked != text).then_some(masked)
}

/// A text as a fault shows it: without the quoted texts of its slots, which may be values of the environment. The format
/// of a time is shown.
pub(crate) fn hide_quoted(text: &str) -> String {
    let hide = |word: &Token| matches!(word, Token::Quoted(_)).then(|| MASK.to_owned());
    with_words(text, &hide)
}

/// Whether the quoted texts of a slot are formats of a time.
fn is_time(inside: &str) -> bool {
    inside.split(|c: char| c.is_whitespace() || c == '|').find(|word| !word.is_empty()) == Some("now")
}

/// A template with other words in its slots: what `change` answers stands in place of a word. A slot without such a word
/// stays as it is.
fn with_words(text: &str, change: &dyn Fn(&Token) -> Option<String>) -> String {
    let Ok(pieces) = pieces(text) else { return text.to_owned() };
    let mut out = String::with_capacity(text.len());
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Slot(inside) => {
                let changed = changed_slot(inside, change);
                out.push_str(&format!("{{{{{}}}}}", changed.as_deref().unwrap_or(inside)));
            }
        }
    }
    out
}

fn changed_slot(inside: &str, change: &dyn Fn(&Token) -> Option<String>) -> Option<String> {
    if is_time(inside) {
        return None;
    }
    let mut is_changed = false;
    let mut word = |token: &Token| {
        let changed = change(token);
        is_changed |= changed.is_some();
        let text = changed.as_deref().unwrap_or(token.text());
        if matches!(token, Token::Quoted(_)) { quote(text) } else { text.to_owned() }
    };
    let parts = tokens(inside).ok()?;
    let parts: Vec<String> =
        parts.iter().map(|part| part.iter().map(&mut word).collect::<Vec<_>>().join(" ")).collect();
    is_changed.then(|| parts.join(" | "))
}

fn mask_keys(table: Option<&mut Value>, is_secret: impl Fn(&str) -> bool) {
    let Some(Value::Object(entries)) = table else { return };
    for (_, value) in entries.iter_mut().filter(|(key, _)| is_secret(key)) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(mask_value),
            _ => mask_value(value),
        }
    }
}

/// Masks a value, unless all that is in it are slots and the word before a token.
fn mask_value(value: &mut Value) {
    let shown = match &*value {
        Value::String(text) => is_template_alone(text),
        Value::Null => true,
        _ => false,
    };
    if !shown {
        *value = json!(MASK);
    }
}

fn is_template_alone(text: &str) -> bool {
    let Ok(pieces) = pieces(text) else { return false };
    let has_slot = pieces.iter().any(|piece| matches!(piece, Piece::Slot(_)));
    let harmless = |piece: &Piece<'_>| match piece {
        Piece::Text(text) => SCHEMES.contains(&text.trim().to_ascii_lowercase().as_str()),
        // `choice` holds texts, too.
        Piece::Slot(inside) => !inside.contains('\'') && !inside.trim_start().starts_with("choice"),
    };
    has_slot && pieces.iter().all(harmless)
}

fn mask_rows(set: &mut Value) {
    let Some(Value::Array(columns)) = set.get("columns") else { return };
    let secret: Vec<usize> = columns
        .iter()
        .enumerate()
        .filter(|(_, name)| name.as_str().is_some_and(is_secret_parameter))
        .map(|(index, _)| index)
        .collect();
    let Some(Value::Array(rows)) = set.get_mut("rows") else { return };
    for row in rows {
        for index in &secret {
            if let Some(cell) = row.get_mut(*index) {
                *cell = json!(MASK);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_no_secret_whatever_its_slots_hold() {
        for (text, expected) in [
            ("/x?q=1&token={{'abc&def'}}&r={{int 1 2}}", "/x?q=1&token=***&r={{int 1 2}}"),
            ("/x?token={{'abc#def'}}#{{id}}", "/x?token=***#{{id}}"),
            ("/x?pwd={{ 'a=b&c' | upper }}-hunter2&q={{'d&key=e'}}", "/x?pwd=***&q={{'d&key=***'}}"),
            ("/x/{{'a?b'}}?sig=hunter2", "/x/{{'a?b'}}?sig=***"),
            ("/x?{{'a=1&token=it''s' | raw}}", "/x?{{'a=1&token=***' | raw}}"),
            ("/x?{{choice a=1 key=hunter2|raw}}", "/x?{{choice a=1 key=*** | raw}}"),
            ("{{'http://me:hunter2@h/x?token=y'}}", "{{'http://me:***@h/x?token=***'}}"),
            ("{{next}}?api_key=hunter2&x={y}", "{{next}}?api_key=***&x={y}"),
            ("https://me:{{'a@b'}}@h/{{ 'a'|lower }}", "https://me:***@h/{{ 'a'|lower }}"),
            ("/x?token=hunter2{{'", "/x?token=***"),
        ] {
            assert_eq!(mask_address(text), expected);
        }
    }

    #[test]
    fn a_fault_shows_no_quoted_text_of_a_slot() {
        for (text, expected) in [
            ("a 'b' {{'hunter2'}} {{ n }}", "a 'b' {{'***'}} {{ n }}"),
            ("{{{'it''s' | pad 3}}}", "{{{'***' | pad 3}}}"),
            ("{{choice red 'hun}}ter2'}}{{now '%H'}}", "{{choice red '***'}}{{now '%H'}}"),
            ("{{'open", "{{'open"),
        ] {
            assert_eq!(hide_quoted(text), expected);
        }
    }
}
