//! Whole requests: request line, fields and body.

use std::fmt;

use common::plan::program::{NamedRequest, Place, Program, Step};

use super::address::Origins;
use super::body::Body;
use super::fields::{Fields, Sending, write_jar};
use super::submit::Form;
use super::target::{Target, begin_query, put_slash};
use super::text::{Builder, Text};
use super::values::push_unsigned;
use super::{Constants, Context, RenderError};
use crate::scenario::variables::{Layout, Variables};

/// A request of the plan, ready to be rendered.
#[derive(Clone)]
pub struct RequestText {
    /// The whole of it, where all attempts of all sessions send the same.
    constant: Option<Box<[u8]>>,
    lets: Box<[(usize, Text)]>,
    /// `None`: that of the form.
    method: Option<Box<str>>,
    target: Target,
    fields: Fields,
    body: Body,
    origins: Origins,
    joined: Option<Joined>,
}

/// A whole request as two texts, before and behind the session's cookies, and its host. Most requests are: their address
/// is a path on a known host, and no part of them depends on another. To write one takes half the time that its parts
/// take one by one.
#[derive(Clone)]
struct Joined {
    host: usize,
    before: Text,
    after: Text,
}

/// Where a rendered request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destination {
    /// Index into `Program::hosts`.
    pub host: usize,
}

/// A redirect that is followed.
#[derive(Debug, Clone, Copy)]
pub struct Hop<'a> {
    /// The value of `location`, resolved against [`Context::answered_from`].
    pub location: &'a [u8],
    /// Whether it goes on as GET, without a body.
    pub as_get: bool,
    /// Where the first request went: what belongs to that origin (authorization, the plan's own cookies and host) is not
    /// sent to another.
    pub first_host: usize,
}

impl RequestText {
    /// Prepares a request of the constants' program.
    pub fn compile(request: &NamedRequest, constants: &Constants<'_>) -> Self {
        let path = format!("requests.{}", request.name);
        let mut builder = Builder::new(constants);
        let lets = request.lets.iter().map(|(variable, template)| {
            let name = constants.program.variables.get(*variable).map_or("", |variable| &variable.name);
            (*variable, builder.template(template, Place::Plain, &format!("{path}.let.{name}")).finish())
        });
        let lets = lets.collect();
        let target = Target::compile(&request.url, &path, constants.program, &mut builder);
        let (body, content_type) = Body::compile(request, &path, constants.seed, &mut builder);
        let fields =
            Fields::compile(request, &path, (&body, content_type.as_deref()), constants, &mut builder);
        let mut text = Self {
            constant: None,
            lets,
            method: request.method.as_deref().map(Into::into),
            target,
            fields,
            body,
            origins: Origins::new(&constants.program.hosts),
            joined: None,
        };
        text.joined = text.join(&mut builder);
        if text.has_no_slots() && !takes_cookies(constants.program, request) {
            let (mut bytes, mut variables) = (Vec::new(), Variables::new(&Layout::new(&[])));
            text.constant =
                text.write(&nothing(&mut variables), None, &mut bytes).ok().map(|_| bytes.into_boxed_slice());
        }
        text
    }

    /// The bytes of the whole request, where all attempts send the same: it has no slots, and no scenario with cookies
    /// sends it. Its host is the plan's.
    pub fn as_constant(&self) -> Option<&[u8]> {
        self.constant.as_deref()
    }

    /// Appends the whole request. Its `let`s are set first. Where it fails, `out` is as before.
    ///
    /// # Errors
    /// Where a value is missing or does not fit where it stands, or where the address belongs to no declared host.
    pub fn render(&self, context: &mut Context<'_>, out: &mut Vec<u8>) -> Result<Destination, RenderError> {
        let from = out.len();
        if let (Some(bytes), true, Target::Path { host, .. }) =
            (&self.constant, context.cookie.is_empty(), &self.target)
        {
            out.extend_from_slice(bytes);
            return Ok(Destination { host: *host });
        }
        let done = self.set_lets(context, out).and_then(|()| match self.write_joined(context, out) {
            Some(done) => Ok(done),
            None => self.write(context, None, out),
        });
        done.inspect_err(|_| out.truncate(from))
    }

    /// The same request, whose parts are written one by one.
    #[cfg(test)]
    pub fn in_parts(&self) -> Self {
        Self { joined: None, ..self.clone() }
    }

    /// The host that it goes to, where no value decides that.
    pub fn own_host(&self) -> Option<usize> {
        match &self.target {
            Target::Path { host, .. } => Some(*host),
            Target::Address { .. } | Target::Form => None,
        }
    }

