//! How long a connection of a closed loop that failed to connect waits before it tries again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

/// The waits of one connection: 10 ms, doubling to 1 s, forgotten once it connects.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Notes that connecting failed; returns how long to wait.
    pub fn failed(&mut self) -> Duration {
        let wait = FIRST.saturating_mul(1_u32.checked_shl(self.failures.min(16)).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        wait.min(LONGEST)
    }

    /// Notes that it connected.
    pub fn connected(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_10_ms_to_1_s_and_begin_anew_after_a_connection() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..9).map(|_| backoff.failed().as_millis()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]);
        backoff.connected();
        assert_eq!(backoff.failed().as_millis(), 10);
    }
}
