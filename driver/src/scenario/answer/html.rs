//! Tags of an HTML body, without a tree: enough to find inputs and forms. It knows comments, quoted attributes, and the
//! elements whose content is text (scripts, styles, text areas, titles); it neither repairs nor nests anything. Bytes
//! that are not UTF-8 are kept as they are.

/// A start or end tag.
#[derive(Debug, Clone, Copy)]
pub struct Tag<'a> {
    /// In any case.
    pub name: &'a [u8],
    /// Whether it is an end tag.
    pub closes: bool,
    /// What stands between the name and the `>`.
    attributes: &'a [u8],
    /// Where it ends in the text.
    pub end: usize,
    /// Of an element whose content is text: that text.
    pub text: &'a [u8],
}

impl<'a> Tag<'a> {
    /// Whether it begins this element.
    pub fn opens(&self, name: &str) -> bool {
        !self.closes && self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Whether it ends this element.
    pub fn ends(&self, name: &str) -> bool {
        self.closes && self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The value of the first attribute of this name, its entities not decoded; empty where the attribute has none.
    pub fn attribute(&self, name: &str) -> Option<&'a [u8]> {
        Attributes { rest: self.attributes }
            .find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// Whether the attribute of this name has this value, its entities decoded.
    pub fn has(&self, name: &str, value: &[u8], scratch: &mut Vec<u8>) -> bool {
        self.attribute(name).is_some_and(|raw| {
            if memchr::memchr(b'&', raw).is_none() {
                return raw == value;
            }
            scratch.clear();
            decode_entities(raw, scratch);
            scratch == value
        })
    }

    /// Whether the attribute is this word, in any case.
    pub fn is(&self, name: &str, word: &str) -> bool {
        self.attribute(name).is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
    }
}

/// The tags of a text, in their order.
#[derive(Debug, Clone)]
pub struct Tags<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Tags<'a> {
    /// Those of this text.
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }
}

/// Elements whose content is text up to their own end tag.
const TEXT_ELEMENTS: [&str; 5] = ["script", "style", "textarea", "title", "xmp"];

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        loop {
            self.at += memchr::memchr(b'<', self.text.get(self.at..)?)?;
            let rest = &self.text[self.at + 1..];
            if let Some(comment) = rest.strip_prefix(b"!--") {
                // `<!-->` and `<!--->` are whole comments.
                let end = match comment {
                    [b'>', ..] => Some(1),
                    [b'-', b'>', ..] => Some(2),
                    _ => memchr::memmem::find(comment, b"-->").map(|at| at + 3),
                };
                self.at += 4 + end?;
                continue;
            }
            let closes = rest.first() == Some(&b'/');
            let from = usize::from(closes);
            if !rest.get(from).is_some_and(u8::is_ascii_alphabetic) {
                // A doctype, or a `<` that begins nothing.
                self.at += 1;
                continue;
            }
            let inner = &rest[from..];
            let name_ends = inner.iter().position(|byte| is_blank(*byte) || matches!(byte, b'/' | b'>'))?;
            let (name, attributes) = inner.split_at(name_ends);
            let attributes_end = tag_end(attributes)?;
            let end = self.at + 1 + from + name_ends + attributes_end + 1;
            let mut tag = Tag { name, closes, attributes: &attributes[..attributes_end], end, text: &[] };
            self.at = end;
            if let Some(element) = TEXT_ELEMENTS.iter().find(|element| tag.opens(element)) {
                let content = &self.text[end..];
                tag.text = &content[..text_end(content, element.as_bytes())];
                self.at += tag.text.len();
            }
            return Some(tag);
        }
    }
}

/// Where the `>` of a tag stands: the first that is not in quotes. `None`: the text ends before.
fn tag_end(attributes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += attributes.get(at..)?.iter().position(|byte| matches!(byte, b'>' | b'='))?;
        if attributes[at] == b'>' {
            return Some(at);
        }
        // Quotes count where they begin a value.
        at += 1;
        at += attributes[at..].iter().position(|byte| !is_blank(*byte))?;
        if let quote @ (b'"' | b'\'') = attributes[at] {
            at += 1;
            at += memchr::memchr(quote, &attributes[at..])? + 1;
        }
    }
}

/// Where the content of an element ends whose content is text.
fn text_end(content: &[u8], element: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&content[at..], b"</") {
        at += found;
        let after = &content[at + 2..];
        let same = after.get(..element.len()).is_some_and(|name| name.eq_ignore_ascii_case(element));
        let ends = after.get(element.len()).is_none_or(|byte| is_blank(*byte) || matches!(byte, b'/' | b'>'));
        if same && ends {
            return at;
        }
        at += 2;
    }
    content.len()
}

