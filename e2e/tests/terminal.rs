//! What a person sees in a terminal: tmux shows `run` and `watch` on screens of 80x24, and one line on narrow ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::process::{Command, Stdio};

use e2e::process::{PATIENCE, command};
use e2e::system::{System, Target, tsunami};
use e2e::{binary, wait_for};
use tempfile::TempDir;

/// A terminal of so many columns and 24 rows, with a shell line running in it. Gone when dropped.
struct Terminal {
    home: TempDir,
}

impl Terminal {
    fn start(columns: usize, line: &str) -> Self {
        let terminal = Self { home: tempfile::tempdir().unwrap() };
        let size = columns.to_string();
        let line = format!("{line}; echo \"exit $?\"; sleep 600");
        terminal.tmux(&["new-session", "-d", "-x", &size, "-y", "24", &line]);
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-f", "/dev/null", "-S"])
            .arg(self.home.path().join("socket"))
            .args(arguments)
            .env("XDG_STATE_HOME", self.home.path())
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .output()
            .expect("tmux: scripts/setup test installs it");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The rows of the screen, as far as they are written.
    fn screen(&self) -> Vec<String> {
        let screen = self.tmux(&["capture-pane", "-p"]);
        screen.trim_end().lines().map(|row| row.trim_end().to_owned()).collect()
    }

    /// Rows of the screen that hold progress.
    fn progress(&self) -> Vec<String> {
        self.screen().into_iter().filter(|row| row.starts_with("running ")).collect()
    }

    /// The screen once the line has ended, and its exit code.
    fn ended(&self) -> (Vec<String>, String) {
        let code = |screen: &[String]| screen.last()?.strip_prefix("exit ").map(str::to_owned);
        let ended = || {
            let screen = self.screen();
            code(&screen).map(|code| (screen, code))
        };
        wait_for("the end of the run", PATIENCE, ended)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ =
            Command::new("tmux").arg("-S").arg(self.home.path().join("socket")).arg("kill-server").output();
    }
}

fn plan(home: &TempDir, target: &Target, seconds: u32) -> String {
    let file = home.path().join("plan.toml");
    let plan = format!(
        "target.url = '{}'\nload = {{ rate = 40, duration = '{seconds}s' }}\nhonesty = {{ max_lag_p99 = '1s', max_late = '50%' }}\n",
        target.url()
    );
    std::fs::write(&file, plan).unwrap();
    format!("{} run {}", binary().display(), file.display())
}

/// The pids of the processes whose command line begins with this binary and this word.
fn pids(of: &str) -> Vec<i32> {
    let begins = format!("{}\0{of}\0", binary().display());
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pid = |entry: std::fs::DirEntry| -> Option<i32> {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        std::fs::read(entry.path().join("cmdline")).ok()?.starts_with(begins.as_bytes()).then_some(pid)
    };
    processes.filter_map(pid).collect()
}

/// Whether a process is stopped, as by Ctrl-Z.
fn is_stopped(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
}

#[test]
fn progress_takes_one_line_and_the_verdict_stays_on_the_screen() {
    let home = tempfile::tempdir().unwrap();
    let (_serving, target) = Target::start(home.path(), &[]);
    let line = format!("{} --progress line", plan(&home, &target, 4));
    for columns in [80, 50] {
        let terminal = Terminal::start(columns, &line);
        let shown = wait_for("progress", PATIENCE, || {
            Some(terminal.progress()).filter(|rows| rows.iter().any(|row| row.contains("sent")))
        });
        assert_eq!(shown.len(), 1, "{columns} columns: {:#?}", terminal.screen());
        let (screen, code) = terminal.ended();
        assert_eq!(code, "0", "{screen:#?}");
        assert!(screen.len() <= 24, "{screen:#?}");
        let verdict =
            screen.iter().rposition(|row| row.starts_with("PASSED")).expect("a verdict on the screen");
        assert!(verdict + 4 >= screen.len(), "it is what the screen ends with: {screen:#?}");
        assert!(screen.iter().all(|row| !row.starts_with("running ")), "progress is left: {screen:#?}");
        let whole = terminal.tmux(&["capture-pane", "-p", "-S", "-"]);
        let wide = whole.lines().filter(|row| row.chars().count() > columns).count();
        assert_eq!(wide, 0, "{whole}");
        assert_eq!(whole.matches("running ").count(), 0, "progress is left above the screen: {whole}");
    }
}

#[test]
fn a_terminal_that_changes_its_width_keeps_no_remnant_of_the_progress() {
    let home = tempfile::tempdir().unwrap();
    let (_serving, target) = Target::start(home.path(), &[]);
    let terminal = Terminal::start(80, &format!("{} --progress line", plan(&home, &target, 20)));
    let sent = || {
        let rows = terminal.progress();
        rows.iter().any(|row| row.contains("sent")).then_some(rows)
    };
    wait_for("progress", PATIENCE, sent);
    for columns in ["50", "34", "80"] {
        terminal.tmux(&["resize-window", "-x", columns]);
        // Drawn anew at the next look, a few times a second: what stood there before is gone.
        wait_for("one line of progress", PATIENCE, || {
            let whole = terminal.tmux(&["capture-pane", "-p", "-S", "-"]);
            let rows: Vec<&str> = whole.lines().collect();
            let progress = rows.iter().filter(|row| row.starts_with("running ")).count();
            let others = rows.iter().filter(|row| row.contains(" sent") || row.contains("p99 ")).count();
            (progress == 1 && others <= 1).then_some(())
        });
    }
    let (screen, code) = terminal.ended();
    assert_eq!(code, "0", "{screen:#?}");
    assert!(screen.iter().all(|row| !row.starts_with("running ")), "{screen:#?}");
    let whole = terminal.tmux(&["capture-pane", "-p", "-S", "-"]);
    assert_eq!(whole.matches("running ").count(), 0, "progress is left above the screen: {whole}");
}

impl Terminal {
    /// Whether a program shows a screen of its own.
    fn has_screen(&self) -> bool {
        self.tmux(&["display-message", "-p", "#{alternate_on}"]).trim() == "1"
    }

