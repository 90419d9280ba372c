//! The load generator was the limit, or near it: the sentences for `invalid` and for the warnings beside it. A reader
//! must see which driver was late, what explains it, and what would help.

use super::super::Stop;
use super::super::cause::{Cause, Slower, Whose, Why};
use super::{the_driver, the_drivers};
use crate::human::{count, counted, ms, names, percent, rate};
use crate::model::FindingKind;

/// A limit or delay of the load generator, which the target did not cause.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the fields are named for the figures of interface.md
pub enum Generator {
    /// Number of requests that found no source port, descriptor or buffer space.
    LocalLimit { n: u64, drivers: Vec<String> },
    /// An open loop whose workers had no idle time in this share of the seconds.
    NoIdleTime { drivers: Vec<String>, share: f64, why: Why },
    /// A closed loop whose workers had none.
    CpuUsedUp { drivers: Vec<String>, share: f64, why: Why },
    /// Fewer free cores than workers.
    GaveUpSpinning { drivers: Vec<String> },
    /// The host took CPU time: over the test, and in its worst second.
    HostTookCpu { mean: f64, max: f64 },
    /// This share of the fleet's schedule was dropped as late; `own`: the share of the driver's own schedule, where
    /// there are several drivers.
    LateDrops { share: f64, allowed: f64, own: Option<f64>, why: Why },
    /// One driver dropped more than allowed, although the fleet's share is allowed.
    DriverLateDrops { own: f64, allowed: f64, why: Why },
    /// Requests began late at a percentile, and at these too.
    Late { lag_ms: f64, at: String, allowed_ms: f64, also: Vec<String>, why: Why },
    /// Some drivers were late, although the fleet's figures are within the limits.
    DriverLate { drivers: Vec<String>, lag_ms: f64, at: String, why: Why },
    /// Requests began late above p99.
    LateAboveP99 { lag_ms: f64, at: String },
    /// A lag that is allowed, but large enough to mention.
    LagInResponse { p99_ms: f64 },
    /// Answers were read late.
    SlowToRead { turn_ms: f64, allowed_ms: f64, why: Why },
    /// It did not run at all for a while, once or several times.
    Stopped { stops: Vec<Stop> },
    /// A closed loop below its ceiling.
    CeilingNotReached { ceiling: f64, reached: f64, connections: u64 },
}

impl Generator {
    pub fn kind(&self) -> FindingKind {
        match self {
            Self::LocalLimit { .. } => FindingKind::LocalLimit,
            Self::NoIdleTime { .. } => FindingKind::NoIdleTime,
            Self::CpuUsedUp { .. } => FindingKind::CpuUsedUp,
            Self::GaveUpSpinning { .. } => FindingKind::GaveUpSpinning,
            Self::HostTookCpu { .. } => FindingKind::HostTookCpu,
            Self::LateDrops { .. } => FindingKind::LateDrops,
            Self::DriverLateDrops { .. } => FindingKind::DriverLateDrops,
            Self::Late { .. } => FindingKind::GeneratorLate,
            Self::DriverLate { .. } => FindingKind::DriverLate,
            Self::LateAboveP99 { .. } => FindingKind::LateAboveP99,
            Self::LagInResponse { .. } => FindingKind::LagInResponse,
            Self::SlowToRead { .. } => FindingKind::SlowToRead,
            Self::Stopped { .. } => FindingKind::DriverStopped,
            Self::CeilingNotReached { .. } => FindingKind::CeilingNotReached,
        }
    }

    /// Whether its sentence names a pause of the driver.
    pub fn names_a_stop(&self) -> bool {
        let why = match self {
            Self::NoIdleTime { why, .. }
            | Self::LateDrops { why, .. }
            | Self::DriverLateDrops { why, .. }
            | Self::Late { why, .. }
            | Self::DriverLate { why, .. }
            | Self::SlowToRead { why, .. } => why,
            _ => return matches!(self, Self::Stopped { .. }),
        };
        matches!(why.cause, Cause::Stopped(_))
    }

