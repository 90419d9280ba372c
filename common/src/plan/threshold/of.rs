//! What a threshold looks at: all requests, those of one name, a group, a poll, or sessions. A key is read from its end:
//! the longest figure, and what stands before it is the name, which may hold dots and slashes.

use super::figure::{Figure, parse_figure};
use crate::ids::RequestName;
use crate::latency::{LatencyKind, Outcome};
use crate::plan::program::{Program, Step};
use crate::tree::closest;

/// What a threshold looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ThresholdOf {
    /// Every request of the load.
    #[default]
    All,
    /// The requests of one name: a request's own, `NAME/VALUE` of a split, or `NAME.redirect`.
    Request(RequestName),
    /// The passes of a group.
    Group(RequestName),
    /// The polls of the request of this name.
    Poll(RequestName),
    /// Sessions: of one scenario, or all.
    Sessions(Option<String>),
}

/// The names that statistics have, as thresholds name them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatisticsNames {
    /// Of requests, of their redirects and splits.
    pub requests: Vec<RequestName>,
    /// Of groups.
    pub groups: Vec<RequestName>,
    /// Of requests that are polled.
    pub polls: Vec<RequestName>,
    /// Of scenarios.
    pub scenarios: Vec<String>,
}

/// Which names the keys of `[thresholds]` may hold.
#[derive(Debug, Clone, Copy)]
pub enum Naming<'a> {
    /// None: the plan has one request.
    Unnamed,
    /// Any, because the requests are not known yet; the name is checked later.
    Any,
    /// These.
    Known(&'a StatisticsNames),
}

impl StatisticsNames {
    /// The names of a program's statistics, each once.
    pub fn of(program: &Program) -> Self {
        let mut names = Self::default();
        // What the driver sends by itself is counted apart, and has no latencies.
        let sent = program.sent_by_sessions();
        for (request, _) in program.requests.iter().zip(sent).filter(|(_, sent)| *sent) {
            names.requests.push(request.name.clone());
            // What is too long for a name is a fault elsewhere.
            let derived = |end: &str| RequestName::new(&format!("{}{end}", request.name)).ok();
            if request.follow > 0 {
                names.requests.extend(derived(".redirect"));
            }
            if let Some(split) = &request.split {
                names.requests.extend(split.values.iter().filter_map(|value| derived(&format!("/{value}"))));
                names.requests.extend(split.other.then(|| derived("/other")).flatten());
            }
        }
        for scenario in &program.scenarios {
            names.scenarios.push(scenario.name.clone());
            names.add_steps(program, &scenario.steps);
        }
        names
    }

    /// Adds the groups that steps pass and the requests that they poll. What setup and teardown do is counted apart.
    fn add_steps(&mut self, program: &Program, steps: &[Step]) {
        let add = |names: &mut Vec<RequestName>, name: Option<&RequestName>| {
            if let Some(name) = name.filter(|name| !names.contains(name)) {
                names.push(name.clone());
            }
        };
        for step in steps {
            match step {
                Step::Poll { request, .. } => {
                    add(&mut self.polls, program.requests.get(*request).map(|request| &request.name));
                }
                Step::Group { group, .. } => add(&mut self.groups, program.groups.get(*group)),
                _ => {}
            }
            step.inner().into_iter().for_each(|steps| self.add_steps(program, steps));
        }
    }

    /// How many there are, against the limit of 256.
    pub fn count(&self) -> usize {
        self.requests.len() + self.groups.len() + self.polls.len()
    }
}

/// Reads a key of `[thresholds]` without its `driver.`.
pub(super) fn parse_key(name: &str, naming: Naming<'_>) -> Result<(ThresholdOf, Figure), String> {
    if matches!(naming, Naming::Unnamed) {
        return parse_figure(name).map(|figure| (ThresholdOf::All, figure));
    }
    let starts = std::iter::once(0).chain(name.match_indices('.').map(|(dot, _)| dot + 1));
    let found = starts
        .filter_map(|start| name.get(start..).map(|figure| (start, figure)))
        .find_map(|(start, figure)| parse_figure(figure).ok().map(|figure| (start, figure)));
    let Some((start, figure)) = found else { return Err(no_figure(name, naming)) };
    let of = name.get(..start.saturating_sub(1)).unwrap_or_default();
    let of = if start == 0 { ThresholdOf::All } else { named(of, naming)? };
    fits(&of, figure)?;
    Ok((of, figure))
}

