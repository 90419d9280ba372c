//! Names of requests, hosts and secrets: words of what is there, unique, and such as a plan may have.

use std::collections::BTreeSet;

use common::plan::language::is_reserved;

/// Longest name that is made, in bytes; a plan's may have 64, and a number is put behind one that is taken.
const MAX_BYTES: usize = 48;
/// Most words of a path in a name.
const MAX_WORDS: usize = 4;

/// Names that are given, each once.
#[derive(Debug, Default)]
pub struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// A name that nothing has yet, from words.
    pub fn unique(&mut self, base: &str) -> String {
        let mut name = base.to_owned();
        let mut n = 1;
        while !self.taken.insert(name.clone()) {
            n += 1;
            name = format!("{base}-{n}");
        }
        name
    }

    /// The name of a request, from its method and the path before its query.
    pub fn of_request(&mut self, method: &str, path: &str) -> String {
        let base = of_path(path);
        if method == "GET" {
            let base = if is_reserved(&base) { format!("get-{base}") } else { base };
            return self.unique(&base);
        }
        if is_reserved(&base) || self.taken.contains(&base) {
            let method = word(&method.to_ascii_lowercase());
            return self.unique(&format!("{method}-{base}"));
        }
        self.unique(&base)
    }
}

/// The last words of a path that are not numbers or the like: `/shop/products/77` is `shop-products`.
fn of_path(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let words: Vec<String> =
        path.split('/').filter(|part| !is_id(part)).map(word).filter(|word| !word.is_empty()).collect();
    let first = words.len().saturating_sub(MAX_WORDS);
    let name = words.get(first..).unwrap_or_default().join("-");
    let name = name.get(..name.len().min(MAX_BYTES)).unwrap_or(&name).trim_matches('-').to_owned();
    if !name.is_empty() {
        return name;
    }
    if path.trim_matches('/').is_empty() { "home".to_owned() } else { "page".to_owned() }
}

/// Whether a part of a path names one of many: it has a digit, but is not just a version (`v1`).
pub fn is_id(part: &str) -> bool {
    let is_version = part.len() <= 3 && part.starts_with(['v', 'V']);
    !is_version && part.bytes().any(|byte| byte.is_ascii_digit())
}

/// A text as a word of letters, digits, `_` and `-`.
pub fn word(text: &str) -> String {
    let mut out = String::new();
    // What is percent-encoded has no letters to show.
    for c in text.chars() {
        let fits = c.is_ascii_alphanumeric() || c == '_';
        match (fits, out.ends_with('-')) {
            (true, _) => out.push(c),
            (false, false) if !out.is_empty() => out.push('-'),
            (false, _) => {}
        }
    }
    let end = out.trim_end_matches('-').len().min(MAX_BYTES);
    out.truncate(end);
    out
}
