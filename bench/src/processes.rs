//! Runs other processes: pinned to a core, with CPU time and memory read from /proc and output in files. They are
//! killed when we end.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// How often a running process is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often its memory is noted.
const NOTE_MEMORY_EVERY: Duration = Duration::from_millis(500);

/// CPU time, as the kernel has counted it: to a hundredth of a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cpu {
    pub user_s: f64,
    /// In the kernel on its behalf.
    pub system_s: f64,
}

impl Cpu {
    /// Of a process with all its threads, ended ones too; also of one that has ended and was not yet waited for.
    ///
    /// # Errors
    /// Where the process does not exist.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        Ok(Self::with_waited_for(pid)?[0])
    }

    /// The same, and that of all descendants that have ended and were waited for.
    fn with_waited_for(pid: u32) -> anyhow::Result<[Self; 2]> {
        let path = format!("/proc/{pid}/stat");
        let stat = std::fs::read_to_string(&path).with_context(|| path.clone())?;
        // The second field is the name in brackets, and may hold anything.
        let fields: Vec<&str> =
            stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
        let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
        // utime and stime, then cutime and cstime.
        let [Some(user), Some(system), Some(of_ended), Some(system_of_ended)] = [11, 12, 13, 14].map(ticks)
        else {
            bail!("{path} is not understood")
        };
        let per_second = clock_ticks_per_second() as f64;
        let cpu = |user: f64, system: f64| Self { user_s: user / per_second, system_s: system / per_second };
        Ok([cpu(user, system), cpu(of_ended, system_of_ended)])
    }

    /// Of a process and its descendants. One that has ended counts with the process that waited for it.
    ///
    /// # Errors
    /// Where the process does not exist.
    pub fn of_tree(root: u32) -> anyhow::Result<Self> {
        let mut parts = Self::with_waited_for(root)?.to_vec();
        for pid in descendants(root) {
            // One may end between the look for it and this.
            parts.extend(Self::with_waited_for(pid).into_iter().flatten());
        }
        let sum = |part: fn(&Self) -> f64| parts.iter().map(part).sum();
        Ok(Self { user_s: sum(|cpu| cpu.user_s), system_s: sum(|cpu| cpu.system_s) })
    }

    pub fn total_s(self) -> f64 {
        self.user_s + self.system_s
    }

    /// What was used after `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        Self { user_s: self.user_s - earlier.user_s, system_s: self.system_s - earlier.system_s }
    }
}

/// Everything that descends from a process, as /proc has it now.
fn descendants(root: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let parents: Vec<(u32, u32)> = pids.filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(of) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, parent)| *parent == of).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

/// The memory of a process over time.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    noted: Vec<(Duration, f64)>,
    peak_mb: f64,
}

impl Memory {
    /// Notes what a process has resident, `after` its start; one that is gone has nothing to note.
    pub fn note(&mut self, pid: u32, after: Duration) {
        if self.noted.last().is_some_and(|(last, _)| after < *last + NOTE_MEMORY_EVERY) {
            return;
        }
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let mb = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key))?;
            Some(line.split_whitespace().next()?.parse::<f64>().ok()? * 1_024.0 / 1e6)
        };
        if let (Some(now), Some(peak)) = (mb("VmRSS:"), mb("VmHWM:")) {
            self.noted.push((after, now));
            self.peak_mb = self.peak_mb.max(peak);
        }
    }

    /// Resident at that time, MB (10^6 bytes): the note nearest before it.
    pub fn at_mb(&self, after: Duration) -> Option<f64> {
        self.noted.iter().take_while(|(at, _)| *at <= after).last().map(|(_, mb)| *mb)
    }

    /// The most that was ever resident, MB; 0 where nothing was noted.
    pub fn peak_mb(&self) -> f64 {
        self.peak_mb
    }
}

/// A command that runs on one core alone. It starts through `taskset`, as one would type it.
pub fn pinned(core: usize, program: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(program).args(arguments);
    command
}

/// The same, started through one more command, which gives it another priority: `chrt` or `nice`.
pub fn pinned_at(
    [through, arguments @ ..]: [&str; 3],
    core: usize,
    program: &Path,
    of_program: &[String],
) -> Command {
    let mut command = Command::new(through);
    command.args(arguments).args(["taskset", "-c"]).arg(core.to_string()).arg(program).args(of_program);
    command
}

