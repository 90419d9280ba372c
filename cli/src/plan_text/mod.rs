//! A plan for people, with every default, 80 columns wide: when sessions start, what they do, how often each request is
//! sent, what it needs of a driver, and what must hold. Pure: it only makes text.

mod load;
mod steps;

use std::collections::BTreeSet;
use std::fmt::Write;

use common::plan::expect::Expect;
use common::plan::in_words::{bytes, number, sessions_at_a_time, sessions_in_all};
use common::plan::program::{NamedRequest, Program, requests_of};
use common::plan::{Capacity, DriverChoice, EngineChoice, Per, Plan, write_duration, write_ratio};
use serde_json::Value;
use textwrap::Options;

use crate::table::Table;

/// Columns of the text.
const COLUMNS: usize = 80;
/// Columns of the words before each line of the first part.
const LABEL: usize = 12;

/// What a plan does.
pub fn text(plan: &Plan) -> String {
    let mut out = Page(String::new());
    out.line(&plan.name);
    let expect = plan.program.as_ref().map(|program| Expect::of(program));
    about(&mut out, plan);
    load::add(&mut out, plan);
    if let (Some(program), Some(expect)) = (&plan.program, &expect) {
        memory(&mut out, plan, program, expect);
        let masked = plan.masked_json();
        requests(&mut out, plan, program, expect, &masked);
        around(&mut out, program, &masked);
        shared(&mut out, program, &masked);
        steps::add(&mut out, program, expect);
    }
    judged(&mut out, plan);
    out.0
}

/// The text so far.
struct Page(String);

impl Page {
    /// A line, wrapped where it is too long.
    fn line(&mut self, text: &str) {
        self.wrapped("", "", text);
    }

    /// A line of the first part: what it is about, and what there is to say.
    fn labelled(&mut self, label: &str, text: &str) {
        let first = format!("  {label:<width$}", width = LABEL - 2);
        self.wrapped(&first, &" ".repeat(LABEL), text);
    }

    fn wrapped(&mut self, first: &str, then: &str, text: &str) {
        let options = Options::new(COLUMNS).initial_indent(first).subsequent_indent(then);
        for line in textwrap::wrap(&clean(text), options) {
            // Writing to a text does not fail.
            let _ = writeln!(self.0, "{}", line.trim_end());
        }
    }

    fn heading(&mut self, text: &str) {
        let _ = writeln!(self.0, "\n{text}");
    }

    /// A table, each line cut at the last column.
    fn table(&mut self, table: &Table) {
        for line in table.to_string().lines() {
            let line = format!("  {line}");
            let cut: String = match line.chars().count() {
                n if n > COLUMNS => line.chars().take(COLUMNS - 1).chain(std::iter::once('…')).collect(),
                _ => line,
            };
            let _ = writeln!(self.0, "{cut}");
        }
    }
}

/// Without control characters, which names from a file may hold.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn about(out: &mut Page, plan: &Plan) {
    out.labelled("target", &common::plan::mask_url(plan.target.as_str()));
    if let Some(program) = &plan.program {
        for host in program.hosts.iter().skip(1) {
            out.labelled("", &format!("{} = {}", host.name, common::plan::mask_url(host.url.as_str())));
        }
    }
    let drivers = match &plan.drivers {
        DriverChoice::All => "all that are alive".to_owned(),
        DriverChoice::Count(1) => "1".to_owned(),
        DriverChoice::Count(n) => format!("{n} of those that are alive"),
        DriverChoice::Named(ids) => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let per = match plan.per {
        Per::Driver => "amounts are each driver's (per = \"driver\")",
        Per::Fleet => "they share the amounts (per = \"fleet\")",
    };
    out.labelled("drivers", &format!("{drivers}; {per}"));
    let engine = match plan.request.engine {
        EngineChoice::Auto => "auto",
        EngineChoice::Wire => "wire",
        EngineChoice::Awc => "awc",
    };
    let reuse = if plan.request.connection_reuse { "kept for later requests" } else { "closed after each" };
    let identify = if plan.request.identify { ", x-groundswell-node is sent" } else { "" };
    out.labelled("engine", &format!("{engine}, connections {reuse}{identify}"));
    if let Some(program) = &plan.program {
        let seed =
            program.seed.map_or_else(|| "drawn when the test is created".to_owned(), |seed| seed.to_string());
        out.labelled("seed", &seed);
    } else {
        let statuses = statuses(&plan.request.expect_status);
        let timeout = write_duration(plan.request.timeout);
        out.labelled("request", &format!("{}, timeout {timeout}, expects {statuses}", plan.request.method));
    }
}

