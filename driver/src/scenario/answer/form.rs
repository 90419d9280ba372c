//! Forms of an HTML body, as bytes that a variable can keep: `METHOD SP ACTION LF`, then the fields as
//! `name=value&name=value`, urlencoded. The method is GET or POST; the address is as the page gives it, its entities
//! decoded, and empty where it gives none.
//!
//! The fields are those with a value that a browser would send unasked: hidden and other inputs with a value, boxes that
//! are checked, what is selected, the text of text areas. Buttons, files and disabled fields are left out; so are
//! inputs without a value, which the plan fills in. Fields outside of the form's own tags (`form="id"`)
//! are not looked for.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use super::html::{Tag, Tags, decode_entities};

/// All but the unreserved characters of RFC 3986.
const FIELD: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Which form of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// By its position, from 0.
    Position(usize),
    /// The first with this id or name.
    Named(String),
}

impl Which {
    /// As a plan gives it: digits are a position.
    pub fn of(text: &str) -> Self {
        match text.parse() {
            Ok(position) if text.bytes().all(|byte| byte.is_ascii_digit()) => Self::Position(position),
            _ => Self::Named(text.to_owned()),
        }
    }
}

/// Writes the form to `out`. `cut`: the page goes on behind `html`, so that a form whose end is not seen may lack fields.
/// False: there is no such form, or its end was not seen.
pub fn write_form(html: &[u8], cut: bool, which: &Which, out: &mut Vec<u8>, scratch: &mut Vec<u8>) -> bool {
    out.clear();
    let mut tags = Tags::new(html);
    let mut position = 0;
    let found = loop {
        let Some(tag) = tags.next() else { return false };
        if !tag.opens("form") {
            continue;
        }
        let wanted = match which {
            Which::Position(wanted) => position == *wanted,
            Which::Named(name) => {
                tag.has("id", name.as_bytes(), scratch) || tag.has("name", name.as_bytes(), scratch)
            }
        };
        if wanted {
            break tag;
        }
        position += 1;
    };
    out.extend_from_slice(if found.is("method", "post") { b"POST " } else { b"GET " });
    scratch.clear();
    decode_entities(found.attribute("action").unwrap_or_default().trim_ascii(), scratch);
    // As browsers do: line breaks and tabs in an address are dropped.
    out.extend(scratch.iter().filter(|byte| !matches!(byte, b'\n' | b'\r' | b'\t')));
    out.push(b'\n');
    let mut fields = Fields { out, scratch, any: false };
    while let Some(tag) = tags.next() {
        if tag.ends("form") {
            return true;
        }
        if tag.closes || tag.attribute("disabled").is_some() {
            continue;
        }
        let Some(name) = tag.attribute("name").filter(|name| !name.is_empty()) else { continue };
        if tag.opens("input") {
            if let Some(value) = input_value(&tag) {
                fields.push(name, value, false);
            }
        } else if tag.opens("textarea") {
            fields.push(name, first_break_dropped(tag.text), true);
        } else if tag.opens("select") {
            fields.select(name, tag.attribute("multiple").is_some(), &mut tags, html);
        }
    }
    !cut
}

/// The value that an input has on the page, where it is sent.
fn input_value<'a>(tag: &Tag<'a>) -> Option<&'a [u8]> {
    const NEVER: [&str; 5] = ["submit", "button", "reset", "image", "file"];
    if NEVER.iter().any(|kind| tag.is("type", kind)) {
        return None;
    }
    if tag.is("type", "checkbox") || tag.is("type", "radio") {
        tag.attribute("checked")?;
        return Some(tag.attribute("value").unwrap_or(b"on"));
    }
    tag.attribute("value")
}

/// A line break right behind the tag of a text area is not part of its text.
fn first_break_dropped(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\r\n").or_else(|| text.strip_prefix(b"\n")).unwrap_or(text)
}

/// The fields that were found.
struct Fields<'o> {
    out: &'o mut Vec<u8>,
    scratch: &'o mut Vec<u8>,
    any: bool,
}

impl Fields<'_> {
    /// `lines`: line breaks are CR LF, as forms send them.
    fn push(&mut self, name: &[u8], value: &[u8], lines: bool) {
        if self.any {
            self.out.push(b'&');
        }
        self.any = true;
        self.encoded(name, false);
        self.out.push(b'=');
        self.encoded(value, lines);
    }

    fn encoded(&mut self, raw: &[u8], lines: bool) {
        self.scratch.clear();
        decode_entities(raw, self.scratch);
        let encoded = |out: &mut Vec<u8>, text: &[u8]| {
            percent_encode(text, FIELD).for_each(|piece| out.extend_from_slice(piece.as_bytes()));
        };
        if !lines {
            return encoded(self.out, self.scratch);
        }
        for (i, line) in self.scratch.split(|byte| *byte == b'\n').enumerate() {
            if i > 0 {
                self.out.extend_from_slice(b"%0D%0A");
            }
            encoded(self.out, line.strip_suffix(b"\r").unwrap_or(line));
        }
    }

    /// The selected options, or the first where one is always selected. Goes behind the list.
    fn select(&mut self, name: &[u8], multiple: bool, tags: &mut Tags<'_>, html: &[u8]) {
        let (mut first, mut selected) = (None, false);
        loop {
            // The end of the form ends its list too, and has to be seen by the caller.
            let before = tags.clone();
            let Some(tag) = tags.next() else { break };
            if tag.ends("select") {
                break;
            }
            if tag.ends("form") {
                *tags = before;
                break;
            }
            if !tag.opens("option") || tag.attribute("disabled").is_some() {
                continue;
            }
            let value = tag.attribute("value").unwrap_or_else(|| text_behind(html, tag.end));
            if tag.attribute("selected").is_some() {
                if multiple || !selected {
                    self.push(name, value, false);
                }
                selected = true;
            }
            first = first.or(Some(value));
        }
        if let Some(value) = first.filter(|_| !multiple && !selected) {
            self.push(name, value, false);
        }
    }
}