/// Whether we may give a process real-time priority.
pub fn has_real_time() -> bool {
    let tried =
        Command::new("chrt").args(["-f", "1", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}

/// The command as one would type it.
pub fn typed(command: &Command) -> String {
    let mut text = String::new();
    for word in std::iter::once(command.get_program()).chain(command.get_args()) {
        let word = word.to_string_lossy();
        let plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_./:=,@%+".contains(c));
        let gap = if text.is_empty() { "" } else { " " };
        let quote = if plain { "" } else { "'" };
        let _ = write!(text, "{gap}{quote}{word}{quote}");
    }
    text
}

/// A process that is killed when this is dropped, if it still runs.
#[derive(Debug)]
pub struct Owned(pub Child);

impl Drop for Owned {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

/// The outcome of a process that ran to its end.
#[derive(Debug)]
pub struct Ended {
    /// All its CPU time.
    pub cpu: Cpu,
    /// Its memory while it ran.
    pub memory: Memory,
    pub stdout: String,
}

/// Runs a command to its end.
///
/// # Errors
/// Where it does not start, fails, or takes longer than `at_most`.
pub fn run_to_end(command: Command, folder: &Path, at_most: Duration) -> anyhow::Result<Ended> {
    run_watched(command, folder, at_most, &mut |_| Ok(()))
}

/// The same, with `watch` called for its process each time it is looked at.
///
/// # Errors
/// Those of [`run_to_end`], and of `watch`.
pub fn run_watched(
    mut command: Command,
    folder: &Path,
    at_most: Duration,
    watch: &mut dyn FnMut(u32) -> anyhow::Result<()>,
) -> anyhow::Result<Ended> {
    let line = typed(&command);
    let (out, err) = (folder.join("stdout"), folder.join("stderr"));
    command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
    let started = Instant::now();
    let mut child = Owned(command.spawn().with_context(|| format!("starting {line}"))?);
    let pid = child.0.id();
    let mut memory = Memory::default();
    while !has_ended(pid)? {
        ensure!(started.elapsed() < at_most, "{line} was still running after {at_most:?}");
        memory.note(pid, started.elapsed());
        watch(pid)?;
        std::thread::sleep(LOOK_EVERY);
    }
    // Not yet waited for, so that /proc still has what it used.
    let cpu = Cpu::of(pid)?;
    let status = child.0.wait()?;
    let stdout = std::fs::read_to_string(&out)?;
    if !status.success() {
        let stderr = std::fs::read_to_string(&err).unwrap_or_default();
        let last: Vec<&str> = stderr.lines().chain(stdout.lines()).rev().take(3).collect();
        bail!("{line}: {status}: {}", last.into_iter().rev().collect::<Vec<_>>().join(" | "));
    }
    Ok(Ended { cpu, memory, stdout })
}

fn has_ended(pid: u32) -> anyhow::Result<bool> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("a process id that is none")?;
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(pid), options)?.is_some())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};

    use super::*;

    #[test]
    fn a_process_that_ended_tells_its_cpu_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done"]);
        let ended = run_to_end(command, folder.path(), Duration::from_secs(60)).unwrap();
        assert_eq!(ended.stdout, "done\n");
        assert!(ended.cpu.total_s() > 0.0 && ended.memory.peak_mb() > 0.0, "{ended:?}");
    }

    #[test]
    fn the_cpu_time_of_a_tree_has_that_of_its_children_while_they_run_and_afterwards() {
        let work = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
        for script in
            [format!("sh -c '{work}; echo done; read x'; true"), format!("sh -c '{work}'; echo done; read x")]
        {
            let mut command = Command::new("sh");
            command.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = Owned(command.spawn().unwrap());
            let mut line = String::new();
            BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
            let pid = child.0.id();
            let (alone, tree) = (Cpu::of(pid).unwrap(), Cpu::of_tree(pid).unwrap());
            assert!(tree.total_s() > alone.total_s(), "{script}: {alone:?} {tree:?}");
            drop(child.0.stdin.take());
            child.0.wait().unwrap();
        }
    }

    #[test]
    fn a_process_that_fails_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such thing >&2; exit 3"]);
        let error = run_to_end(command, folder.path(), Duration::from_secs(60)).unwrap_err().to_string();
        assert!(error.contains("no such thing") && error.contains('3'), "{error}");
    }

    #[test]
    fn a_command_is_shown_as_typed() {
        let command =
            pinned(1, Path::new("wrk"), &["-t1".into(), "http://127.0.0.1:1/ping".into(), "a b".into()]);
        assert_eq!(typed(&command), "taskset -c 1 wrk -t1 http://127.0.0.1:1/ping 'a b'");
    }
}