/// Names and values of attributes.
struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let from = self.rest.iter().position(|byte| !is_blank(*byte) && *byte != b'/')?;
        let rest = &self.rest[from..];
        // A `=` where a name should begin is part of it.
        let name_ends = 1 + rest[1..]
            .iter()
            .position(|byte| is_blank(*byte) || matches!(byte, b'=' | b'/'))
            .unwrap_or(rest.len() - 1);
        let (name, rest) = rest.split_at(name_ends);
        let after = rest.trim_ascii_start();
        let Some(value) = after.strip_prefix(b"=") else {
            self.rest = rest;
            return Some((name, &[]));
        };
        let value = value.trim_ascii_start();
        let (value, rest) = match value.first() {
            Some(quote @ (b'"' | b'\'')) => {
                let value = &value[1..];
                let end = memchr::memchr(*quote, value).unwrap_or(value.len());
                (&value[..end], value.get(end + 1..).unwrap_or_default())
            }
            _ => value.split_at(value.iter().position(|byte| is_blank(*byte)).unwrap_or(value.len())),
        };
        self.rest = rest;
        Some((name, value))
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)
}

/// Appends a text with its entities decoded.
pub fn decode_entities(raw: &[u8], out: &mut Vec<u8>) {
    for chunk in raw.utf8_chunks() {
        html_escape::decode_html_entities_to_vec(chunk.valid(), out);
        out.extend_from_slice(chunk.invalid());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(html: &str) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let one = |tag: Tag<'_>| {
            let attributes: Vec<_> = Attributes { rest: tag.attributes }
                .map(|(name, value)| format!(" {}={}", text(name), text(value)))
                .collect();
            let slash = if tag.closes { "/" } else { "" };
            format!("<{slash}{}{}>{}", text(tag.name), attributes.concat(), text(tag.text))
        };
        Tags::new(html.as_bytes()).map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn tags_have_names_and_attributes() {
        for (html, expected) in [
            ("", ""),
            ("text only", ""),
            ("<p>a</p>", "<p> </p>"),
            ("<!DOCTYPE html><html>", "<html>"),
            ("<!-- <b> --><i>", "<i>"),
            ("<!--><i>", "<i>"),
            ("<!-- never closed <i>", ""),
            ("a < b <1> <b>", "<b>"),
            ("<input name=a value='b c' checked>", "<input name=a value=b c checked=>"),
            ("<input\n name = \"a>b\"\tvalue=\"'\"/>", "<input name=a>b value='>"),
            ("<br/>", "<br>"),
            ("<a href=/x/y>", "<a href=/x/y>"),
            ("<a title=it's><b>", "<a title=it's> <b>"),
            ("<a 'odd'><b>", "<a 'odd'=> <b>"),
            ("<INPUT NAME=a>", "<INPUT NAME=a>"),
            ("<script>if (a<b) '</scripts>'</script><b>", "<script>if (a<b) '</scripts>' </script> <b>"),
            ("<textarea name=t>\n<b>&amp;</textarea>", "<textarea name=t>\n<b>&amp; </textarea>"),
            ("<style>a", "<style>a"),
            ("<a b", ""),
            ("<a b=\"c>", ""),
        ] {
            assert_eq!(shown(html), expected, "{html}");
        }
    }

    #[test]
    fn the_first_of_equal_attributes_counts() {
        let tag = Tags::new(b"<input VALUE=a value=b type=' Hidden ' name='a&amp;b'>").next().unwrap();
        assert_eq!((tag.attribute("value"), tag.attribute("other")), (Some(&b"a"[..]), None));
        assert!(tag.is("type", "hidden") && tag.has("name", b"a&b", &mut Vec::new()));
    }

    #[test]
    fn entities_are_decoded_and_other_bytes_kept() {
        let mut out = Vec::new();
        decode_entities(b"a&amp;b&#39;&#x41;&eacute;&unknown; &amp \xff&lt;", &mut out);
        assert_eq!(
            out,
            "a&b'Aé&unknown; &amp ".as_bytes().iter().copied().chain(*b"\xff<").collect::<Vec<_>>()
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_tokenizer_panic(
            bytes in prop::collection::vec(
                prop_oneof![4 => prop::sample::select(&b"<>/=\"' !-aitextrp&;\n"[..]), 1 => any::<u8>()],
                0..300,
            ),
        ) {
            let mut end = 0;
            for tag in Tags::new(&bytes) {
                prop_assert!(tag.end > end && tag.end <= bytes.len());
                end = tag.end;
                let _ = Attributes { rest: tag.attributes }.count();
            }
            decode_entities(&bytes, &mut Vec::new());
        }

        #[test]
        fn an_attribute_that_was_written_is_read(name in "[a-z]{1,9}", value in "[^\"]{0,20}") {
            let html = format!("<p x=1><input {name}=\"{value}\" z>");
            let tag = Tags::new(html.as_bytes()).nth(1).unwrap();
            prop_assert_eq!(tag.attribute(&name), Some(value.as_bytes()));
        }
    }
}
