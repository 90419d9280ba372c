//! The files that `run` writes its report to, by flag. All of them are checked before the load; what cannot be written
//! after it is a warning, because the test was run and its verdict stands.

use std::io;
use std::path::{Path, PathBuf};

use orchestrator::model::TestView;
use orchestrator::report::files::{Form, PagedForm, whole};

use crate::args::RunArgs;
use crate::client::Client;
use crate::commands::capacity::Found;
use crate::exit::Stop;
use crate::history::History;
use crate::report_file::{self, Writing, is_stdout};
use crate::say;

/// A file that the report goes to.
struct ReportFile<'a> {
    /// The flag that names it, without dashes.
    flag: &'static str,
    form: Form,
    path: &'a Path,
    /// Whether the test is a search: its JSON is what was found.
    is_search: bool,
}

/// All files that the flags name.
pub struct ReportFiles<'a>(Vec<ReportFile<'a>>);

impl<'a> ReportFiles<'a> {
    /// The files of these flags.
    pub fn of(arguments: &'a RunArgs) -> Self {
        let is_search = arguments.search.is_some();
        let arguments = &arguments.files;
        let flags = [
            ("json", Form::Json, &arguments.json),
            ("html", Form::Html, &arguments.forms.html),
            ("junit", Form::Junit, &arguments.forms.junit),
            ("csv", Form::Csv, &arguments.forms.csv),
            ("md", Form::Markdown, &arguments.forms.md),
        ];
        let given = flags.into_iter().filter_map(|(flag, form, path)| {
            path.as_deref().map(|path| ReportFile { flag, form, path, is_search })
        });
        Self(given.collect())
    }

    /// Whether one of them is stdout, so that the summary goes to stderr.
    pub fn take_stdout(&self) -> bool {
        self.0.iter().any(|file| is_stdout(file.path))
    }

    /// Before the load, not after it: a report that cannot be written is refused now. The report of an earlier test is removed
    /// now, too: were this test refused or killed, a script would take the old report for its own. `reads`: the files that
    /// the plan names, which are never removed: `--csv users.csv` looks like the rows of a test.
    ///
    /// # Errors
    /// Where a file cannot be written, is named twice, or is one that the command reads.
    pub fn prepare(&self, arguments: &RunArgs, reads: &[PathBuf]) -> Result<(), Stop> {
        for (place, file) in self.0.iter().enumerate() {
            spare_inputs(file, arguments, reads)?;
            let twice = |other: &&ReportFile<'_>| same(other.path, file.path);
            if let Some(other) = self.0[..place].iter().find(twice) {
                let (flag, path) = (file.flag, file.path.display());
                return Err(Stop::usage(format!(
                    "--{flag} {path}: is also --{}; name another file",
                    other.flag
                )));
            }
        }
        for file in &self.0 {
            let refused =
                |error| Stop::could_not(format!("--{} {}: {error}", file.flag, file.path.display()));
            report_file::prepare(file.path).map_err(refused)?;
        }
        Ok(())
    }

    /// Writes the report of a finished test to all of them. A comparison that follows adds to these `gaining` forms: of them
    /// what can be written once alone, on stdout or in a pipe, waits for it.
    pub async fn write(&self, client: &Client, view: &TestView, gaining: &[Form]) {
        let history = History::Running(client.clone());
        for file in self.0.iter().filter(|file| !file.waits(gaining)) {
            if let Err(stop) = file.write(&history, view).await {
                file.warn(&stop.message);
            }
        }
    }

    /// Writes what waited for a comparison of which nothing came.
    pub fn write_waiting(&self, view: &TestView, gaining: &[Form]) {
        for file in self.0.iter().filter(|file| file.waits(gaining)) {
            if let Err(stop) = file.write_whole(view) {
                file.warn(&stop.message);
            }
        }
    }

    /// Adds a text to the Markdown.
    pub fn add_to_markdown(&self, view: &TestView, text: &str) {
        for file in self.0.iter().filter(|file| file.form == Form::Markdown) {
            let added = if file.is_once() {
                whole(view, file.form).and_then(|own| file.put(own.unwrap_or_default() + text))
            } else {
                report_file::add(file.path, text)
            };
            if let Err(error) = added {
                file.warn(&error.to_string());
            }
        }
    }

    /// Writes the JUnit XML anew, with the cases of a comparison.
    pub fn replace_junit(&self, text: impl Fn() -> io::Result<String>) {
        for file in self.0.iter().filter(|file| file.form == Form::Junit) {
            if let Err(error) = text().and_then(|text| file.put(text)) {
                file.warn(&error.to_string());
            }
        }
    }

    /// Writes what is made of the view alone: of a test that was left before its end.
    pub fn write_seen(&self, view: &TestView) {
        for file in &self.0 {
            match file.write_whole(view) {
                Ok(true) => {}
                Ok(false) => file.warn("the test was left before its end"),
                Err(stop) => file.warn(&stop.message),
            }
        }
    }
}

