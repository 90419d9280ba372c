//! The peers that have sessions: how each is started with the session of `shop`, which is a program in `bench/peers/`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::job::{Outcome, Place};
use crate::processes::{pinned, run_watched, typed};
use crate::said::Said;

/// The session in Locust. It is written beside each run's output, so that the harness needs no checkout.
const LOCUSTFILE: &str = include_str!("../peers/locust/locustfile.py");

/// Another project's load generator, with sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionPeer {
    /// `bench/peers/goose`, compiled by scripts/bench-peers.
    Goose,
    /// FastHttpUser, in one process.
    Locust,
}

impl SessionPeer {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Goose, Self::Locust];

    /// What tables call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Goose => "goose",
            Self::Locust => "locust",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Goose => "goose-session",
            Self::Locust => "locust",
        }
    }

    /// Its version; `None` where it is not installed.
    pub fn version(self) -> Option<String> {
        let output = Command::new(self.program()).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let line = text.lines().find(|line| !line.trim().is_empty())?.trim();
        // Locust adds where it lies.
        Some(line.split(" from ").next().unwrap_or(line).to_owned())
    }

    /// Sends sessions of so many users for so long; `watch` is called for its process all the time.
    ///
    /// # Errors
    /// Where it fails, or does not end in time, and what `watch` returns.
    pub fn run(
        self,
        place: &Place,
        (host, users, duration): (&str, u32, Duration),
        at_most: Duration,
        watch: &mut dyn FnMut(u32) -> anyhow::Result<()>,
    ) -> anyhow::Result<Outcome> {
        let file: PathBuf = place.scratch.join("locustfile.py");
        if self == Self::Locust {
            std::fs::write(&file, LOCUSTFILE)?;
        }
        let arguments = self.arguments(host, users, duration, &file);
        let command = pinned(place.generator_core, Path::new(self.program()), &arguments);
        let line = typed(&command).replace(&format!("{}/", place.scratch.display()), "bench/peers/locust/");
        let ended = run_watched(command, &place.scratch, at_most, watch)?;
        let (cpu, memory) = (ended.cpu, ended.memory);
        Ok(Outcome { command: line, cpu, stack_cpu: None, memory, said: Said::default() })
    }

    /// All users at once, or within 50 ms where a rate has to be given, and nothing written but what each writes at its
    /// end.
    fn arguments(self, host: &str, users: u32, duration: Duration, file: &Path) -> Vec<String> {
        // Users a second. Goose starts the first at once and counts --run-time from the last one's start.
        let per_s = users.saturating_mul(20).to_string();
        let (users, seconds) = (users.to_string(), (duration.as_secs_f64().ceil() as u64).max(1));
        let for_so_long = format!("{seconds}s");
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        match self {
            Self::Goose => {
                let mut words = words(&["--host", host, "--users", &users, "--increase-rate", &per_s]);
                // Without it the figures of the start are thrown away, and the test runs for longer.
                words.extend(["--run-time", &for_so_long, "--no-reset-metrics"].map(str::to_owned));
                words.push("--no-telnet".to_owned());
                words
            }
            Self::Locust => {
                let file = file.display().to_string();
                let mut words =
                    words(&["--headless", "-f", &file, "--host", host, "-u", &users, "-r", &users]);
                words.extend(
                    ["-t", &for_so_long, "--only-summary", "--loglevel", "WARNING"].map(str::to_owned),
                );
                words
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_get_the_same_users_for_the_same_time() {
        let host = "http://127.0.0.1:1";
        let of = |peer: SessionPeer| {
            peer.arguments(host, 64, Duration::from_millis(5_500), Path::new("f.py")).join(" ")
        };
        assert_eq!(
            of(SessionPeer::Goose),
            format!(
                "--host {host} --users 64 --increase-rate 1280 --run-time 6s --no-reset-metrics --no-telnet"
            )
        );
        let expected =
            format!("--headless -f f.py --host {host} -u 64 -r 64 -t 6s --only-summary --loglevel WARNING");
        assert_eq!(of(SessionPeer::Locust), expected);
    }
}
