//! The fields of a request's head, in the order in which the wire engine sends those of a plan with one request:
//! host, user-agent, content-length, those of the plan, then what follows from its other keys.

use common::plan::program::{NamedRequest, Place};

use super::address::Origins;
use super::body::Body;
use super::escape::Escape;
use super::text::{Builder, Text};
use super::{Constants, Context, MAX_RENDERED, RenderError, filters};

/// Methods that send `content-length: 0` with an empty body: a server may wait for a body otherwise.
const SEND_LENGTH: [&str; 3] = ["POST", "PUT", "PATCH"];

/// The fields of a head.
#[derive(Debug, Clone)]
pub struct Fields(Box<[Field]>);

#[derive(Debug, Clone)]
struct Field {
    kind: Kind,
    text: Text,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Always sent.
    Plain,
    /// The plan's own `host`, instead of the one that follows from the address.
    Host,
    /// Sent to the origin alone that the plan names: a redirect elsewhere does not have it.
    Authorization,
    /// Likewise; the text is user and password, which are sent as base64.
    Basic,
    /// What belongs to a body: left out where there is none.
    Content,
    /// `content-length`, whose digits are put in when the body is written: room for so many.
    Length(usize),
    /// The plan's own `cookie`, to its origin alone. Those of the session follow the last.
    Cookie { last: bool },
    /// The session's cookies, where the plan has none.
    Jar,
}

/// Where a head goes, and what for.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    pub origins: &'a Origins,
    pub host: usize,
    /// Whether that is the origin that the plan names.
    pub to_own_origin: bool,
    pub has_body: bool,
}

