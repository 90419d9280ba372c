//! One connection to the shop: what came of a request that is not whole yet, and what of its answers is not written.

use std::io::{ErrorKind, Write};

use super::Shop;
use super::request::Request;

/// What is between two reads or writes of a connection.
#[derive(Debug, Default)]
pub struct Talk {
    input: Vec<u8>,
    output: Vec<u8>,
    written: usize,
    /// The session of the last answer, until that is written.
    session: Option<u32>,
}

/// What a read brought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Came {
    pub requests: usize,
    /// Of them, first steps of sessions.
    pub firsts: usize,
}

impl Talk {
    /// Takes bytes that were read at `at_ns` and makes the answers to what is whole.
    ///
    /// # Errors
    /// Where the connection cannot be read any further.
    pub fn take(&mut self, bytes: &[u8], shop: &mut Shop, at_ns: u64) -> std::io::Result<Came> {
        self.input.extend_from_slice(bytes);
        let (mut came, mut from) = (Came::default(), 0);
        loop {
            match Request::read(&self.input[from..]) {
                Ok(Some((request, length))) => {
                    came.requests += 1;
                    let answered = shop.answer(&request, at_ns, &mut self.output);
                    came.firsts += usize::from(answered.is_some_and(|(_, first)| first));
                    self.session = answered.map(|(session, _)| session);
                    from += length;
                }
                Ok(None) => break,
                Err(what) => {
                    shop.wrong(what);
                    return Err(ErrorKind::InvalidData.into());
                }
            }
        }
        self.input.drain(..from);
        Ok(came)
    }

    /// Writes answers until all are written or the socket is full; whether all were.
    pub fn write(
        &mut self,
        to: &mut impl Write,
        shop: &mut Shop,
        now_ns: impl FnOnce() -> u64,
    ) -> std::io::Result<bool> {
        while self.written < self.output.len() {
            match to.write(&self.output[self.written..]) {
                Ok(n) => self.written += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        self.output.clear();
        self.written = 0;
        if let Some(session) = self.session.take() {
            shop.answered(session, now_ns());
        }
        Ok(true)
    }
}
