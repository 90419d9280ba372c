//! Information beside the figures: how classic drivers report, which nodes reported without taking part, warnings of
//! drivers before the start, a report that could not be stored, and the blind spot of a closed loop.

use super::super::SentMore;
use super::the_driver;
use crate::human::{count, counted, ms, names, percent};
use crate::model::FindingKind;

/// Information beside the figures.
#[derive(Debug, Clone, PartialEq)]
pub enum Other {
    /// Two lives of one driver.
    Restarted,
    /// Registered after the trigger.
    JoinedLate,
    /// Figures that contradict each other.
    Implausible,
    /// Heartbeats, and no report yet.
    Silent,
    /// More requests than asked for.
    SentMore {
        sent_more: SentMore,
        /// Whether it still sends.
        runs_on: bool,
    },
    /// Its load should be over, and it still reports.
    RunsOn,
    /// No end was reported.
    FellSilent,
    /// No lag and no idle time.
    ReportsNoLag,
    /// No counts, or contradicting ones.
    ReportsNoCounts,
    /// Requests, and not how they ended.
    ReportsNoEnds,
    /// Counts of the time since the last report, which were added up to this.
    CountsAddedUp {
        /// Requests, or where it does not report these 0.
        sent: u64,
    },
    /// Counts that are neither totals nor those of an interval; the highest one.
    CountsUnclear {
        /// Requests, or else answers.
        at_least: u64,
    },
    /// Latencies that are about a thousandth of the others, or cannot be, or a thousandfold.
    LatencyUnit(OddLatencies),
    /// These nodes sent reports without taking part.
    Foreign(Vec<String>),
    /// A driver's own sentence, before the start, without the driver's name.
    Warned(String),
    /// Number of further drivers that warned.
    MoreWarned(usize),
    /// A known classic driver does not take part: it sent nothing in its last test, or (`gone`) its heartbeats stopped.
    LeftOut {
        /// Whether its process seems to be gone.
        gone: bool,
    },
    /// Teardown did not complete: at which step, and why.
    TeardownFailed { step: Option<String>, why: String },
    /// Why the store could not save the report.
    NotStored(String),
    /// Answers that were redirects.
    Redirects(Redirects),
    /// Most failures are answers that failed a check or lacked a value: how many of each, of how many failures, and of
    /// which requests, the most frequent first.
    AnswersUnmet { checks: u64, extracts: u64, failed: u64, names: Vec<(String, u64)> },
    /// Attempts for an entry of `[shared]` that failed, and by what.
    SharedNotRenewed { name: String, failed: u64, sent: u64, why: Vec<(String, u64)> },
    /// Sessions that were ended between two steps, of those that began; `stopped`: by a stop.
    SessionsAbandoned { abandoned: u64, of: u64, stopped: bool },
    /// Requests completed after the end of the schedule.
    CompletedAfterEnd {
        /// Completed after the end.
        after: u64,
        of: u64,
        /// Drivers that do not report it.
        without: Vec<String>,
    },
    /// A threshold whose outcome the plan decides before anything is sent: which, and why.
    Foreseen(String),
    /// What the plan's keys say before anything is sent, that is seldom meant: the key, and why.
    ForeseenOfPlan(String),
    /// Data that gives each row once had none left on a driver, which began so many sessions.
    RowsUsedUp { data: String, sessions: u64 },
    /// The load is a closed loop.
    ClosedLoop,
    /// An open loop whose requests wait for one of so many connections, and the mean of that wait, of `response` and of
    /// `service`, in ms, where something completed.
    HeldByConnections { connections: u32, each: bool, means_ms: Option<(f64, f64, f64)> },
}

/// Why the latencies of a classic driver look as if they were in another unit; each in ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OddLatencies {
    /// Shorter than any HTTP exchange can be.
    Impossible { ms: f64 },
    /// About a thousandth of those of the other drivers.
    Small { ms: f64, others_ms: f64 },
    /// About a thousand times those of the other drivers.
    Large { ms: f64, others_ms: f64 },
}

