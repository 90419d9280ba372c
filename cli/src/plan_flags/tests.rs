//! What command lines become: plans, or lines that name the flag.

use super::*;
use crate::args::{Cli, Command};
use clap::Parser;
use common::plan::{Load, Mode};
use std::time::Duration;

#[track_caller]
fn from(words: &str) -> Result<Plan, String> {
    let words = std::iter::once("groundswell").chain(std::iter::once("run")).chain(words.split('|'));
    let cli = Cli::try_parse_from(words).unwrap();
    let Command::Run(arguments) = cli.command else { panic!("not run") };
    plan(&arguments, &mut Vec::new()).map(|(plan, _)| plan).map_err(|stop| stop.message)
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
        plan.request.headers.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(headers(""), ["Via=a", "Via=b", "x-tag=plan"]);
    let flags = "|--header|X-Tag: one|--header|accept: */*|--header|x-tag: two|--header|X-Tag: one";
    assert_eq!(headers(flags), ["Via=a", "Via=b", "X-Tag=one", "X-Tag=two", "X-Tag=one", "accept=*/*"]);
    let twice =
        from("--url|http://127.0.0.1/|--rate|1|--duration|1s|--header|host: a|--header|Host: b").unwrap_err();
    assert!(twice.starts_with("--header host: ") && twice.contains("one host"), "{twice}");
}

#[test]
fn the_path_of_a_url_stays_as_it_was_given() {
    let plan = from(r"--url|http://127.0.0.1:8081/a/../%2e%2e/b\c?d=/../e|--rate|1|--duration|1s").unwrap();
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
        "http://127.0.0.1:1/x|--mode|tsunami",
        &["--rate is missing: how many requests a second? (or --connections N: as fast as answers come)"],
    );
    refused("--requests|7", &["the URL is missing: groundswell run URL (or --url URL)"]);
}

