//! Wall-clock instants as the wire and the store keep them. Rules take time as an argument; this module
//! is where it is read.

use std::time::{SystemTime, UNIX_EPOCH};

/// An instant of the wall clock, in Unix microseconds.
pub type UnixMicros = i64;

/// Reads the wall clock, in Unix microseconds.
pub fn unix_us() -> UnixMicros {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Reads the wall clock, in Unix milliseconds.
pub fn unix_ms() -> u64 {
    u64::try_from(unix_us() / 1_000).unwrap_or(0)
}

/// Writes an instant as RFC 3339 in UTC with microseconds, as in `2026-11-23T23:40:00.000000Z`.
pub fn rfc3339(at: UnixMicros) -> String {
    let at = jiff::Timestamp::from_microsecond(at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{at:.6}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_in_utc() {
        assert_eq!(rfc3339(1_795_456_638_864_000), "2026-11-23T17:57:18.864000Z");
    }
}