impl Fields {
    pub fn compile(
        request: &NamedRequest,
        path: &str,
        (body, content_type): (&Body, Option<&str>),
        constants: &Constants<'_>,
        builder: &mut Builder<'_>,
    ) -> Self {
        let mut fields = Collected { fields: Vec::new(), builder };
        let given = |name: &str| request.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        if !given("user-agent") {
            fields.line("user-agent", constants.user_agent);
        }
        if !given("content-length") {
            fields.length(request, body);
        }
        let last_cookie = request.headers.iter().rposition(|(name, _)| name.eq_ignore_ascii_case("cookie"));
        for (at, (name, value)) in request.headers.iter().enumerate() {
            let nth =
                request.headers[..at].iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).count();
            let kind = kind_of(name, last_cookie == Some(at));
            let path = format!("{path}.headers.{}[{nth}]", name.to_ascii_lowercase());
            fields.field(kind, |builder| {
                builder.bytes(name.as_bytes()).bytes(b": ").template(value, Place::Header, &path);
                if !matches!(kind, Kind::Cookie { .. }) {
                    builder.bytes(b"\r\n");
                }
            });
        }
        if let Some(content_type) = content_type.filter(|_| !given("content-type")) {
            fields.field(Kind::Content, |builder| {
                builder.bytes(format!("content-type: {content_type}\r\n").as_bytes());
            });
        }
        if let Some(basic) = request.basic.as_ref().filter(|_| !given("authorization")) {
            fields.field(Kind::Basic, |builder| {
                builder.template(&basic.user, Place::Plain, &format!("{path}.basic.user")).bytes(b":");
                builder.template(&basic.password, Place::Plain, &format!("{path}.basic.password"));
            });
        }
        if last_cookie.is_none() {
            fields.field(Kind::Jar, |_| {});
        }
        if !request.connection_reuse {
            fields.line("connection", "close");
        }
        if constants.identify {
            fields.line("x-groundswell-node", constants.driver);
        }
        fields.finish()
    }

    /// Whether all attempts have the same fields, cookies of sessions apart.
    pub fn is_constant(&self) -> bool {
        self.0.iter().all(|field| field.text.as_constant_bytes().is_some())
    }

    /// Puts the fields and the empty line behind them into a text, as a request to the plan's own origin has them, and
    /// returns what came before the session's cookies; the rest is in the builder. `None`: they are not the same text
    /// every time, and something of them is in the builder.
    pub fn joined(&self, authority: &str, builder: &mut Builder<'_>) -> Option<Text> {
        if !self.0.iter().any(|field| field.kind == Kind::Host) {
            builder.bytes(b"host: ").bytes(authority.as_bytes()).bytes(b"\r\n");
        }
        let mut before = None;
        for Field { kind, text } in &self.0 {
            match kind {
                Kind::Plain | Kind::Host | Kind::Authorization | Kind::Content => {
                    builder.text(text);
                }
                Kind::Jar => before = Some(builder.finish()),
                Kind::Basic | Kind::Length(_) | Kind::Cookie { .. } => return None,
            }
        }
        builder.bytes(b"\r\n");
        before
    }

    /// Appends the fields and the empty line behind them. Returns where the digits of content-length end and how many
    /// have room, where they are to be put in.
    pub fn write(
        &self,
        sending: Sending<'_>,
        context: &Context<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Option<(usize, usize)>, RenderError> {
        let mut length = None;
        let has_own_host = self.0.iter().any(|field| field.kind == Kind::Host);
        if !has_own_host || !sending.to_own_origin {
            out.extend_from_slice(b"host: ");
            out.extend_from_slice(sending.origins.authority(sending.host).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
        for Field { kind, text } in &self.0 {
            match kind {
                Kind::Plain => text.write(context, out)?,
                Kind::Host | Kind::Authorization if !sending.to_own_origin => {}
                Kind::Host | Kind::Authorization => text.write(context, out)?,
                Kind::Content if !sending.has_body => {}
                Kind::Content => text.write(context, out)?,
                Kind::Basic if !sending.to_own_origin => {}
                Kind::Basic => {
                    out.extend_from_slice(b"authorization: Basic ");
                    let from = out.len();
                    text.write(context, out)?;
                    filters::base64(out, from)?;
                    out.extend_from_slice(b"\r\n");
                }
                Kind::Length(_) if !sending.has_body => {}
                Kind::Length(digits) => {
                    out.extend_from_slice(b"content-length: ");
                    out.resize(out.len() + digits, b' ');
                    length = Some((out.len(), *digits));
                    out.extend_from_slice(b"\r\n");
                }
                Kind::Cookie { last } if sending.to_own_origin => {
                    text.write(context, out)?;
                    if *last && !context.cookie.is_empty() {
                        out.extend_from_slice(b"; ");
                        cookies(context, out)?;
                    }
                    out.extend_from_slice(b"\r\n");
                }
                Kind::Cookie { last: false } => {}
                Kind::Cookie { last: true } | Kind::Jar => write_jar(context, out)?,
            }
        }
        out.extend_from_slice(b"\r\n");
        Ok(length)
    }
}

/// Appends the field with the session's cookies; nothing where there are none.
pub fn write_jar(context: &Context<'_>, out: &mut Vec<u8>) -> Result<(), RenderError> {
    if !context.cookie.is_empty() {
        out.extend_from_slice(b"cookie: ");
        cookies(context, out)?;
        out.extend_from_slice(b"\r\n");
    }
    Ok(())
}

/// Appends the session's cookies, which come from answers.
fn cookies(context: &Context<'_>, out: &mut Vec<u8>) -> Result<(), RenderError> {
    let from = out.len();
    out.extend_from_slice(context.cookie);
    Escape::Header.apply(out, from)
}

fn kind_of(name: &str, is_last_cookie: bool) -> Kind {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    if is("host") {
        Kind::Host
    } else if is("authorization") {
        Kind::Authorization
    } else if is("cookie") {
        Kind::Cookie { last: is_last_cookie }
    } else if ["content-type", "content-encoding", "content-language", "content-location"].into_iter().any(is)
    {
        Kind::Content
    } else {
        Kind::Plain
    }
}

/// Fields as they are put together; adjacent plain ones are one text.
struct Collected<'b, 'a> {
    fields: Vec<Field>,
    builder: &'b mut Builder<'a>,
}

impl Collected<'_, '_> {
    fn field(&mut self, kind: Kind, write: impl FnOnce(&mut Builder<'_>)) {
        if kind == Kind::Plain {
            return write(self.builder);
        }
        self.close();
        write(self.builder);
        self.fields.push(Field { kind, text: self.builder.finish() });
    }

    fn line(&mut self, name: &str, value: &str) {
        self.builder.bytes(format!("{name}: {value}\r\n").as_bytes());
    }

    fn length(&mut self, request: &NamedRequest, body: &Body) {
        let sent_when_empty =
            request.method.as_ref().is_none_or(|method| SEND_LENGTH.contains(&method.as_str()));
        let n_literal_bytes = match body {
            Body::Text(text) => match text.as_constant_bytes() {
                Some([]) if !sent_when_empty => return,
                Some(bytes) => {
                    let line = format!("content-length: {}\r\n", bytes.len());
                    return self.field(Kind::Content, |builder| {
                        builder.bytes(line.as_bytes());
                    });
                }
                None => text.n_literal_bytes(),
            },
            // The form itself is a variable.
            Body::Submit(submit) => submit.n_literal_bytes() + MAX_RENDERED,
        };
        let digits = (n_literal_bytes + MAX_RENDERED).to_string().len();
        self.field(Kind::Length(digits), |_| {});
    }

    fn close(&mut self) {
        let text = self.builder.finish();
        if text.n_parts() > 0 {
            self.fields.push(Field { kind: Kind::Plain, text });
        }
    }

    fn finish(mut self) -> Fields {
        self.close();
        Fields(self.fields.into_boxed_slice())
    }
}
