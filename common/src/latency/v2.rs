//! Decodes a histogram's bytes with hdrhistogram's reader. That reader trusts the header: it reserves as much memory as
//! the header asks for, up to 4 GiB, and negates without a check. So the bytes are inflated here, within bounds, and
//! the header and the counts are checked first.

use std::cell::RefCell;
use std::io::Cursor;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Decompress, FlushDecompress, Status};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use super::{DIGITS, LatencyError, MAX_ENCODED_BYTES};

const COOKIE: u32 = 0x1c84_9303 | 0x10;
/// The cookie at the start of the bytes; the length of the deflated part follows.
pub(super) const COMPRESSED_COOKIE: u32 = 0x1c84_9304 | 0x10;
/// Cookie, length, offset, digits, low, high, ratio.
const HEADER_BYTES: usize = 4 + 4 + 4 + 4 + 8 + 8 + 8;
/// Most bytes after inflation: 30,000 counts of nine bytes are more than one of our bounds has.
const MAX_INFLATED_BYTES: usize = 512 * 1024;
/// Highest range accepted, µs. A histogram that grew to hold an hour has twice that range; its array is still small.
const MAX_HIGH_US: u64 = 1 << 34;
/// Most samples accepted, so that sums over any fleet fit in 64 bits.
const MAX_SAMPLES: u64 = 1 << 53;

/// How many bytes the buffer of what is inflated grows by at a time.
const MORE_BYTES: usize = 4 * 1024;

thread_local! {
    /// Made once a thread: an inflater is 50 kB, and takes longer to make than to inflate with.
    static INFLATER: RefCell<Inflater> = RefCell::new(Inflater::new());
}

/// Reads a V2-deflate histogram of our bounds.
pub(super) fn read(bytes: &[u8]) -> Result<Histogram<u64>, LatencyError> {
    INFLATER.with_borrow_mut(|inflater| {
        inflater.inflate(bytes)?;
        let plain = &inflater.plain;
        check_header(plain)?;
        each(&plain[HEADER_BYTES..], |_, _| Ok(()))?;
        let read = Deserializer::new().deserialize(&mut Cursor::new(plain));
        read.map_err(|error| format_error(&error.to_string()))
    })
}

/// Hands over the counts of a V2-deflate histogram of our bounds in base64, each with its place among the buckets, in order.
pub(super) fn each_count(
    text: &str,
    take: impl FnMut(u64, u64) -> Result<(), LatencyError>,
) -> Result<(), LatencyError> {
    if text.len() > MAX_ENCODED_BYTES {
        return Err(LatencyError::TooLong(text.len()));
    }
    INFLATER.with_borrow_mut(|inflater| {
        let mut bytes = std::mem::take(&mut inflater.bytes);
        bytes.clear();
        let decoded = STANDARD.decode_vec(text, &mut bytes).map_err(LatencyError::from);
        let inflated = decoded.and_then(|()| inflater.inflate(&bytes));
        inflater.bytes = bytes;
        inflated?;
        let plain = &inflater.plain;
        check_header(plain)?;
        each(&plain[HEADER_BYTES..], take)
    })
}

fn format_error(reason: &str) -> LatencyError {
    LatencyError::Format(reason.to_owned())
}

/// Inflates, and reuses its memory.
struct Inflater {
    zlib: Decompress,
    bytes: Vec<u8>,
    plain: Vec<u8>,
}

impl Inflater {
    fn new() -> Self {
        Self { zlib: Decompress::new(true), bytes: Vec::new(), plain: Vec::new() }
    }

    /// Inflates into `plain`.
    fn inflate(&mut self, bytes: &[u8]) -> Result<(), LatencyError> {
        let (head, deflated) = bytes.split_at_checked(8).ok_or_else(|| format_error("too short"))?;
        if number::<4>(head, 0) != u64::from(COMPRESSED_COOKIE) {
            return Err(format_error("the cookie is not that of V2-deflate"));
        }
        if number::<4>(head, 4) != deflated.len() as u64 {
            return Err(format_error("the length is not that of the content"));
        }
        self.plain.clear();
        self.zlib.reset(true);
        loop {
            if self.plain.len() == self.plain.capacity() {
                self.plain.reserve(MORE_BYTES);
            }
            let read = usize::try_from(self.zlib.total_in()).unwrap_or(deflated.len());
            let before = (self.zlib.total_in(), self.plain.len());
            let status = self.zlib.decompress_vec(&deflated[read..], &mut self.plain, FlushDecompress::None);
            if self.plain.len() > MAX_INFLATED_BYTES {
                self.plain = Vec::new();
                return Err(format_error("inflates to more than any of ours"));
            }
            match status {
                Ok(Status::StreamEnd) => return Ok(()),
                Ok(_) if before != (self.zlib.total_in(), self.plain.len()) => {}
                Ok(_) => return Err(format_error("the content ends too early")),
                Err(error) => return Err(format_error(&error.to_string())),
            }
        }
    }
}

