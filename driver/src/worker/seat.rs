//! A place with its session, and what one attempt of it needs: how it is rendered, with which cookies, where it went, and
//! what is kept of its answer until that is whole.

use common::counters::ErrorKind;
use common::plan::program::Connections;

use super::buffers::{Buffer, Buffers};
use super::recorder::Due;
use crate::engine::{Exchange, MAX_LOCATION, Outcome};
use crate::scenario::answer::Field;
use crate::scenario::cookies::CookieJar;
use crate::scenario::render::{Hop, SharedValues, request_target};
use crate::scenario::script::{Script, Sendable};
use crate::scenario::session::{Around, Attempt, Session};
use crate::start_at::Nanos;

/// A place with its session.
#[derive(Debug)]
pub struct Seat {
    pub session: Session,
    /// Whether it has one.
    pub under_way: bool,
    /// The attempt that is in flight, or the redirect that follows it.
    pub attempt: Option<Attempt>,
    /// A redirect that is to be followed: whether it goes on as GET.
    pub hop: Option<bool>,
    /// How many were followed.
    hops: u8,
    /// What failed in the attempt although an answer comes: a cookie that did not fit, no buffer.
    pub fault: Option<ErrorKind>,
    /// What is kept of its answer; only where it is looked at.
    pub buffer: Option<Buffer>,
    jar: Option<CookieJar>,
    /// Where the attempt went: host, path and query.
    host: usize,
    target: String,
    /// Where the first attempt of the step went, and whether it was a POST.
    first_host: usize,
    is_post: bool,
    /// Whether a redirect made it go on as GET: then all redirects after that do.
    is_get: bool,
    /// By address of the script, where it was found: what it is resolved against.
    found: Box<[Found]>,
    /// Where a redirect points.
    location: Vec<u8>,
}

/// Where an address was found.
#[derive(Debug, Clone, Default)]
struct Found {
    /// The host that answered; `None`: this session has not found it.
    host: Option<usize>,
    /// Path and query.
    target: String,
}

/// Buffers that requests are rendered into, and the time.
#[derive(Debug, Default)]
pub struct Paper {
    /// The request.
    pub out: Vec<u8>,
    cookie: Vec<u8>,
    pub unix_us: i64,
    /// The values of `[shared]`, as they are now.
    pub shared: SharedValues,
}

impl Seat {
    /// A free place. `jar`: room for cookies.
    pub fn new(script: &Script, jar: Option<usize>) -> Self {
        Self {
            session: Session::new(script),
            under_way: false,
            attempt: None,
            hop: None,
            hops: 0,
            fault: None,
            buffer: None,
            jar: jar.map(CookieJar::new),
            host: 0,
            target: String::new(),
            first_host: 0,
            is_post: false,
            is_get: false,
            found: vec![Found::default(); script.n_addresses].into(),
            location: Vec::new(),
        }
    }

    /// Forgets the session before.
    pub fn clear(&mut self) {
        (self.attempt, self.hop) = (None, None);
        self.found.iter_mut().for_each(|found| found.host = None);
        if let Some(jar) = &mut self.jar {
            jar.clear();
        }
    }

    /// Whether its attempts go over connections of its own.
    pub fn has_own_connections(&self, script: &Script) -> bool {
        self.session.track(script).connections != Connections::Shared
    }

    /// Whether the engine's prepared request is what an attempt sends; if so, notes where it goes.
    pub fn is_prepared(&mut self, script: &Script, request: &Sendable) -> bool {
        let track = self.session.track(script);
        let prepared = request.constant
            && track.connections == Connections::Shared
            && track.cookie_bytes.is_none()
            && self.session.unrendered().is_none();
        if prepared && request.is_traced() {
            let bytes = request.text.as_constant().unwrap_or_default();
            self.goes(usize::from(request.host), bytes);
        }
        prepared
    }

    /// Renders an attempt, or the redirect that follows it, into `paper.out`; returns the host that it goes to.
    ///
    /// # Errors
    /// Where it must not be sent: `template` or `target`.
    pub fn render(
        &mut self,
        script: &Script,
        attempt: &Attempt,
        paper: &mut Paper,
    ) -> Result<u16, ErrorKind> {
        let Paper { out, cookie, unix_us, shared } = paper;
        out.clear();
        cookie.clear();
        let request = &script.requests[usize::from(attempt.request)];
        let takes_cookies = self.session.track(script).cookie_bytes.is_some();
        let Self { session, jar, hop, host, target, found, location, first_host, .. } = self;
        if let Some(kind) = session.unrendered() {
            return Err(kind);
        }
        let hop = hop.map(|as_get| Hop { location, as_get, first_host: *first_host });
        let answered_from = match hop {
            Some(_) => Some((*host, target.as_str())),
            None => request.sent_to.iter().find_map(|at| found[*at].base()),
        };
        let place = attempt.place;
        let around = Around { unix_us: *unix_us, place, shared, cookie: &[], answered_from };
        if let Some(jar) = jar.as_ref().filter(|jar| takes_cookies && !jar.is_empty()) {
            let own_host = request.text.own_host().filter(|_| hop.is_none() && jar.ignores_paths());
            let host = match own_host {
                Some(host) => host,
                None => {
                    // Which cookies go with it depends on host and path, and these are rendered.
                    let context = &mut session.context(script, around);
                    request.text.render_target(context, hop.as_ref(), out)?.host
                }
            };
            let url = &script.hosts[host];
            let (name, secure) = (url.host_str().unwrap_or_default(), url.scheme() == "https");
            let path = if out.is_empty() { "/" } else { path_of(std::str::from_utf8(out).unwrap_or("/")) };
            jar.header(name, path, secure, unix_us.div_euclid(1_000_000), cookie);
            out.clear();
        }
        let mut context = session.context(script, Around { cookie, ..around });
        let to = match &hop {
            Some(hop) => request.text.render_hop(&mut context, hop, out)?,
            None => request.text.render(&mut context, out)?,
        };
        if hop.is_none() {
            self.hops = 0;
        }
        if request.is_traced() || takes_cookies {
            self.goes(to.host, out);
        }
        Ok(u16::try_from(to.host).unwrap_or(0))
    }

