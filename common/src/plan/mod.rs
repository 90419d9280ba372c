//! A plan: what to send, how, to whom, for how long, and what must hold. Raw text becomes a [`Plan`] by
//! [`read()`], which reports all faults at once; a `Plan` that exists is valid. It depends on no test, no node
//! and no clock.

mod abort;
mod capacity;
mod ceiling;
pub mod connections;
pub mod expect;
mod fault;
pub mod files;
mod headers;
pub mod in_words;
pub mod json_path;
pub mod language;
mod load;
mod placeholders;
pub mod program;
mod rate;
mod rate_change;
mod read;
mod secrets;
mod share;
mod strict;
mod target_url;
mod threshold;
mod toml_text;
mod tree;
mod units;
mod write;

use std::sync::Arc;
use std::time::Duration;

pub use abort::Abort;
pub use capacity::Capacity;
pub use fault::{Fault, FaultKind};
pub use headers::{basic_authorization, is_engines_own, is_token};
pub use json_path::{JsonPath, Segment};
pub(crate) use language::mask::hide_quoted;
pub use placeholders::escape as escape_placeholders;
pub use rate::parse_rate;
pub use rate_change::{RateChange, is_rate, seconds_of_ticks};
pub use read::{parse_target_url, read_value};
pub use secrets::{MASK, is_secret_header, is_secret_parameter, mask_json, mask_url};
pub use share::{FleetSchedule, Share, ShareError, share_out, split, workers_used};
pub use target_url::TargetUrl;
pub use threshold::{
    Comparison, Figure, LatencyFigure, Naming, StatisticsNames, Threshold, ThresholdError, ThresholdOf,
    quantile_name,
};
pub use tree::{MAX_PLAN_BYTES, PlanFormat, PlanTree, read};
pub use units::{parse_duration, parse_ratio, write_duration, write_ratio};

use self::program::{Arrival, Program, Stage};
use crate::ids::NodeId;

/// Largest request body, in bytes; it travels inside the test_config record.
pub const MAX_BODY_BYTES: usize = 512 * 1024;

/// A validated plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What people call it.
    pub name: String,
    /// Which drivers take part.
    pub drivers: DriverChoice,
    /// Whether amounts hold for each driver or are shared out.
    pub per: Per,
    /// The URL that is sent to: http or https, with a host.
    pub target: TargetUrl,
    /// What is sent, where the plan has one request; with `[requests]`, what all of them share.
    pub request: Request,
    /// What `[requests]` and the tables beside it say; `None`: the plan has one request.
    pub program: Option<Arc<Program>>,
    /// When it is sent.
    pub load: Load,
    /// What must hold, as given, in the order of the keys. The defaults are not among them.
    pub thresholds: Vec<Threshold>,
    /// What ends the test early, in the order of the keys.
    pub abort: Vec<Abort>,
    /// What rate is looked for; `None`: the plan's own rate is kept.
    pub capacity: Option<Capacity>,
    /// Limits past which the generator's own figures make a test invalid.
    pub honesty: Honesty,
}

/// Which drivers take part in a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriverChoice {
    /// Every one that is alive when the test is triggered.
    All,
    /// So many of those alive.
    Count(u32),
    /// Those named.
    Named(Vec<NodeId>),
}

/// What a plan's amounts are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// Each driver does all of it.
    Driver,
    /// The drivers share it.
    Fleet,
}

/// What is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// HTTP method, upper case.
    pub method: String,
    /// Header fields to send, names and values as given. Fields with one name stand together, in the order given.
    pub headers: Vec<(String, String)>,
    /// The body, any bytes; empty for none.
    pub body: Vec<u8>,
    /// From the attempt to the last byte.
    pub timeout: Duration,
    /// Statuses that count as completed, as inclusive ranges, at least one.
    pub expect_status: Vec<(u16, u16)>,
    /// Which engine sends.
    pub engine: EngineChoice,
    /// Whether `x-groundswell-node: <node id>` is sent.
    pub identify: bool,
    /// Whether connections are kept for later requests; false: each attempt opens one and asks the target to close it.
    pub connection_reuse: bool,
}

