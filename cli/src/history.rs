//! The tests of the past: of a running orchestrator, or read from data folders where none runs. And which of them an id
//! means that was shortened.

use std::io;
use std::path::{Path, PathBuf};

use common::ids::TestId;
use common::settings::Places;
use orchestrator::compare::{self, Compared, SeriesReading};
use orchestrator::model::{ComparisonView, TestSummary, TestView, WindowView};
use orchestrator::report::files::{Form, HtmlData, JsonReport, Paged, PagedForm, html};
use orchestrator::store::TestFilter;
use orchestrator::store::{FILE, Store, WindowsAsked};

use crate::args::HistoryArgs;
use crate::call_error::CallError;
use crate::client::Client;
use crate::exit::Stop;
use crate::reach::{Reach, reach};
use crate::say;

/// What stands for the newest test that started.
const LATEST: &str = "latest";

/// Most tests among which an id is looked for: what one call answers.
const SEARCHED: u32 = 200;

/// Most tests that are named where an id means several.
const NAMED: usize = 8;

/// The name of the first data folder of an orchestrator; the next are `orchestrator-2`, ….
const KIND: &str = "orchestrator";

/// Where tests are looked up.
pub enum History {
    Running(Client),
    Stored(Vec<Store>),
}

impl History {
    /// Asks the orchestrator, unless a data folder is named, or none is named and none listens.
    ///
    /// # Errors
    /// Where the address is invalid, or no data folder can be read.
    pub async fn find(arguments: &HistoryArgs) -> Result<Self, Stop> {
        if let Some(folder) = &arguments.data_dir {
            return stored(&below(folder), || format!("{} holds no tests", folder.display()));
        }
        let Reach { client, named, data_dir } = reach(&arguments.at)?;
        if named {
            return Ok(Self::Running(client));
        }
        match client.tests(1, None).await {
            Err(CallError::Unreachable { .. }) => {}
            _ => return Ok(Self::Running(client)),
        }
        let places = Places::of_process();
        let folders = match &data_dir {
            Some(folder) => below(folder),
            None => places.folder(KIND).and_then(|first| Some(of_kind(first.parent()?))).unwrap_or_default(),
        };
        let nothing = || format!("no orchestrator at {}, and no tests are stored here", client.base());
        let found = stored(&folders, nothing)?;
        say::aside(format_args!("no orchestrator at {}: read from {}", client.base(), listed(&folders)));
        Ok(found)
    }

    /// The newest tests, at most so many; with a text: those that have it in their name or id.
    ///
    /// # Errors
    /// Where the orchestrator or a store cannot be read.
    pub async fn newest(&self, limit: u32, text: Option<&str>) -> Result<Vec<TestSummary>, Stop> {
        let stores = match self {
            Self::Running(client) => return Ok(client.tests(limit, text).await?.tests),
            Self::Stored(stores) => stores,
        };
        let filter = TestFilter { text: text.map(str::to_owned), ..TestFilter::default() };
        let mut tests = Vec::new();
        for store in stores {
            tests.extend(store.page(limit, None, &filter).map_err(cannot)?.tests);
        }
        tests.sort_by(|a, b| b.created_at.cmp(&a.created_at));
        tests.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(tests)
    }

    /// The id of the test that a word means: an id, the beginning or the end of one, or `latest`.
    ///
    /// # Errors
    /// Where it means none or several.
    pub async fn id_of(&self, word: &str) -> Result<String, Stop> {
        if word == LATEST {
            let tests = self.newest(SEARCHED, None).await?;
            let latest = tests.into_iter().find(|test| test.started_at.is_some());
            return latest.map(|test| test.test_id).ok_or_else(|| Stop::could_not("no test has started yet"));
        }
        // A whole id is used as it is: the test may be older than those that one call lists.
        if word.len() == WHOLE || word.is_empty() {
            return Ok(word.to_owned());
        }
        meant(word, &self.newest(SEARCHED, Some(word)).await?)
    }

