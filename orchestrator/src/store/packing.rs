//! How a payload is kept in a row: deflated, or as it came where deflating does not make it shorter.
//!
//! Measured on the windows of two drivers that a target with jitter answered, a mean over each test:
//!
//! | | at 400/s each | at 3,000/s each |
//! |---|---|---|
//! | the record as it came | 3.5 kB | 9.0 kB |
//! | deflated at level 1 | 2.4 kB | 6.7 kB |
//! | deflated at level 9 | 2.4 kB | 6.5 kB |
//! | its histograms alone, without base64 | 1.7 kB | 5.8 kB |
//!
//! The histograms are deflated already: a second time undoes base64 and no more, and what is saved beyond that is the rest
//! of the record. Level 1 takes 0.1 to 0.3 ms a window, inflating 0.05 ms or less, where reading a window's histograms takes
//! ten times as long.

use std::io::Read as _;

use common::wire::MAX_RECORD_BYTES;
use flate2::read::ZlibDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};

const PLAIN: i64 = 0;
const DEFLATED: i64 = 1;

/// Packs payloads, and reuses its memory for each: a compressor is 300 kB.
pub struct Packer {
    deflate: Compress,
    packed: Vec<u8>,
}

impl Packer {
    /// A packer with empty buffers.
    pub fn new() -> Self {
        Self { deflate: Compress::new(Compression::fast(), true), packed: Vec::new() }
    }

    /// A payload as it is kept, and how: the columns `payload` and `packing`.
    pub fn pack<'a>(&'a mut self, payload: &'a [u8]) -> (&'a [u8], i64) {
        // Room for one byte less than the payload: what does not fit is not shorter, and is kept as it came.
        self.packed.clear();
        self.packed.reserve(payload.len());
        self.deflate.reset();
        match self.deflate.compress_vec(payload, &mut self.packed, FlushCompress::Finish) {
            Ok(Status::StreamEnd) if self.packed.len() < payload.len() => (&self.packed, DEFLATED),
            _ => (payload, PLAIN),
        }
    }
}

/// Why a payload cannot be unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// A later version wrote it, or it is damaged.
    #[error("its payload is kept in an unknown way: {0}")]
    Unknown(i64),
    #[error("its payload cannot be inflated: {0}")]
    Damaged(std::io::Error),
    /// Longer than any of its kind.
    #[error("its payload is longer than {0} bytes")]
    TooLong(usize),
}

/// The payload of a record that [`Packer::pack`] packed.
///
/// # Errors
/// See [`UnpackError`].
pub fn unpack(kept: Vec<u8>, packing: i64) -> Result<Vec<u8>, UnpackError> {
    unpack_at_most(kept, packing, MAX_RECORD_BYTES)
}

/// As [`unpack`], of something that has so many bytes at most.
///
/// # Errors
/// See [`UnpackError`].
pub fn unpack_at_most(kept: Vec<u8>, packing: i64, max_bytes: usize) -> Result<Vec<u8>, UnpackError> {
    match packing {
        PLAIN => Ok(kept),
        DEFLATED => {
            let mut payload = Vec::with_capacity(4 * kept.len());
            // One byte more than it may have shows that it is longer.
            let mut bounded = ZlibDecoder::new(&kept[..]).take(max_bytes as u64 + 1);
            bounded.read_to_end(&mut payload).map_err(UnpackError::Damaged)?;
            if payload.len() > max_bytes { Err(UnpackError::TooLong(max_bytes)) } else { Ok(payload) }
        }
        unknown => Err(UnpackError::Unknown(unknown)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_payload_is_unpacked_as_it_was_and_never_longer(
            payloads in prop::collection::vec(prop::collection::vec(prop_oneof![any::<u8>(), Just(b'x')], 0..2_000), 1..4),
        ) {
            let mut packer = Packer::new();
            for payload in payloads {
                let (kept, packing) = packer.pack(&payload);
                prop_assert!(kept.len() <= payload.len());
                prop_assert_eq!(unpack(kept.to_vec(), packing).unwrap(), payload);
            }
        }
    }

    #[test]
    fn what_cannot_be_unpacked_is_an_error() {
        let (kept, packing) = (b"no zlib".to_vec(), DEFLATED);
        assert!(matches!(unpack(kept, packing), Err(UnpackError::Damaged(_))));
        assert!(matches!(unpack(Vec::new(), 7), Err(UnpackError::Unknown(7))));
        let bomb = vec![0; MAX_RECORD_BYTES + 1];
        let mut packer = Packer::new();
        let (kept, packing) = packer.pack(&bomb);
        assert!(matches!(unpack(kept.to_vec(), packing), Err(UnpackError::TooLong(_))));
    }
}