    /// Joins the texts of a request whose parts are always written one behind the other.
    fn join(&self, builder: &mut Builder<'_>) -> Option<Joined> {
        let (Some(method), Body::Text(body)) = (&self.method, &self.body) else { return None };
        let Target::Path { host, path, may_lack_slash: None, query } = &self.target else { return None };
        // A value that is not escaped may hold the `?` that the query is to follow.
        if !path.is_escaped() {
            return None;
        }
        let between = match (path.has_literal(b'?'), path.last_literal()) {
            (false, _) => "?",
            (true, Some(b'?' | b'&')) => "",
            (true, Some(_)) => "&",
            // What stands before the query depends on whether this value is empty.
            (true, None) => return None,
        };
        builder.bytes(method.to_ascii_uppercase().as_bytes()).bytes(b" ").text(path);
        if query.n_parts() > 0 {
            builder.bytes(between.as_bytes()).text(query);
        }
        builder.bytes(b" HTTP/1.1\r\n");
        let before = self.fields.joined(self.origins.authority(*host), builder);
        builder.text(body);
        let after = builder.finish();
        Some(Joined { host: *host, before: before?, after })
    }

    /// Appends the whole request, where it is joined; `None` where it is not, or a value is missing or does not fit: then
    /// `out` is as before.
    fn write_joined(&self, context: &Context<'_>, out: &mut Vec<u8>) -> Option<Destination> {
        let Joined { host, before, after } = self.joined.as_ref()?;
        let from = out.len();
        let written = before
            .write(context, out)
            .and_then(|()| write_jar(context, out))
            .and_then(|()| after.write(context, out));
        written.inspect_err(|_| out.truncate(from)).ok().map(|()| Destination { host: *host })
    }

    /// Appends the request that follows a redirect. It is the same request but for its address, and, where it goes on as
    /// GET, for its method and body; `let`s keep their values, and with the same context so do all slots.
    ///
    /// # Errors
    /// As [`RequestText::render`].
    pub fn render_hop(
        &self,
        context: &mut Context<'_>,
        hop: &Hop<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Destination, RenderError> {
        let from = out.len();
        self.write(context, Some(hop), out).inspect_err(|_| out.truncate(from))
    }

    /// Appends only the target of the request line, path and query: which cookies go with the request depends on it. A
    /// rendering with the same context has the same target.
    ///
    /// # Errors
    /// As [`RequestText::render`].
    pub fn render_target(
        &self,
        context: &mut Context<'_>,
        hop: Option<&Hop<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<Destination, RenderError> {
        let from = out.len();
        let lets = if hop.is_none() { self.set_lets(context, out) } else { Ok(()) };
        let done = lets.and_then(|()| {
            let form = self.form(context)?;
            let in_query = is_in_query(self.method(hop, form));
            self.target(context, hop, (form, in_query), out)
        });
        done.map(|host| Destination { host }).inspect_err(|_| out.truncate(from))
    }

    fn set_lets(&self, context: &mut Context<'_>, out: &mut Vec<u8>) -> Result<(), RenderError> {
        for (variable, text) in &self.lets {
            let from = out.len();
            text.write(context, out)?;
            context.variables.set(*variable, &out[from..]).map_err(|_| RenderError::Template)?;
            out.truncate(from);
        }
        Ok(())
    }

    fn write(
        &self,
        context: &Context<'_>,
        hop: Option<&Hop<'_>>,
        out: &mut Vec<u8>,
    ) -> Result<Destination, RenderError> {
        let form = self.form(context)?;
        let method = self.method(hop, form);
        let in_query = is_in_query(method);
        let begin = out.len();
        out.extend_from_slice(method.as_bytes());
        out[begin..].make_ascii_uppercase();
        out.push(b' ');
        let host = self.target(context, hop, (form, in_query), out)?;
        out.extend_from_slice(b" HTTP/1.1\r\n");
        let is_text = matches!(self.body, Body::Text(_));
        let has_body = !hop.is_some_and(|hop| hop.as_get) && (is_text || !in_query);
        let sending = Sending {
            origins: &self.origins,
            host,
            to_own_origin: hop.is_none_or(|hop| self.origins.same(hop.first_host, host)),
            has_body,
        };
        let length = self.fields.write(sending, context, out)?;
        let body_at = out.len();
        match &self.body {
            _ if !has_body => {}
            Body::Text(text) => text.write(context, out)?,
            Body::Submit(submit) => submit.write(form.map_or(&[], |form| form.fields), context, out)?,
        }
        if let Some((end, digits)) = length {
            put_length(end, digits, out.len() - body_at, out)?;
        }
        Ok(Destination { host })
    }

    fn method<'a>(&'a self, hop: Option<&Hop<'_>>, form: Option<Form<'a>>) -> &'a str {
        let method = self.method.as_deref().or(form.map(|form| form.method)).unwrap_or("GET");
        let as_get = hop.is_some_and(|hop| hop.as_get) && method != "HEAD";
        if as_get { "GET" } else { method }
    }