impl Request {
    /// Whether a header field of this name is given.
    pub fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name))
    }

    /// Whether an answer with this status is expected.
    pub fn expects(&self, status: u16) -> bool {
        self.expect_status.iter().any(|(low, high)| (*low..=*high).contains(&status))
    }
}

/// Which engine sends the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineChoice {
    /// The driver picks, and the report names what it picked.
    Auto,
    /// Our own HTTP/1.1 client.
    Wire,
    /// The awc client.
    Awc,
}

/// When requests are sent; with `[requests]`, when sessions start: a rate is then one of sessions, `requests` is their
/// number, `max_in_flight` is `max_sessions`, and `connections` are users. At least one of `requests`, `duration` and
/// `stages` is set.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// Open or closed loop, and its amounts.
    pub mode: Mode,
    /// Ceiling in requests per second.
    pub target_throughput: Option<f64>,
    /// Ticks (open loop) or attempts (closed loop) after the warm-up.
    pub requests: Option<u64>,
    /// Length of the schedule after the warm-up.
    pub duration: Option<Duration>,
    /// Sent before duration and requests begin, and counted apart.
    pub warmup: Duration,
    /// How long to wait for answers after the end.
    pub drain_timeout: Duration,
    /// With `[requests]`: how rate or users change; empty where they do not. Then `mode` has no pace, or the highest number
    /// of users.
    pub stages: Vec<Stage>,
    /// With `[requests]`, closed loop: a user's next session is due so long after its last one began.
    pub pacing: Option<Duration>,
    /// With `[requests]`, open loop: how sessions arrive.
    pub arrival: Arrival,
    /// Open loop: attempts wait in order for one of so many connections; `None`: each finds or opens one at once.
    pub connections: Option<u32>,
}

/// Open or closed loop.
#[derive(Debug, Clone, PartialEq)]
pub enum Mode {
    /// Open loop: one request every delay, whether or not earlier ones were answered.
    Tsunami {
        /// The delay as the plan gives it; `None` where `target_throughput` alone is the rate.
        pace: Option<Pace>,
        /// Most requests in flight, per driver.
        max_in_flight: u32,
    },
    /// Closed loop: each connection sends its next request as soon as it has the last answer.
    Avalanche {
        /// How many connections.
        connections: u32,
    },
}

/// The pace of an open loop, in the plan's own words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Time between two requests, above zero.
    Delay(Duration),
    /// Requests per second, above zero.
    Rate(f64),
}

impl Pace {
    /// Requests per second.
    pub fn rate_per_s(self) -> f64 {
        match self {
            Self::Delay(delay) => 1.0 / delay.as_secs_f64(),
            Self::Rate(rate) => rate,
        }
    }
}

impl Load {
    /// The rate of an open loop: the smaller of its pace and the ceiling; `None` for a closed loop.
    pub fn open_loop_rate_per_s(&self) -> Option<f64> {
        let Mode::Tsunami { pace, .. } = self.mode else { return None };
        let pace = pace.map(Pace::rate_per_s);
        match (pace, self.target_throughput) {
            (Some(rate), Some(ceiling)) => Some(rate.min(ceiling)),
            (rate, ceiling) => rate.or(ceiling),
        }
    }
}

/// Limits past which the generator's own figures make a test invalid (interface.md, verdicts).
#[derive(Debug, Clone, PartialEq)]
pub struct Honesty {
    /// Highest lag at p99 of a valid test.
    pub max_lag_p99: Duration,
    /// Highest share of the schedule dropped as late, 0 to 1.
    pub max_late: f64,
    /// How much missed schedule is caught up after a pause of the generator.
    pub max_catch_up: Duration,
}

impl Default for Honesty {
    fn default() -> Self {
        Self { max_lag_p99: Duration::from_millis(5), max_late: 0.001, max_catch_up: Duration::from_secs(1) }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