#[test]
fn flags_that_contradict_each_other_are_named_as_flags() {
    let url = "--url|http://127.0.0.1:1/|--duration|3s";
    refused(
        &format!("{url}|--rate|9|--connections|4|--max-in-flight|3"),
        &[
            "--connections 4: is more than --max-in-flight, which bounds the requests that wait for a connection and those \
             that have one",
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

const URL: &str = "http://127.0.0.1:1/";

/// The load of a command line without a plan.
#[track_caller]
fn load(words: &str) -> Load {
    from(&format!("{URL}{}{words}", if words.is_empty() { "" } else { "|" })).unwrap().load
}

#[test]
fn a_url_alone_is_a_closed_loop() {
    #[track_caller]
    fn closed(words: &str, connections: u32, requests: Option<u64>, seconds: Option<u64>) {
        let load = load(words);
        assert_eq!(load.mode, Mode::Avalanche { connections }, "{words}");
        assert_eq!((load.requests, load.duration), (requests, seconds.map(Duration::from_secs)), "{words}");
    }
    closed("", 64, None, Some(10));
    closed("-n|1000", 64, Some(1_000), None);
    closed("-n|5", 5, Some(5), None);
    closed("-n|5|-z|3", 5, Some(5), Some(3));
    closed("-c|8", 8, None, Some(10));
    closed("-c|8|-n|5", 8, Some(5), None);
    closed("-c|8|-d|2m", 8, None, Some(120));
    closed("--mode|avalanche", 64, None, Some(10));
    closed("--mode|avalanche|-c|3", 3, None, Some(10));
    closed("-c|8|--target-throughput|100", 8, None, Some(10));
    closed("--per|fleet|--drivers|70", 70, None, Some(10));
    closed("--per|fleet|--drivers|3|-n|20", 20, Some(20), None);
}

#[test]
fn a_rate_alone_is_an_open_loop_of_ten_seconds() {
    for (words, rate) in [
        ("-r|200", 200.0),
        ("-q|200/s", 200.0),
        ("--rate|6/m", 0.1),
        ("-r|1k/s", 1_000.0),
        ("-r|1_000", 1_000.0),
        ("--delay|10ms", 100.0),
        ("--target-throughput|2k", 2_000.0),
    ] {
        let load = load(words);
        assert_eq!(load.open_loop_rate_per_s(), Some(rate), "{words}");
        assert_eq!(load.duration, Some(Duration::from_secs(10)), "{words}");
    }
    assert_eq!((load("-r|2|-n|9").requests, load("-r|2|-n|9").duration), (Some(9), None));
}

#[test]
fn short_flags_are_those_of_other_tools() {
    let plan = from(&format!("{URL}|-X|put|-H|x-a: 1|-t|3|-b|hi|-z|1.5|-c|2")).unwrap();
    assert_eq!((plan.request.method.as_str(), plan.request.body.as_slice()), ("PUT", &b"hi"[..]));
    assert_eq!(plan.request.timeout, Duration::from_secs(3));
    assert_eq!(plan.load.duration, Some(Duration::from_millis(1_500)));
    assert_eq!(from(&format!("{URL}|-m|delete")).unwrap().request.method, "DELETE");
    assert_eq!(load("--warmup|2|--drain-timeout|7").warmup, Duration::from_secs(2));
}

#[test]
fn letters_that_mean_something_else_elsewhere_say_so() {
    let message = |words: &str| from(&format!("{URL}|{words}")).unwrap_err();
    let said = message("-d|name=x");
    assert!(
        said.starts_with("--duration name=x: expected a time") && said.contains("hey and oha, is -b"),
        "{said}"
    );
    let said = message("-t|four");
    assert!(said.contains("threads are --workers"), "{said}");
    assert_eq!(message("-z|40d"), "--duration 40d: must be from 1ms to 30d");
    let said = message("-u|10");
    assert!(said.contains("USER:PASSWORD") && said.contains("are -c here"), "{said}");
    assert_eq!(load("-r|5|-c|8").connections, Some(8), "an open loop may wait for its connections");
    let said = message("-r|fast");
    assert!(said.starts_with("--rate fast: expected requests per second, as in 200"), "{said}");
}

#[test]
fn a_user_is_sent_as_authorization_and_shown_nowhere() {
    let plan = from(&format!("{URL}|-u|me:hunter2")).unwrap();
    assert_eq!(plan.request.headers, [("authorization".to_owned(), "Basic bWU6aHVudGVyMg==".to_owned())]);
    let shown = plan.masked_json().to_string();
    assert!(!shown.contains("bWU6") && !shown.contains("hunter2"), "{shown}");
    refused(
        &format!("{URL}|-u|me:hunter2|-H|Authorization: Bearer hunter3"),
        &["--user and --header authorization both set the header authorization; leave one out"],
    );
    let said = from("http://me:hunter2@127.0.0.1/").unwrap_err();
    assert!(said.contains("-u USER:PASSWORD") && !said.contains("hunter2"), "{said}");
}

#[test]
fn a_body_is_a_text_or_a_file_and_is_posted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("raw");
    std::fs::write(&path, [0, 255, 10]).unwrap();
    let request = |words: String| from(&format!("{URL}|{words}")).unwrap().request;
    let at = request(format!("-b|@{}", path.display()));
    assert_eq!((at.body.as_slice(), at.method.as_str()), (&[0, 255, 10][..], "POST"));
    assert_eq!(request(format!("--body-file|{}", path.display())), at);
    assert_eq!(request("-b|x@y".to_owned()).body, b"x@y");
    assert_eq!(request("-b|x|-m|get".to_owned()).method, "GET", "as asked");
    assert!(from(&format!("{URL}|-b|@")).unwrap_err().contains("names no file"));
    assert!(from(&format!("{URL}|-b|@/missing/x")).unwrap_err().contains("/missing/x: cannot be read"));
}

#[test]
fn a_plan_is_recognised_by_its_content_where_its_name_does_not_say() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let json =
        r#"{ "target": { "url": "http://127.0.0.1:1/" }, "load": { "rate": "6/m", "duration": "1s" } }"#;
    let toml = "target.url = 'http://127.0.0.1:1/'\nload = { rate = '6/m', duration = '1s' }\n";
    for path in
        [write("plan", json), write("plan.txt", toml), write("plan.json", json), write("plan.toml", toml)]
    {
        assert_eq!(from(&path).unwrap().load.open_loop_rate_per_s(), Some(0.1), "{path}");
    }
    assert!(from(&write("wrong.toml", json)).is_err());
    let closed = from(&format!("{}|--mode|avalanche", write("open.toml", toml))).unwrap();
    assert_eq!(closed.load.mode, Mode::Avalanche { connections: 64 });
}

/// A folder with a plan of several requests, and the files that it names.
fn shop() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("users.csv", "name,town\nAnn,Bath\nBob,York\n");
    write("order.json", "{\"a\": \"{{not a slot}}\"}");
    let text = "target.url = '{{vars.shop}}/base'\nvars.shop = 'http://127.0.0.1:1'\n\
        data.user = { file = '{{vars.users}}.csv' }\nvars.users = 'users'\n\
        [requests.hello]\npath = '/{{user.name}}'\n[requests.order]\npath = '/order'\nbody_file = 'order.json'\n\
        [load]\nrate = 5\nduration = '1m'\n\
        [profiles.long.load]\nduration = '1h'\n[profiles.broken.load]\nrate = -1\n";
    write("plan.toml", text);
    let path = folder.path().join("plan.toml");
    (folder, path)
}

