//! The receiving end as the harness sees it: a child of its own, started for one measurement, asked at the end.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{ChildStdout, Stdio};
use std::time::Duration;

use anyhow::Context;

use crate::processes::{Cpu, Owned, has_real_time, pinned, pinned_at};
use crate::seen::{Listening, SoFar, Summary};

/// Before everybody else, behind everybody else, and with the largest share among equals.
const REAL_TIME: [&str; 3] = ["chrt", "-f", "1"];
const IDLE: [&str; 3] = ["chrt", "-i", "0"];
const LARGEST_SHARE: [&str; 3] = ["nice", "-n", "-20"];

/// How a receiving end shares its core with our orchestrator, and with whatever else is there. Without the right to
/// another priority it always shares it as equals do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sharing {
    #[default]
    Equal,
    /// It runs at once, and its core does not halt: an arrival is noted when it comes. Not where it is as busy as it
    /// can be: others would have nothing, and the kernel takes a twentieth of each second from real-time processes.
    AtOnce,
    /// It has nearly all of it.
    Most,
}

/// What a receiving end does besides answering.
#[derive(Debug, Clone, Copy, Default)]
pub struct Receiving {
    /// Notes arrivals, and compares them with this rate for so long.
    pub schedule: Option<(f64, Duration)>,
    pub sharing: Sharing,
    /// Stalls so long after the first request, for so long.
    pub stall: Option<(Duration, Duration)>,
    /// Bytes of the body of each answer; `None` for the small answer.
    pub body: Option<usize>,
    pub tls: bool,
    /// Answers as a shop does: JSON of 2 kB, and a cookie.
    pub session: bool,
    /// Is a shop that checks sessions of five steps; of a schedule, first steps alone are noted.
    pub shop: bool,
}

pub struct Receiver {
    child: Owned,
    /// Keeps the core from halting.
    awake: Option<Owned>,
    stdout: BufReader<ChildStdout>,
    pub address: SocketAddr,
    tls: bool,
}

impl Receiver {
    /// Starts one, pinned to a core.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn start(core: usize, receiving: Receiving) -> anyhow::Result<Self> {
        let mut arguments = vec!["sink".to_owned()];
        if let Some((rate, length)) = receiving.schedule {
            // With room for half as many again, so that a tool that exceeds its rate is visible.
            let note = (rate * length.as_secs_f64() * 1.5) as usize + 10_000;
            arguments.extend(["--rate".to_owned(), rate.to_string(), "--note".to_owned(), note.to_string()]);
        }
        if let Some((at, length)) = receiving.stall {
            arguments.extend(["--stall-at".to_owned(), humantime::format_duration(at).to_string()]);
            arguments.extend(["--stall-for".to_owned(), humantime::format_duration(length).to_string()]);
        }
        if let Some(bytes) = receiving.body {
            arguments.extend(["--body".to_owned(), bytes.to_string()]);
        }
        if receiving.session {
            arguments.push("--session".to_owned());
        }
        if receiving.shop {
            arguments.push("--shop".to_owned());
        }
        if receiving.tls {
            arguments.push("--tls".to_owned());
        }
        let program = std::env::current_exe().context("this program's own file")?;
        let mut awake = None;
        let sharing = if has_real_time() { receiving.sharing } else { Sharing::Equal };
        let mut command = match sharing {
            Sharing::Equal => pinned(core, &program, &arguments),
            Sharing::Most => pinned_at(LARGEST_SHARE, core, &program, &arguments),
            Sharing::AtOnce => {
                let mut idle = pinned_at(IDLE, core, &program, &["awake".to_owned()]);
                idle.stdin(Stdio::piped()).stdout(Stdio::null());
                awake = Some(Owned(idle.spawn().context("keeping the core awake")?));
                pinned_at(REAL_TIME, core, &program, &arguments)
            }
        };
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = Owned(command.spawn().context("starting the receiving end")?);
        let mut stdout = BufReader::new(child.0.stdout.take().context("its stdout")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let listening: Listening = serde_json::from_str(&line).context("the receiving end did not start")?;
        Ok(Self { child, awake, stdout, address: listening.listening, tls: receiving.tls })
    }

    /// The URL that all tools send to.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}/ping", self.address)
    }

    /// How many requests it has received so far.
    ///
    /// # Errors
    /// Where it does not answer.
    pub fn received(&mut self) -> anyhow::Result<u64> {
        let stdin = self.child.0.stdin.as_mut().context("its stdin")?;
        stdin.write_all(b"\n").context("asking the receiving end")?;
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        let so_far: SoFar = serde_json::from_str(&line).context("the receiving end did not answer")?;
        Ok(so_far.received)
    }

    /// The CPU time that it has used so far.
    ///
    /// # Errors
    /// Where it is gone.
    pub fn cpu(&self) -> anyhow::Result<Cpu> {
        Cpu::of(self.child.0.id())
    }

    /// Ends it, and returns what it saw.
    ///
    /// # Errors
    /// Where it prints no result.
    pub fn end(mut self) -> anyhow::Result<Summary> {
        drop(self.awake.take());
        drop(self.child.0.stdin.take());
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        let summary = serde_json::from_str(&line).context("the receiving end did not say what it saw")?;
        self.child.0.wait()?;
        Ok(summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_as_the_sink_reads_it() {
        let written = humantime::format_duration(Duration::from_millis(1_500)).to_string();
        assert_eq!(humantime::parse_duration(&written).unwrap(), Duration::from_millis(1_500));
    }
}
