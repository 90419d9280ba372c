//! How large and how long each scenario is: in full, for RESULTS.md, or as quick as shows that the harness works.

use std::time::Duration;

use crate::users;

/// How large everything is.
#[derive(Debug, Clone)]
pub struct Sizes {
    /// Rounds of the closed and the open loops.
    pub rounds: u32,
    /// Rounds of the longer ones.
    pub long_rounds: u32,
    /// Connections of the closed loops.
    pub connections: u32,
    /// Length of a closed loop.
    pub closed_for: Duration,
    /// Pairs of a plan and the static request, which take turns, and the length of each turn. The same request costs a
    /// third more in some turns than in others: many short ones show the middle, few long ones do not.
    pub pairs: (u32, Duration),
    /// How long a tool warms up before the measured span of its sessions, which lasts as long as a closed loop.
    pub sessions_warm: Duration,
    /// Sessions of an open loop a second, and for how long.
    pub sessions_open: (f64, Duration),
    /// Users who think.
    pub users: users::Size,
    /// Rates of the open loops.
    pub rates_per_s: Vec<f64>,
    /// Length of an open loop.
    pub open_for: Duration,
    /// Length of each step towards the highest rate, and how many steps.
    pub highest: (Duration, u32),
    /// Rate and length of the memory run.
    pub memory: (f64, Duration),
    /// The stall: rate, whole length, when, how long.
    pub stall: (f64, Duration, Duration, Duration),
    /// Length and connections of Little's law.
    pub little: (Duration, Vec<u32>),
    /// Length of a test that is judged, and how often each is.
    pub verdicts: (Duration, u32),
}

impl Sizes {
    /// What RESULTS.md is made of.
    pub fn full() -> Self {
        let s = Duration::from_secs;
        Self {
            rounds: 5,
            long_rounds: 3,
            connections: 64,
            closed_for: s(4),
            pairs: (16, s(2)),
            sessions_warm: s(1),
            sessions_open: (2_000.0, s(10)),
            users: users::Size { users: 10_000, duration: s(60), think: (s(1), s(3)) },
            rates_per_s: vec![1_000.0, 10_000.0],
            open_for: s(6),
            highest: (s(5), 5),
            memory: (10_000.0, s(300)),
            stall: (1_000.0, s(20), s(13), s(1)),
            little: (s(3), vec![1, 16, 64, 512]),
            verdicts: (s(3), 20),
        }
    }

    /// Whether the harness works, and nothing else.
    pub fn quick() -> Self {
        let (s, ms) = (Duration::from_secs, Duration::from_millis);
        Self {
            rounds: 1,
            long_rounds: 1,
            connections: 8,
            closed_for: s(1),
            pairs: (1, s(1)),
            sessions_warm: ms(200),
            sessions_open: (100.0, s(1)),
            users: users::Size { users: 50, duration: s(2), think: (ms(50), ms(150)) },
            rates_per_s: vec![500.0],
            open_for: s(1),
            highest: (s(1), 1),
            memory: (500.0, s(2)),
            stall: (200.0, s(3), s(1), ms(500)),
            little: (s(1), vec![4]),
            verdicts: (s(3), 1),
        }
    }
}