fn statuses(ranges: &[(u16, u16)]) -> String {
    let range =
        |(low, high): &(u16, u16)| if low == high { low.to_string() } else { format!("{low}-{high}") };
    ranges.iter().map(range).collect::<Vec<_>>().join(", ")
}

/// What a driver makes room for before the start.
fn memory(out: &mut Page, plan: &Plan, program: &Program, expect: &Expect) {
    let sessions = sessions_at_a_time(plan);
    let variables = match program.variables.len() {
        1 => "1 variable".to_owned(),
        n => format!("{n} variables"),
    };
    let jar = program.scenarios.iter().filter_map(|scenario| scenario.cookie_bytes).max();
    let jar = jar.map_or_else(|| "no cookies".to_owned(), |jar| format!("{} of cookies", bytes(jar as f64)));
    let each = bytes(expect.session_bytes as f64);
    let all = bytes(expect.session_bytes as f64 * sessions);
    out.labelled(
        "memory",
        &format!("{each} a session ({variables}, {jar}), {all} a driver for {} sessions", number(sessions)),
    );
    for data in &program.data {
        let rows = data.n_rows();
        let order = format!("{:?}", data.order).to_lowercase();
        let weight = data.weight.and_then(|column| data.columns.get(column));
        let weight = weight.map_or_else(String::new, |column| format!(", weighted by {column}"));
        let columns = data.columns.join(", ");
        out.labelled("data", &format!("{}: {rows} rows of {columns}; order {order}{weight}", data.name));
    }
    for secret in &program.secrets {
        use common::plan::program::SecretFrom;
        let from = match &secret.from {
            SecretFrom::Env(name) => format!("${name} of each driver's environment"),
            SecretFrom::File(name) => format!("the file {name} in each driver's secrets folder"),
        };
        out.labelled("secret", &format!("{}: {from}", secret.name));
    }
}

/// What each driver sends by itself.
fn shared(out: &mut Page, program: &Program, masked: &Value) {
    if program.shared.is_empty() {
        return;
    }
    out.heading("Shared, sent by each driver before the start and again by age");
    for shared in &program.shared {
        let Some(request) = program.requests.get(shared.request) else { continue };
        let of = program.shared_values().filter(|(of, _)| of.name == shared.name);
        let values: Vec<String> = of
            .filter_map(|(_, variable)| program.variables.get(variable))
            .map(|variable| format!("shared.{}.{}", shared.name, variable.name))
            .collect();
        let method = request.method.clone().unwrap_or_else(|| "form's".to_owned());
        let (name, every) = (&shared.name, write_duration(shared.every));
        let address = address(masked, request.name.as_str());
        let line = format!("{name}: {method} {address}, every {every}; gives {}", values.join(", "));
        out.wrapped("  ", "      ", &line);
    }
}

/// The requests: how often each is sent, and what it expects.
fn requests(out: &mut Page, plan: &Plan, program: &Program, expect: &Expect, masked: &Value) {
    let sessions = sessions_in_all(plan);
    let mut table = Table::new(&["REQUEST", "A SESSION", "IN ALL", "TIMEOUT", "EXPECTS", "WHAT IT SENDS"]);
    let sent = program.sent_by_sessions();
    for ((request, often), _) in
        program.requests.iter().zip(&expect.requests).zip(sent).filter(|(_, sent)| *sent)
    {
        let in_all = sessions.map_or_else(|| "-".to_owned(), |n| number(n * often));
        let [timeout, expects, sends] = about_request(request, masked);
        table.row(vec![request.name.to_string(), number(*often), in_all, timeout, expects, sends]);
        redirects(&mut table, request, *often, sessions);
        values(&mut table, program, request, *often, sessions);
    }
    out.heading("Requests, as many as are expected");
    out.table(&table);
    if expect.depends_on_answers {
        out.line("  How many depends on answers: either branch of a when counts half, a poll as one, redirects apart.");
    }
}

/// The requests that setup and teardown send and sessions do not.
fn around(out: &mut Page, program: &Program, masked: &Value) {
    let mut table = Table::new(&["REQUEST", "TIMEOUT", "EXPECTS", "WHAT IT SENDS"]);
    let around = program.setup.iter().chain(&program.teardown);
    let of_around: BTreeSet<usize> = around.flat_map(|around| requests_of(&around.steps)).collect();
    let sent = program.sent_by_sessions();
    let mut is_any = false;
    for index in of_around.into_iter().filter(|index| !sent.get(*index).copied().unwrap_or_default()) {
        let Some(request) = program.requests.get(index) else { continue };
        let [timeout, expects, sends] = about_request(request, masked);
        table.row(vec![request.name.to_string(), timeout, expects, sends]);
        is_any = true;
    }
    if is_any {
        out.heading("Requests of setup and teardown");
        out.table(&table);
    }
}