    /// The report of a test.
    ///
    /// # Errors
    /// Where there is none, or it cannot be read.
    pub async fn report(&self, test_id: &str) -> Result<TestView, Stop> {
        match self {
            Self::Running(client) => Ok(client.report(test_id).await?),
            Self::Stored(stores) => Ok(stored_report(stores, test_id)?.1),
        }
    }

    /// Writes the page of a test's report, piece by piece.
    ///
    /// # Errors
    /// As [`History::write`].
    pub async fn write_page(
        &self,
        test_id: &str,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), Stop> {
        let stores = match self {
            Self::Running(client) => return Ok(client.download(test_id, Form::Html.ending(), take).await?),
            Self::Stored(stores) => stores,
        };
        let (store, view) = stored_report(stores, test_id)?;
        let id = id(&view.test_id)?;
        let series = series(store, &id)?;
        let span = store.span(&id, None, None).map_err(cannot)?;
        let page = html(&HtmlData { report: &view, series: &series, span: span.as_ref() });
        let page = page.map_err(|error| Stop::could_not(error.to_string()))?;
        take(page.as_bytes()).map_err(|error| Stop::could_not(error.to_string()))
    }

    /// Writes the report of a test as JSON with the windows of the fleet, piece by piece.
    ///
    /// # Errors
    /// As [`History::write`].
    pub async fn write_series(
        &self,
        test_id: &str,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), Stop> {
        let stores = match self {
            Self::Running(client) => return Ok(client.download(test_id, "json?series=true", take).await?),
            Self::Stored(stores) => stores,
        };
        let (store, report) = stored_report(stores, test_id)?;
        let series = series(store, &id(&report.test_id)?)?;
        let json = serde_json::to_vec(&JsonReport { report, series: Some(series) });
        let json = json.map_err(|error| Stop::could_not(error.to_string()))?;
        take(&json).map_err(|error| Stop::could_not(error.to_string()))
    }

    /// Writes a report of a test that holds every second, piece by piece.
    ///
    /// # Errors
    /// Where there is none, it cannot be read, or `take` cannot keep a piece.
    pub async fn write(
        &self,
        test_id: &str,
        form: PagedForm,
        take: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), Stop> {
        let stores = match self {
            Self::Running(client) => return Ok(client.download(test_id, &path_of(form), take).await?),
            Self::Stored(stores) => stores,
        };
        let (store, view) = stored_report(stores, test_id)?;
        let not_written = |error: io::Error| Stop::could_not(error.to_string());
        let id = id(&view.test_id)?;
        let mut report = Paged::new(&view, form);
        take(&report.head().map_err(not_written)?).map_err(not_written)?;
        let mut from = Some(0);
        while let Some(first) = from {
            let page = store.report_page(&id, report.wants(), first).map_err(cannot)?;
            take(&report.page(&page).map_err(not_written)?).map_err(not_written)?;
            from = page.next();
        }
        Ok(())
    }
}

/// The end of a report's path at the orchestrator, as in `hgrm?of=lag`.
fn path_of(form: PagedForm) -> String {
    let ending = form.form().ending();
    form.of().map_or_else(|| ending.to_owned(), |of| format!("{ending}?of={of}"))
}

/// The windows of the fleet of a stored test.
fn series(store: &Store, id: &TestId) -> Result<Vec<WindowView>, Stop> {
    let last = store.last_second(id).map_err(cannot)?;
    let parts = last.into_iter().flat_map(|last| WindowsAsked::whole(id.clone(), last));
    let windows: Vec<_> =
        parts.map(|asked| store.windows(&asked)).collect::<Result<_, _>>().map_err(cannot)?;
    Ok(windows.into_iter().flatten().collect())
}

fn id(test_id: &str) -> Result<TestId, Stop> {
    TestId::new(test_id).map_err(|error| Stop::usage(format!("test {test_id}: {error}")))
}

