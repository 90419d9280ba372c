//! Requests and texts, rendered from the plan's templates.
//!
//! What a test does not change (secrets, values of `setup`, the test's id) is put in once, when a template is compiled.
//! What remains is bytes that are copied and slots that are filled in for each attempt: without a hash, a lock or an
//! allocation, once the buffer has its size. A slot writes its value to the end of the buffer, and filters and escapes
//! change it there.
//!
//! Rendering is a pure function: the same [`Context`] gives the same bytes.

mod address;
mod body;
mod escape;
mod fields;
mod filters;
mod ids;
mod request;
mod submit;
mod target;
mod text;
mod time;
mod values;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::counters::ErrorKind;
use common::plan::program::Program;

pub use request::{Destination, Hop, RequestText};
pub use target::request_target;
pub use text::Text;

use super::files::Bodies;
use super::rows::Rows;
use super::variables::Variables;

/// Most bytes that the slots of a request add to what is written in the plan.
pub const MAX_RENDERED: usize = 512 * 1024;

/// The values of `[shared]` at one time, in the order of [`Constants::shared`]; `None` where there is none yet. Each change
/// makes another slice, so that a session reads one without a lock.
pub type SharedValues = Arc<[Option<Vec<u8>>]>;

/// What does not change while a test runs.
#[derive(Clone, Copy)]
pub struct Constants<'a> {
    pub program: &'a Program,
    /// By their index in the program.
    pub secrets: &'a [String],
    /// What `setup` extracted.
    pub setup: &'a BTreeMap<String, String>,
    /// The values of `[shared]` that templates may use: its key and the variable. [`Context::shared`] has their values in
    /// this order.
    pub shared: &'a [(String, String)],
    pub test_id: &'a str,
    /// This driver's node id.
    pub driver: &'a str,
    pub seed: u64,
    pub user_agent: &'a str,
    /// Whether `x-groundswell-node` is sent.
    pub identify: bool,
    /// The contents of files that do not travel in the plan.
    pub bodies: &'a Bodies,
}

/// What one rendering depends on.
pub struct Context<'a> {
    pub variables: &'a mut Variables,
    /// By their index in `Program::data`.
    pub rows: &'a [Rows],
    /// The session's row in each of them.
    pub row_of: &'a [Option<usize>],
    /// As they are now, in the order of [`Constants::shared`]; `None` where there is none yet.
    pub shared: &'a [Option<Vec<u8>>],
    /// The session's number.
    pub g: u64,
    /// How many sessions of its scenario came before.
    pub ordinal: u64,
    /// Another one for each rendering of the session that may hold `unique` or `uuid` (its `let`s included, each of which
    /// is a rendering of its own); the same one where the same request is rendered again.
    pub n_in_session: u32,
    /// The place of the step, with its rounds.
    pub place: u64,
    pub seed: u64,
    /// Now, in µs since 1970.
    pub unix_us: i64,
    /// What the session's cookies come to for this request, as in `a=1; b=2`; empty: nothing.
    pub cookie: &'a [u8],
    /// What addresses are resolved against: the host and the path (a query may follow) that gave the answer in which the
    /// address or form was found. `None`: the request's own host.
    pub answered_from: Option<(usize, &'a str)>,
}

/// Why nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A value does not fit where it stands.
    #[error("a value of the request cannot be written where it stands")]
    Template,
    /// The address is not one of a declared host.
    #[error("the address does not belong to a declared host")]
    Target,
}

impl From<RenderError> for ErrorKind {
    fn from(error: RenderError) -> Self {
        match error {
            RenderError::Template => Self::Template,
            RenderError::Target => Self::Target,
        }
    }
}

#[cfg(test)]
mod tests;
