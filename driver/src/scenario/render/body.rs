//! What is sent after the head.

use common::plan::program::{BodyPlan, MultipartPart, NamedRequest, PartContent, Place, Template};

use super::ids::base_36;
use super::submit::SubmitText;
use super::text::{Builder, Text};
use crate::scenario::numbers::{Stream, mix64, place_of};

/// Characters of a boundary that follow from the seed.
const BOUNDARY_CHARACTERS: usize = 16;

const FORM: &str = "application/x-www-form-urlencoded";

/// A body, ready to be rendered.
#[derive(Debug, Clone)]
pub enum Body {
    /// Its bytes; none where there is no body.
    Text(Text),
    Submit(SubmitText),
}

impl Body {
    /// Prepares a request's body, and says which content-type it sets. `path`: of the request in the plan.
    pub fn compile(
        request: &NamedRequest,
        path: &str,
        seed: u64,
        builder: &mut Builder<'_>,
    ) -> (Self, Option<String>) {
        let content_type = match &request.body {
            BodyPlan::None => None,
            BodyPlan::Text(template) => {
                builder.template(template, Place::Plain, &format!("{path}.body"));
                None
            }
            BodyPlan::Bytes(bytes) => {
                builder.bytes(bytes);
                None
            }
            BodyPlan::File(hash) => {
                builder.file(hash);
                None
            }
            BodyPlan::Json(template) => {
                builder.template(template, Place::JsonString, &format!("{path}.json"));
                Some("application/json".to_owned())
            }
            BodyPlan::Form(fields) => {
                pairs(fields, &format!("{path}.form"), builder);
                Some(FORM.to_owned())
            }
            BodyPlan::Multipart(parts) => {
                let boundary = boundary(seed);
                multipart(parts, &boundary, path, builder);
                Some(format!("multipart/form-data; boundary={boundary}"))
            }
            BodyPlan::Submit(submit) => {
                return (Self::Submit(SubmitText::compile(submit, path, builder)), Some(FORM.to_owned()));
            }
        };
        (Self::Text(builder.finish()), content_type)
    }
}

/// Keys and values as in a query: `a=1&b=2`. `path`: of their table in the plan.
pub fn pairs(pairs: &[(String, Template)], path: &str, builder: &mut Builder<'_>) {
    for (at, (key, value)) in pairs.iter().enumerate() {
        if at > 0 {
            builder.bytes(b"&");
        }
        // A list repeats its key.
        let nth = pairs[..at].iter().filter(|(other, _)| other == key).count();
        builder.literal(key, Place::Query).bytes(b"=");
        builder.template(value, Place::Query, &format!("{path}.{key}[{nth}]"));
    }
}

/// The boundary of all multipart bodies of a test.
fn boundary(seed: u64) -> String {
    let mut words = Stream::new(mix64(seed, 0, place_of("multipart.boundary")));
    let characters = (0..BOUNDARY_CHARACTERS).map(|_| char::from(base_36((words.draw() % 36) as u8)));
    format!("groundswell-{}", characters.collect::<String>())
}

/// RFC 7578, with names and file names quoted as browsers do.
fn multipart(parts: &[MultipartPart], boundary: &str, path: &str, builder: &mut Builder<'_>) {
    for (at, part) in parts.iter().enumerate() {
        let path = format!("{path}.multipart[{at}]");
        builder.bytes(format!("--{boundary}\r\n").as_bytes());
        builder.bytes(b"Content-Disposition: form-data; name=\"").quoted(&part.name).bytes(b"\"");
        if let Some(filename) = &part.filename {
            builder.bytes(b"; filename=\"");
            builder.quoted_template(filename, &format!("{path}.filename")).bytes(b"\"");
        }
        builder.bytes(b"\r\n");
        let is_file = part.content.text().is_none() || part.filename.is_some();
        let content_type = part.content_type.as_deref().or(is_file.then_some("application/octet-stream"));
        if let Some(content_type) = content_type {
            builder.bytes(format!("Content-Type: {content_type}\r\n").as_bytes());
        }
        builder.bytes(b"\r\n");
        match &part.content {
            PartContent::Text(template) => builder.template(template, Place::Plain, &format!("{path}.value")),
            PartContent::Bytes(bytes) => builder.bytes(bytes),
            PartContent::File(hash) => builder.file(hash),
        };
        builder.bytes(b"\r\n");
    }
    builder.bytes(format!("--{boundary}--\r\n").as_bytes());
}
