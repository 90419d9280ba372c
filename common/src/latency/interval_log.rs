//! An interval log as HdrHistogram's tools read it (`.hlog`): a histogram a line, with its time and a tag. The lines are
//! hdrhistogram's own; the histograms in them are written by our [`Encoder`], which reuses its memory.

use std::io;
use std::time::{Duration, UNIX_EPOCH};

use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use super::{Encoder, Latency};
use crate::clock::UnixMicros;

/// The version of the format. Java's writer notes it, and its reader does without.
const VERSION: &str = "[Histogram log format version 1.3]";

/// Values are in µs; the column of the maximum is in ms.
const US_PER_MS: f64 = 1_000.0;

/// Writes the lines of one log.
pub struct IntervalLog {
    builder: IntervalLogWriterBuilder,
    head: Vec<u8>,
    encoder: Encoder,
    from_us: UnixMicros,
}

impl IntervalLog {
    /// A log that begins at an instant, from which its times are counted, with comments of a line each.
    pub fn new(from_us: UnixMicros, comments: &[String]) -> Self {
        let start = UNIX_EPOCH + Duration::from_micros(u64::try_from(from_us).unwrap_or(0));
        let mut builder = IntervalLogWriterBuilder::new();
        builder.add_comment(VERSION).with_max_value_divisor(US_PER_MS);
        for comment in comments {
            builder.add_comment(&comment.replace(char::is_control, " "));
        }
        builder.with_start_time(start).with_base_time(start);
        let (mut head, mut encoder) = (Vec::new(), Encoder::new());
        // Writing to memory cannot fail.
        let _ = builder.begin_log_with(&mut head, &mut encoder);
        Self { builder, head, encoder, from_us }
    }

    /// The lines before the first histogram.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// Adds the line of a histogram to a text. `tag`: whose it is; what a tag cannot hold becomes an underscore.
    ///
    /// # Errors
    /// Where the histogram cannot be encoded.
    pub fn add(
        &mut self,
        out: &mut Vec<u8>,
        tag: Option<&str>,
        (from_us, to_us): (UnixMicros, UnixMicros),
        latency: &Latency,
    ) -> io::Result<()> {
        let micros = |us: UnixMicros| Duration::from_micros(u64::try_from(us).unwrap_or(0));
        let tag = tag.map(|tag| tag.replace([',', ' ', '\r', '\n'], "_"));
        let mut line = Vec::new();
        // A writer of hdrhistogram's writes the head first. Each page of a log has its own, so it is taken off again.
        let mut writer = self.builder.begin_log_with(&mut line, &mut self.encoder)?;
        writer
            .write_histogram(
                &latency.histogram,
                micros(from_us - self.from_us),
                micros(to_us - from_us),
                tag.as_deref().and_then(Tag::new),
            )
            .map_err(|error| io::Error::other(error.to_string()))?;
        out.extend_from_slice(line.get(self.head.len()..).unwrap_or_default());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_by_hdrhistogram(
            lines in prop::collection::vec((prop::option::of("[a-z ,é]{1,9}"), prop::collection::vec(0..9_000_000_u64, 0..30)), 0..8),
        ) {
            let begin = 1_763_920_800_250_000;
            let mut log = IntervalLog::new(begin, &["of a\ntest".to_owned()]);
            let mut text = log.head().to_vec();
            let mut at = begin;
            for (tag, samples) in &lines {
                let mut latency = Latency::new();
                samples.iter().for_each(|us| latency.record_us(*us));
                log.add(&mut text, tag.as_deref(), (at, at + 1_000_000), &latency).unwrap();
                at += 1_000_000;
            }
            prop_assert_eq!(text.iter().filter(|byte| **byte == b'\n').count(), 5 + lines.len());
            let mut entries = IntervalLogIterator::new(&text);
            let start = Duration::from_millis(1_763_920_800_250);
            prop_assert_eq!(entries.next(), Some(Ok(LogEntry::StartTime(start))));
            prop_assert_eq!(entries.next(), Some(Ok(LogEntry::BaseTime(start))));
            for (second, (tag, samples)) in (0..).zip(&lines) {
                let Some(Ok(LogEntry::Interval(line))) = entries.next() else { panic!("line {second} is missing") };
                prop_assert_eq!(line.start_timestamp(), Duration::from_secs(second));
                prop_assert_eq!(line.duration(), Duration::from_secs(1));
                let tag = tag.as_ref().map(|tag| tag.replace([' ', ','], "_"));
                prop_assert_eq!(line.tag().map(|tag| tag.as_str().to_owned()), tag);
                let bytes = base64::engine::general_purpose::STANDARD.decode(line.encoded_histogram()).unwrap();
                let read: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
                prop_assert_eq!(read.len(), samples.len() as u64);
                prop_assert!(samples.iter().all(|us| read.count_at(*us) > 0));
            }
            prop_assert_eq!(entries.next(), None);
        }
    }
}
