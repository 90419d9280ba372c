//! A plan from a file, from flags, or from a file that flags override. The rules of a plan are `common`'s;
//! this knows only which flag is which key.

use std::path::Path;

use common::plan::{Fault, Plan, PlanFormat, PlanTree};
use serde_json::{Value, json};

use crate::args::{ModeArg, PerArg, RunArgs};
use crate::exit::Stop;
use crate::flag_names;

/// Reads a file that people named on the command line.
///
/// # Errors
/// Where it cannot be read.
pub fn read_file(path: &Path) -> Result<String, Stop> {
    std::fs::read_to_string(path).map_err(|error| Stop::could_not(format!("{}: {error}", path.display())))
}

/// Checks the text of a plan, the file its body comes from included.
///
/// # Errors
/// One line for each fault.
pub fn check(path: &Path, text: &str, format: PlanFormat) -> Result<Plan, String> {
    let source = Source { file: Some(path), given: Vec::new() };
    let mut tree = PlanTree::parse(text, format).map_err(|faults| source.lines(&faults))?;
    validated(&mut tree, folder(path)).map_err(|faults| source.lines(&faults))
}

/// Where a plan's faults are looked for: the file, the flags, or both.
struct Source<'a> {
    /// The plan's file; `None` where flags alone make the plan.
    file: Option<&'a Path>,
    /// The flags that were given, as their keys in the plan.
    given: Vec<&'static str>,
}

impl Source<'_> {
    /// One line a fault: a flag's own names the flag, any other the file and the key.
    fn lines(&self, faults: &[Fault]) -> String {
        faults.iter().map(|fault| self.line(fault)).collect::<Vec<_>>().join("\n")
    }

    fn line(&self, fault: &Fault) -> String {
        match self.file {
            Some(file) if !self.given.iter().any(|key| flag_names::is_of(&fault.path, key)) => {
                format!("{}: {fault}", file.display())
            }
            _ => flag_names::fault(fault).unwrap_or_else(|| fault.to_string()),
        }
    }
}

/// The plan that a command line asks for.
///
/// # Errors
/// Where a file cannot be read, or the plan has faults: one line each.
pub fn plan(arguments: &RunArgs) -> Result<Plan, Stop> {
    let (file, url) = match &arguments.plan {
        // A URL in the plan's place is what to send to.
        Some(path) if is_url(path) => (None, path.to_str().map(str::to_owned)),
        Some(path) => (Some(path.as_path()), None),
        None => (None, None),
    };
    if let (Some(url), Some(flag)) = (&url, &arguments.url) {
        return Err(Stop::usage(format!("{url} and --url {flag} are both given; leave one out")));
    }
    let mut source = Source { file, given: Vec::new() };
    let mut tree = match file {
        Some(path) => PlanTree::parse(&read_file(path)?, PlanFormat::of_path(path))
            .map_err(|faults| Stop::usage(source.lines(&faults)))?,
        None => PlanTree::default(),
    };
    // Before the flags: a --body-file is relative to where the command runs, not to the plan.
    if arguments.body.is_none() && arguments.body_file.is_none() {
        let base = file.map_or(Path::new("."), folder);
        tree.inline_body_file(base).map_err(|fault| Stop::usage(source.lines(&[fault])))?;
    }
    overlay(arguments, url.as_ref().or(arguments.url.as_ref()), &mut tree, &mut source.given)?;
    validated(&mut tree, Path::new(".")).map_err(|faults| Stop::usage(source.lines(&faults)))
}

/// Whether an argument is a URL rather than a file.
fn is_url(argument: &Path) -> bool {
    argument.to_str().is_some_and(|text| text.contains("://"))
}

fn validated(tree: &mut PlanTree, base: &Path) -> Result<Plan, Vec<Fault>> {
    let inlined = tree.inline_body_file(base);
    let mut faults: Vec<Fault> = inlined.err().into_iter().collect();
    if !faults.is_empty() {
        tree.remove(&["request", "body_file"]);
    }
    match tree.validate() {
        Ok(plan) if faults.is_empty() => Ok(plan),
        Ok(_) => Err(faults),
        Err(more) => {
            faults.extend(more);
            Err(faults)
        }
    }
}

