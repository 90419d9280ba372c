//! Room for the answers that sessions look at: so many at a time, known before the start.

use common::counters::ErrorKind;

use crate::scenario::answer::Field;

/// Longest body that is looked at.
pub const MAX_BODY: usize = 256 * 1024;
/// Room for all bodies of a driver.
const ROOM: usize = 64 * 1024 * 1024;
/// Most fields of a head that are looked at; those after them are not.
const MAX_FIELDS: usize = 128;

/// What is kept of one answer until it is whole.
#[derive(Debug, Default)]
pub struct Buffer {
    head: Vec<u8>,
    /// Lengths of names and values, as they stand in `head` one after the other.
    fields: Vec<(usize, usize)>,
    body: Vec<u8>,
}

/// The buffers that are not in use. A buffer grows as answers need it and keeps its size, so that after the first answers
/// nothing is allocated.
#[derive(Debug)]
pub struct Buffers {
    free: Vec<Buffer>,
}

impl Buffers {
    /// As many as one of so many workers may fill, and no more than it has places.
    pub fn new(places: u32, workers: u32) -> Self {
        let most = ROOM / MAX_BODY / workers.max(1) as usize;
        let n = most.max(1).min(places as usize);
        Self { free: (0..n).map(|_| Buffer::default()).collect() }
    }

    /// One that is free.
    ///
    /// # Errors
    /// All are in use: `local_limit`.
    pub fn take(&mut self) -> Result<Buffer, ErrorKind> {
        self.free.pop().ok_or(ErrorKind::LocalLimit)
    }

    /// Takes one back.
    pub fn give_back(&mut self, mut buffer: Buffer) {
        buffer.head.clear();
        buffer.fields.clear();
        buffer.body.clear();
        self.free.push(buffer);
    }
}

impl Buffer {
    /// Keeps a field.
    pub fn field(&mut self, field: &Field<'_>) {
        if self.fields.len() < MAX_FIELDS {
            self.head.extend_from_slice(field.name);
            self.head.extend_from_slice(field.value);
            self.fields.push((field.name.len(), field.value.len()));
        }
    }

    /// Keeps the next bytes of the body.
    ///
    /// # Errors
    /// It is longer than [`MAX_BODY`]: `too_large`.
    pub fn body(&mut self, bytes: &[u8]) -> Result<(), ErrorKind> {
        if self.body.len() + bytes.len() > MAX_BODY {
            return Err(ErrorKind::TooLarge);
        }
        self.body.extend_from_slice(bytes);
        Ok(())
    }

    /// Shows the fields and the body that were kept.
    pub fn look<T>(&self, look: impl FnOnce(&[Field<'_>], &[u8]) -> T) -> T {
        if self.fields.is_empty() {
            return look(&[], &self.body);
        }
        let mut fields = [Field { name: &[], value: &[] }; MAX_FIELDS];
        let mut rest = self.head.as_slice();
        for (field, (name, value)) in fields.iter_mut().zip(&self.fields) {
            let (its_name, after) = rest.split_at(*name);
            let (its_value, after) = after.split_at(*value);
            *field = Field { name: its_name, value: its_value };
            rest = after;
        }
        look(&fields[..self.fields.len()], &self.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_until_its_buffer_is_given_back_and_there_are_so_many() {
        let mut buffers = Buffers::new(2, 1);
        let mut first = buffers.take().unwrap();
        let _second = buffers.take().unwrap();
        assert_eq!(buffers.take().unwrap_err(), ErrorKind::LocalLimit);
        first.field(&Field { name: b"a", value: b"bc" });
        first.field(&Field { name: b"", value: b"d" });
        assert_eq!((first.body(b"x"), first.body(b"y")), (Ok(()), Ok(())));
        assert_eq!(first.body(&[0; MAX_BODY]), Err(ErrorKind::TooLarge));
        first.look(|fields, body| {
            let seen: Vec<_> = fields.iter().map(|field| (field.name, field.value)).collect();
            assert_eq!(seen, [(&b"a"[..], &b"bc"[..]), (b"", b"d")]);
            assert_eq!(body, b"xy");
        });
        buffers.give_back(first);
        buffers.take().unwrap().look(|fields, body| assert!(fields.is_empty() && body.is_empty()));
        assert_eq!(Buffers::new(100_000, 4).free.len(), 64, "64 MiB over 4 workers");
    }
}
