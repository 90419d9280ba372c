//! Histograms to be kept and added up in great numbers: the counts of the buckets that have any, as varints, without a
//! header and without an array for those that have none. An hour of a fleet is some thousand of them, and reading one takes
//! some microseconds, where a histogram that can be recorded in takes a hundred.
//!
//! A number is a count (even, twice it) or a run of buckets without any (odd), and the buckets are those of our one
//! bound. Sums are exact, as all merges are.

use std::collections::BTreeMap;

use super::{Extremes, Latencies, Latency, LatencyError, LatencyKind};

/// Values up to this have a bucket each; above, an octave has half as many.
const SINGLES: u64 = 2_048;

/// Buckets an octave.
const PER_OCTAVE: u64 = SINGLES / 2;

/// Bits of a value that its bucket keeps, less one.
const KEPT_BITS: u32 = 10;

/// Where a bucket stands among all.
pub(super) fn place(us: u64) -> u64 {
    if us < SINGLES {
        return us;
    }
    let shift = us.ilog2() - KEPT_BITS;
    u64::from(shift) * PER_OCTAVE + (us >> shift)
}

/// The lowest value of a bucket.
pub(super) fn lowest(place: u64) -> u64 {
    if place < SINGLES {
        return place;
    }
    let shift = place / PER_OCTAVE - 1;
    (place - shift * PER_OCTAVE) << shift
}

/// The highest value of a bucket.
pub(super) fn highest(place: u64) -> u64 {
    lowest(place + 1) - 1
}

/// More buckets than a histogram of ours can have.
pub(super) const MAX_PLACES: u64 = 26 * PER_OCTAVE;

/// Appends a varint.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes a varint off the front.
fn take(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0_u64, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

pub(super) fn damaged(what: &str) -> LatencyError {
    LatencyError::Format(format!("the compact form has {what}"))
}

/// The counts of one histogram, by place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Counts(Vec<u8>);

/// Writes counts in the order of their places.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    next: u64,
}

impl Writer {
    fn push(&mut self, place: u64, n: u64) {
        if place > self.next {
            put(&mut self.bytes, (place - self.next) << 1 | 1);
        }
        put(&mut self.bytes, n << 1);
        self.next = place + 1;
    }
}

/// Reads counts in the order of their places; ends at the first byte that is not one.
struct Reader<'a> {
    rest: &'a [u8],
    next: u64,
}

impl Iterator for Reader<'_> {
    type Item = (u64, u64);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let number = take(&mut self.rest)?;
            if number & 1 == 1 {
                self.next = self.next.saturating_add(number >> 1);
                continue;
            }
            let place = self.next;
            self.next = self.next.saturating_add(1);
            return Some((place, number >> 1));
        }
    }
}

impl Counts {
    fn of(latency: &Latency) -> Self {
        let mut writer = Writer::default();
        latency.buckets().for_each(|(us, n)| writer.push(place(us), n));
        Self(writer.bytes)
    }

    fn iter(&self) -> Reader<'_> {
        Reader { rest: &self.0, next: 0 }
    }

    fn merge(&mut self, other: &Self) {
        let (mut mine, mut theirs) = (self.iter().peekable(), other.iter().peekable());
        let mut writer = Writer { bytes: Vec::with_capacity(self.0.len() + other.0.len() / 2), next: 0 };
        loop {
            let (place, n) = match (mine.peek().copied(), theirs.peek().copied()) {
                (Some(a), Some(b)) if a.0 == b.0 => {
                    mine.next();
                    theirs.next();
                    (a.0, a.1.saturating_add(b.1))
                }
                (Some(a), Some(b)) if a.0 < b.0 => {
                    mine.next();
                    a
                }
                (Some(a), None) => {
                    mine.next();
                    a
                }
                (_, Some(b)) => {
                    theirs.next();
                    b
                }
                (None, None) => break,
            };
            writer.push(place, n);
        }
        writer.bytes.shrink_to_fit();
        self.0 = writer.bytes;
    }
}

/// The kinds of latency that a window shows. Those of the warm-up are left out: only rules of the verdict look at them, and
/// these have their own sums.
pub const SHOWN: [LatencyKind; 8] = [
    LatencyKind::Lag,
    LatencyKind::Service,
    LatencyKind::Response,
    LatencyKind::FailedService,
    LatencyKind::FailedResponse,
    LatencyKind::Connect,
    LatencyKind::FirstByte,
    LatencyKind::Turn,
];

/// What [`Latencies`] hold of the kinds in [`SHOWN`], in the compact form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CompactLatencies {
    counts: BTreeMap<LatencyKind, Counts>,
    /// As [`Latencies::extremes`].
    extremes: BTreeMap<LatencyKind, Extremes>,
}

