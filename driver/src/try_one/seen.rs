//! What a tried session shows: requests, answers and what was found in them, with secrets masked. Pure shapes, and how
//! they are made of bytes.

use common::plan::TargetUrl;
use serde::Serialize;

use super::masks::Masks;
use crate::scenario::render::request_target;

/// Most bytes of a request's body that are shown.
pub const REQUEST_BODY: usize = 2_048;
/// Most bytes of an answer's body that are shown.
pub const ANSWER_BODY: usize = 500;
/// Fields of answers that say nothing about the application.
const DULL: [&str; 8] = [
    "date",
    "connection",
    "keep-alive",
    "server",
    "transfer-encoding",
    "vary",
    "accept-ranges",
    "x-powered-by",
];

/// What happens in a session, one after the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It does nothing for a while.
    Wait(Pause),
    /// It sends a request, or would.
    Step(Box<Step>),
}

/// Why and how long nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Pause {
    /// Why.
    pub why: Why,
    /// As long as in a test.
    pub ms: f64,
    /// As long as here.
    pub here_ms: f64,
}

/// Why nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// `think`.
    Thinks,
    /// `at` of a step.
    At,
    /// `every` of a poll.
    Poll,
}

/// One attempt of a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The request's name after those of the flows and groups around it.
    pub step: String,
    /// Whether it follows a redirect of the attempt before.
    pub follows: bool,
    /// Of a poll, which look it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look: Option<u32>,
    /// `None`: it could not be rendered.
    pub request: Option<Request>,
    /// `None`: nothing whole came, or nothing was sent.
    pub answer: Option<Answer>,
    /// In the order of the plan; none where the status was not expected.
    pub checks: Vec<Checked>,
    /// The same.
    pub extracts: Vec<Extracted>,
    /// Why it failed.
    pub fault: Option<String>,
    /// From its begin to the last byte.
    pub took_ms: f64,
}

/// Name and value of a header field of an answer.
pub type OwnField = (Vec<u8>, Vec<u8>);

/// A request as it is sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// Whole.
    pub url: String,
    /// In their order.
    pub headers: Vec<(String, String)>,
    /// What follows them.
    pub body: Body,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Those that say something about the application.
    pub headers: Vec<(String, String)>,
    /// What follows them.
    pub body: Body,
}

/// A body, or its begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Body {
    /// Of the whole.
    pub bytes: usize,
    /// Its begin; `None`: it is not text.
    pub text: Option<String>,
    /// Whether there is more.
    pub cut: bool,
}

/// A check, and whether it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// What must hold.
    pub check: String,
    /// Whether it does.
    pub passed: bool,
    /// What was found instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

/// An extract, and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Extracted {
    /// Its variable.
    pub variable: String,
    /// Where it is looked for.
    pub source: String,
    /// What it is now; `None`: it is missing.
    pub value: Option<String>,
    /// Why it is missing, or why it is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Request {
    /// Reads a rendered request.
    pub fn of(bytes: &[u8], host: &TargetUrl, masks: &Masks) -> Self {
        let end = memchr::memmem::find(bytes, b"\r\n\r\n").unwrap_or(bytes.len());
        let (head, body) = (&bytes[..end], bytes.get(end + 4..).unwrap_or_default());
        let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let method = lines.next().and_then(|line| line.split(|byte| *byte == b' ').next());
        let field = |line: &[u8]| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = String::from_utf8_lossy(&line[..colon]).into_owned();
            let value = masks.field(&name, line[colon + 1..].trim_ascii());
            Some((name, value))
        };
        let target = masks.text(request_target(bytes).as_bytes());
        Self {
            method: String::from_utf8_lossy(method.unwrap_or_default()).into_owned(),
            url: format!("{}{target}", host.origin().ascii_serialization()),
            headers: lines.filter_map(field).collect(),
            body: Body::of(body, REQUEST_BODY, masks),
        }
    }
}

impl Answer {
    /// What is shown of an answer; `named`: fields that the plan looks at.
    pub fn of(
        (status, fields): (u16, &[OwnField]),
        body: (&[u8], usize),
        named: &[String],
        masks: &Masks,
    ) -> Self {
        let shown = |name: &str| {
            named.iter().any(|known| known.eq_ignore_ascii_case(name))
                || !DULL.iter().any(|dull| dull.eq_ignore_ascii_case(name))
        };
        let field = |(name, value): &OwnField| {
            let name = String::from_utf8_lossy(name).into_owned();
            let value = masks.field(&name, value);
            (name, value)
        };
        let headers = fields.iter().map(field).filter(|(name, _)| shown(name)).collect();
        let (kept, bytes) = body;
        let body = Body { bytes, ..Body::of(kept, ANSWER_BODY, masks) };
        Self { status, headers, body: Body { cut: body.cut || bytes > kept.len(), ..body } }
    }
}

impl Body {
    /// Its first bytes, once secrets are masked.
    pub fn of(bytes: &[u8], most: usize, masks: &Masks) -> Self {
        let masked = masks.bytes(bytes);
        let mut shown = &masked[..masked.len().min(most)];
        let cut = shown.len() < masked.len();
        let text = match std::str::from_utf8(shown) {
            Ok(text) => Some(text),
            // Cut within a character.
            Err(error) if cut && error.error_len().is_none() => {
                shown = &shown[..error.valid_up_to()];
                std::str::from_utf8(shown).ok()
            }
            Err(_) => None,
        };
        let text = text.filter(|text| !text.contains('\0')).map(str::to_owned);
        Self { bytes: bytes.len(), text, cut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masks() -> Masks {
        let mut masks = Masks::default();
        masks.add(b"hunter2");
        masks
    }

    #[test]
    fn a_request_is_shown_with_its_url_fields_and_body() {
        let bytes = b"POST /a?k=hunter2 HTTP/1.1\r\nhost: h\r\nauthorization: Bearer x\r\nx-key: hunter2\r\n\r\nkey=hunter2";
        let host = TargetUrl::parse("http://shop.test:81/base").unwrap();
        let shown = Request::of(bytes, &host, &masks());
        assert_eq!((shown.method.as_str(), shown.url.as_str()), ("POST", "http://shop.test:81/a?k=***"));
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            shown.headers,
            [field("host", "h"), field("authorization", "Bearer ***"), field("x-key", "***")]
        );
        assert_eq!(shown.body, Body { bytes: 11, text: Some("key=***".to_owned()), cut: false });
    }

    #[test]
    fn a_body_is_cut_after_its_secrets_are_masked_and_only_text_is_shown() {
        let masks = masks();
        let of = |bytes: &[u8], most| Body::of(bytes, most, &masks);
        assert_eq!(of(b"a hunter2 b", 4), Body { bytes: 11, text: Some("a **".to_owned()), cut: true });
        assert_eq!(of("aé".as_bytes(), 2), Body { bytes: 3, text: Some("a".to_owned()), cut: true });
        assert_eq!(of(b"\xff\xfe", 9), Body { bytes: 2, text: None, cut: false });
        assert_eq!(of(b"a\0b", 9).text, None);
    }

    #[test]
    fn fields_that_say_nothing_are_left_out_unless_the_plan_looks_at_them() {
        let fields: Vec<_> = [("Date", "now"), ("Server", "x"), ("etag", "1")]
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
            .into();
        let shown = Answer::of((200, &fields), (b"abc", 9), &["server".to_owned()], &masks());
        let names: Vec<_> = shown.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["Server", "etag"]);
        assert_eq!((shown.body.bytes, shown.body.cut), (9, true));
    }
}