/// A big-endian number of `N` bytes; past the end, zeros.
fn number<const N: usize>(bytes: &[u8], at: usize) -> u64 {
    (at..at + N).fold(0, |number, index| number << 8 | u64::from(bytes.get(index).copied().unwrap_or(0)))
}

fn check_header(plain: &[u8]) -> Result<(), LatencyError> {
    if plain.len() < HEADER_BYTES || number::<4>(plain, 0) != u64::from(COOKIE) {
        return Err(format_error("the inner header is not that of V2"));
    }
    if number::<4>(plain, 4) != (plain.len() - HEADER_BYTES) as u64 {
        return Err(format_error("the inner length is not that of the content"));
    }
    let (digits, low, high) = (number::<4>(plain, 12), number::<8>(plain, 16), number::<8>(plain, 24));
    if digits != u64::from(DIGITS) || low != 1 || high > MAX_HIGH_US {
        return Err(LatencyError::Bounds { low, high, digits: u8::try_from(digits).unwrap_or(u8::MAX) });
    }
    Ok(())
}

/// Walks the counts: zig-zag varints of up to nine bytes, negative ones for runs of zeros.
fn each(
    mut rest: &[u8],
    mut take: impl FnMut(u64, u64) -> Result<(), LatencyError>,
) -> Result<(), LatencyError> {
    let (mut samples, mut place) = (0_u64, 0_u64);
    while !rest.is_empty() {
        let (mut encoded, mut used) = (0_u64, 0);
        for (index, byte) in rest.iter().take(9).enumerate() {
            used = index + 1;
            let bits = if index == 8 { *byte } else { byte & 0x7f };
            encoded |= u64::from(bits) << (7 * index);
            if byte & 0x80 == 0 {
                break;
            }
        }
        rest = &rest[used..];
        let magnitude = encoded >> 1;
        match encoded & 1 {
            1 if magnitude > MAX_INFLATED_BYTES as u64 => return Err(format_error("more zeros than counts")),
            // Zig-zag: -n is 2n - 1.
            1 => place += magnitude + 1,
            _ => {
                samples = samples.saturating_add(magnitude);
                if samples > MAX_SAMPLES {
                    return Err(format_error("more samples than there can be"));
                }
                if magnitude > 0 {
                    take(place, magnitude)?;
                }
                place += 1;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use proptest::prelude::*;

    fn deflated(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(plain).unwrap();
        let content = encoder.finish().unwrap();
        [&COMPRESSED_COOKIE.to_be_bytes()[..], &(content.len() as u32).to_be_bytes(), &content].concat()
    }

    fn plain(claimed: u32, digits: u32, high: u64, counts: &[u8]) -> Vec<u8> {
        let words = [COOKIE, claimed, 0, digits].map(u32::to_be_bytes).concat();
        let longs = [1_u64.to_be_bytes(), high.to_be_bytes(), 1_f64.to_be_bytes()].concat();
        [words, longs, counts.to_vec()].concat()
    }

    #[test]
    fn what_the_bytes_claim_is_not_believed() {
        assert!(read(&deflated(&plain(2, 3, 10_000, &[1, 2]))).is_ok());
        for (caption, bytes) in [
            ("a claim of 4 GiB", deflated(&plain(u32::MAX, 3, 10_000, &[1, 2]))),
            ("other digits", deflated(&plain(0, 5, 10_000, &[]))),
            ("a range beyond an hour", deflated(&plain(0, 3, u64::MAX, &[]))),
            ("a negation that overflows", deflated(&plain(9, 3, 10_000, &[0xff; 9]))),
            ("a run of zeros past everything", deflated(&plain(4, 3, 10_000, &[0xff, 0xff, 0xff, 0x7f]))),
            (
                "more samples than there can be",
                deflated(&plain(9, 3, 10_000, &[0xfe, 255, 255, 255, 255, 255, 255, 255, 0x7f])),
            ),
            ("a bomb", deflated(&vec![0; 100 << 20])),
            ("not inflatable", [&deflated(&[])[..8], &[1, 2, 3]].concat()),
            ("nothing", Vec::new()),
        ] {
            assert!(read(&bytes).is_err(), "{caption}");
        }
    }

    proptest! {
        #[test]
        fn no_counts_make_it_panic(counts in prop::collection::vec(any::<u8>(), 0..60), high in 2..MAX_HIGH_US) {
            if let Ok(histogram) = read(&deflated(&plain(counts.len() as u32, 3, high, &counts))) {
                prop_assert!(histogram.len() <= MAX_SAMPLES);
            }
        }
    }
}