    pub fn text(&self, driver: Option<&str>) -> String {
        let the = driver.map_or_else(|| "the drivers".to_owned(), |name| the_driver(Some(name)));
        match self {
            Self::LocalLimit { n, drivers } => format!(
                "{} found no source port, descriptor or buffer space on {}: raise the limits of that machine \
                 (LimitNOFILE, ip_local_port_range), or use more drivers",
                counted(*n, "request"),
                names(drivers.iter().map(String::as_str))
            ),
            Self::NoIdleTime { drivers, share, why } => format!(
                "{} had no idle time in {} of the seconds{}",
                the_drivers(drivers),
                percent(*share),
                explained(why)
            ),
            Self::CpuUsedUp { drivers, share, why } => {
                let (advice, many) = (more(why), drivers.len() != 1);
                format!(
                    "{} had no idle time in {} of the seconds: throughput is a lower bound and latencies are upper \
                     bounds, because they contain the wait for {}. {advice}, or use more drivers",
                    the_drivers(drivers),
                    percent(*share),
                    if many { "the drivers" } else { "the driver" }
                )
            }
            Self::GaveUpSpinning { drivers } => format!(
                "{} stopped spinning before each request, because other programs needed the same cores: from then on a \
                 timer kept the schedule, about 0.1 ms less closely. Use fewer workers than there are free cores",
                the_drivers(drivers)
            ),
            Self::HostTookCpu { mean, max } => format!(
                "the host of {the} gave {} of its machine's CPU time to other machines (steal; up to {} in a second): \
                 latencies contain that wait. Use a machine whose cores are not shared",
                percent(*mean),
                percent(*max)
            ),
            Self::LateDrops { share, allowed, own, why } => {
                let whose = match own {
                    Some(own) => format!(", {} of that of {the}", percent(*own)),
                    None => format!(" by {the}"),
                };
                format!(
                    "{} of the schedule came too late to be sent{whose} ({} allowed){}",
                    percent(*share),
                    percent(*allowed),
                    explained(why)
                )
            }
            Self::DriverLateDrops { own, allowed, why } => format!(
                "{the} alone dropped {} of its schedule as late ({} of all allowed){}",
                percent(*own),
                percent(*allowed),
                explained(why)
            ),
            Self::Late { lag_ms, at, allowed_ms, also, why } => {
                let also = match also.len() {
                    0 => String::new(),
                    _ => format!("; too late at {} too", names(also.iter().map(String::as_str))),
                };
                format!(
                    "{the} began requests up to {} late ({at}, {} allowed{also}){}",
                    ms(*lag_ms),
                    ms(*allowed_ms),
                    explained(why)
                )
            }
            Self::DriverLate { drivers, lag_ms, at, why } => format!(
                "{} alone began requests up to {} late ({at}), while the figures of all drivers together hold. For the \
                 figures of each driver{}",
                the_drivers(drivers),
                ms(*lag_ms),
                explained(why)
            ),
            Self::LateAboveP99 { lag_ms, at } => format!(
                "up to {} of the figures above p99 is delay of the generator, not of the target ({at} of lag)",
                ms(*lag_ms)
            ),
            Self::LagInResponse { p99_ms } => format!(
                "up to {} of response p99 is delay of the generator; service leaves it out",
                ms(*p99_ms)
            ),
            Self::SlowToRead { turn_ms, allowed_ms, why } => format!(
                "{the} read answers up to {} late (p99 of turn, {} allowed), and latencies contain that delay{}",
                ms(*turn_ms),
                ms(*allowed_ms),
                explained(why)
            ),
            Self::Stopped { stops } => format!(
                "{the} did not run {} (it was stopped, or its host was): no request began meanwhile, and latencies of that \
                 time are not the target's. Run the test again",
                spans(stops)
            ),
            Self::CeilingNotReached { ceiling, reached, connections } => format!(
                "target_throughput of {} was not reached, only {}: with {} the answers set the pace",
                rate(*ceiling),
                rate(*reached),
                if *connections == 1 {
                    "1 connection".to_owned()
                } else {
                    format!("{} connections", count(*connections))
                }
            ),
        }
    }
}

