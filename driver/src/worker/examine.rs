//! Looks at whole answers for the sessions of a worker, without allocating: its own examiners, buffers for heads and
//! bodies, and the texts that checks expect.

use common::counters::ErrorKind;

use super::buffers::{Buffer, Buffers};
use super::seat::Seat;
use crate::engine::{Exchange, Outcome};
use crate::scenario::answer::{Answer, Examiner, Field};
use crate::scenario::numbers::{below, mix64, with_round};
use crate::scenario::render::SharedValues;
use crate::scenario::script::Script;
use crate::scenario::session::{Around, Attempt};

/// Values that an examiner draws have rounds that no repeat comes to.
const PICKED: u64 = 1 << 40;

/// What a worker looks at answers with.
#[derive(Debug)]
pub struct Bench {
    /// By request.
    examiners: Box<[Examiner]>,
    pub buffers: Buffers,
    /// The expected texts of one request, one after the other, and where each ends.
    expected: Vec<u8>,
    ends: Vec<Result<usize, ErrorKind>>,
    /// The values of `[shared]`, as they are now.
    pub shared: SharedValues,
}

impl Bench {
    /// For one of so many workers, with so many places.
    pub fn new(script: &Script, places: u32, workers: u32) -> Self {
        let expected = script.requests.iter().map(|request| request.expected.len()).max().unwrap_or(0);
        Self {
            examiners: script.requests.iter().map(|request| request.examiner.clone()).collect(),
            buffers: Buffers::new(places, workers),
            expected: Vec::new(),
            ends: Vec::with_capacity(expected),
            shared: SharedValues::default(),
        }
    }

    /// The first fault of a whole answer; `None`: it is as it should be, or its status alone says that it is not.
    pub fn examine(
        &mut self,
        script: &Script,
        seat: &mut Seat,
        attempt: &Attempt,
        exchange: &Exchange,
        unix_us: i64,
    ) -> Option<ErrorKind> {
        let (buffer, fault) = (seat.buffer.take(), seat.fault.take());
        let request = &script.requests[usize::from(attempt.request)];
        let found = match exchange.outcome {
            Outcome::Status(status) if fault.is_none() && request.examined && request.expects(status) => {
                let looked = self.look(script, seat, attempt, status, (buffer.as_ref(), unix_us));
                seat.kept(request, self.examiners[usize::from(attempt.request)].n_kept());
                looked.err()
            }
            Outcome::Status(_) => fault,
            Outcome::Failed(_) => None,
        };
        if let Some(buffer) = buffer {
            self.buffers.give_back(buffer);
        }
        found
    }

    fn look(
        &mut self,
        script: &Script,
        seat: &mut Seat,
        attempt: &Attempt,
        status: u16,
        (buffer, unix_us): (Option<&Buffer>, i64),
    ) -> Result<(), ErrorKind> {
        let Self { examiners, expected, ends, shared, .. } = self;
        // Before anything is kept: checks compare with what the session knew when it asked.
        expected.clear();
        ends.clear();
        for text in &script.requests[usize::from(attempt.request)].expected {
            let around = Around { unix_us, shared, place: attempt.place, ..Around::default() };
            let rendered = text.render(&mut seat.session.context(script, around), expected);
            // The request was sent and answered: a text that cannot even be written is one that the answer does not hold.
            ends.push(rendered.map(|()| expected.len()).map_err(|_| ErrorKind::Check));
        }
        let mut wanted = |i: usize, _: &_, out: &mut Vec<u8>| {
            let end = ends.get(i).copied().unwrap_or(Err(ErrorKind::Check))?;
            let before = i.checked_sub(1).and_then(|i| ends[..=i].iter().rev().find_map(|end| end.ok()));
            out.extend_from_slice(&expected[before.unwrap_or(0)..end]);
            Ok(())
        };
        let (g, mut round) = (seat.session.start().g, PICKED);
        let mut draw = |n: u32| {
            round += 1;
            let random = mix64(script.seed, g, with_round(attempt.place, round));
            u32::try_from(below(random, u64::from(n))).unwrap_or(0)
        };
        let (examiner, variables) = (&mut examiners[usize::from(attempt.request)], seat.session.variables());
        let mut examine = |fields: &[Field<'_>], body: &[u8]| {
            examiner.examine(&Answer { status, fields, body }, variables, &mut wanted, &mut draw)
        };
        match buffer {
            Some(buffer) => buffer.look(examine),
            None => examine(&[], &[]),
        }
    }
}