/// Explains a key that does not end in a figure. The longest name at its beginning is left out of the explanation.
fn no_figure(name: &str, naming: Naming<'_>) -> String {
    let mut rest = name;
    if let Naming::Known(names) = naming {
        let known = names.all().into_iter().filter(|known| {
            name.strip_prefix(known.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        if let Some(longest) = known.max_by_key(String::len) {
            rest = name.get(longest.len()..).unwrap_or_default().trim_start_matches('.');
            if rest.is_empty() {
                return format!(
                    "has no figure; expected one, as in {longest}.response.p99 or {longest}.errors.ratio"
                );
            }
        }
    }
    parse_figure(rest).err().unwrap_or_else(|| "unknown figure".to_owned())
}

fn named(of: &str, naming: Naming<'_>) -> Result<ThresholdOf, String> {
    let name = |text: &str| RequestName::new(text).map_err(|error| format!("the name {text:?} {error}"));
    let Naming::Known(names) = naming else {
        return Ok(match (of, of.strip_suffix(".session"), of.strip_suffix(".poll")) {
            ("session", ..) => ThresholdOf::Sessions(None),
            (_, Some(scenario), _) => ThresholdOf::Sessions(Some(scenario.to_owned())),
            (_, _, Some(polled)) => ThresholdOf::Poll(name(polled)?),
            _ => ThresholdOf::Request(name(of)?),
        });
    };
    if of == "session" {
        return Ok(ThresholdOf::Sessions(None));
    }
    let is = |known: &&RequestName| known.as_str() == of;
    if let Some(found) = names.requests.iter().find(is) {
        return Ok(ThresholdOf::Request(found.clone()));
    }
    if let Some(found) = names.groups.iter().find(is) {
        return Ok(ThresholdOf::Group(found.clone()));
    }
    if let Some(found) = names.polls.iter().find(|known| of.strip_suffix(".poll") == Some(known.as_str())) {
        return Ok(ThresholdOf::Poll(found.clone()));
    }
    if let Some(found) =
        names.scenarios.iter().find(|known| of.strip_suffix(".session") == Some(known.as_str()))
    {
        return Ok(ThresholdOf::Sessions(Some(found.clone())));
    }
    let all = names.all();
    let reason = match closest(of, all.iter().map(String::as_str)) {
        Some(meant) => format!("has no statistics; did you mean {meant}?"),
        None if names.scenarios.iter().any(|scenario| scenario == of) => {
            format!("is a scenario: did you mean {of}.session?")
        }
        None => format!("has no statistics; those there are: {}", listed(&all)),
    };
    Err(format!("{of:?} {reason}"))
}

impl StatisticsNames {
    /// Every name that may stand before a figure.
    fn all(&self) -> Vec<String> {
        let plain = self.requests.iter().chain(&self.groups).map(ToString::to_string);
        let polls = self.polls.iter().map(|name| format!("{name}.poll"));
        let sessions = self.scenarios.iter().map(|name| format!("{name}.session"));
        plain.chain(polls).chain(sessions).chain(std::iter::once("session".to_owned())).collect()
    }
}

/// The first few of a list of names.
fn listed(names: &[String]) -> String {
    const MOST: usize = 8;
    let first = names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// Whether what is looked at has that figure.
fn fits(of: &ThresholdOf, figure: Figure) -> Result<(), String> {
    let (what, has_service) = match of {
        ThresholdOf::All => return Ok(()),
        ThresholdOf::Request(_) => ("a request's name", true),
        ThresholdOf::Group(_) => ("a group", false),
        ThresholdOf::Poll(_) => ("a poll", false),
        ThresholdOf::Sessions(_) => ("sessions", false),
    };
    let has = if has_service {
        "response, service, errors.ratio and throughput"
    } else {
        "response, errors.ratio and throughput"
    };
    match figure {
        Figure::Latency { of: Outcome::All, kind: LatencyKind::Response, .. }
        | Figure::ErrorsRatio
        | Figure::Throughput => Ok(()),
        Figure::Latency { of: Outcome::All, kind: LatencyKind::Service, .. } if has_service => Ok(()),
        _ => Err(format!("{what} has {has} alone; this figure is one of all requests: leave out the name")
            .replace("sessions has", "sessions have")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{LatencyFigure, Threshold};
    use super::*;

    fn name(text: &str) -> RequestName {
        RequestName::new(text).unwrap()
    }

    fn names() -> StatisticsNames {
        StatisticsNames {
            requests: ["create", "confirm", "page", "page//api/cameras/?", "page/v1.5", "page/other", "a.b"]
                .map(name)
                .into(),
            groups: vec![name("checkout")],
            polls: vec![name("confirm")],
            scenarios: vec!["pay".to_owned(), "browse".to_owned()],
        }
    }

    fn of(key: &str) -> Result<Threshold, String> {
        let condition = if key.ends_with("ratio") { "< 1%" } else { "< 1s" };
        let condition = if key.ends_with("throughput") { "> 1/s" } else { condition };
        let names = names();
        Threshold::parse_in(key, condition, Naming::Known(&names)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_is_read_from_its_end() {
        let request = |text| ThresholdOf::Request(name(text));
        for (key, expected) in [
            ("response.p99", ThresholdOf::All),
            ("driver.lag.p99.9", ThresholdOf::All),
            ("success.response.p75", ThresholdOf::All),
            ("create.response.p90", request("create")),
            ("driver.create.service.p97.5", request("create")),
            ("create.errors.ratio", request("create")),
            ("a.b.response.max", request("a.b")),
            ("page//api/cameras/?.throughput", request("page//api/cameras/?")),
            ("page/v1.5.response.p99.9", request("page/v1.5")),
            ("page/other.errors.ratio", request("page/other")),
            ("checkout.response.p95", ThresholdOf::Group(name("checkout"))),
            ("confirm.poll.response.p95", ThresholdOf::Poll(name("confirm"))),
            ("confirm.poll.errors.ratio", ThresholdOf::Poll(name("confirm"))),
            ("session.response.p95", ThresholdOf::Sessions(None)),
            ("driver.session.errors.ratio", ThresholdOf::Sessions(None)),
            ("pay.session.throughput", ThresholdOf::Sessions(Some("pay".to_owned()))),
        ] {
            let threshold = of(key).unwrap();
            assert_eq!(threshold.of, expected, "{key}");
            assert_eq!(threshold.key(), key);
            let loose = Threshold::parse_in(key, threshold.condition(), Naming::Any).unwrap();
            assert_eq!(loose.figure, threshold.figure, "{key}, before the names are known");
        }
    }

    #[test]
    fn a_name_with_blanks_and_comparisons_is_read_again_from_the_expression() {
        let mut names = names();
        names.requests.push(name("page/a < b"));
        let naming = Naming::Known(&names);
        let threshold = Threshold::parse_in("page/a < b.errors.ratio", "<= 10 %", naming).unwrap();
        assert_eq!((threshold.key(), threshold.condition()), ("page/a < b.errors.ratio", "<= 10 %"));
    }

    #[test]
    fn what_is_not_counted_is_a_fault_with_what_is() {
        for (key, expected) in [
            ("creat.response.p90", "\"creat\" has no statistics; did you mean create?"),
            ("zzz.response.p90", "those there are: create, confirm, page"),
            ("zzz.response.p90", "and 4 more"),
            ("pay.response.p90", "is a scenario: did you mean pay.session?"),
            ("create.poll.response.p90", "\"create.poll\" has no statistics"),
            ("confirm.pol.response.p90", "did you mean confirm.poll?"),
            ("shop.session.response.p90", "\"shop.session\" has no statistics"),
            ("create.p95", "did you mean response.p95?"),
            ("create", "as in create.response.p99"),
            ("session", "as in session.response.p99"),
            ("create.response", "unknown figure of response"),
            ("create.lag.p99", "a request's name has response, service, errors.ratio and throughput alone"),
            ("create.success.response.p99", "leave out the name"),
            ("create.dropped.ratio", "leave out the name"),
            ("checkout.service.p99", "a group has response, errors.ratio and throughput alone"),
            ("session.service.p99", "sessions have response, errors.ratio"),
            ("confirm.poll.service.p99", "a poll has response"),
        ] {
            let reason = of(key).unwrap_err();
            assert!(reason.contains(expected), "{key}: {reason}");
        }
    }

    #[test]
    fn a_plan_with_one_request_has_no_names() {
        let reason = Threshold::parse("create.response.p90", "< 1s").unwrap_err().to_string();
        assert!(reason.contains("unknown figure"), "{reason}");
        let lowest = Threshold::parse("response.p0", "< 1s").unwrap();
        assert!(matches!(lowest.figure, Figure::Latency { figure: LatencyFigure::Min, .. }));
    }
}