    /// The form that is submitted, if one is.
    fn form<'a>(&self, context: &'a Context<'_>) -> Result<Option<Form<'a>>, RenderError> {
        let Body::Submit(submit) = &self.body else { return Ok(None) };
        let value = context.variables.get(submit.variable).ok_or(RenderError::Template)?;
        Form::read(value).map(Some)
    }

    /// Appends path and query; returns the host.
    fn target(
        &self,
        context: &Context<'_>,
        hop: Option<&Hop<'_>>,
        (form, in_query): (Option<Form<'_>>, bool),
        out: &mut Vec<u8>,
    ) -> Result<usize, RenderError> {
        let from = out.len();
        let base = |host: usize| match context.answered_from {
            Some((host, path)) => (host, Some(path)),
            None => (host, None),
        };
        if let Some(hop) = hop {
            out.extend_from_slice(hop.location);
            return self.origins.resolve(base(hop.first_host), out, from);
        }
        let host = match &self.target {
            Target::Path { host, path, may_lack_slash, query } => {
                path.write(context, out)?;
                if let Some(own_at) = may_lack_slash {
                    put_slash(from, from + own_at, out);
                }
                if query.n_parts() > 0 {
                    begin_query(from, out);
                    query.write(context, out)?;
                }
                *host
            }
            Target::Address { host, address } => {
                address.write(context, out)?;
                self.origins.resolve(base(*host), out, from)?
            }
            Target::Form => {
                out.extend_from_slice(form.ok_or(RenderError::Template)?.action);
                self.origins.resolve(base(0), out, from)?
            }
        };
        if let (Body::Submit(submit), Some(form), true) = (&self.body, form, in_query) {
            if matches!(self.target, Target::Form) {
                // As browsers do: the fields take the place of the action's query.
                let path_end = out[from..].iter().position(|byte| *byte == b'?');
                out.truncate(path_end.map_or(out.len(), |end| from + end));
            }
            let path_end = out.len();
            begin_query(from, out);
            let query_at = out.len();
            submit.write(form.fields, context, out)?;
            if out.len() == query_at {
                out.truncate(path_end);
            }
        }
        Ok(host)
    }

    fn has_no_slots(&self) -> bool {
        let constant = |text: &Text| text.as_constant_bytes().is_some();
        let target = match &self.target {
            Target::Path { path, query, .. } => constant(path) && constant(query),
            Target::Address { .. } | Target::Form => false,
        };
        let body = match &self.body {
            Body::Text(text) => constant(text),
            Body::Submit(_) => false,
        };
        target && body && self.lets.is_empty() && self.fields.is_constant() && self.method.is_some()
    }
}

impl fmt::Debug for RequestText {
    /// Without its bytes: secrets may stand in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestText")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("is_constant", &self.constant.is_some())
            .finish_non_exhaustive()
    }
}

/// Whether a form's fields are sent in the query.
fn is_in_query(method: &str) -> bool {
    method.eq_ignore_ascii_case("GET") || method.eq_ignore_ascii_case("HEAD")
}

/// Puts the body's length into the room before `end`: blanks may stand before the digits (RFC 9112, section 5).
fn put_length(end: usize, digits: usize, length: usize, out: &mut Vec<u8>) -> Result<(), RenderError> {
    let body_end = out.len();
    push_unsigned(length as u64, out);
    let needed = out.len() - body_end;
    if needed > digits {
        return Err(RenderError::Template);
    }
    out.copy_within(body_end.., end - needed);
    out.truncate(body_end);
    Ok(())
}

/// Whether a scenario with cookies sends a request.
fn takes_cookies(program: &Program, request: &NamedRequest) -> bool {
    let index = program.requests.iter().position(|other| other.name == request.name);
    let mut with_cookies = program.scenarios.iter().filter(|scenario| scenario.cookie_bytes.is_some());
    with_cookies.any(|scenario| scenario.steps.iter().any(|step| sends(step, index)))
}

fn sends(step: &Step, index: Option<usize>) -> bool {
    let any = |steps: &[Step]| steps.iter().any(|step| sends(step, index));
    match step {
        Step::Request { request, .. } | Step::Poll { request, .. } => Some(*request) == index,
        Step::Group { steps, .. } | Step::Flow { steps, .. } | Step::Repeat { steps, .. } => any(steps),
        Step::Choose(choices) => choices.iter().any(|choice| any(&choice.steps)),
        Step::When { steps, otherwise, .. } => any(steps) || any(otherwise),
        Step::Think(_) | Step::Draw { .. } => false,
    }
}

/// A context for what depends on none.
fn nothing(variables: &mut Variables) -> Context<'_> {
    Context {
        variables,
        rows: &[],
        row_of: &[],
        shared: &[],
        g: 0,
        ordinal: 0,
        n_in_session: 0,
        place: 0,
        seed: 0,
        unix_us: 0,
        cookie: &[],
        answered_from: None,
    }
}
