//! The parts of a multipart body: `-F`.

use crate::plan_from::draft::{PartContent, PartDraft, literal};

/// `-F`: `name=value`, `name=@file` or `name=<file`, with `;type=…` and `;filename=…` behind it.
pub fn part(given: &str) -> Result<PartDraft, String> {
    let (name, rest) = given.split_once('=').ok_or("-F takes NAME=VALUE, or NAME=@FILE")?;
    let (content, mut options) = match rest.strip_prefix(['@', '<']) {
        Some(file) => unquoted(file),
        None => match rest.strip_prefix('"') {
            Some(_) => unquoted(rest),
            None => match rest.find(";type=").or_else(|| rest.find(";filename=")) {
                Some(at) => (rest[..at].to_owned(), &rest[at..]),
                None => (rest.to_owned(), ""),
            },
        },
    };
    let (mut filename, mut content_type) = (None, None);
    while let Some(option) = options.strip_prefix(';') {
        let (value, behind) = unquoted(option.split_once('=').map_or("", |(_, value)| value));
        match option.split_once('=').map(|(key, _)| key.trim()) {
            Some("type") => content_type = Some(value),
            Some("filename") => filename = Some(literal(&value)),
            _ => {}
        }
        options = behind;
    }
    let content = match rest.as_bytes().first() {
        Some(b'@' | b'<') if content.is_empty() || content == "-" => {
            return Err(
                "-F sends what curl reads from standard input; put it into a file, and name that".to_owned()
            );
        }
        Some(b'@') => {
            let own = content.rsplit(['/', '\\']).next().unwrap_or_default();
            filename = filename.or_else(|| Some(literal(own)));
            PartContent::File(content)
        }
        Some(b'<') => PartContent::File(content),
        _ => PartContent::Value(literal(&content)),
    };
    Ok(PartDraft { name: name.to_owned(), content, filename, content_type })
}

/// A value up to the next `;`, or one in double quotes; and what follows.
fn unquoted(text: &str) -> (String, &str) {
    let Some(inside) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim_end().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &inside[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}
