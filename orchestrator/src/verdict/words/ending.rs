//! Ends of the test and of its drivers that were not planned: the sentences for `aborted` and `incomplete`.

use super::the_driver;
use crate::human::{count, counted};
use crate::model::{FindingKind, MissingWindows};

/// The sessions of a driver that is one of several: their numbers are `index`, `index + of`, `index + 2·of`, …
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnSessions {
    pub index: u32,
    pub of: u32,
    /// Whether the plan has rows of data, which belong to the numbers.
    pub have_rows: bool,
}

/// An end that was not planned.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The test was stopped.
    Stopped {
        /// Who or what stopped it; empty where nothing is known.
        by: String,
    },
    /// A condition of the plan's `[abort]` ended it.
    ByPlan {
        /// The whole sentence (`verdict::breach`).
        breach: String,
    },
    /// The orchestrator that led the test ended.
    Interrupted {
        /// The whole sentence (`ran_on`).
        why: String,
    },
    /// Setup failed on the driver.
    SetupFailed {
        /// The step; `None`: it failed for another reason.
        step: Option<String>,
        /// Why, with the answer.
        why: String,
    },
    /// Setup did not come to its end.
    SetupLost {
        /// The whole clause.
        why: String,
    },
    /// The trigger was never published.
    NeverStarted,
    /// A classic driver sent no report.
    Deaf,
    /// Heartbeats, and no windows.
    Overdue {
        /// Requests whose end is not known.
        unresolved: u64,
    },
    /// Its heartbeats stopped before it reported its end.
    Lost {
        /// Whole seconds from the start to its last report; `None`: it reported nothing.
        after_s: Option<i64>,
        /// Requests whose end is not known.
        unresolved: u64,
        /// What it took with it; `None`: the plan has no sessions, or one driver.
        sessions: Option<OwnSessions>,
    },
    /// It left because of SIGTERM.
    Left {
        /// As in [`Ending::Lost`].
        after_s: Option<i64>,
        /// As in [`Ending::Lost`].
        sessions: Option<OwnSessions>,
    },
    /// It ended its load itself.
    CutShort {
        /// As in [`Ending::Lost`].
        after_s: Option<i64>,
        /// The driver's own reason.
        why: String,
        /// As in [`Ending::Lost`].
        sessions: Option<OwnSessions>,
    },
    /// A run of windows that did not arrive.
    Windows(MissingWindows),
    /// Number of further such runs.
    MoreWindows(usize),
}

impl Ending {
    pub fn kind(&self) -> FindingKind {
        match self {
            Self::Stopped { .. } => FindingKind::Stopped,
            Self::ByPlan { .. } => FindingKind::AbortedByPlan,
            Self::Interrupted { .. } => FindingKind::Interrupted,
            Self::SetupFailed { .. } => FindingKind::SetupFailed,
            Self::SetupLost { .. } => FindingKind::SetupLost,
            Self::NeverStarted => FindingKind::NeverStarted,
            Self::Deaf => FindingKind::DriverDeaf,
            Self::Overdue { .. } => FindingKind::DriverOverdue,
            Self::Lost { .. } => FindingKind::DriverLost,
            Self::Left { .. } => FindingKind::DriverLeft,
            Self::CutShort { .. } => FindingKind::DriverCutShort,
            Self::Windows(_) => FindingKind::WindowsMissing,
            Self::MoreWindows(_) => FindingKind::MoreWindowsMissing,
        }
    }

    pub fn text(&self, driver: Option<&str>) -> String {
        let driver = the_driver(driver);
        match self {
            Self::ByPlan { breach } => breach.clone(),
            Self::Stopped { by } => match by.as_str() {
                "" => "the test was stopped before its end".to_owned(),
                name => format!("the test was stopped before its end by {name}"),
            },
            Self::Interrupted { why } => why.clone(),
            Self::SetupFailed { step: Some(step), why } => {
                format!("setup failed on {driver} at step {step}, and the load was not started: {why}")
            }
            Self::SetupFailed { step: None, why } => {
                format!("setup failed on {driver}, and the load was not started: {why}")
            }
            Self::SetupLost { why } => format!("setup began, and the load was not started: {why}"),
            Self::NeverStarted => {
                "the load was never started, so nothing was measured: run the test again".to_owned()
            }
            Self::Deaf => {
                format!("{driver} sent no report after the trigger: restart it before the next test")
            }
            Self::Overdue { unresolved } => format!(
                "{driver} sends heartbeats, and has sent no window for a minute{}: its load hangs; look at its log, \
                 restart it, then run the test again",
                with_unresolved(*unresolved)
            ),
            Self::Lost { after_s, unresolved, sessions } => format!(
                "{driver} was lost {} and did not come back{}{}: look at its log and its host, then run the test again",
                when(*after_s),
                with_unresolved(*unresolved),
                without_sessions(*sessions)
            ),
            Self::Left { after_s, sessions } => format!(
                "{driver} was ended by a signal (SIGTERM) {}{}: run the test again without stopping it",
                when(*after_s),
                without_sessions(*sessions)
            ),
            Self::CutShort { after_s, why, sessions } => format!(
                "{driver} ended its load early, {}: {why}{}",
                when(*after_s),
                without_sessions(*sessions)
            ),
            Self::Windows(run) => windows(run, &driver),
            Self::MoreWindows(more) => format!(
                "windows are missing in {}: see completeness in the JSON report",
                counted(*more as u64, "more place")
            ),
        }
    }
}

fn when(after_s: Option<i64>) -> String {
    match after_s {
        Some(seconds) => format!("{seconds} s into the test"),
        None => "before its first report".to_owned(),
    }
}

fn with_unresolved(n: u64) -> String {
    match n {
        0 => String::new(),
        1 => "; how 1 request that it had sent ended is not known".to_owned(),
        n => format!("; how {} requests that it had sent ended is not known", count(n)),
    }
}

fn without_sessions(sessions: Option<OwnSessions>) -> String {
    let Some(OwnSessions { index, of, have_rows }) = sessions else { return String::new() };
    let (i, n) = (u64::from(index), u64::from(of));
    let rows = if have_rows { " and their rows of data" } else { "" };
    format!("; its sessions (numbers {i}, {}, {}, …){rows} were not sent from then on", i + n, i + 2 * n)
}

fn windows(run: &MissingWindows, driver: &str) -> String {
    let which = if run.from_seq == run.to_seq {
        format!("window {} of {driver} is", run.from_seq)
    } else {
        format!("windows {} to {} of {driver} are", run.from_seq, run.to_seq)
    };
    format!(
        "{which} missing, from {} to {} UTC: look for an outage of Kafka or of the driver",
        time_of_day(&run.from),
        time_of_day(&run.to)
    )
}

/// The time of day of an RFC 3339 instant.
fn time_of_day(instant: &str) -> &str {
    instant.get(11..19).unwrap_or(instant)
}
