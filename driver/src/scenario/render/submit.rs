//! `submit`: a form that an answer had, sent with fields in place of its own or added.
//!
//! In its variable a form is `METHOD SP ACTION LF` and then its fields, urlencoded.

use common::plan::program::{Place, Submit};

use super::escape::percent;
use super::text::{Builder, Text};
use super::{Context, RenderError};

/// Most names of fields that replace those of a form; later ones are added to it.
const MAX_REPLACING: usize = 256;
/// Longest method.
const MAX_METHOD_BYTES: usize = 32;

/// A form as it stands in a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form<'a> {
    /// Letters, in any case.
    pub method: &'a str,
    pub action: &'a [u8],
    pub fields: &'a [u8],
}

impl<'a> Form<'a> {
    /// Reads a variable.
    ///
    /// # Errors
    /// Where it holds no form.
    pub fn read(value: &'a [u8]) -> Result<Self, RenderError> {
        let line_end = value.iter().position(|byte| *byte == b'\n').ok_or(RenderError::Template)?;
        let (line, fields) = (&value[..line_end], &value[line_end + 1..]);
        let method_end = line.iter().position(|byte| *byte == b' ').ok_or(RenderError::Template)?;
        let is_method = (1..=MAX_METHOD_BYTES).contains(&method_end)
            && line[..method_end].iter().all(u8::is_ascii_alphabetic)
            && fields.iter().all(|byte| byte.is_ascii_graphic());
        let method = std::str::from_utf8(&line[..method_end]).ok().filter(|_| is_method);
        Ok(Self { method: method.ok_or(RenderError::Template)?, action: &line[method_end + 1..], fields })
    }
}

/// A `submit`, ready to be rendered.
#[derive(Debug, Clone)]
pub struct SubmitText {
    /// The variable that holds the form.
    pub variable: usize,
    patches: Box<[Patch]>,
}

#[derive(Debug, Clone)]
struct Patch {
    name: Box<[u8]>,
    /// `name=`, urlencoded.
    key: Box<[u8]>,
    value: Text,
}

impl SubmitText {
    /// `path`: of the request in the plan.
    pub fn compile(submit: &Submit, path: &str, builder: &mut Builder<'_>) -> Self {
        let patch = |(at, (name, value)): (usize, &(String, _))| {
            let mut key = Vec::with_capacity(name.len() + 1);
            name.bytes().for_each(|byte| percent(byte, &mut key));
            key.push(b'=');
            let nth = submit.fields[..at].iter().filter(|(other, _)| other == name).count();
            let value = builder.template(value, Place::Query, &format!("{path}.form.{name}[{nth}]")).finish();
            Patch { name: name.as_bytes().into(), key: key.into(), value }
        };
        Self { variable: submit.variable, patches: submit.fields.iter().enumerate().map(patch).collect() }
    }

    /// The most bytes that stand in it as they are, form and all.
    pub fn n_literal_bytes(&self) -> usize {
        self.patches.iter().map(|patch| patch.key.len() + 1 + patch.value.n_literal_bytes()).sum()
    }

    /// Appends the form's fields: those of a patched name are replaced where the first of them stands, and what the form
    /// does not have is added at the end.
    ///
    /// # Errors
    /// As [`Text::render`].
    pub fn write(&self, fields: &[u8], context: &Context<'_>, out: &mut Vec<u8>) -> Result<(), RenderError> {
        let begin = out.len();
        // Which patches were written, by the first one of their name.
        let mut written = [0_u64; MAX_REPLACING / 64];
        for field in fields.split(|byte| *byte == b'&').filter(|field| !field.is_empty()) {
            let name = field.split(|byte| *byte == b'=').next().unwrap_or_default();
            let mut replacing = self.patches.iter().take(MAX_REPLACING);
            match replacing.position(|patch| is_name(name, &patch.name)) {
                None => {
                    separate(out, begin);
                    out.extend_from_slice(field);
                }
                Some(first) if is_marked(&written, first) => {}
                Some(first) => {
                    written[first / 64] |= 1 << (first % 64);
                    let same = |patch: &&Patch| patch.name == self.patches[first].name;
                    self.patches
                        .iter()
                        .filter(same)
                        .try_for_each(|patch| patch.write(begin, context, out))?;
                }
            }
        }
        for patch in &self.patches {
            let first = self.patches.iter().position(|other| other.name == patch.name).unwrap_or(0);
            if !is_marked(&written, first) {
                patch.write(begin, context, out)?;
            }
        }
        Ok(())
    }
}

impl Patch {
    fn write(&self, begin: usize, context: &Context<'_>, out: &mut Vec<u8>) -> Result<(), RenderError> {
        separate(out, begin);
        out.extend_from_slice(&self.key);
        self.value.write(context, out)
    }
}

fn is_marked(written: &[u64], at: usize) -> bool {
    written.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
}

fn separate(out: &mut Vec<u8>, begin: usize) {
    if out.len() > begin {
        out.push(b'&');
    }
}

/// Whether an urlencoded name is this one.
fn is_name(encoded: &[u8], name: &[u8]) -> bool {
    let mut rest = encoded;
    let mut decoded = std::iter::from_fn(|| {
        let (first, after) = rest.split_first()?;
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped =
            digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = if escaped.is_some() { &after[2..] } else { after };
        Some(escaped.unwrap_or(if *first == b'+' { b' ' } else { *first }))
    });
    name.iter().all(|byte| decoded.next() == Some(*byte)) && decoded.next().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_form_is_read_from_its_variable() {
        assert_eq!(
            Form::read(b"post /pay?x=1\na=1&b=2"),
            Ok(Form { method: "post", action: b"/pay?x=1", fields: b"a=1&b=2" })
        );
        assert_eq!(Form::read(b"GET \n"), Ok(Form { method: "GET", action: b"", fields: b"" }));
        for other in
            [&b""[..], b"GET", b"GET /", b"GET\n", b" /\n", b"G\rT /\n", b"GET /\na b", b"GET /\na\r\n"]
        {
            assert_eq!(Form::read(other), Err(RenderError::Template), "{other:?}");
        }
    }

    #[test]
    fn names_are_compared_decoded() {
        for (encoded, name, expected) in [
            ("a", "a", true),
            ("user%5Bname%5d", "user[name]", true),
            ("a+b%20c", "a b c", true),
            ("a", "ab", false),
            ("ab", "a", false),
            ("%", "%", true),
            ("%zz", "%zz", true),
            ("", "", true),
        ] {
            assert_eq!(is_name(encoded.as_bytes(), name.as_bytes()), expected, "{encoded} {name}");
        }
    }

    proptest! {
        #[test]
        fn every_encoded_name_is_found(name: Vec<u8>) {
            let mut encoded = Vec::new();
            name.iter().for_each(|byte| percent(*byte, &mut encoded));
            prop_assert!(is_name(&encoded, &name));
        }

        #[test]
        fn no_bytes_are_a_panic(value: Vec<u8>) {
            let _ = Form::read(&value);
            let _ = is_name(&value, b"a");
        }
    }
}
