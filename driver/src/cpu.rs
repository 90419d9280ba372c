//! How much of its cores this process uses.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Measures the share of its cores that the process used since it was asked last.
#[derive(Debug)]
pub struct CpuClock {
    cores: u32,
    at: Instant,
    used: Duration,
}

impl CpuClock {
    /// Starts measuring; `cores` (at least 1) are what 1.0 stands for.
    pub fn start(cores: u32) -> Self {
        Self { cores: cores.max(1), at: Instant::now(), used: used() }
    }

    /// The share since the last call, 0 to 1; `None` where too little time has passed to tell.
    pub fn share(&mut self) -> Option<f64> {
        let (now, used) = (Instant::now(), used());
        let elapsed = now.duration_since(self.at);
        if elapsed < Duration::from_millis(50) {
            return None;
        }
        let busy = used.saturating_sub(self.used).as_secs_f64();
        (self.at, self.used) = (now, used);
        Some((busy / elapsed.as_secs_f64() / f64::from(self.cores)).clamp(0.0, 1.0))
    }
}

/// CPU time of the process so far.
fn used() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_core_shows() {
        let mut clock = CpuClock::start(1);
        let until = Instant::now() + Duration::from_millis(80);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        let share = clock.share().unwrap();
        assert!(share > 0.2 && share <= 1.0, "{share}");
        assert_eq!(clock.share(), None, "too soon");
    }
}