/// Answers that were redirects, of all answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Redirects {
    /// Their counts by status, the most frequent first.
    pub by_status: Vec<(u16, u64)>,
    /// Number of all answers.
    pub of: u64,
    /// Where the first one points.
    pub to: Option<String>,
    /// Whether they counted as success.
    pub expected: bool,
    /// Of which request, where the plan has several.
    pub name: Option<String>,
}

impl OddLatencies {
    fn text(self, driver: Option<&str>) -> String {
        let the = the_driver(driver);
        let set = |unit: &str| {
            let node = driver.unwrap_or("NODE ID");
            format!(
                "if they are in {}, set latency_unit = \"{unit}\" under [classic.nodes.\"{node}\"] in the orchestrator's \
                 config",
                if unit == "s" { "seconds" } else { "milliseconds" }
            )
        };
        match self {
            Self::Impossible { ms: short } => format!(
                "{the} reports latencies of {}, which no HTTP exchange can be: {}",
                ms(short),
                set("s")
            ),
            Self::Small { ms: own, others_ms } => format!(
                "{the} reports latencies that are about 1,000 times smaller than those of the others ({} beside {}): {}",
                ms(own),
                ms(others_ms),
                set("s")
            ),
            Self::Large { ms: own, others_ms } => format!(
                "{the} reports latencies that are about 1,000 times larger than those of the others ({} beside {}): {}",
                ms(own),
                ms(others_ms),
                set("ms")
            ),
        }
    }
}

impl Redirects {
    fn text(&self) -> String {
        let n: u64 = self.by_status.iter().map(|(_, n)| n).sum();
        let by_status: Vec<String> =
            self.by_status.iter().map(|(status, n)| format!("{status}: {}", count(*n))).collect();
        if let Some(name) = &self.name {
            return self.text_of(name, n, &by_status);
        }
        let (to, test) = match &self.to {
            Some(to) => (format!(" to {to}"), "test that address"),
            None => (String::new(), "test the address that they name"),
        };
        format!(
            "{} of {} ({}) {}{to} ({}): redirects are not followed; {test}{}",
            count(n),
            counted(self.of, "answer"),
            percent(n as f64 / self.of.max(1) as f64),
            if n == 1 { "was a redirect" } else { "were redirects" },
            by_status.join(", "),
            if self.expected { ", or let them count as failed with --expect-status 200-299" } else { "" }
        )
    }
}

impl Redirects {
    fn text_of(&self, name: &str, n: u64, by_status: &[String]) -> String {
        format!(
            "{} of {} of {name} ({}) {} ({}), which neither its follow nor its expect_status asks for: set follow = 1 for \
             it, or list the status in its expect_status{}",
            count(n),
            counted(self.of, "answer"),
            percent(n as f64 / self.of.max(1) as f64),
            if n == 1 { "was a redirect" } else { "were redirects" },
            by_status.join(", "),
            if self.expected { "; as it is they count as success" } else { "" }
        )
    }
}

/// Most requests that one sentence lists.
const MAX_NAMES: usize = 3;

/// As in `pay: 80, cart: 40 and 2 others`.
fn listed(names: &[(String, u64)]) -> String {
    let shown: Vec<String> =
        names.iter().take(MAX_NAMES).map(|(name, n)| format!("{name}: {}", count(*n))).collect();
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {}", shown.join(", "), counted(more as u64, "other")),
    }
}

