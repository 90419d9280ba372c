//! The chunked transfer coding (RFC 9112, 7.1), byte by byte: where it ends, not what it holds.

use common::counters::ErrorKind;

/// Longest line of a chunk's size with its extensions, and longest trailer section; longer is `too_large`.
pub const MAX_LINE_BYTES: u32 = 16 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the size; whether a digit came.
    Size {
        digits: u8,
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
    /// Bytes of the line, or of the trailers.
    line: u32,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { state: State::Size { digits: 0 }, left: 0, line: 0 }
    }
}

impl Chunks {
    /// Takes the next bytes: whether the body is whole, and how many of them belong to it.
    ///
    /// # Errors
    /// `protocol` where these are no chunks, `too_large` where a line is too long.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(bool, usize), ErrorKind> {
        let mut at = 0;
        while at < bytes.len() && self.state != State::Done {
            if self.state == State::Data {
                let taken = (bytes.len() - at).min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left -= taken as u64;
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

    fn step(&mut self, byte: u8) -> Result<State, ErrorKind> {
        self.line += 1;
        if self.line > MAX_LINE_BYTES {
            return Err(ErrorKind::TooLarge);
        }
        match (self.state, byte) {
            (State::Size { digits }, byte) if byte.is_ascii_hexdigit() => {
                // 15 digits are more than any limit, and cannot overflow.
                if digits == 15 {
                    return Err(ErrorKind::TooLarge);
                }
                let value = (byte as char).to_digit(16).unwrap_or(0);
                self.left = self.left * 16 + u64::from(value);
                Ok(State::Size { digits: digits + 1 })
            }
            (State::Size { digits: 1.. }, b';' | b' ' | b'\t') => Ok(State::Extension),
            (State::Size { digits: 1.. } | State::Extension, b'\r') => Ok(State::SizeEnd),
            (State::Size { digits: 1.. } | State::Extension | State::SizeEnd, b'\n') => {
                self.line = 0;
                Ok(if self.left == 0 { State::TrailerStart } else { State::Data })
            }
            (State::Extension, _) => Ok(State::Extension),
            (State::DataReturn, b'\r') => Ok(State::DataEnd),
            (State::DataReturn | State::DataEnd, b'\n') => {
                *self = Self::default();
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
