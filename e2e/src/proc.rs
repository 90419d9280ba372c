//! Processes as the kernel lists them: which one started which, and which were started with a variable.

use std::path::Path;

/// Processes whose environment holds this entry, as in `NAME=value`: all that a command started, however deep.
pub fn with_variable(entry: &str) -> Vec<u32> {
    let has = |pid: &u32| {
        std::fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|one| one == entry.as_bytes()))
    };
    pids().filter(has).collect()
}

/// Processes that keep their data below this home.
pub fn of_home(home: &Path) -> Vec<u32> {
    with_variable(&format!("XDG_STATE_HOME={}", home.display()))
}

/// Children of a process whose command line has this word, as in `driver`; the oldest first.
pub fn children(parent: u32, word: &str) -> Vec<u32> {
    let is_child = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // pid (name) state ppid …
        let ppid = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse::<u32>().ok());
        ppid == Some(parent)
    };
    let has_word = |pid: &u32| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).any(|one| one == word.as_bytes()))
    };
    let mut found: Vec<u32> = pids().filter(is_child).filter(has_word).collect();
    found.sort_unstable();
    found
}

fn pids() -> impl Iterator<Item = u32> {
    std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}