/// The report of a stored test, and the store that has it.
fn stored_report<'s>(stores: &'s [Store], test_id: &str) -> Result<(&'s Store, TestView), Stop> {
    let id = id(test_id)?;
    for store in stores {
        if let Some(test) = store.test(&id).map_err(cannot)? {
            let why = "it has not ended, or its orchestrator ended before it";
            let none = || Stop::could_not(format!("test {test_id} has no report: {why}"));
            return test.report.map(|report| (store, report)).ok_or_else(none);
        }
    }
    Err(Stop::could_not(format!("test {test_id} does not exist")))
}

impl History {
    /// How the tests `b` differ from the tests `a`, by their whole ids.
    ///
    /// # Errors
    /// Where one does not exist, cannot be read, or cannot be compared.
    pub async fn compare(&self, a: &[String], b: &[String]) -> Result<ComparisonView, Stop> {
        if let Self::Running(client) = self {
            return Ok(client.compare(a, b).await?);
        }
        let (mut reports_a, mut reports_b) = (Vec::new(), Vec::new());
        for (ids, reports) in [(a, &mut reports_a), (b, &mut reports_b)] {
            for id in ids {
                reports.push(self.report(id).await?);
            }
        }
        let reasons = compare::refusals(&reports_a, &reports_b);
        if !reasons.is_empty() {
            return Err(Stop::usage(format!("the tests cannot be compared\n  {}", reasons.join("\n  "))));
        }
        Ok(compare::compare(&self.with_windows(reports_a)?, &self.with_windows(reports_b)?))
    }

    /// Tests with their windows, read from the stores.
    fn with_windows(&self, reports: Vec<TestView>) -> Result<Vec<Compared>, Stop> {
        let Self::Stored(stores) = self else { return Ok(Vec::new()) };
        let mut tests = Vec::with_capacity(reports.len());
        for report in reports {
            let id = TestId::new(&report.test_id)
                .map_err(|error| Stop::usage(format!("test {}: {error}", report.test_id)))?;
            let mut reading = SeriesReading::new(&report.plan);
            // A test stands in one store.
            for store in stores {
                let mut from = Some(0);
                while let Some(first) = from {
                    let (seconds, next) = store.compared_seconds(&id, first).map_err(cannot)?;
                    seconds.into_iter().for_each(|second| reading.add(second));
                    from = next;
                }
            }
            tests.push(Compared { report, series: reading.finish() });
        }
        Ok(tests)
    }
}

/// The length of a whole id, a UUID.
const WHOLE: usize = 36;

/// The test that a part of an id means, among those that have the part somewhere.
fn meant(part: &str, tests: &[TestSummary]) -> Result<String, Stop> {
    let part = part.to_ascii_lowercase();
    let by = |fits: &dyn Fn(&str) -> bool| -> Vec<&TestSummary> {
        tests.iter().filter(|test| fits(&test.test_id.to_ascii_lowercase())).collect()
    };
    let whole = by(&|id| id == part);
    let begin = by(&|id| id.starts_with(&part));
    let end = by(&|id| id.ends_with(&part));
    let found = [whole, begin, end].into_iter().find(|found| !found.is_empty()).unwrap_or_default();
    match found.as_slice() {
        [] => Err(Stop::could_not(format!("no test has an id that begins or ends with {part}"))),
        [test] => Ok(test.test_id.clone()),
        several => {
            let line = |test: &&TestSummary| {
                format!("\n  {}  {}  {}", test.test_id, test.created_at.replace('T', " "), test.name)
            };
            let named: String = several.iter().take(NAMED).map(line).collect();
            let more = several.len().saturating_sub(NAMED);
            let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
            let n = several.len();
            Err(Stop::usage(format!(
                "{part} means {n} tests; give more of the id, or its last characters:{named}{more}"
            )))
        }
    }
}

