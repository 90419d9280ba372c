//! Faults in the words of the command line: what was typed as a flag is named as the flag, not as the key that the
//! flag sets.

use common::plan::{Fault, FaultKind};

/// The flag that sets a key of the plan.
const PLAN_FLAGS: [(&str, &str); 27] = [
    ("name", "--name"),
    ("drivers", "--drivers"),
    ("per", "--per"),
    ("target.url", "--url"),
    ("request.method", "--method"),
    ("request.headers", "--header"),
    ("request.body", "--body"),
    ("request.body_file", "--body-file"),
    ("request.timeout", "--timeout"),
    ("request.expect_status", "--expect-status"),
    ("request.engine", "--engine"),
    ("request.identify", "--identify"),
    ("load.mode", "--mode"),
    ("load.rate", "--rate"),
    ("load.delay", "--delay"),
    ("load.max_in_flight", "--max-in-flight"),
    ("load.connections", "--connections"),
    ("load.target_throughput", "--target-throughput"),
    ("load.requests", "--requests"),
    ("load.duration", "--duration"),
    ("load.warmup", "--warmup"),
    ("load.drain_timeout", "--drain-timeout"),
    ("capacity.slo", "--slo"),
    ("capacity.within", "--within"),
    ("capacity.max_rate", "--max-rate"),
    ("capacity.horizon", "--horizon"),
    ("capacity.level_for", "--level-for"),
];

/// Messages for a missing key where no plan file is given: they name the flag instead of the key.
const MISSING: [(&str, &str); 2] = [
    ("target.url", "the URL is missing: groundswell run URL (or --url URL)"),
    (
        "load.rate",
        "--rate is missing: how many requests a second? (or --connections N: as fast as answers come)",
    ),
];

/// What `capacity` calls keys for which `run` has other flags.
const OF_A_SEARCH: [(&str, &str); 2] = [("load.rate", "--start"), ("load.duration", "--for")];

/// What the letters of flags mean in other tools, for values that do not fit.
const ELSEWHERE: [(&str, &str); 2] = [
    ("load.duration", "-d is the duration here, as in wrk; the body, -d in curl, hey and oha, is -b"),
    ("request.timeout", "-t is the timeout here, as in hey and oha; wrk's threads are --workers"),
];

/// Whether a value is not even of the kind that its key takes.
fn is_odd(fault: &Fault) -> bool {
    !fault.value.is_empty() && fault.reason.starts_with("expected")
}

/// Whether a path is that of a key, or of an entry of it, as `request.expect_status[1]` is.
pub fn is_of(path: &str, key: &str) -> bool {
    path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The flag that sets a key of the plan, or an entry of it.
fn of_key(path: &str, is_search: bool) -> Option<&'static str> {
    let own = OF_A_SEARCH.iter().filter(|_| is_search);
    own.chain(&PLAN_FLAGS).find(|(key, _)| is_of(path, key)).map(|(_, flag)| *flag)
}

/// A fault of the plan that flags made, in one line; `is_search`: those of `capacity`. `None` where no flag sets that key.
pub fn fault(fault: &Fault, is_search: bool) -> Option<String> {
    let flag = of_key(&fault.path, is_search)?;
    if fault.value.is_empty()
        && !is_search
        && let Some((_, missing)) = MISSING.iter().find(|(key, _)| *key == fault.path)
    {
        return Some((*missing).to_owned());
    }
    if let Some(name) = fault.path.strip_prefix("request.headers.") {
        // Not the value: it may be a secret.
        return Some(format!("{flag} {name}: {}", fault.reason));
    }
    let mut reason = contradiction(fault, is_search).unwrap_or_else(|| fault.reason.clone());
    let of_letter =
        |(key, _): &&(&str, &str)| *key == fault.path && of_key(key, is_search) == of_key(key, false);
    if let Some((_, elsewhere)) = ELSEWHERE.iter().filter(|_| is_odd(fault)).find(of_letter) {
        reason = format!("{reason} ({elsewhere})");
    }
    // As it was typed: a text of the plan stands in quotes.
    let typed = serde_json::from_str::<String>(&fault.value).ok();
    let value = typed.filter(|value| !value.contains(char::is_whitespace));
    let value = value.as_deref().unwrap_or(&fault.value);
    Some(if value.is_empty() { format!("{flag}: {reason}") } else { format!("{flag} {value}: {reason}") })
}