impl CompactLatencies {
    /// Hands over each count of each kind, with its place among the buckets, in order.
    pub(super) fn counts(
        &self,
    ) -> impl Iterator<Item = (LatencyKind, impl Iterator<Item = (u64, u64)> + '_)> + '_ {
        self.counts.iter().map(|(kind, counts)| (*kind, counts.iter()))
    }

    /// As [`Latencies::extremes`].
    pub(super) fn extremes(&self) -> &BTreeMap<LatencyKind, Extremes> {
        &self.extremes
    }

    /// The compact form of these.
    pub fn of(latencies: &Latencies) -> Self {
        let kinds = || SHOWN.into_iter().filter(|kind| !latencies.of(*kind).is_empty());
        let extremes = kinds().map(|kind| (kind, latencies.completed_extremes(kind)));
        Self {
            counts: kinds().map(|kind| (kind, Counts::of(latencies.of(kind)))).collect(),
            extremes: extremes.filter(|(_, extremes)| !extremes.is_none()).collect(),
        }
    }

    /// Adds all samples of others.
    pub fn merge(&mut self, other: &Self) {
        for (kind, counts) in &other.counts {
            match self.counts.get_mut(kind) {
                Some(sum) => sum.merge(counts),
                None => drop(self.counts.insert(*kind, counts.clone())),
            }
        }
        for (kind, extremes) in &other.extremes {
            self.extremes.entry(*kind).or_insert(Extremes::NONE).merge(*extremes);
        }
    }

    /// How many bytes they take.
    pub fn n_bytes(&self) -> usize {
        self.counts.values().map(|counts| counts.0.len() + 32).sum()
    }

    /// Appends them to bytes, from which [`CompactLatencies::read`] takes them.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        put(bytes, self.counts.len() as u64);
        for (kind, counts) in &self.counts {
            put_text(bytes, kind.as_str());
            // A pair in order, or the wrong way round where there is none.
            let [min_us, max_us] = self.extremes.get(kind).and_then(|of| of.both()).unwrap_or([1, 0]);
            put(bytes, min_us);
            put(bytes, max_us);
            put_bytes(bytes, &counts.0);
        }
    }

    /// Takes what [`CompactLatencies::write`] wrote off the front; kinds of a later version are left out.
    ///
    /// # Errors
    /// Where the bytes are not that.
    pub fn read(bytes: &mut &[u8]) -> Result<Self, LatencyError> {
        let short = || damaged("an end too early");
        let mut read = Self::default();
        for _ in 0..take(bytes).ok_or_else(short)? {
            let kind = LatencyKind::from_name(&take_text(bytes)?);
            let (min_us, max_us) = (take(bytes).ok_or_else(short)?, take(bytes).ok_or_else(short)?);
            let counts = take_bytes(bytes).ok_or_else(short)?;
            if let Some(kind) = kind {
                read.counts.insert(kind, Counts(counts.to_vec()));
                read.extremes.extend(Extremes::new(min_us, max_us).map(|extremes| (kind, extremes)));
            }
        }
        Ok(read)
    }
}

/// Appends a text, as [`take_text`] takes it.
pub fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_bytes(bytes, text.as_bytes());
}

/// Appends bytes and their length.
pub fn put_bytes(bytes: &mut Vec<u8>, more: &[u8]) {
    put(bytes, more.len() as u64);
    bytes.extend(more);
}

/// Takes off the front what [`put_bytes`] appended.
pub fn take_bytes<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(take(bytes)?).ok()?;
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// Takes a text off the front.
///
/// # Errors
/// Where there is none.
pub fn take_text(bytes: &mut &[u8]) -> Result<String, LatencyError> {
    let text = take_bytes(bytes).ok_or_else(|| damaged("an end too early"))?;
    String::from_utf8(text.to_vec()).map_err(|_| damaged("a text that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fixtures::{any_ended, of};
    use super::super::{LatencySums, MAX_US};
    use super::*;

    #[test]
    fn buckets_have_places_in_order_and_without_gaps() {
        for us in
            (0..10_000).chain((14..32).flat_map(|bits| [(1_u64 << bits) - 1, 1 << bits, (1 << bits) + 1]))
        {
            let place = place(us);
            assert!(lowest(place) <= us && us < lowest(place + 1), "{us}: {place}");
        }
        assert!(place(MAX_US) < MAX_PLACES);
        let mut latency = Latency::new();
        [0, 1, 2_047, 2_048, 2_049, 70_001, MAX_US].into_iter().for_each(|us| latency.record_us(us));
        let lows: Vec<u64> = latency.buckets().map(|(us, _)| lowest(place(us))).collect();
        assert_eq!(lows, [0, 1, 2_047, 2_048, 69_952, 3_598_712_832]);
    }

    #[test]
    fn runs_beyond_all_buckets_are_damage() {
        let mut counts = Vec::new();
        [u64::MAX, u64::MAX, u64::MAX, 2].into_iter().for_each(|number| put(&mut counts, number));
        let mut bytes = vec![1];
        put_text(&mut bytes, LatencyKind::Turn.as_str());
        [1, 0].into_iter().for_each(|us| put(&mut bytes, us));
        put_bytes(&mut bytes, &counts);
        let read = CompactLatencies::read(&mut &bytes[..]).unwrap();
        assert!(LatencySums::default().add(&read).is_err());
    }

    proptest! {
        /// However samples come together in this form, they are what one histogram of all has.
        #[test]
        fn sums_are_those_of_all_samples(parts in prop::collection::vec(any_ended(), 0..5)) {
            let mut compact = CompactLatencies::default();
            parts.iter().for_each(|part| compact.merge(&CompactLatencies::of(&of(part))));
            prop_assert_eq!(&compact, &CompactLatencies::of(&of(&parts.concat())));
            let mut bytes = vec![7];
            compact.write(&mut bytes);
            bytes.push(9);
            let mut rest = &bytes[1..];
            prop_assert_eq!(&CompactLatencies::read(&mut rest).unwrap(), &compact);
            prop_assert_eq!(rest, &[9]);
        }

        #[test]
        fn damaged_bytes_are_an_error_or_other_counts(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(read) = CompactLatencies::read(&mut &bytes[..]) {
                let _ = LatencySums::default().add(&read);
            }
        }
    }
}