    /// The rows of a screen of its own, once it shows this.
    #[track_caller]
    fn see(&self, text: &str) -> Vec<String> {
        wait_for(&format!("{text:?} on a screen of its own"), PATIENCE, || {
            let rows = self.screen();
            (self.has_screen() && rows.iter().any(|row| row.contains(text))).then_some(rows)
        })
    }

    /// The terminal is as a shell left it: its own screen, a cursor, and an echo of what is typed.
    #[track_caller]
    fn assert_given_back(&self) {
        wait_for("the terminal as it was", PATIENCE, || {
            let tty = self.tmux(&["display-message", "-p", "#{pane_tty}"]);
            let modes = Command::new("stty").args(["-a", "-F", tty.trim()]).output().unwrap();
            let modes = String::from_utf8(modes.stdout).unwrap();
            let cursor = self.tmux(&["display-message", "-p", "#{cursor_flag}"]);
            let has = |mode: &str| modes.split([' ', ';', '\n']).any(|word| word == mode);
            let usual = has("echo") && has("icanon") && has("isig");
            (usual && cursor.trim() == "1" && !self.has_screen()).then_some(())
        });
    }
}

#[test]
fn a_test_has_a_screen_of_its_own_and_leaves_the_summary_behind() {
    let home = tempfile::tempdir().unwrap();
    let (_serving, target) = Target::start(home.path(), &["--delay", "5ms"]);
    let terminal = Terminal::start(80, &plan(&home, &target, 8));
    let rows = terminal.see("response");
    assert!(rows.len() <= 24 && rows.iter().all(|row| row.chars().count() <= 80), "{rows:#?}");
    for part in
        ["running ", "tsunami by 1 driver", "latency", "service", "lag", "errors.ratio", "driver", "Ctrl-C"]
    {
        assert!(rows.iter().any(|row| row.contains(part)), "{part}: {rows:#?}");
    }
    // The heatmap has seconds: blocks beside its labels.
    wait_for("a heatmap", PATIENCE, || {
        let rows = terminal.screen();
        rows.iter().any(|row| row.contains(" ms ") && row.contains(['▀', '▄', '─'])).then_some(())
    });
    terminal.tmux(&["send-keys", "e"]);
    terminal.see("events (UTC)");
    let (screen, code) = terminal.ended();
    assert_eq!(code, "0", "{screen:#?}");
    let verdict = screen.iter().rposition(|row| row.starts_with("PASSED")).expect("a verdict on the screen");
    assert!(verdict + 4 >= screen.len(), "it is what the screen ends with: {screen:#?}");
    assert!(
        screen.iter().all(|row| !row.contains("Ctrl-C ends")),
        "nothing of the screen is left: {screen:#?}"
    );
    terminal.assert_given_back();
}

#[test]
fn a_key_leaves_the_screen_and_the_test_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let (_serving, target) = Target::start(home.path(), &[]);
    let terminal = Terminal::start(80, &plan(&home, &target, 10));
    terminal.see("response");
    terminal.tmux(&["send-keys", "q"]);
    wait_for("one line of progress", PATIENCE, || {
        (!terminal.has_screen() && terminal.progress().len() == 1).then_some(())
    });
    terminal.assert_given_back();
    let (screen, code) = terminal.ended();
    assert_eq!(code, "0", "{screen:#?}");
    assert!(screen.iter().any(|row| row.starts_with("PASSED")), "{screen:#?}");
}

