//! What a person sees in a terminal: tmux shows `run` on a screen of 80x24 and of 50 columns.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test: what fails, fails it

use std::process::{Command, Stdio};

use e2e::process::{PATIENCE, command};
use e2e::system::Target;
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

#[test]
fn progress_takes_one_line_and_the_verdict_stays_on_the_screen() {
    let home = tempfile::tempdir().unwrap();
    let (_serving, target) = Target::start(home.path(), &[]);
    let line = plan(&home, &target, 4);
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
    let terminal = Terminal::start(80, &plan(&home, &target, 10));
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