impl ReportFile<'_> {
    fn warn(&self, why: &str) {
        say::aside(format_args!("warning: --{} {}: not written: {why}", self.flag, self.path.display()));
    }

    /// Whether it can be written once alone: it is stdout, or a device or pipe.
    fn is_once(&self) -> bool {
        !report_file::can_be_replaced(self.path)
    }

    /// Whether it waits for a comparison that adds to these forms.
    fn waits(&self, gaining: &[Form]) -> bool {
        gaining.contains(&self.form) && self.is_once()
    }

    fn put(&self, text: String) -> io::Result<()> {
        if is_stdout(self.path) {
            say::text(text);
            return Ok(());
        }
        report_file::write(self.path, &text)
    }

    async fn write(&self, history: &History, view: &TestView) -> Result<(), Stop> {
        if self.write_whole(view)? {
            return Ok(());
        }
        let long = if self.form == Form::Html { Long::Page } else { Long::Paged(PagedForm::Csv) };
        write_long(history, &view.test_id, long, Some(self.path)).await
    }

    /// Writes a form that is made of the view alone; false where it is not.
    fn write_whole(&self, view: &TestView) -> Result<bool, Stop> {
        let cannot = |error: io::Error| Stop::could_not(error.to_string());
        let text = match self.form {
            Form::Json if self.is_search => Some(found(view)?),
            form => whole(view, form).map_err(cannot)?,
        };
        let Some(text) = text else { return Ok(false) };
        self.put(text).map_err(cannot)?;
        Ok(true)
    }
}

/// What a search found, as JSON.
fn found(view: &TestView) -> Result<String, Stop> {
    let json = serde_json::to_string_pretty(&Found::of(view));
    json.map(|json| json + "\n").map_err(|error| Stop::could_not(error.to_string()))
}

/// A report that is made of more than the view.
#[derive(Debug, Clone, Copy)]
pub enum Long {
    /// The page with charts.
    Page,
    /// JSON with the windows of the fleet.
    Series,
    /// One that holds every second.
    Paged(PagedForm),
}

/// Writes such a report to a file, or to stdout.
///
/// # Errors
/// Where it cannot be read or written.
pub async fn write_long(
    history: &History,
    test_id: &str,
    long: Long,
    path: Option<&Path>,
) -> Result<(), Stop> {
    let Some(path) = path.filter(|path| !is_stdout(path)) else {
        let mut show = |piece: &[u8]| {
            say::bytes(piece);
            Ok(())
        };
        return read(history, test_id, long, &mut show).await;
    };
    // An error of the file names it: one of the test does not.
    let of_file = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let mut writing = Writing::create(path).map_err(|error| Stop::could_not(of_file(error).to_string()))?;
    read(history, test_id, long, &mut |piece| writing.add(piece).map_err(of_file)).await?;
    writing.finish();
    Ok(())
}

async fn read(
    history: &History,
    test_id: &str,
    long: Long,
    take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), Stop> {
    match long {
        Long::Page => history.write_page(test_id, take).await,
        Long::Series => history.write_series(test_id, take).await,
        Long::Paged(form) => history.write(test_id, form, take).await,
    }
}

/// Whether two paths name one file, or both stdout.
fn same(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Refuses to overwrite what this command reads.
fn spare_inputs(file: &ReportFile<'_>, arguments: &RunArgs, reads: &[PathBuf]) -> Result<(), Stop> {
    let Ok(there) = file.path.canonicalize() else { return Ok(()) };
    let sending = &arguments.place.sending;
    let body_text = arguments.request.body.as_deref().and_then(|body| body.strip_prefix('@')).map(Path::new);
    let inputs = [
        (arguments.plan.as_deref(), "the plan"),
        (arguments.request.body_file.as_deref(), "the body"),
        (body_text, "the body"),
        (arguments.place.token_file.as_deref(), "--token-file"),
        (arguments.place.orchestrator_ca.as_deref(), "--orchestrator-ca"),
        (sending.ca.as_deref(), "--ca"),
        (sending.cert.as_deref(), "--cert"),
        (sending.key.as_deref(), "--key"),
    ];
    let of_plan = reads.iter().map(|path| (Some(path.as_path()), "a file of the plan"));
    for (input, what) in inputs.into_iter().chain(of_plan) {
        if input.and_then(|path| path.canonicalize().ok()).is_some_and(|path| path == there) {
            let (flag, path) = (file.flag, file.path.display());
            return Err(Stop::usage(format!("--{flag}: {path} is also {what}; name another file")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{FilesArgs, FormsArgs};
    use crate::plan_flags;

    /// What a plan reads is neither removed nor written over, by whatever flag a report is led there.
    #[test]
    fn a_report_never_takes_the_place_of_what_the_plan_reads() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let plan = "target.url = 'http://127.0.0.1:1/'\nload = { rate = 1, duration = '1s' }\nvars.users = 'users'\n\
             data.users.file = '{{vars.users}}.csv'\nrequests.buy = { path = '/', method = 'POST', body_file = 'buy.json' }\n";
        let wrong = format!("{plan}drivers = 'some'\n");
        for (name, text) in
            [("plan.toml", plan), ("wrong.toml", &wrong), ("users.csv", "name\nann\n"), ("buy.json", "{}")]
        {
            std::fs::write(at(name), text).unwrap();
        }
        let of_csv = |path| FilesArgs {
            forms: FormsArgs { csv: Some(path), ..FormsArgs::default() },
            ..FilesArgs::default()
        };
        for name in ["plan.toml", "wrong.toml"] {
            for (files, read) in [
                (of_csv(at("users.csv")), "users.csv"),
                (FilesArgs { json: Some(at("./buy.json")), ..FilesArgs::default() }, "buy.json"),
            ] {
                let arguments = RunArgs { plan: Some(at(name)), files, ..RunArgs::default() };
                let mut reads = Vec::new();
                let planned = plan_flags::plan(&arguments, &mut reads);
                assert!(planned.is_err() || name == "plan.toml", "{name} is wrong");
                let stop = ReportFiles::of(&arguments).prepare(&arguments, &reads).unwrap_err();
                assert!(stop.message.contains("is also a file of the plan"), "{name}: {stop}");
                assert!(at(read).exists(), "{name}: {read}");
            }
        }
    }
}