/// The data folders of orchestrators in a folder, by name.
fn of_kind(folder: &Path) -> Vec<PathBuf> {
    let is_one = |name: &str| {
        let rest = name.strip_prefix(KIND);
        rest.is_some_and(|rest| {
            rest.is_empty() || rest.strip_prefix('-').is_some_and(|n| n.parse::<u32>().is_ok())
        })
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_one));
    let mut folders: Vec<PathBuf> = named.map(|entry| entry.path()).collect();
    folders.sort();
    folders
}

/// The data folders that a user may mean by one: that of an orchestrator, or one in which `up` or `run` keeps theirs.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    folders.extend(of_kind(folder));
    folders.extend(of_kind(&folder.join("groundswell")));
    folders
}

/// Opens the stores in these folders. One that cannot be read is named.
fn stored(folders: &[PathBuf], nothing: impl Fn() -> String) -> Result<History, Stop> {
    let mut stores = Vec::new();
    for folder in folders {
        let opened = std::path::absolute(folder.join(FILE))
            .map_err(|error| error.to_string())
            .and_then(|path| Store::open_to_read(&path).map_err(|error| error.to_string()));
        match opened {
            Ok(store) => stores.extend(store),
            Err(error) => say::aside(format_args!("warning: not read: {error}")),
        }
    }
    if stores.is_empty() { Err(Stop::could_not(nothing())) } else { Ok(History::Stored(stores)) }
}

fn listed(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn cannot(error: orchestrator::store::StoreError) -> Stop {
    Stop::could_not(error.to_string())
}

#[cfg(test)]
mod tests {
    use orchestrator::model::TestState;

    use super::*;

    fn test(id: &str) -> TestSummary {
        TestSummary {
            test_id: id.to_owned(),
            name: format!("test {id}"),
            state: TestState::Finished,
            verdict: None,
            created_at: "2026-11-23T17:57:18.864000Z".to_owned(),
            started_at: None,
            ended_at: None,
        }
    }

    #[test]
    fn a_part_of_an_id_means_the_one_test_that_begins_or_ends_with_it() {
        let tests = ["01a2-aa-77", "01a2-ab-17", "01a3-aa-27", "77"].map(test);
        for (part, expected) in [
            ("01a3", Ok("01a3-aa-27")),
            ("01A2-AB", Ok("01a2-ab-17")),
            ("-17", Ok("01a2-ab-17")),
            ("77", Ok("77")),
            ("01a2-aa-77", Ok("01a2-aa-77")),
            ("aa", Err("no test has an id that begins or ends with aa")),
            ("01a2", Err("01a2 means 2 tests")),
            ("7", Ok("77")),
        ] {
            match (meant(part, &tests), expected) {
                (Ok(id), Ok(expected)) => assert_eq!(id, expected, "{part}"),
                (Err(stop), Err(expected)) => assert!(stop.message.starts_with(expected), "{}", stop.message),
                (got, expected) => panic!("{part}: {got:?}, not {expected:?}"),
            }
        }
        let Err(several) = meant("01a", &tests) else { panic!("it means three") };
        assert!(several.message.contains("\n  01a3-aa-27  2026-11-23 17:57:18.864000Z  test 01a3-aa-27"));
    }

    #[test]
    fn data_folders_are_found_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["orchestrator", "orchestrator-2", "orchestrator-x", "driver", "groundswell/orchestrator"]
        {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let names = |folders: Vec<PathBuf>| -> Vec<String> {
            let name = |path: &PathBuf| path.strip_prefix(folder.path()).unwrap().display().to_string();
            folders.iter().map(name).collect()
        };
        assert_eq!(names(of_kind(folder.path())), ["orchestrator", "orchestrator-2"]);
        let expected = ["", "orchestrator", "orchestrator-2", "groundswell/orchestrator"];
        assert_eq!(names(below(folder.path())), expected);
        let Err(stop) = stored(&below(folder.path()), || "nothing".to_owned()) else { panic!("no store") };
        assert_eq!(stop.message, "nothing");
    }
}