#[test]
fn files_vars_and_profiles_are_put_in_before_a_plan_is_checked() {
    let (_folder, path) = shop();
    let path = path.display();
    let plan = from(&format!("{path}|--profile|long|--var|shop=http://127.0.0.2:7|--rate|9")).unwrap();
    assert_eq!(plan.target.as_str(), "http://127.0.0.2:7/base");
    assert_eq!(plan.load.duration, Some(Duration::from_secs(3_600)));
    assert_eq!(plan.load.open_loop_rate_per_s(), Some(9.0), "a flag is laid over all of it");
    let program = plan.program.as_ref().unwrap();
    assert_eq!(program.data[0].rows, [["Ann", "Bath"], ["Bob", "York"]]);
    let order = &program.requests[1].body;
    assert_eq!(order, &common::plan::program::BodyPlan::Bytes(b"{\"a\": \"{{not a slot}}\"}".to_vec()));
}

#[test]
fn what_cannot_be_put_in_is_named_once_and_beside_all_other_faults() {
    let (_folder, path) = shop();
    let path = path.display();
    let message = from(&format!("{path}|--var|users=none|--rate|0")).unwrap_err();
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines.len(), 2, "{message}");
    assert!(
        lines[0].contains("data.user.file = ") && lines[0].contains("none.csv: cannot be read"),
        "{message}"
    );
    assert!(lines[1].starts_with("--rate 0: "), "{message}");
    assert!(
        from(&format!("{path}|--var|users")).unwrap_err().starts_with("--var users: expected NAME=VALUE")
    );
    assert!(from("http://127.0.0.1/|--var|a=b").unwrap_err().contains("is for plans with [requests]"));
    assert!(from(&format!("{path}|--profile|lon")).unwrap_err().contains("long"));
}

#[test]
fn validate_checks_a_plan_with_each_of_its_profiles() {
    let (_folder, path) = shop();
    let text = std::fs::read_to_string(&path).unwrap();
    let message = check(&path, &text, PlanFormat::Toml).unwrap_err();
    assert!(message.contains("plan.toml with --profile broken: load.rate = -1: "), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    let good = text.replace("rate = -1", "rate = 1");
    assert!(check(&path, &good, PlanFormat::Toml).is_ok());
}

#[test]
fn a_stack_of_our_own_has_one_driver_where_nothing_says_how_many() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.toml");
    let text = "target.url = 'http://127.0.0.1:1/'\nrequests.a = { path = '/', share = 49 }\nrequests.b.path = '/b'\n\
                [load]\nrate = 10\nduration = '2s'\n";
    let path = path.display();
    std::fs::write(folder.path().join("plan.toml"), text).unwrap();
    let few = "is 0.4 of the 20 sessions that the load starts, less than one; raise the share or start more sessions";
    refused(&path.to_string(), &[&format!("{path}: requests.b.share = 1: {few}")]);
    let plan = from(&format!("{path}|--drivers|3")).unwrap();
    assert_eq!(plan.drivers, common::plan::DriverChoice::Count(3));
    let plan = from(&format!("{path}|--orchestrator|http://127.0.0.1:1")).unwrap();
    assert_eq!(plan.drivers, common::plan::DriverChoice::All);
}

#[test]
fn a_fault_of_a_search_names_the_flag_or_the_plan() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.toml");
    let text = "target.url = 'http://127.0.0.1:1/'\nload.rate = 200\n[capacity]\nslo = 'response.p99 < 1s'\n";
    let searched = |text: &str, words: &str| {
        std::fs::write(&path, text).unwrap();
        let words = words.split('|').filter(|word| !word.is_empty());
        let all = ["groundswell", "capacity", path.to_str().unwrap()].into_iter().chain(words);
        let Command::Capacity(arguments) = Cli::try_parse_from(all).unwrap().command else {
            panic!("not capacity")
        };
        plan(&arguments.into_run(), &mut Vec::new()).map(|(plan, _)| plan).map_err(|stop| stop.message)
    };
    let begins = searched(text, "--start|20|--max-rate|100").unwrap().load.open_loop_rate_per_s();
    assert_eq!(begins, Some(20.0));
    for (words, expected) in [
        ("--within|90%", "--within 90%: is from 0.5% to 50%"),
        (
            "--max-rate|100",
            "--max-rate 100: is below the rate at which the search begins, 200/s (--start): begin lower",
        ),
        ("--start|99999999", "--start 99999999: must be from "),
        ("--horizon|1", "--horizon 1s: "),
    ] {
        let message = searched(text, words).unwrap_err();
        assert!(message.starts_with(expected), "{words}: {message}");
    }
    let message = searched(&format!("{text}within = '90%'\n"), "").unwrap_err();
    assert!(message.starts_with(&format!("{}: capacity.within = ", path.display())), "{message}");
}