/// Flags that contradict each other: the plan's reason names keys.
fn contradiction(fault: &Fault, is_search: bool) -> Option<String> {
    if fault.kind != FaultKind::Contradiction {
        return None;
    }
    if is_search {
        return Some(fault.reason.replace("(load.rate)", "(--start)"));
    }
    let reason = match fault.path.as_str() {
        "load.connections" if fault.reason.contains("max_in_flight") => {
            "is more than --max-in-flight, which bounds the requests that wait for a connection and those that have one"
        }
        "load.rate" if fault.reason.contains("tsunami") => {
            "is for --mode tsunami; with --mode avalanche, --target-throughput limits the rate"
        }
        "load.delay" if fault.reason.contains("tsunami") => {
            "is for --mode tsunami; with --mode avalanche, --target-throughput limits the rate"
        }
        "load.max_in_flight" => {
            "is for --mode tsunami; with --mode avalanche, --connections limits the requests in flight"
        }
        "load.rate" | "load.delay" => "--rate and --delay say the same; leave one out",
        _ => {
            return Some(
                fault
                    .reason
                    .replace("(per = \"fleet\")", "(--per fleet)")
                    .replace("fewer drivers", "fewer --drivers"),
            );
        }
    };
    Some(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_the_flag() {
        let check =
            |found: Fault, expected: Option<&str>| assert_eq!(fault(&found, false).as_deref(), expected);
        check(Fault::value("load.warmup", "soon", "has no unit"), Some("--warmup soon: has no unit"));
        check(
            Fault::value("request.expect_status[1]", "700-", "expected a status"),
            Some("--expect-status 700-: expected a status"),
        );
        check(Fault::value("request.headers.x-a", "b", "no"), Some("--header x-a: no"));
        check(
            Fault::value("load.connections", r#""{\"a\":1}""#, "expected a number"),
            Some(r#"--connections {"a":1}: expected a number"#),
        );
        check(Fault::value("honesty.max_late", "2", "no"), None);
        check(Fault::value("drivers_x", "2", "no"), None);
    }

    #[test]
    fn a_fault_of_a_search_names_the_flag_of_capacity() {
        let check = |found: Fault, expected: &str| assert_eq!(fault(&found, true).as_deref(), Some(expected));
        check(Fault::value("load.rate", "1e9", "must be lower"), "--start 1e9: must be lower");
        check(Fault::value("load.duration", "soon", "expected a time"), "--for soon: expected a time");
        check(Fault::value("load.warmup", "soon", "has no unit"), "--warmup soon: has no unit");
        check(
            Fault::value("request.timeout", "[]", "expected a time"),
            &format!("--timeout []: expected a time ({})", ELSEWHERE[1].1),
        );
        check(
            Fault::contradiction("capacity.max_rate", "9", "is below 10/s (load.rate): begin lower"),
            "--max-rate 9: is below 10/s (--start): begin lower",
        );
    }

    #[test]
    fn every_flag_is_one_of_run_or_of_capacity() {
        use clap::CommandFactory;
        let command = crate::args::Cli::command();
        let of_run = PLAN_FLAGS.iter().map(|(key, flag)| (key.starts_with("capacity."), key, flag));
        let of_search = OF_A_SEARCH.iter().map(|(key, flag)| (true, key, flag));
        for (is_search, key, flag) in of_run.chain(of_search) {
            let name = if is_search { "capacity" } else { "run" };
            let known = command
                .find_subcommand(name)
                .unwrap()
                .get_arguments()
                .any(|known| known.get_long() == flag.strip_prefix("--"));
            assert!(known, "{flag} of {key}");
        }
    }
}