impl Other {
    pub fn kind(&self) -> FindingKind {
        match self {
            Self::Restarted => FindingKind::DriverRestarted,
            Self::JoinedLate => FindingKind::DriverJoinedLate,
            Self::Implausible => FindingKind::DriverImplausible,
            Self::Silent => FindingKind::DriverSilent,
            Self::SentMore { runs_on: false, .. } => FindingKind::DriverSentMore,
            Self::SentMore { runs_on: true, .. } | Self::RunsOn => FindingKind::DriverRunsOn,
            Self::FellSilent => FindingKind::DriverFellSilent,
            Self::ReportsNoLag => FindingKind::DriverReportsNoLag,
            Self::ReportsNoCounts => FindingKind::DriverReportsNoCounts,
            Self::ReportsNoEnds => FindingKind::DriverReportsNoEnds,
            Self::CountsAddedUp { .. } => FindingKind::DriverCountsAddedUp,
            Self::CountsUnclear { .. } => FindingKind::DriverCountsUnclear,
            Self::LatencyUnit(_) => FindingKind::DriverLatencyUnit,
            Self::Foreign(_) => FindingKind::ForeignReports,
            Self::Warned(_) => FindingKind::DriverWarned,
            Self::MoreWarned(_) => FindingKind::MoreDriversWarned,
            Self::LeftOut { .. } => FindingKind::DriverLeftOut,
            Self::TeardownFailed { .. } => FindingKind::TeardownFailed,
            Self::NotStored(_) => FindingKind::NotStored,
            Self::Redirects(_) => FindingKind::Redirects,
            Self::AnswersUnmet { .. } => FindingKind::AnswersUnmet,
            Self::SessionsAbandoned { .. } => FindingKind::SessionsAbandoned,
            Self::SharedNotRenewed { .. } => FindingKind::SharedNotRenewed,
            Self::CompletedAfterEnd { .. } => FindingKind::CompletedAfterEnd,
            Self::Foreseen(_) => FindingKind::ThresholdForeseen,
            Self::ForeseenOfPlan(_) => FindingKind::PlanForeseen,
            Self::RowsUsedUp { .. } => FindingKind::RowsUsedUp,
            Self::HeldByConnections { .. } => FindingKind::HeldByConnections,
            Self::ClosedLoop => FindingKind::ClosedLoop,
        }
    }

