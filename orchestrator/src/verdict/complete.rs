//! Incomplete: drivers that were lost or left, and windows that did not arrive.

use common::clock::UnixMicros;

use super::{DriverFacts, Facts, Findings};
use crate::model::{MissingWindows, Verdict};
use crate::report::human::{counted, names};
use crate::tally::EndedBy;

/// Most runs of missing windows that are told one by one.
const MAX_RUNS: usize = 4;

/// Looks for what is missing.
pub fn look(facts: &Facts<'_>, findings: &mut Findings) {
    let Some(start) = facts.started_at else {
        if facts.stopped_by.is_none() {
            findings.because(Verdict::Incomplete, "the drivers were never told to start".to_owned());
        }
        return;
    };
    for driver in &facts.drivers {
        if let Some(reason) = missing_driver(driver, start, facts.stopped_by.is_some()) {
            findings.because(Verdict::Incomplete, reason);
        }
        warn(driver, findings);
    }
    for run in facts.missing.iter().take(MAX_RUNS) {
        findings.because(Verdict::Incomplete, missing_windows(run));
    }
    if facts.missing.len() > MAX_RUNS {
        let more = facts.missing.len() - MAX_RUNS;
        findings.because(
            Verdict::Incomplete,
            format!("{more} more runs of windows are missing: see completeness in the JSON report"),
        );
    }
    if !facts.foreign.is_empty() {
        let nodes = names(facts.foreign.iter().map(String::as_str));
        findings.warn(format!("{nodes} reported to this test and takes no part in it: not counted"));
    }
}

fn missing_driver(driver: &DriverFacts<'_>, start: UnixMicros, aborted: bool) -> Option<String> {
    let name = &driver.name;
    let when = |at: Option<UnixMicros>| match at {
        Some(at) => format!("{} s into the test", at.saturating_sub(start).max(0) / 1_000_000),
        None => "before it told anything of the test".to_owned(),
    };
    let unresolved = match driver.unresolved {
        0 => String::new(),
        n => format!(
            "; {} it had sent {} unresolved",
            counted(n, "request"),
            if n == 1 { "is" } else { "are" }
        ),
    };
    match (driver.ended_by, driver.cut_short.as_deref()) {
        (Some(EndedBy::Deaf), _) => Some(format!(
            "driver {name} showed nothing after the trigger (deaf): restart it before the next test"
        )),
        (Some(EndedBy::Overdue), _) => Some(format!(
            "driver {name} is alive, and for a minute did not tell the windows it owes{unresolved}: its load hangs; \
             look at its log and start it again, then run the test again"
        )),
        (None | Some(EndedBy::Lost), _) => Some(format!(
            "driver {name} was lost {} and did not come back{unresolved}: look at its log and its host, \
             then run the test again",
            when(driver.heard_at)
        )),
        (Some(_), Some("leaving")) => Some(format!(
            "driver {name} was told to leave (SIGTERM) {}: run the test again without stopping it",
            when(driver.heard_at)
        )),
        // On a stop they all end early: that is what the verdict says.
        (Some(_), Some(_)) if aborted => None,
        (Some(_), Some(why)) => {
            Some(format!("driver {name} ended its load early, {}: {why}", when(driver.heard_at)))
        }
        _ => None,
    }
}

fn warn(driver: &DriverFacts<'_>, findings: &mut Findings) {
    let name = &driver.name;
    if driver.other_life {
        findings.warn(format!(
            "driver {name} took part in another life as well: it was restarted, or two nodes share the id; \
             both are counted"
        ));
    }
    if driver.joined {
        findings
            .warn(format!("driver {name} made itself known only after the trigger: it is counted as well"));
    }
    if driver.implausible {
        findings.warn(format!("driver {name} sends figures that contradict each other: shown as sent"));
    }
    if driver.classic && driver.ended_by == Some(EndedBy::Silence) {
        findings.warn(format!("driver {name} told no end: it counts as ended since its silence"));
    }
    if driver.classic {
        findings.warn(format!(
            "driver {name} tells neither lag nor idle time: whether it was the limit itself is not known"
        ));
    }
    if driver.classic && driver.sample.partial {
        findings.warn(format!(
            "driver {name} does not tell (consistently) what it sent: the totals leave it out"
        ));
    }
}

fn missing_windows(run: &MissingWindows) -> String {
    let (one, many) = ("window", "windows");
    let which = if run.from_seq == run.to_seq {
        format!("{one} {} of driver {} is", run.from_seq, run.node_id)
    } else {
        format!("{many} {} to {} of driver {} are", run.from_seq, run.to_seq, run.node_id)
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
