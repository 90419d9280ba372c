//! The peers: the flags by which each does the same job, and how its own output is read.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;

use crate::job::{Job, Loop, Outcome, Place};
use crate::processes::{pinned, run_to_end, typed};
use crate::said::Said;

/// Peers that are not run, and why: printed with the results.
pub const LEFT_OUT: [(&str, &str); 2] = [
    ("wrk2", "Debian has no package of it, and no registry has a version of it to pin"),
    ("k6", "the rules of the machines that we measure on say not to use it, for it is under the AGPL"),
];

/// Another project's load generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// wrk: closed loop alone.
    Wrk,
    /// h2load, over HTTP/1.1.
    H2load,
    /// oha, which counts from the due time where a rate is given.
    Oha,
    /// oha as it is without `--latency-correction`, for the stall alone.
    OhaUncorrected,
    Vegeta,
}

impl Peer {
    /// Those that take part in every scenario they can do.
    pub const ALL: [Self; 4] = [Self::Wrk, Self::H2load, Self::Oha, Self::Vegeta];

    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::OhaUncorrected => "oha by default",
            _ => self.program(),
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Wrk => "wrk",
            Self::H2load => "h2load",
            Self::Oha | Self::OhaUncorrected => "oha",
            Self::Vegeta => "vegeta",
        }
    }

    /// Whether it can keep a rate.
    pub fn keeps_a_rate(self) -> bool {
        self != Self::Wrk
    }

    /// Whether it reports percentiles. This version of h2load reports minimum, mean and maximum.
    pub fn says_percentiles(self) -> bool {
        self != Self::H2load
    }

    /// Its version; `None` where it is not installed.
    pub fn version(self) -> Option<String> {
        let flag = match self {
            Self::Wrk => "-v",
            Self::Vegeta => "-version",
            _ => "--version",
        };
        let output = Command::new(self.program()).arg(flag).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if self == Self::Vegeta {
            return Some(self.module_version().unwrap_or_else(|| "vegeta".to_owned()));
        }
        let first = text.lines().next()?.trim();
        Some(first.split(" Copyright").next().unwrap_or(first).to_owned())
    }

    /// `go install` sets no version for `-version`, but the toolchain writes the module's version into the binary.
    fn module_version(self) -> Option<String> {
        let path = which(self.program())?;
        let output = Command::new("go").args(["version", "-m"]).arg(path).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find(|line| line.trim_start().starts_with("mod"))?;
        Some(format!("vegeta {}", line.split_whitespace().nth(2)?))
    }

    /// Does the job and ends.
    ///
    /// # Errors
    /// Where it fails, or does not end in time.
    pub fn run(self, place: &Place, job: &Job, at_most: Duration) -> anyhow::Result<Outcome> {
        let results = place.scratch.join("results.bin");
        let targets = place.scratch.join("targets");
        if self == Self::Vegeta {
            std::fs::write(&targets, format!("GET {}\n", job.url))?;
        }
        let output = if job.latencies { results.as_path() } else { Path::new("/dev/null") };
        let arguments = self.arguments(job, &targets, output);
        let command = pinned(place.generator_core, Path::new(self.program()), &arguments);
        let line = typed(&command).replace(&format!("{}/", place.scratch.display()), "");
        let ended = run_to_end(command, &place.scratch, at_most)?;
        let said = match self {
            Self::Wrk => Said::of_wrk(&ended.stdout),
            Self::H2load => Said::of_h2load(&ended.stdout),
            Self::Oha | Self::OhaUncorrected => Said::of_oha(&ended.stdout),
            Self::Vegeta if job.latencies => {
                let report = Command::new("vegeta").args(["report", "-type=json"]).arg(&results).output();
                let report = report.context("vegeta report")?;
                std::fs::remove_file(&results)?;
                Said::of_vegeta(&String::from_utf8_lossy(&report.stdout))
            }
            Self::Vegeta => Said::default(),
        };
        Ok(Outcome { command: line, cpu: ended.cpu, stack_cpu: None, memory: ended.memory, said })
    }

    fn arguments(self, job: &Job, targets: &Path, output: &Path) -> Vec<String> {
        let connections = job.connections.to_string();
        // Whole seconds are what all of them understand.
        let seconds = (job.duration.as_secs_f64().ceil() as u64).max(1);
        let rate = match job.kind {
            Loop::Closed => None,
            Loop::Open { rate_per_s } => Some(rate_per_s),
        };
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let mut arguments = match self {
            Self::Wrk => words(&["-t1", &format!("-c{connections}"), &format!("-d{seconds}s"), "--latency"]),
            Self::H2load => words(&["--h1", "-t1", "-c", &connections, "-D", &seconds.to_string()]),
            Self::Oha | Self::OhaUncorrected => {
                let for_so_long = format!("{seconds}s");
                words(&["-c", &connections, "-z", &for_so_long, "--no-tui", "--output-format", "json"])
            }
            Self::Vegeta => {
                let (targets, output) = (targets.display().to_string(), output.display().to_string());
                let for_so_long = format!("{seconds}s");
                words(&["attack", "-targets", &targets, "-output", &output, "-duration", &for_so_long])
            }
        };
        match (self, rate) {
            (Self::H2load, Some(rate)) => {
                arguments.extend(words(&["--rps", &(rate / f64::from(job.connections)).to_string()]));
            }
            (Self::Oha, Some(rate)) => {
                arguments.extend(words(&["-q", &rate.round().to_string(), "--latency-correction"]));
            }
            (Self::OhaUncorrected, Some(rate)) => arguments.extend(words(&["-q", &rate.round().to_string()])),
            (Self::Vegeta, Some(rate)) => {
                arguments.extend(words(&["-rate", &format!("{}/s", rate.round())]));
            }
            (Self::Vegeta, None) => arguments.extend(words(&["-rate", "0", "-max-workers", &connections])),
            _ => {}
        }
        if self != Self::Vegeta {
            arguments.push(job.url.clone());
        }
        arguments
    }
}

/// Where a program is on the PATH.
fn which(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: Peer, kind: Loop, expected: &str) {
        let url = "http://127.0.0.1:1/ping".to_owned();
        let job = Job { url, connections: 64, kind, duration: Duration::from_secs(4), latencies: true };
        assert_eq!(peer.arguments(&job, Path::new("t"), Path::new("r")).join(" "), expected);
    }

    #[test]
    fn each_gets_the_same_job() {
        let open = Loop::Open { rate_per_s: 1_000.0 };
        let url = "http://127.0.0.1:1/ping";
        check(Peer::Wrk, Loop::Closed, &format!("-t1 -c64 -d4s --latency {url}"));
        check(Peer::H2load, Loop::Closed, &format!("--h1 -t1 -c 64 -D 4 {url}"));
        check(Peer::H2load, open, &format!("--h1 -t1 -c 64 -D 4 --rps 15.625 {url}"));
        let oha = "-c 64 -z 4s --no-tui --output-format json";
        check(Peer::Oha, Loop::Closed, &format!("{oha} {url}"));
        check(Peer::Oha, open, &format!("{oha} -q 1000 --latency-correction {url}"));
        check(Peer::OhaUncorrected, open, &format!("{oha} -q 1000 {url}"));
        let vegeta = "attack -targets t -output r -duration 4s";
        check(Peer::Vegeta, Loop::Closed, &format!("{vegeta} -rate 0 -max-workers 64"));
        check(Peer::Vegeta, open, &format!("{vegeta} -rate 1000/s"));
    }
}
