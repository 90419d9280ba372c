//! The name of a data file: the SHA-256 of its content. A plan writes it as `sha256:` and 64 lower-case hex digits.

use std::fmt;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// What a plan writes before the digits.
const SCHEME: &str = "sha256:";

/// The SHA-256 of a file's content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileHash([u8; 32]);

impl FileHash {
    /// Reads 64 lower-case hex digits, and nothing else: the text becomes a file's name at the orchestrator.
    pub fn parse(digits: &str) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let pairs = digits.as_bytes();
        if pairs.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(pairs.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// Whether a text of a plan names a file by its hash rather than by a path.
    pub fn is_named(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// Reads the name as a plan writes it.
    ///
    /// # Errors
    /// The reason.
    pub fn of_plan(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix(SCHEME).and_then(Self::parse);
        digits.ok_or_else(|| format!("is not {SCHEME} and 64 digits of 0-9 and a-f"))
    }

    /// The name as a plan writes it.
    pub fn in_plan(&self) -> String {
        format!("{SCHEME}{self}")
    }

    /// The hash of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hashing = Hashing::default();
        hashing.update(bytes);
        hashing.finish()
    }
}

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_plan())
    }
}

/// Hashes content as it comes.
#[derive(Debug, Clone, Default)]
pub struct Hashing(Sha256);

impl Hashing {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes taken.
    pub fn finish(self) -> FileHash {
        FileHash(self.0.finalize().into())
    }
}

/// Hashes and counts what is read through it.
#[derive(Debug)]
pub struct HashingReader<R> {
    inner: R,
    hashing: Hashing,
}

impl<R: Read> HashingReader<R> {
    /// Reads from `inner`.
    pub fn new(inner: R) -> Self {
        Self { inner, hashing: Hashing::default() }
    }

    /// Reads what is left, and returns the hash of the whole.
    ///
    /// # Errors
    /// Where `inner` cannot be read.
    pub fn finish(mut self) -> io::Result<FileHash> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(self.hashing.finish())
    }
}

impl<R: Read> Read for HashingReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(into)?;
        self.hashing.update(&into[..n]);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_hash_is_read_as_it_is_written_and_nothing_else_is() {
        let empty = FileHash::of(b"");
        assert_eq!((empty.to_string().as_str(), FileHash::parse(EMPTY)), (EMPTY, Some(empty)));
        assert_eq!(FileHash::of_plan(&empty.in_plan()), Ok(empty));
        let long = format!("{EMPTY}0");
        for wrong in [
            "",
            "..",
            "../../etc/passwd",
            &EMPTY[1..],
            &long,
            &EMPTY.to_uppercase(),
            &EMPTY.replace('e', "é"),
        ] {
            assert_eq!(FileHash::parse(wrong), None, "{wrong}");
            assert!(FileHash::of_plan(&format!("sha256:{wrong}")).is_err(), "{wrong}");
        }
        assert!(FileHash::of_plan(EMPTY).is_err());
    }

    #[test]
    fn what_is_read_through_a_reader_is_hashed_to_its_end() {
        let bytes = vec![7; 100_000];
        let mut reader = HashingReader::new(bytes.as_slice());
        reader.read_exact(&mut [0; 10]).unwrap();
        assert_eq!(reader.finish().unwrap(), FileHash::of(&bytes));
    }
}
