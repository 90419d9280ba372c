//! What the nodes of a stack log, shown above the progress.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use crate::child::Logged;
use crate::progress::ProgressView;

/// Most lines that are remembered, to show once what several nodes say alike.
const REMEMBERED: usize = 64;

/// Passes on what the nodes log, above the progress; what several nodes say alike, once.
pub async fn show_logs(mut log: mpsc::Receiver<Logged>, progress: ProgressView) {
    let mut said: VecDeque<(String, String)> = VecDeque::new();
    while let Some(Logged { label, line }) = log.recv().await {
        let sentence = without_time(&line).to_owned();
        let of_another = said.iter().any(|(who, what)| *who != label && *what == sentence);
        if of_another {
            continue;
        }
        progress.print_always(&format!("{label}: {line}"));
        if said.len() == REMEMBERED {
            said.pop_front();
        }
        said.push_back((label, sentence));
    }
}

/// A line of a log without its time, `[2026-01-02T03:04:05Z WARN  driver] …`.
fn without_time(line: &str) -> &str {
    let rest = line.strip_prefix('[').and_then(|line| line.split_once(' '));
    rest.map_or(line, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_compared_without_their_time() {
        assert_eq!(without_time("[2026-01-02T03:04:05Z WARN  driver] no room"), "WARN  driver] no room");
        assert_eq!(without_time("no room"), "no room");
    }
}