/// Most pauses that one sentence lists.
const MAX_STOPS: usize = 3;

/// As in `from 12.3 s to 13.1 s and from 20.0 s to 20.4 s`.
fn spans(stops: &[Stop]) -> String {
    let shown = stops.iter().take(MAX_STOPS);
    let shown: Vec<String> =
        shown.map(|stop| format!("from {} to {}", stop.from_text(), stop.to_text())).collect();
    match (stops.len().saturating_sub(MAX_STOPS), shown.as_slice()) {
        (0, [first @ .., last]) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        (0, _) => shown.join(""),
        (1, _) => format!("{} and once more", shown.join(", ")),
        (more, _) => format!("{} and {more} times more", shown.join(", ")),
    }
}

/// From this CPU on, as a share of its cores, a lower rate noticeably relieves a driver.
const NOTABLE_CPU: f64 = 0.15;

/// The explanation and the advice, to be appended to the sentence about what happened.
fn explained(why: &Why) -> String {
    let many = why.many;
    let (it, its, was) = if many { ("they", "their", "were") } else { ("it", "its", "was") };
    let used = why.cpu_max.map(|cpu| format!("{it} used at most {} CPU", percent(cpu)));
    let slower = why.slower.map_or_else(|| ", or lower the rate".to_owned(), lower);
    let elsewhere = if many { "Free them, or move the drivers" } else { "Free them, or move the driver" };
    match why.cause {
        Cause::NotMeasured => format!(": {}{slower}", lower_case(more(why))),
        Cause::OwnCpu => {
            let cpu = why.cpu_max.map_or_else(String::new, |cpu| format!(" (CPU up to {})", percent(cpu)));
            let core = if many { "cores" } else { "core" };
            format!(": {it} used {its} whole {core}{cpu}. {}{slower}", more(why))
        }
        Cause::Held(waited) => {
            let waited = waited.map_or_else(String::new, |waited| {
                format!(" ({its} threads waited for one in up to {} of a second)", percent(waited))
            });
            let though = used.map_or_else(String::new, |used| format!(" though {used}"));
            let rate = match why.cpu_max {
                Some(cpu) if cpu >= NOTABLE_CPU => slower,
                _ => "; a lower rate does not help".to_owned(),
            };
            format!("{though}: something else on {its} machine held the cores{waited}. {elsewhere}{rate}")
        }
        Cause::Host(steal) => format!(
            ": the host of {its} machine gave up to {} of its CPU time to other machines (steal). {}{slower}",
            percent(steal),
            more(why)
        ),
        Cause::Stopped(stop) => format!(
            ": {it} did not run from {} to {} ({it} {was} stopped, or {its} host was). Run the test again",
            stop.from_text(),
            stop.to_text()
        ),
        Cause::Pauses => {
            let though =
                used.map_or_else(String::new, |used| format!(" though {used} and waited for no core"));
            let move_it = if many { "move the drivers" } else { "move the driver" };
            format!(
                "{though}: {its} machine paused for shorter moments than are measured. Run the test again, or {move_it}; \
                 a lower rate does not help"
            )
        }
    }
}

/// What the machine lacks, as the beginning of a sentence.
fn more(why: &Why) -> &'static str {
    match (why.cause, why.many) {
        (Cause::Host(_), false) => "Give it a machine whose cores are not shared",
        (Cause::Host(_), true) => "Give them machines whose cores are not shared",
        (Cause::Held(_), false) => "Free the cores that other programs hold",
        (Cause::Held(_), true) => "Free the cores that other programs hold",
        (_, false) => "Give it another core",
        (_, true) => "Give them more cores",
    }
}

fn lower_case(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// As in `, or lower the rate to 42,000/s each`.
fn lower(slower: Slower) -> String {
    let whose = match slower.whose {
        Whose::One => "",
        Whose::Each => " each",
        Whose::Fleet => " in all",
    };
    let to = if slower.below { "below" } else { "to" };
    format!(", or lower the rate {to} {}{whose}", rate(slower.per_s))
}