    pub fn text(&self, driver: Option<&str>) -> String {
        let the = the_driver(driver);
        match self {
            Self::Restarted => format!(
                "{the} ran twice during the test: it was restarted, or two nodes share this id; the figures of both \
                 are counted"
            ),
            Self::JoinedLate => {
                format!("{the} registered only after the trigger: its figures are counted as well")
            }
            Self::Implausible => {
                format!("{the} sends figures that contradict each other: they are shown as sent")
            }
            Self::Silent => {
                format!(
                    "{the} sends heartbeats and has sent no report yet: it reports at its end, or did not start"
                )
            }
            Self::SentMore { sent_more: SentMore { asked, sent }, runs_on } => {
                let more =
                    format!("{the} was to send {} and sent {}", counted(*asked, "request"), count(*sent));
                match runs_on {
                    true => format!(
                        "{more} so far: it goes on sending after the end of the test; end its process"
                    ),
                    false => format!("{more}: it does not keep to its count"),
                }
            }
            Self::RunsOn => format!("{the} goes on reporting after the end of its load: end its process"),
            Self::FellSilent => {
                format!("{the} did not report its end: it counts as ended when its reports stopped")
            }
            Self::ReportsNoLag => format!(
                "{the} reports neither lag nor idle time: whether it was the limit itself is not known"
            ),
            Self::ReportsNoCounts => format!(
                "{the} does not report (consistently) how many requests it sent: the totals leave it out"
            ),
            Self::ReportsNoEnds => format!(
                "{the} reports how many requests it sent, and not how many were answered: how they ended is not known"
            ),
            Self::CountsAddedUp { sent } => format!(
                "{the} reports what it sent since its last report, and not the total: its counts were added up{}",
                match sent {
                    0 => String::new(),
                    n => format!(", to {}", counted(*n, "request")),
                }
            ),
            Self::CountsUnclear { at_least } => format!(
                "{the} reports counts that do not grow as a total does, and that do not add up to what it was to send: \
                 what it sent is not known, at least {}; the totals leave it out",
                counted(*at_least, "request")
            ),
            Self::LatencyUnit(odd) => odd.text(driver),
            Self::Foreign(nodes) => {
                let which = names(nodes.iter().map(String::as_str));
                let (sent, take) = if nodes.len() == 1 { ("it does", "its") } else { ("they do", "their") };
                format!(
                    "{which} sent reports for this test, and {sent} not take part in it: {take} figures are not counted"
                )
            }
            Self::Warned(text) => match driver {
                Some(driver) => format!("{driver}: {text}"),
                None => text.clone(),
            },
            Self::LeftOut { gone: true } => {
                format!("{the} is left out: its heartbeats stopped; look whether its process still runs")
            }
            Self::LeftOut { gone: false } => format!(
                "{the} is left out: it showed nothing of its last test (deaf); restart it, so that it registers again"
            ),
            Self::MoreWarned(more) => {
                let verb = if *more == 1 { "warns" } else { "warn" };
                format!("{} {verb} before the start: see their logs", counted(*more as u64, "more driver"))
            }
            Self::TeardownFailed { step, why } => {
                let on = driver.map_or_else(String::new, |driver| format!(" on driver {driver}"));
                let at = step.as_ref().map_or_else(String::new, |step| format!(" at step {step}"));
                format!("teardown failed{on}{at}, so that the target may not be as it was before: {why}")
            }
            Self::NotStored(why) => format!(
                "the orchestrator could not store this report and all its windows ({why}): it holds them in memory, \
                 and they are lost if it ends before it can store them"
            ),
            Self::Redirects(redirects) => redirects.text(),
            Self::SharedNotRenewed { name, failed, sent, why } => format!(
                "shared.{name} was not renewed {} of {} times ({}): sessions went on with the values before, which may \
                 have expired",
                count(*failed),
                count(*sent),
                listed(why)
            ),
            Self::AnswersUnmet { checks, extracts, failed, names } => format!(
                "most failures are answers that {}: {} of {} ({}); look at one of them, and at the plan's check and extract",
                match (*checks, *extracts) {
                    (_, 0) => "failed a check",
                    (0, _) => "lacked a value to extract",
                    _ => "failed a check or lacked a value to extract",
                },
                count(checks + extracts),
                count(*failed),
                listed(names)
            ),
            Self::SessionsAbandoned { abandoned, of, stopped } => format!(
                "{} of {} ({}) were abandoned between two steps{}: figures of sessions are of the others, and with ≥ they \
                 are lower bounds{}",
                count(*abandoned),
                counted(*of, "session"),
                percent(*abandoned as f64 / (*of).max(1) as f64),
                if *stopped { " by the stop" } else { " when drain_timeout was over" },
                if *stopped {
                    ""
                } else {
                    "; let it run longer than one session takes, or raise load.drain_timeout"
                }
            ),
            Self::CompletedAfterEnd { after, of, without } => format!(
                "{} of {} ({}) completed after the end of the schedule: throughput counts only what completed within \
                 it{}",
                count(*after),
                counted(*of, "completed request"),
                percent(*after as f64 / (*of).max(1) as f64),
                if without.is_empty() {
                    String::new()
                } else {
                    format!(
                        "; when those of {} completed is not known",
                        names(without.iter().map(String::as_str))
                    )
                }
            ),
            Self::Foreseen(text) | Self::ForeseenOfPlan(text) => text.clone(),
            Self::RowsUsedUp { data, sessions } => format!(
                "the rows of data.{data} were used up: {the} began {}, and others did not begin; add rows, or take \
                 them in another order (\"shuffle\" repeats them)",
                counted(*sessions, "session")
            ),
            Self::HeldByConnections { connections, each, means_ms } => {
                let each = if *each { " of its driver" } else { "" };
                let means = means_ms.map_or_else(String::new, |(held, response, service)| {
                    format!(
                        ": on average {} of {}, where service was {}",
                        ms(held),
                        ms(response),
                        ms(service)
                    )
                });
                format!(
                    "each request waited for one of {}{each} (load.connections), and response contains that wait (held), \
                     which is the target's doing{means}",
                    counted(u64::from(*connections), "connection")
                )
            }
            Self::ClosedLoop => {
                "a closed loop waits for its answers: it does not see the requests that it could not \
                                 send meanwhile, and latencies of a driver without idle CPU are upper bounds"
                    .to_owned()
            }
        }
    }
}
