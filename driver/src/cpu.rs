//! The cores of this process, how much of them it uses, and how much of the machine its host gives to others.

use std::time::{Duration, Instant};

use common::wire::MachineLoad;
use rustix::time::{ClockId, clock_gettime};

/// Shorter spans give no meaningful share.
const MIN_ELAPSED: Duration = Duration::from_millis(50);

/// Where the kernel reports how the machine's CPU time was spent.
const STAT: &str = "/proc/stat";

/// Cores that this process may use, at least 1.
pub fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1))
}

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

    /// The share since the last call, 0 to 1; `None` if less than 50 ms have passed.
    pub fn share(&mut self) -> Option<f64> {
        self.share_at(Instant::now(), used())
    }

    fn share_at(&mut self, now: Instant, used: Duration) -> Option<f64> {
        let elapsed = now.duration_since(self.at);
        if elapsed < MIN_ELAPSED {
            return None;
        }
        let busy = used.saturating_sub(self.used).as_secs_f64();
        (self.at, self.used) = (now, used);
        Some((busy / elapsed.as_secs_f64() / f64::from(self.cores)).clamp(0.0, 1.0))
    }
}

/// Measures what explains a window beside its own figures.
#[derive(Debug)]
pub struct MachineClock {
    cpu: CpuClock,
    ticks: Option<Ticks>,
}

impl MachineClock {
    /// Starts measuring; `cores` as for [`CpuClock::start`].
    pub fn start(cores: u32) -> Self {
        Self { cpu: CpuClock::start(cores), ticks: Ticks::now() }
    }

    /// The load since the last call. A figure is `None` within 50 ms, or where the kernel does not report it.
    pub fn load(&mut self) -> MachineLoad {
        let Some(cpu) = self.cpu.share() else { return MachineLoad::default() };
        let before = std::mem::replace(&mut self.ticks, Ticks::now());
        let steal = before.zip(self.ticks).and_then(|(before, now)| now.stolen_since(before));
        MachineLoad { cpu: Some(cpu), steal, ..MachineLoad::default() }
    }
}

/// The machine's CPU time since it started, in ticks of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticks {
    all: u64,
    stolen: u64,
}

impl Ticks {
    fn now() -> Option<Self> {
        std::fs::read_to_string(STAT).ok().and_then(|text| Self::read(&text))
    }

    /// Reads the line of all cores: user, nice, system, idle, iowait, irq, softirq, steal. The guests' time that
    /// follows is part of user and nice already.
    fn read(text: &str) -> Option<Self> {
        let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Vec<u64> =
            line.split_whitespace().take(8).map(str::parse).collect::<Result<_, _>>().ok()?;
        let stolen = *ticks.get(7)?;
        Some(Self { all: ticks.iter().sum(), stolen })
    }

    /// The stolen share of the time between the two; `None` where none passed (the kernel may count backwards).
    fn stolen_since(self, before: Self) -> Option<f64> {
        let all = self.all.checked_sub(before.all).filter(|all| *all > 0)?;
        Some((self.stolen.saturating_sub(before.stolen) as f64 / all as f64).min(1.0))
    }
}

/// CPU time of the process so far.
pub(crate) fn used() -> Duration {
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
    }

    #[test]
    fn the_share_is_of_the_cores_and_of_the_time_since_the_last_question() {
        let (start, ms) = (Instant::now(), Duration::from_millis);
        let mut clock = CpuClock { cores: 2, at: start, used: ms(500) };
        assert_eq!(clock.share_at(start + ms(1_000), ms(1_500)), Some(0.5));
        assert_eq!(clock.share_at(start + ms(1_049), ms(1_500)), None, "too soon");
        assert_eq!(clock.share_at(start + ms(1_100), ms(9_000)), Some(1.0), "no more than all");
    }

    #[test]
    fn what_the_host_gave_to_others_is_a_share_of_all() {
        let stat = |user: u64, steal: u64| {
            Ticks::read(&format!(
                "cpu  {user} 0 10 50 0 0 0 {steal} 7 0\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 5\n"
            ))
        };
        let before = stat(20, 20).unwrap();
        assert_eq!(before, Ticks { all: 100, stolen: 20 }, "the guests' time is in user already");
        assert_eq!(stat(90, 50).unwrap().stolen_since(before), Some(0.3));
        assert_eq!(before.stolen_since(before), None, "no time passed");
        assert_eq!(stat(10, 20).unwrap().stolen_since(before), None, "counted backwards");
        for text in ["", "cpu 1 2 3", "cpu a b c d e f g h", "cpu0 1 2 3 4 5 6 7 8"] {
            assert_eq!(Ticks::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_window_is_explained_by_this_machine() {
        let mut clock = MachineClock::start(1);
        let until = Instant::now() + Duration::from_millis(120);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        let load = clock.load();
        assert!(load.cpu.is_some_and(|cpu| cpu > 0.0), "{load:?}");
        assert!(load.steal.is_none_or(|steal| (0.0..=1.0).contains(&steal)), "{load:?}");
    }
}
