//! A plan from a file, from flags, or from a file that flags override. The rules of a plan are `common`'s;
//! this knows only which flag is which key.

use std::path::Path;

use common::plan::{Fault, Plan, PlanFormat, PlanTree};
use serde_json::{Value, json};

use crate::args::{ModeArg, PerArg, RunArgs};
use crate::exit::Stop;

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
    let source = path.display().to_string();
    let mut tree = PlanTree::parse(text, format).map_err(|faults| lines(&source, &faults))?;
    validated(&source, &mut tree, folder(path))
}

/// The plan that a command line asks for.
///
/// # Errors
/// Where a file cannot be read, or the plan has faults: one line each.
pub fn plan(arguments: &RunArgs) -> Result<Plan, Stop> {
    let source =
        arguments.plan.as_ref().map_or_else(|| "flags".to_owned(), |path| path.display().to_string());
    let mut tree = match &arguments.plan {
        Some(path) => PlanTree::parse(&read_file(path)?, PlanFormat::of_path(path))
            .map_err(|faults| Stop::usage(lines(&source, &faults)))?,
        None => PlanTree::default(),
    };
    // Before the flags: a --body-file is relative to where the command runs, not to the plan.
    if arguments.body.is_none() && arguments.body_file.is_none() {
        let base = arguments.plan.as_deref().map_or(Path::new("."), folder);
        tree.inline_body_file(base).map_err(|fault| Stop::usage(lines(&source, &[fault])))?;
    }
    overlay(arguments, &mut tree)?;
    validated(&source, &mut tree, Path::new(".")).map_err(Stop::usage)
}

fn validated(source: &str, tree: &mut PlanTree, base: &Path) -> Result<Plan, String> {
    let inlined = tree.inline_body_file(base);
    let mut faults: Vec<Fault> = inlined.err().into_iter().collect();
    if !faults.is_empty() {
        tree.remove(&["request", "body_file"]);
    }
    match tree.validate() {
        Ok(plan) if faults.is_empty() => Ok(plan),
        Ok(_) => Err(lines(source, &faults)),
        Err(more) => {
            faults.extend(more);
            Err(lines(source, &faults))
        }
    }
}

fn overlay(arguments: &RunArgs, tree: &mut PlanTree) -> Result<(), Stop> {
    // The mode first: another one takes the keys of the old one with it.
    if let Some(mode) = arguments.mode {
        let mode = match mode {
            ModeArg::Tsunami => "tsunami",
            ModeArg::Avalanche => "avalanche",
        };
        tree.set(&["load", "mode"], mode);
    }
    if let Some(per) = arguments.per {
        tree.set(&["per"], if per == PerArg::Fleet { "fleet" } else { "driver" });
    }
    if let Some(drivers) = arguments.drivers {
        tree.set(&["drivers"], drivers);
    }
    let keys: [(&[&str], Option<&String>); 15] = [
        (&["name"], arguments.name.as_ref()),
        (&["target", "url"], arguments.url.as_ref()),
        (&["request", "method"], arguments.method.as_ref()),
        (&["request", "body"], arguments.body.as_ref()),
        (&["request", "timeout"], arguments.timeout.as_ref()),
        (&["request", "engine"], arguments.engine.as_ref()),
        (&["load", "rate"], arguments.rate.as_ref()),
        (&["load", "delay"], arguments.delay.as_ref()),
        (&["load", "max_in_flight"], arguments.max_in_flight.as_ref()),
        (&["load", "connections"], arguments.connections.as_ref()),
        (&["load", "target_throughput"], arguments.target_throughput.as_ref()),
        (&["load", "requests"], arguments.requests.as_ref()),
        (&["load", "duration"], arguments.duration.as_ref()),
        (&["load", "warmup"], arguments.warmup.as_ref()),
        (&["load", "drain_timeout"], arguments.drain_timeout.as_ref()),
    ];
    for (path, value) in keys {
        if let Some(value) = value {
            tree.set(path, amount(path, value));
        }
    }
    if let Some(path) = &arguments.body_file {
        tree.set(&["request", "body_file"], path.display().to_string());
    }
    if arguments.identify {
        tree.set(&["request", "identify"], true);
    }
    if !arguments.expect_status.is_empty() {
        tree.set(&["request", "expect_status"], json!(arguments.expect_status));
    }
    let mut headers = Vec::with_capacity(arguments.headers.len());
    for header in &arguments.headers {
        let (name, value) = header
            .split_once(':')
            .ok_or_else(|| Stop::usage(format!("--header {header:?}: is no 'NAME: VALUE'")))?;
        headers.push((name.trim(), value.trim()));
    }
    // All at once: a name that is given twice is sent twice.
    tree.set_headers(&headers);
    tree.set_thresholds(&arguments.thresholds).map_err(|faults| Stop::usage(lines("--threshold", &faults)))
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

fn lines(source: &str, faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("{source}: {fault}")).collect::<Vec<_>>().join("\n")
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
        assert_eq!(plan.request.body, "hello", "relative to the plan");
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
        assert!(twice.contains("headers.host") && twice.contains("one host"), "{twice}");
    }

    #[test]
    fn the_path_of_a_url_stays_as_it_was_given() {
        let plan =
            from(r"--url|http://127.0.0.1:8081/a/../%2e%2e/b\c?d=/../e|--rate|1|--duration|1s").unwrap();
        assert_eq!(plan.target.path_and_query(), r"/a/../%2e%2e/b\c?d=/../e");
        assert_eq!(plan.to_json()["target"]["url"], r"http://127.0.0.1:8081/a/../%2e%2e/b\c?d=/../e");
    }

    #[test]
    fn every_fault_is_a_line_of_its_own() {
        let message = from("--url|ftp://x|--rate=-5|--duration|soon").unwrap_err();
        assert_eq!(message.lines().count(), 3, "{message}");
        assert!(message.lines().all(|line| line.starts_with("flags: ")), "{message}");
    }
}