#[test]
fn a_run_that_is_stopped_or_killed_gives_the_terminal_back() {
    let home = tempfile::tempdir().unwrap();
    let (_serving, target) = Target::start(home.path(), &[]);
    let before = pids("run");
    let terminal = Terminal::start(80, &plan(&home, &target, 60));
    terminal.see("response");
    let ours: Vec<i32> = pids("run").into_iter().filter(|pid| !before.contains(pid)).collect();
    assert_eq!(ours.len(), 1, "one run of this test");
    let kill = |signal: &str| {
        let killed = Command::new("kill").args([signal, &ours[0].to_string()]).status().unwrap();
        assert!(killed.success());
    };

    terminal.tmux(&["send-keys", "C-z"]);
    wait_for("the run to be stopped", PATIENCE, || is_stopped(ours[0]).then_some(()));
    terminal.assert_given_back();
    kill("-CONT");
    terminal.see("response");

    kill("-9");
    // What the shell writes before that stands on the screen that goes away, so that its "exit 137" may not be seen.
    terminal.assert_given_back();
}

#[test]
fn a_small_terminal_and_a_job_in_the_background_keep_one_line() {
    let home = tempfile::tempdir().unwrap();
    let (_serving, target) = Target::start(home.path(), &[]);
    let run = plan(&home, &target, 5);
    let terminal = Terminal::start(50, &run);
    // A job that took the terminal from there would be stopped by the kernel, and `wait` return 150.
    let background = Terminal::start(80, &format!("sh -c 'set -m; {run} & wait $!'"));
    wait_for("two seconds of progress", PATIENCE, || {
        assert!(!terminal.has_screen(), "{:#?}", terminal.screen());
        terminal.progress().iter().any(|row| row.contains("running 6")).then_some(())
    });
    assert_eq!(terminal.ended().1, "0");
    let (screen, code) = background.ended();
    assert_eq!(code, "0", "{screen:#?}");
}

#[test]
fn watch_shows_a_test_that_runs_and_ends_with_its_report() {
    let mut system = System::start("embedded", 1);
    let target = system.add_target(&[]);
    let id = system.trigger(&tsunami(&target.url(), 50.0, "12s"));
    let watch = format!("{} watch --orchestrator {}", binary().display(), system.rest.base);
    let (first, second) = (Terminal::start(80, &watch), Terminal::start(80, &format!("{watch} {id}")));
    first.see("response");
    second.see("response");
    second.tmux(&["send-keys", "q"]);
    let (screen, code) = second.ended();
    assert_eq!(code, "0", "{screen:#?}");
    assert!(screen.iter().any(|row| row.contains("goes on")), "{screen:#?}");
    let (screen, code) = first.ended();
    let report = system.finished(&id, PATIENCE);
    assert_eq!((code.as_str(), report["verdict"].as_str()), ("0", Some("passed")), "{screen:#?}");
    assert!(screen.iter().any(|row| row.starts_with("PASSED")), "{screen:#?}");
    first.assert_given_back();
}

#[test]
fn there_are_no_control_sequences_where_there_is_no_terminal() {
    let home = tempfile::tempdir().unwrap();
    let (_serving, target) = Target::start(home.path(), &[]);
    let url = target.url();
    let mut run = command(home.path(), &["run", &url, "-n", "20", "-c", "2"]);
    let output = run.env("TERM", "xterm-256color").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    for stream in [output.stdout, output.stderr] {
        let text = String::from_utf8(stream).unwrap();
        assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{text:?}");
    }
}