/// Sets what the flags say, and notes the keys that they set.
fn overlay(
    arguments: &RunArgs,
    url: Option<&String>,
    tree: &mut PlanTree,
    given: &mut Vec<&'static str>,
) -> Result<(), Stop> {
    // The mode first: another one takes the keys of the old one with it.
    if let Some(mode) = arguments.mode {
        let mode = match mode {
            ModeArg::Tsunami => "tsunami",
            ModeArg::Avalanche => "avalanche",
        };
        tree.set(&["load", "mode"], mode);
        given.push("load.mode");
    }
    if let Some(per) = arguments.per {
        tree.set(&["per"], if per == PerArg::Fleet { "fleet" } else { "driver" });
        given.push("per");
    }
    if let Some(drivers) = arguments.drivers {
        tree.set(&["drivers"], drivers);
        given.push("drivers");
    }
    let flags = [
        ("name", arguments.name.as_ref()),
        ("target.url", url),
        ("request.method", arguments.method.as_ref()),
        ("request.body", arguments.body.as_ref()),
        ("request.timeout", arguments.timeout.as_ref()),
        ("request.engine", arguments.engine.as_ref()),
        ("load.rate", arguments.rate.as_ref()),
        ("load.delay", arguments.delay.as_ref()),
        ("load.max_in_flight", arguments.max_in_flight.as_ref()),
        ("load.connections", arguments.connections.as_ref()),
        ("load.target_throughput", arguments.target_throughput.as_ref()),
        ("load.requests", arguments.requests.as_ref()),
        ("load.duration", arguments.duration.as_ref()),
        ("load.warmup", arguments.warmup.as_ref()),
        ("load.drain_timeout", arguments.drain_timeout.as_ref()),
    ];
    for (key, value) in flags {
        if let Some(value) = value {
            let path: Vec<&str> = key.split('.').collect();
            tree.set(&path, amount(&path, value));
            given.push(key);
        }
    }
    if let Some(path) = &arguments.body_file {
        tree.set(&["request", "body_file"], path.display().to_string());
        given.push("request.body_file");
    }
    if arguments.identify {
        tree.set(&["request", "identify"], true);
    }
    if arguments.no_keepalive {
        tree.set(&["request", "connection_reuse"], false);
    }
    if !arguments.expect_status.is_empty() {
        tree.set(&["request", "expect_status"], json!(arguments.expect_status));
        given.push("request.expect_status");
    }
    let mut headers = Vec::with_capacity(arguments.headers.len());
    for header in &arguments.headers {
        let (name, value) = header.split_once(':').ok_or_else(|| {
            Stop::usage(format!("--header {header:?}: expected 'NAME: VALUE', as in 'accept: text/html'"))
        })?;
        headers.push((name.trim(), value.trim()));
        given.push("request.headers");
    }
    // All at once: a name that is given twice is sent twice.
    tree.set_headers(&headers);
    let lines = |faults: Vec<Fault>| {
        let line = |fault: &Fault| format!("--threshold {}: {}", fault.value, fault.reason);
        faults.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    tree.set_thresholds(&arguments.thresholds).map_err(|faults| Stop::usage(lines(faults)))
}

/// A flag's text as the plan has it: numbers where the key takes numbers.
fn amount(path: &[&str], text: &str) -> Value {
    let numeric = matches!(
        path.last(),
        Some(&"rate" | &"max_in_flight" | &"connections" | &"target_throughput" | &"requests")
    );
    let number = || serde_json::from_str::<serde_json::Number>(&text.replace('_', "")).ok();
    match numeric.then(number).flatten() {
        Some(number) => Value::Number(number),
        None => Value::String(text.to_owned()),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    #[track_caller]
    fn from(words: &str) -> Result<Plan, String> {
        let words = std::iter::once("groundswell").chain(std::iter::once("run")).chain(words.split('|'));
        let cli = Cli::try_parse_from(words).unwrap();
        let Command::Run(arguments) = cli.command else { panic!("not run") };
        plan(&arguments).map_err(|stop| stop.message)
    }

    #[test]
    fn flags_alone_make_a_plan() {
        let plan = from(
            "--url|http://127.0.0.1:8081/ping|--mode|avalanche|--connections|64|--requests|100000|--drivers|3|--header|accept: text/plain|--threshold|response.p99 < 250ms",
        )
        .unwrap();
        assert_eq!(plan.load.requests, Some(100_000));
        assert_eq!(plan.load.mode, common::plan::Mode::Avalanche { connections: 64 });
        assert_eq!(plan.drivers, common::plan::DriverChoice::Count(3));
        assert_eq!(plan.request.headers, [("accept".to_owned(), "text/plain".to_owned())]);
        assert_eq!(plan.thresholds[0].expression, "response.p99 < 250ms");
    }

    #[test]
    fn a_flag_overrides_the_plan() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.toml");
        let body = folder.path().join("body.txt");
        std::fs::write(&body, "hello").unwrap();
        let text = "name = 'x'\n[target]\nurl = 'http://127.0.0.1:1/'\n[request]\nmethod = 'POST'\nbody_file = 'body.txt'\n\
             [load]\nmode = 'tsunami'\ndelay = '1ms'\nduration = '5s'\n";
        std::fs::write(&path, text).unwrap();
        let plan = from(&format!("{}|--rate|20|--duration|2s", path.display())).unwrap();
        assert_eq!(plan.load.open_loop_rate_per_s(), Some(20.0));
        assert_eq!(plan.load.duration, Some(std::time::Duration::from_secs(2)));
        assert_eq!(plan.request.body, b"hello", "relative to the plan");
    }

    #[track_caller]
    fn refused(words: &str, expected: &[&str]) {
        let message = from(words).unwrap_err();
        assert_eq!(message.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_header_that_is_given_several_times_is_sent_as_often() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.toml");
        let text = "[target]\nurl = 'http://127.0.0.1:1/'\n[request.headers]\nVia = ['a', 'b']\nx-tag = 'plan'\n\
             [load]\nrate = 1\nduration = '5s'\n";
        std::fs::write(&path, text).unwrap();
        let headers = |words: &str| {
            let plan = from(&format!("{}{words}", path.display())).unwrap();
            plan.request
                .headers
                .into_iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(headers(""), ["Via=a", "Via=b", "x-tag=plan"]);
        let flags = "|--header|X-Tag: one|--header|accept: */*|--header|x-tag: two|--header|X-Tag: one";
        assert_eq!(headers(flags), ["Via=a", "Via=b", "X-Tag=one", "X-Tag=two", "X-Tag=one", "accept=*/*"]);
        let twice = from("--url|http://127.0.0.1/|--rate|1|--duration|1s|--header|host: a|--header|Host: b")
            .unwrap_err();
        assert!(twice.starts_with("--header host: ") && twice.contains("one host"), "{twice}");
    }

    #[test]
    fn the_path_of_a_url_stays_as_it_was_given() {
        let plan =
            from(r"--url|http://127.0.0.1:8081/a/../%2e%2e/b\c?d=/../e|--rate|1|--duration|1s").unwrap();
        assert_eq!(plan.target.path_and_query(), r"/a/../%2e%2e/b\c?d=/../e");
        assert_eq!(plan.to_json()["target"]["url"], r"http://127.0.0.1:8081/a/../%2e%2e/b\c?d=/../e");
    }

    #[test]
    fn every_fault_is_a_line_of_its_own_and_names_the_flag() {
        let message = from("--url|ftp://x|--rate=-5|--duration|soon").unwrap_err();
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines.len(), 3, "{message}");
        for (line, flag) in lines.iter().zip(["--url ftp://x: ", "--rate -5: ", "--duration soon: "]) {
            assert!(line.starts_with(flag), "{message}");
        }
    }

    #[test]
    fn what_is_missing_is_asked_for_in_words_of_the_command_line() {
        refused(
            "http://127.0.0.1:1/x",
            &[
                "--rate is missing: how many requests a second? (or --mode avalanche --connections N: as fast as answers come)",
                "--duration is missing: how long? as in 30s (or --requests N: so many)",
            ],
        );
        refused(
            "--mode|avalanche|--requests|7",
            &[
                "the URL is missing: groundswell run URL (or --url URL)",
                "--connections is missing: how many connections? each sends again as soon as its answer is in",
            ],
        );
    }

    #[test]
    fn flags_that_contradict_each_other_are_told_as_flags() {
        let url = "--url|http://127.0.0.1:1/|--duration|3s";
        refused(
            &format!("{url}|--rate|9|--connections|4"),
            &[
                "--connections 4: is for --mode avalanche; with a rate, --max-in-flight limits the requests in flight",
            ],
        );
        refused(
            &format!("{url}|--mode|avalanche|--connections|4|--rate|9"),
            &["--rate 9: is for --mode tsunami; with --mode avalanche, --target-throughput limits the rate"],
        );
        refused(
            &format!("{url}|--rate|9|--header|accept"),
            &["--header \"accept\": expected 'NAME: VALUE', as in 'accept: text/html'"],
        );
    }

    #[test]
    fn a_url_stands_in_the_plans_place() {
        let plan = from("http://127.0.0.1:81/a?b=c|--rate|3|--duration|1s").unwrap();
        assert_eq!(plan.to_json()["target"]["url"], "http://127.0.0.1:81/a?b=c");
        refused(
            "http://127.0.0.1:81/|--url|http://127.0.0.1:82/|--rate|3|--duration|1s",
            &["http://127.0.0.1:81/ and --url http://127.0.0.1:82/ are both given; leave one out"],
        );
    }

    #[test]
    fn beside_a_plan_the_faults_of_flags_name_the_flag_and_the_plans_own_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.toml");
        let text = "[target]\nurl = 'http://127.0.0.1:1/'\n[request]\ntimeout = 'long'\n[load]\nrate = 4\nduration = '5s'\n";
        std::fs::write(&path, text).unwrap();
        let message = from(&format!("{}|--rate|many", path.display())).unwrap_err();
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines.len(), 2, "{message}");
        assert!(
            lines.iter().any(|line| line.starts_with(&format!("{}: request.timeout", path.display()))),
            "{message}"
        );
        assert!(lines.iter().any(|line| line.starts_with("--rate many: ")), "{message}");
    }
}
