//! The chunked transfer coding (RFC 9112, 7.1), byte by byte: where it ends, and which of its bytes are data.

use common::counters::ErrorKind;

use super::wants::{WORTH_SKIPPING_BYTES, Wants};

/// Longest line of a chunk's size with its extensions, and longest trailer section; longer is `too_large`.
pub const MAX_LINE_BYTES: u32 = 16 << 10;

/// A chunk of this size or more is worth a read of its own, in which it is discarded, and a small one for the line
/// before it.
const LARGE_CHUNK_BYTES: u64 = 16 << 10;
/// What is read between two large chunks: the lines around a size, and no more of the data than is cheap to copy.
const BETWEEN_CHUNKS_BYTES: usize = 1 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the size; whether a digit came.
    Size {
        begun: bool,
    },
    /// After the size, up to the end of its line.
    Extension,
    /// After a carriage return: a line feed ends the line of the size.
    SizeEnd,
    Data,
    /// After the data: the end of its line.
    DataReturn,
    DataEnd,
    /// At the beginning of a line after the last chunk.
    TrailerStart,
    Trailer,
    /// After a carriage return that may end the whole.
    LastEnd,
    Done,
}

/// How far a chunked body is.
#[derive(Debug, Clone, Copy)]
pub struct Chunks {
    state: State,
    /// Of the chunk: what its size says, then what of its data is still to come.
    left: u64,
    /// The last chunk was large: the next one is likely to be so too.
    large: bool,
    /// Bytes of the line, or of the trailers.
    line: u32,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { state: State::Size { begun: false }, left: 0, large: false, line: 0 }
    }
}

impl Chunks {
    /// Takes the next bytes and passes the data among them on: whether the body is whole, and how many of them belong
    /// to it.
    ///
    /// # Errors
    /// `protocol` where the bytes are not chunks, `too_large` where a line is too long.
    pub fn take(&mut self, bytes: &[u8], pass: &mut impl FnMut(&[u8])) -> Result<(bool, usize), ErrorKind> {
        let mut at = 0;
        while at < bytes.len() && self.state != State::Done {
            if self.state == State::Data {
                let taken = (bytes.len() - at).min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left -= taken as u64;
                pass(&bytes[at..at + taken]);
                at += taken;
                if self.left == 0 {
                    self.state = State::DataReturn;
                }
            } else {
                self.state = self.step(bytes[at])?;
                at += 1;
            }
        }
        Ok((self.state == State::Done, at))
    }

    /// How the next bytes are best read.
    pub fn wants(&self) -> Wants {
        match self.state {
            State::Data if self.left >= WORTH_SKIPPING_BYTES => Wants::Skip(self.left),
            _ if self.large => Wants::Bytes(BETWEEN_CHUNKS_BYTES),
            _ => Wants::Bytes(usize::MAX),
        }
    }

    /// Counts data that was discarded; returns how much of it is the chunk's.
    pub fn skip(&mut self, n_bytes: u64) -> u64 {
        let taken = if self.state == State::Data { n_bytes.min(self.left) } else { 0 };
        self.left -= taken;
        if taken > 0 && self.left == 0 {
            self.state = State::DataReturn;
        }
        taken
    }

    fn step(&mut self, byte: u8) -> Result<State, ErrorKind> {
        self.line += 1;
        if self.line > MAX_LINE_BYTES {
            return Err(ErrorKind::TooLarge);
        }
        match (self.state, byte) {
            (State::Size { .. }, byte) if byte.is_ascii_hexdigit() => {
                // The value alone matters, not the number of its digits; that is bounded with the line.
                let digit = (byte as char).to_digit(16).unwrap_or(0);
                let times_16 = self.left.checked_mul(16).ok_or(ErrorKind::TooLarge)?;
                self.left = times_16 + u64::from(digit);
                Ok(State::Size { begun: true })
            }
            (State::Size { begun: true }, b';' | b' ' | b'\t') => Ok(State::Extension),
            (State::Size { begun: true } | State::Extension, b'\r') => Ok(State::SizeEnd),
            (State::Size { begun: true } | State::Extension | State::SizeEnd, b'\n') => {
                self.line = 0;
                self.large = self.left >= LARGE_CHUNK_BYTES;
                Ok(if self.left == 0 { State::TrailerStart } else { State::Data })
            }
            (State::Extension, _) => Ok(State::Extension),
            (State::DataReturn, b'\r') => Ok(State::DataEnd),
            (State::DataReturn | State::DataEnd, b'\n') => {
                *self = Self { large: self.large, ..Self::default() };
                Ok(self.state)
            }
            (State::TrailerStart, b'\r') => Ok(State::LastEnd),
            (State::TrailerStart | State::LastEnd, b'\n') => Ok(State::Done),
            (State::Trailer, b'\n') => Ok(State::TrailerStart),
            (State::TrailerStart | State::Trailer, _) => Ok(State::Trailer),
            _ => Err(ErrorKind::Protocol),
        }
    }
}
