//! What an engine is made with, and what it is given for one attempt: requests that it prepares, and requests that a
//! session rendered.

use common::plan::program::NamedRequest;
use common::plan::{EngineChoice, Request};

use super::RequestIndex;

/// Longest body that a session looks at: [`RequestSpec::max_body`] of a request that checks or extracts.
pub const MAX_WANTED_BODY_BYTES: u32 = 256 << 10;

/// A request for an engine to prepare.
#[derive(Debug, Clone, Copy)]
pub struct RequestSpec<'a> {
    /// As the plan describes it. Where it is only sent rendered, or as [`RequestSpec::bytes`], its timeout and
    /// `connection_reuse` alone matter (see [`outline`]).
    pub request: &'a Request,
    /// A whole HTTP/1.1 request, head and body, that [`Engine::begin`](super::Engine::begin) sends instead of what the
    /// engine would encode: a rendered request that is the same at every attempt.
    pub bytes: Option<&'a [u8]>,
    /// Where [`Engine::begin`](super::Engine::begin) sends it: an index into
    /// [`DriverTest::hosts`](crate::driver_test::DriverTest::hosts). A rendered request has its own.
    pub host: u16,
    /// Whether the heads of its answers go to [`Ends::head`](super::Ends::head).
    pub wants_head: bool,
    /// Whether the bodies of its answers go to [`Ends::body`](super::Ends::body). If not, they are counted and
    /// discarded, which costs less.
    pub wants_body: bool,
    /// Most bytes of a body that is wanted: an answer with a longer one fails as `too_large`, and the rest is not read.
    /// `None`: any number.
    pub max_body: Option<u32>,
}

impl<'a> RequestSpec<'a> {
    /// One to the first host, of whose answers nothing is wanted.
    pub fn plain(request: &'a Request) -> Self {
        Self { request, bytes: None, host: 0, wants_head: false, wants_body: false, max_body: None }
    }
}

/// What an engine has to know of a request of a program, whose bytes are rendered: its method, its timeout, and whether
/// it is sent on kept connections.
pub fn outline(request: &NamedRequest) -> Request {
    Request {
        method: request.method.clone().unwrap_or_else(|| "GET".to_owned()),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: request.timeout,
        expect_status: request.expect_status.clone(),
        engine: EngineChoice::Auto,
        identify: false,
        connection_reuse: request.connection_reuse,
    }
}

/// A request that was rendered for one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// Which request of the plan it is: its timeout, whether it is sent on kept connections, and what of its answer is
    /// wanted.
    pub request: RequestIndex,
    /// Where it goes: an index into [`DriverTest::hosts`](crate::driver_test::DriverTest::hosts).
    pub host: u16,
    /// The slot of the session or user whose own connection it goes over; `None`: one of those that the worker's
    /// attempts share. A slot has a connection of its own for each host.
    pub own_connection: Option<u32>,
    /// A whole HTTP/1.1 request, head and body. Whether it is a HEAD is read from them.
    pub bytes: &'a [u8],
}

/// Whether these bytes of a request begin one with the method HEAD.
pub(super) fn is_head(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HEAD ")
}
