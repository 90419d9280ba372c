//! `uuid` and `unique`: values that never come twice in a test, however many drivers make them.
//!
//! Each is a one-to-one image of (session, rendering, occurrence): below 2⁴⁰ sessions, 2²⁰ renderings in a session and
//! 2⁷ occurrences in a rendering, which is 67 bits. 13 characters of base 36 hold 67.2 bits, and a UUID 122. The image
//! is keyed by the test's id, so that two tests have the same value by chance alone. Beyond those bounds the attempt
//! fails: no value is better than one that comes twice.

use super::filters::lower_hex;
use crate::scenario::numbers::{place_of, scramble};

/// Most occurrences in one rendering.
pub const MAX_OCCURRENCES: u32 = 1 << 7;
const MAX_SESSIONS: u64 = 1 << 40;
const MAX_RENDERINGS: u32 = 1 << 20;

const UUID_CHARACTERS: usize = 36;
/// Where the digits of each byte of a UUID stand.
const UUID_PAIRS: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
/// Characters of `unique`.
const UNIQUE_CHARACTERS: usize = 13;

/// One occurrence of `uuid` or `unique` in a rendering.
#[derive(Debug, Clone, Copy)]
pub struct Unique {
    key: u64,
    occurrence: u32,
}

impl Unique {
    /// The occurrence in a test's rendering.
    pub fn new(test_id: &str, occurrence: u32) -> Self {
        Self { key: place_of(test_id), occurrence }
    }

    /// 13 of `0-9a-z`.
    pub fn write_unique(self, g: u64, n_in_session: u32, out: &mut Vec<u8>) -> Option<()> {
        let (low, high) = self.image(g, n_in_session)?;
        let mut rest = u128::from(high) << 64 | u128::from(low);
        let mut characters = [b'0'; UNIQUE_CHARACTERS];
        for character in characters.iter_mut().rev() {
            *character = base_36((rest % 36) as u8);
            rest /= 36;
        }
        out.extend(characters);
        Some(())
    }

    /// A UUID of version 4's form.
    pub fn write_uuid(self, g: u64, n_in_session: u32, out: &mut Vec<u8>) -> Option<()> {
        let (image, high) = self.image(g, n_in_session)?;
        // Both follow from `image`, and so does the mask over the three high bits: they can be read back.
        let more = scramble(image.wrapping_add(self.key));
        let masked = u64::from(high) ^ (more >> 61);
        // 60 bits of the image beside the version, the last 4 of it in the second half.
        let first = (image >> 16) << 16 | 0x4000 | (image >> 4 & 0x0FFF);
        let second = 1 << 63 | (image & 15) << 58 | masked << 55 | (more & ((1 << 55) - 1));
        let mut text = [b'-'; UUID_CHARACTERS];
        let bytes = first.to_be_bytes().into_iter().chain(second.to_be_bytes());
        for (byte, at) in bytes.zip(UUID_PAIRS) {
            text[at..at + 2].copy_from_slice(&lower_hex(byte));
        }
        out.extend_from_slice(&text);
        Some(())
    }

    /// 64 scrambled bits, and 3 more.
    fn image(self, g: u64, n_in_session: u32) -> Option<(u64, u8)> {
        let bounds = g < MAX_SESSIONS && n_in_session < MAX_RENDERINGS && self.occurrence < MAX_OCCURRENCES;
        if !bounds {
            return None;
        }
        let x = g << 24 | u64::from(n_in_session) << 4 | u64::from(self.occurrence & 15);
        let image = scramble(scramble(x ^ self.key).wrapping_add(scramble(self.key)));
        Some((image, (self.occurrence >> 4) as u8))
    }
}

/// A digit of base 36.
pub const fn base_36(digit: u8) -> u8 {
    if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn both(test_id: &str, (g, n, occurrence): (u64, u32, u32)) -> Option<(String, String)> {
        let unique = Unique::new(test_id, occurrence);
        let text = |write: &dyn Fn(&mut Vec<u8>) -> Option<()>| {
            let mut out = Vec::new();
            write(&mut out).map(|()| String::from_utf8(out).unwrap())
        };
        Some((text(&|out| unique.write_unique(g, n, out))?, text(&|out| unique.write_uuid(g, n, out))?))
    }

    #[test]
    fn they_have_their_forms() {
        let (unique, uuid) = both("t1", (0, 0, 0)).unwrap();
        assert!(unique.len() == 13 && unique.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()));
        let parsed = uuid::Uuid::parse_str(&uuid).unwrap();
        assert_eq!(parsed.hyphenated().to_string(), uuid);
        assert_eq!((parsed.get_version_num(), parsed.get_variant()), (4, uuid::Variant::RFC4122));
        assert_ne!(both("t1", (0, 0, 0)), both("t2", (0, 0, 0)), "each test has its own");
    }

    #[test]
    fn none_comes_twice() {
        let (mut uniques, mut uuids) = (HashSet::new(), HashSet::new());
        let near = (0..40).flat_map(|g| (0..20).flat_map(move |n| (0..128).map(move |o| (g, n, o))));
        let far = (0..40_u64).flat_map(|g| {
            (0..20_u32).map(move |n| (MAX_SESSIONS - 1 - g * g * 977, MAX_RENDERINGS - 1 - n * 31, n))
        });
        for of in near.chain(far) {
            let (unique, uuid) = both("t1", of).unwrap();
            assert!(uniques.insert(unique) && uuids.insert(uuid), "{of:?}");
        }
    }

    #[test]
    fn beyond_its_bounds_there_is_none() {
        assert!(both("t", (MAX_SESSIONS - 1, MAX_RENDERINGS - 1, MAX_OCCURRENCES - 1)).is_some());
        assert_eq!(both("t", (MAX_SESSIONS, 0, 0)), None);
        assert_eq!(both("t", (0, MAX_RENDERINGS, 0)), None);
        assert_eq!(both("t", (0, 0, MAX_OCCURRENCES)), None);
    }

    proptest! {
        #[test]
        fn two_that_differ_have_different_values(
            a in (0..MAX_SESSIONS, 0..MAX_RENDERINGS, 0..MAX_OCCURRENCES),
            b in (0..MAX_SESSIONS, 0..MAX_RENDERINGS, 0..MAX_OCCURRENCES),
            bit in 0_u32..40,
        ) {
            for b in [b, (a.0 ^ 1 << bit, a.1, a.2), (a.0, a.1 ^ 1 << (bit % 20), a.2), (a.0, a.1, a.2 ^ 1 << (bit % 7))] {
                prop_assume!(a != b);
                let (first, second) = (both("t", a).unwrap(), both("t", b).unwrap());
                prop_assert!(first.0 != second.0 && first.1 != second.1);
            }
        }
    }
}