/// The timeout of a request, the statuses that it expects, and what it sends.
fn about_request(request: &NamedRequest, masked: &Value) -> [String; 3] {
    let method = request.method.as_deref().unwrap_or("form's");
    [
        write_duration(request.timeout),
        statuses(&request.expect_status),
        format!("{method} {}", address(masked, request.name.as_str())),
    ]
}

/// The redirects of a request: at most as many as it follows.
fn redirects(table: &mut Table, request: &NamedRequest, often: f64, sessions: Option<f64>) {
    if request.follow == 0 {
        return;
    }
    let most = often * f64::from(request.follow);
    table.row(vec![
        format!("{}.redirect", request.name),
        format!("0..{}", number(most)),
        sessions.map_or_else(|| "-".to_owned(), |n| format!("0..{}", number(n * most))),
        write_duration(request.timeout),
        statuses(&[(300, 399)]),
        format!("up to {} redirects followed", request.follow),
    ]);
}

/// The values of `split_by`, which are a part of their request: each as often as its rows are taken.
fn values(table: &mut Table, program: &Program, request: &NamedRequest, often: f64, sessions: Option<f64>) {
    let Some((split, data)) =
        request.split.as_ref().and_then(|split| Some((split, program.data.get(split.data)?)))
    else {
        return;
    };
    let column = data.columns.get(split.column).map_or("", String::as_str);
    let weights = split.weights(data);
    let all = split.total(data, &weights);
    let named: f64 = split.values.iter().filter_map(|value| weights.get(value.as_str())).sum();
    let of_values = split
        .values
        .iter()
        .map(|value| (value.as_str(), weights.get(value.as_str()).copied().unwrap_or(0.0)));
    for (value, weight) in of_values.chain(split.other.then_some(("other", all - named))) {
        let often = if all > 0.0 { often * weight / all } else { 0.0 };
        table.row(vec![
            format!("{}/{value}", request.name),
            number(often),
            sessions.map_or_else(|| "-".to_owned(), |n| number(n * often)),
            write_duration(request.timeout),
            statuses(&request.expect_status),
            format!("of {}.{column}", data.name),
        ]);
    }
}

/// Where a request goes, as the plan writes it, with its secrets masked: by its own keys, or by those of `[request]`.
fn address(masked: &Value, name: &str) -> String {
    let own = masked.get("requests").and_then(|requests| requests.get(name));
    for table in own.into_iter().chain(masked.get("request")) {
        let text = |key: &str| table.get(key).and_then(Value::as_str);
        match (text("path").or(text("url")), text("submit")) {
            (Some(address), _) => return address.to_owned(),
            (None, Some(form)) => return format!("the form {form}"),
            (None, None) => {}
        }
    }
    "/".to_owned()
}

/// What decides the verdict.
fn judged(out: &mut Page, plan: &Plan) {
    out.heading("What must hold");
    if let Some(capacity) = &plan.capacity {
        objective(out, capacity);
    }
    for threshold in &plan.thresholds {
        out.wrapped("  ", "    ", &threshold.expression);
    }
    // Those of a search are conditions of its objective.
    for threshold in plan.default_thresholds().into_iter().filter(|_| plan.capacity.is_none()) {
        let is_same =
            |given: &common::plan::Threshold| given.figure == threshold.figure && given.of == threshold.of;
        if !plan.thresholds.iter().any(is_same) {
            out.wrapped("  ", "    ", &format!("{} (default)", threshold.expression));
        }
    }
    for abort in &plan.abort {
        out.wrapped("  ", "    ", &format!("ends early: {} {}", abort.key(), abort.condition()));
    }
    let honesty = &plan.honesty;
    out.wrapped(
        "  ",
        "    ",
        &format!(
            "honesty: lag p99 at most {}, late at most {}, catches up {} at most",
            write_duration(honesty.max_lag_p99),
            write_ratio(honesty.max_late),
            write_duration(honesty.max_catch_up)
        ),
    );
}

/// The conditions of a search, and over how long each is to hold.
fn objective(out: &mut Page, capacity: &Capacity) {
    for condition in capacity.conditions() {
        let by = if capacity.slo.contains(&condition) { "" } else { " (default)" };
        out.wrapped("  ", "    ", &format!("at a rate: {}{by}", condition.expression));
    }
    let (horizon, most) = (write_duration(capacity.horizon), write_duration(capacity.level_for));
    out.wrapped("  ", "    ", &format!("over {horizon}, each rate for {most} at most"));
}

#[cfg(test)]
mod tests;
