//! `Accept`: which of the forms that there are a client wants most (RFC 9110, section 12.5.1).

use actix_web::http::header::{self, HeaderMap};

/// The form of `offered` (type, subtype) that the request wants most, the earlier of equals; the first where it
/// says nothing that can be read; `None` where it wants none of them.
pub fn choose(headers: &HeaderMap, offered: &[(&'static str, &'static str)]) -> Option<usize> {
    let mut ranges = Vec::new();
    for value in headers.get_all(header::ACCEPT).filter_map(|value| value.to_str().ok()) {
        ranges.extend(value.split(',').filter_map(Range::read));
    }
    if ranges.is_empty() {
        return Some(0);
    }
    let mut best: Option<(usize, f32)> = None;
    for (index, form) in offered.iter().enumerate() {
        // The most specific range that names a form decides its quality.
        let naming = ranges.iter().filter(|range| range.specificity(form).is_some());
        let quality = naming.max_by_key(|range| range.specificity(form)).map_or(0.0, |range| range.quality);
        if quality > best.map_or(0.0, |(_, quality)| quality) {
            best = Some((index, quality));
        }
    }
    best.map(|(index, _)| index)
}

/// `type/subtype;q=0.5`
struct Range {
    kind: String,
    subtype: String,
    quality: f32,
}

impl Range {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let quality = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let quality = quality.and_then(|q| q.parse::<f32>().ok()).filter(|q| (0.0..=1.0).contains(q));
        let kind = kind.to_ascii_lowercase();
        Some(Self { kind, subtype: subtype.to_ascii_lowercase(), quality: quality.unwrap_or(1.0) })
    }

    fn specificity(&self, (kind, subtype): &(&str, &str)) -> Option<u8> {
        match (self.kind.as_str(), self.subtype.as_str()) {
            ("*", "*") => Some(0),
            (mine, "*") if mine == *kind => Some(1),
            (mine, sub) if mine == *kind && sub == *subtype => Some(2),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn the_form_that_is_wanted_most_is_chosen() {
        const FORMS: [(&str, &str); 2] = [("application", "json"), ("text", "plain")];
        for (accept, expected, why) in [
            ("*/*", Some(0), "anything: the first"),
            ("text/plain", Some(1), "the one named"),
            ("text/*", Some(1), "the one of the kind"),
            ("TEXT/Plain;charset=utf-8", Some(1), "whatever its case"),
            ("application/json;q=0.1, text/plain;q=0.2", Some(1), "the higher quality"),
            ("*/*, application/json;q=0", Some(1), "one that is refused"),
            ("text/html", None, "none of them"),
            ("text/html, */*;q=0.1", Some(0), "what is left"),
            ("", Some(0), "says nothing"),
            ("nonsense", Some(0), "says nothing that can be read"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
            assert_eq!(choose(&headers, &FORMS), expected, "{accept:?}: {why}");
        }
        assert_eq!(choose(&HeaderMap::new(), &FORMS), Some(0));
    }
}
