//! Receives the answer to an attempt of a tried session, and keeps of it what is shown.

use super::Trial;
use super::hidden::Hidden;
use super::seen::OwnField;
use crate::engine::{Ends, Exchange, Next, Outcome, Place};
use crate::scenario::answer::{Answer, Field};
use crate::scenario::script::Script;
use crate::scenario::session::Attempt;
use crate::start_at::Nanos;
use crate::worker::buffers::MAX_BODY;
use crate::worker::examine::Bench;
use crate::worker::seat::Seat;

/// What came of an answer so far.
#[derive(Default)]
pub(super) struct Came {
    pub fields: Vec<OwnField>,
    /// As far as it is looked at.
    pub body: Vec<u8>,
    pub bytes: usize,
    /// Whether a secret may stand in it that is not masked.
    pub may_hold_more: bool,
}

impl Came {
    /// Looks at it as the plan does.
    pub fn look<T>(&self, status: u16, look: impl FnOnce(&Answer<'_>) -> T) -> T {
        let fields: Vec<_> = self.fields.iter().map(|(name, value)| Field { name, value }).collect();
        look(&Answer { status, fields: &fields, body: &self.body })
    }

    /// Masks the secrets that stand in it, also where it is not what the plan expects, and notes whether there may be more.
    pub fn hide(&mut self, trial: &mut Trial, attempt: &Attempt, exchange: &Exchange) {
        let (true, Outcome::Status(status)) = (trial.shows, exchange.outcome) else { return };
        let request = &trial.program.requests[usize::from(attempt.request)];
        let hidden = self.look(status, |answer| Hidden::of(&trial.program, request, answer));
        hidden.values.iter().for_each(|value| trial.masks.add(value));
        self.may_hold_more = hidden.may_be_more;
    }
}

/// Gives the answer to the session, as a worker does, and keeps it.
pub(super) struct Listener<'a> {
    pub seat: &'a mut Seat,
    pub bench: &'a mut Bench,
    pub script: &'a Script,
    pub unix_us: i64,
    pub came: Came,
    pub end: Option<(Nanos, Exchange)>,
}

impl Ends for Listener<'_> {
    fn ended(&mut self, _: Place, at: Nanos, exchange: &Exchange) -> Next<'_> {
        self.end = Some((at, *exchange));
        Next::Rest
    }

    fn head(&mut self, _: Place, status: u16, fields: &[Field<'_>]) {
        self.seat.head(self.script, &mut self.bench.buffers, self.unix_us, status, fields);
        self.came.fields = fields.iter().map(|field| (field.name.to_vec(), field.value.to_vec())).collect();
    }

    fn body(&mut self, _: Place, bytes: &[u8]) {
        self.seat.body(bytes);
        self.came.bytes += bytes.len();
        let room = MAX_BODY.saturating_sub(self.came.body.len());
        self.came.body.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}