    /// Notes where a request goes.
    fn goes(&mut self, host: usize, request: &[u8]) {
        if self.hop.is_none() {
            self.hops = 0;
            self.first_host = host;
            self.is_post = request.starts_with(b"POST ");
            self.is_get = false;
        }
        self.host = host;
        self.target.clear();
        self.target.push_str(request_target(request));
    }

    /// An attempt begins: forgets what came with the answer before, also where that did not become whole.
    pub fn expects_answer(&mut self) {
        self.fault = None;
        self.location.clear();
    }

    /// The head of its answer: keeps cookies, and what is looked at later.
    pub fn head(
        &mut self,
        script: &Script,
        buffers: &mut Buffers,
        unix_us: i64,
        status: u16,
        fields: &[Field<'_>],
    ) {
        let Some(attempt) = &self.attempt else { return };
        let request = &script.requests[usize::from(attempt.request)];
        let takes_cookies = self.session.track(script).cookie_bytes.is_some();
        if let Some(jar) = self.jar.as_mut().filter(|_| takes_cookies) {
            let host = script.hosts[self.host].host_str().unwrap_or_default();
            let path = path_of(&self.target);
            for field in fields.iter().filter(|field| field.name.eq_ignore_ascii_case(b"set-cookie")) {
                if jar.take(field.value, host, path, unix_us.div_euclid(1_000_000)).is_err() {
                    self.fault = Some(ErrorKind::TooLarge);
                }
            }
        }
        self.location.clear();
        if self.hops < request.follow && is_redirect(status) {
            let location = fields.iter().find(|field| field.name.eq_ignore_ascii_case(b"location"));
            if let Some(location) = location.filter(|field| field.value.len() <= MAX_LOCATION) {
                self.location.extend_from_slice(location.value);
                return;
            }
        }
        if request.examined && request.expects(status) {
            match buffers.take() {
                Ok(mut buffer) => {
                    if request.examiner.needs_fields() {
                        fields.iter().for_each(|field| buffer.field(field));
                    }
                    self.buffer = Some(buffer);
                }
                Err(kind) => drop(self.fault.get_or_insert(kind)),
            }
        }
    }

    /// The next bytes of the body of its answer.
    pub fn body(&mut self, bytes: &[u8]) {
        if let Some(buffer) = &mut self.buffer
            && let Err(kind) = buffer.body(bytes)
        {
            self.fault.get_or_insert(kind);
        }
    }

    /// Whether the answer is a redirect that is followed; then the place is ready for the next attempt, that is due at
    /// once.
    pub fn follows(&mut self, exchange: &Exchange, attempt: &Attempt, at: Nanos) -> bool {
        let Outcome::Status(status) = exchange.outcome else { return false };
        if self.location.is_empty() || !is_redirect(status) || self.fault.is_some() {
            return false;
        }
        self.is_get |= status == 303 || (matches!(status, 301 | 302) && self.is_post);
        self.hop = Some(self.is_get);
        self.hops += 1;
        // In the warm-up or not, as the attempt before it: what was sent under one name ends under the other.
        self.attempt = Some(Attempt { due: at, held: 0, ..*attempt });
        true
    }

    /// So many of a request's extracts, from the first on, were kept of its answer: notes where the addresses among them
    /// were found.
    pub fn kept(&mut self, request: &Sendable, n_extracts: usize) {
        for gives in request.gives.iter().filter(|gives| gives.extract < n_extracts) {
            let found = &mut self.found[gives.address];
            found.host = Some(self.host);
            found.target.clear();
            found.target.push_str(&self.target);
        }
    }
}

impl Found {
    fn base(&self) -> Option<(usize, &str)> {
        self.host.map(|host| (host, self.target.as_str()))
    }
}

impl Sendable {
    /// Whether it matters later where it went.
    fn is_traced(&self) -> bool {
        !self.gives.is_empty() || self.follow > 0
    }
}

fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

fn path_of(target: &str) -> &str {
    target.split(['?', '#']).next().unwrap_or("/")
}

/// What an attempt counts as.
pub fn due(attempt: &Attempt) -> Due {
    Due { request: attempt.counted, at: attempt.due, held: attempt.held, warmup: attempt.warmup }
}