/// The text of an option without a value.
fn text_behind(html: &[u8], from: usize) -> &[u8] {
    let text = html.get(from..).unwrap_or_default();
    text[..memchr::memchr(b'<', text).unwrap_or(text.len())].trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(html: &str, which: &str, expected: Option<&str>) {
        let mut out = Vec::new();
        let found = write_form(html.as_bytes(), false, &Which::of(which), &mut out, &mut Vec::new());
        assert_eq!(found.then(|| String::from_utf8(out).unwrap()).as_deref(), expected, "{html}");
    }

    #[test]
    fn a_form_is_its_method_its_address_and_its_fields() {
        check(
            r#"<form action="/login?next=%2F&amp;x=1" method="post">
                 <input type="hidden" name="csrf" value="a&amp;b =&#39;é"/>
                 <input name="user"><input type=password name=pw>
                 <input type="submit" name="go" value="Log in">
               </form>"#,
            "0",
            Some("POST /login?next=%2F&x=1\ncsrf=a%26b%20%3D%27%C3%A9"),
        );
        check("<form></form>", "0", Some("GET \n"));
        check("<form method=dialog action='\n/a\nb '><input name=a value>", "0", Some("GET /ab\na="));
        check("<p>none</p>", "0", None);
    }

    #[test]
    fn a_form_has_a_position_an_id_or_a_name() {
        let html =
            "<form action=a></form><form id=login action=b></form><form name='pay&amp;go' action=c></form>";
        check(html, "0", Some("GET a\n"));
        check(html, "2", Some("GET c\n"));
        check(html, "3", None);
        check(html, "login", Some("GET b\n"));
        check(html, "pay&go", Some("GET c\n"));
        check(html, "other", None);
        assert_eq!(Which::of("+1"), Which::Named("+1".to_owned()));
    }

    #[test]
    fn fields_are_those_that_a_browser_sends_unasked() {
        check(
            "<form>
               <input type=checkbox name=a checked><input type=checkbox name=b><input type=radio name=c value=2 CHECKED>
               <input type=hidden name=d value=1 disabled><input type=file name=e value=f><input value=nameless>
               <textarea name=t>\n1 &lt;\r\n2\n</textarea>
               <select name=s><option value=x>X<option selected> Y &amp; Z </option></select>
               <select name=first><option disabled value=0><option value=1>One</option></select>
               <select name=m multiple><option value=1><option value=2 selected><option value=3 selected></select>
               <select name=none multiple><option value=1></select>
             </form><input name=after value=1>",
            "0",
            Some("GET \na=on&c=2&t=1%20%3C%0D%0A2%0D%0A&s=Y%20%26%20Z&first=1&m=2&m=3"),
        );
        check(
            "<form><select name=s><option value=1></form><input name=after value=1>",
            "0",
            Some("GET \ns=1"),
        );
        check(
            "<form><!-- <input name=a value=1> --><script>'<input name=b value=1>'</script>",
            "0",
            Some("GET \n"),
        );
    }

    #[test]
    fn a_form_whose_end_is_not_seen_may_lack_fields() {
        let html = b"<form><input name=a value=1>";
        let (mut out, mut scratch) = (Vec::new(), Vec::new());
        assert!(write_form(html, false, &Which::Position(0), &mut out, &mut scratch));
        assert!(!write_form(html, true, &Which::Position(0), &mut out, &mut scratch));
    }

    proptest! {
        #[test]
        fn no_page_makes_it_panic(
            pieces in prop::collection::vec(prop::sample::select(&[
                "<form", "</form>", "<input", " name=a", " value='", "'", ">", "<select name=s>", "<option", "</select>",
                "<textarea name=t>", "</textarea", "<!--", "-->", "\u{e9}", "&amp;", "\n", " selected", " multiple",
            ][..]), 0..60),
        ) {
            let html = pieces.concat();
            let mut out = Vec::new();
            if write_form(html.as_bytes(), false, &Which::Position(0), &mut out, &mut Vec::new()) {
                prop_assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
            }
        }
    }
}
