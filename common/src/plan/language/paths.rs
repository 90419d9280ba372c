//! What must hold on every way that a session can take: a variable is set before it is used, a form is there before it is
//! submitted, and every request is sent by some step. A name that is set on some ways only would send texts like
//! `/payments//confirm` on the others, whose fast errors then improve the percentiles.

use std::collections::BTreeSet;
use std::time::Duration;

use super::around;
use super::rows;
use super::uses;
use crate::ids::RequestName;
use crate::plan::Fault;
use crate::plan::program::{
    BodyPlan, Condition, MAX_TIMEOUTS, NamedRequest, OnFail, Program, Scenario, Source, Step, Template,
};
use crate::plan::threshold::StatisticsNames;
use crate::tree::Table;

use super::names::MAX_NAMES;

/// Reports what does not hold for the plan as a whole.
pub(super) fn check(program: &Program, root: &Table) {
    let mut walk = Walk {
        program,
        root,
        sent: BTreeSet::new(),
        reported: BTreeSet::new(),
        on_fail: OnFail::End,
        setup: None,
    };
    if let Some(setup) = &program.setup {
        walk.setup = Some(walk.steps(&setup.steps, "setup.steps", Set::default()));
    }
    for scenario in &program.scenarios {
        walk.scenario(scenario);
    }
    if let Some(teardown) = &program.teardown {
        walk.on_fail = OnFail::End;
        walk.steps(&teardown.steps, "teardown.steps", Set::default());
    }
    around::check(program, root);
    // A driver sends these before it is ready, and setup comes after that.
    walk.setup = None;
    for shared in &program.shared {
        walk.on_fail = OnFail::End;
        walk.request(shared.request, &format!("shared.{}", shared.name), &Set::default());
    }
    for (index, request) in program.requests.iter().enumerate() {
        if !walk.sent.contains(&index) {
            let reason = if program.setup.is_some() || program.teardown.is_some() {
                "is never sent: no step of a scenario, setup or teardown leads to it; add it to one, or leave it out"
            } else {
                "is never sent: no step of a scenario leads to it; add it to one, or leave it out"
            };
            root.fault(Fault::value(format!("requests.{}", request.name), "", reason), None);
        }
    }
    let timeouts: BTreeSet<Duration> = program.requests.iter().map(|request| request.timeout).collect();
    if timeouts.len() > MAX_TIMEOUTS {
        let reason = format!(
            "have {} different timeouts, and {MAX_TIMEOUTS} are the most; give some of them the same",
            timeouts.len()
        );
        root.fault(Fault::value("requests", "", reason), None);
    }
    let n_names = StatisticsNames::of(program).count();
    if n_names > MAX_NAMES && program.requests.len() <= MAX_NAMES {
        let reason = format!(
            "make {n_names} names of statistics with their redirects, groups, polls and splits, and {MAX_NAMES} are the \
             most; fewer values of a split (split_top) make fewer names"
        );
        root.fault(Fault::value("requests", "", reason), None);
    }
    rows::check_once(program, root);
}

/// What is known to be set at a step.
#[derive(Clone, Default)]
struct Set {
    /// Variables that have a value.
    any: BTreeSet<usize>,
    /// Those of them whose value is a form.
    forms: BTreeSet<usize>,
}

impl Set {
    fn both(self, other: &Self) -> Self {
        Self { any: &self.any & &other.any, forms: &self.forms & &other.forms }
    }
}

struct Walk<'a> {
    program: &'a Program,
    root: &'a Table,
    sent: BTreeSet<usize>,
    /// Paths of faults: one step may be on many ways.
    reported: BTreeSet<String>,
    on_fail: OnFail,
    /// What is set at the end of setup, on every way through it; `None`: setup itself is walked, or there is none.
    setup: Option<Set>,
}

impl Walk<'_> {
    fn scenario(&mut self, scenario: &Scenario) {
        self.on_fail = scenario.on_fail;
        let path = format!("scenarios.{}", scenario.name);
        let mut set = Set::default();
        for (variable, text) in &scenario.lets {
            self.text(
                text,
                &format!("{path}.let.{}", self.name(*variable)),
                "at the start of a session",
                &set,
            );
            set.any.insert(*variable);
        }
        self.steps(&scenario.steps, &format!("{path}.steps"), set);
    }

    /// Walks steps in their order; returns what is set after them.
    fn steps(&mut self, steps: &[Step], path: &str, mut set: Set) -> Set {
        for (index, step) in steps.iter().enumerate() {
            set = self.step(step, &format!("{path}[{index}]"), set);
        }
        set
    }

    fn step(&mut self, step: &Step, path: &str, mut set: Set) -> Set {
        match step {
            Step::Request { request, .. } => {
                self.request(*request, path, &set);
                self.extracted(*request, &mut set);
                set
            }
            Step::Poll { request, until, at_most, .. } => {
                // Each attempt needs what the first one does.
                if *at_most > 1 {
                    self.keep_forms(std::slice::from_ref(step), &mut set);
                }
                self.request(*request, path, &set);
                // What holds a poll is looked at after an answer that was extracted from.
                let mut after = set.clone();
                self.extracts(*request, &mut after, false);
                self.conditions(until, &format!("{path}.until"), &after);
                self.extracted(*request, &mut set);
                set
            }
            Step::Think(_) | Step::Draw { .. } => set,
            Step::Flow { name, steps } => self.steps(steps, &format!("flows.{name}.steps"), set),
            Step::Group { group, steps } => {
                let group = self.program.groups.get(*group).map(ToString::to_string).unwrap_or_default();
                self.steps(steps, &format!("{path} (group {group})"), set)
            }
            // At least one round is done, and the first needs no less than the others but for forms that a round takes away.
            Step::Repeat { times, steps } => {
                if *times > 1 {
                    self.keep_forms(steps, &mut set);
                }
                self.steps(steps, &format!("{path}.steps"), set)
            }
            Step::When { conditions, steps, otherwise } => {
                self.conditions(conditions, &format!("{path}.when"), &set);
                let then = self.steps(steps, &format!("{path}.steps"), set.clone());
                let otherwise = self.steps(otherwise, &format!("{path}.otherwise"), set);
                then.both(&otherwise)
            }
            Step::Choose(choices) => {
                let mut all: Option<Set> = None;
                for choice in choices {
                    let after =
                        self.steps(&choice.steps, &format!("{path}.choose.{}", choice.name), set.clone());
                    all = Some(all.map_or_else(|| after.clone(), |all| all.both(&after)));
                }
                all.unwrap_or(set)
            }
        }
    }

    /// Removes the forms that are not there after steps, on some way through them.
    fn keep_forms(&self, steps: &[Step], set: &mut Set) {
        let after = steps.iter().fold(set.clone(), |set, step| self.after(step, set));
        set.forms = &set.forms & &after.forms;
    }

    /// What is set after a step, without a check of what it needs.
    fn after(&self, step: &Step, mut set: Set) -> Set {
        let all = |steps: &[Step], set: Set| steps.iter().fold(set, |set, step| self.after(step, set));
        match step {
            Step::Request { request, .. } | Step::Poll { request, .. } => {
                self.extracted(*request, &mut set);
                set
            }
            Step::Think(_) | Step::Draw { .. } => set,
            Step::Flow { steps, .. } | Step::Group { steps, .. } | Step::Repeat { steps, .. } => {
                all(steps, set)
            }
            Step::When { steps, otherwise, .. } => all(steps, set.clone()).both(&all(otherwise, set)),
            Step::Choose(choices) => {
                let ways = choices.iter().map(|choice| all(&choice.steps, set.clone()));
                ways.reduce(|ways, way| ways.both(&way)).unwrap_or(set)
            }
        }
    }

    /// Checks that what a request needs is set.
    fn request(&mut self, index: usize, path: &str, set: &Set) {
        self.sent.insert(index);
        let program = self.program;
        let Some(request) = program.requests.get(index) else { return };
        let at = format!("requests.{}", request.name);
        let here = format!("where {path} sends it");
        let mut set = set.clone();
        for (variable, text) in &request.lets {
            self.text(text, &format!("{at}.let.{}", self.name(*variable)), &here, &set);
            set.any.insert(*variable);
        }
        for (key, text) in uses::of_request(request) {
            self.text(text, &format!("{at}.{key}"), &here, &set);
        }
        if let BodyPlan::Submit(submit) = &request.body
            && !set.forms.contains(&submit.variable)
        {
            let name = self.name(submit.variable);
            let reason = match self.setters(submit.variable, true) {
                setters if setters.is_empty() => {
                    format!("is set by no extract of a form, as in extract.{name} = {{ form = 0 }}")
                }
                setters => format!("holds no form {here}, because not every way there sends {setters}"),
            };
            self.report(&format!("{at}.submit"), submit.variable, reason);
        }
    }

    /// What a request that was sent leaves set. Where a session goes on after a failed step, that is what has a default.
    fn extracted(&self, request: usize, set: &mut Set) {
        self.extracts(request, set, self.on_fail == OnFail::Continue);
    }

    fn extracts(&self, request: usize, set: &mut Set, may_have_failed: bool) {
        let Some(request) = self.program.requests.get(request) else { return };
        for extract in &request.extracts {
            if !may_have_failed || extract.default.is_some() {
                set.any.insert(extract.variable);
            }
            // A default is a text.
            let is_form = matches!(extract.source, Source::Form(_)) && extract.default.is_none();
            if is_form && !may_have_failed {
                set.forms.insert(extract.variable);
            } else if !is_form {
                set.forms.remove(&extract.variable);
            }
        }
    }

    fn conditions(&mut self, conditions: &[Condition], path: &str, set: &Set) {
        for condition in conditions {
            for variable in uses::of_value(&condition.value) {
                let at = format!("{path}.{}", self.name(variable));
                self.variable(variable, &at, "here", set);
            }
            for text in &condition.any_of {
                self.text(text, path, "here", set);
            }
        }
    }

    fn text(&mut self, text: &Template, path: &str, here: &str, set: &Set) {
        for variable in uses::variables(text) {
            self.variable(variable, path, here, set);
        }
        for name in uses::setup(text) {
            self.setup_value(name, path, here);
        }
    }

    /// Checks `setup.NAME`, which has a value once setup is over.
    fn setup_value(&mut self, name: &str, path: &str, here: &str) {
        let Some(variable) = self.program.variables.iter().position(|known| known.name == name) else {
            return;
        };
        let reason = match &self.setup {
            None => format!(
                "has no value {here}: within setup its own values have their plain names, {{{{{name}}}}}, and [shared] \
                 is sent before setup"
            ),
            Some(set) if set.forms.contains(&variable) => {
                "is a form, which only submit can send, within the session that extracted it".to_owned()
            }
            Some(set) if set.any.contains(&variable) => return,
            Some(_) => {
                "is not set on every way through setup; a request that extracts it has to be sent on each"
                    .to_owned()
            }
        };
        if self.reported.insert(format!("{path} setup.{name}")) {
            self.root.fault(Fault::contradiction(path, format!("setup.{name}"), reason), None);
        }
    }

    fn variable(&mut self, variable: usize, path: &str, here: &str, set: &Set) {
        if set.any.contains(&variable) {
            return;
        }
        let setters = self.setters(variable, false);
        let of_attempts = self.request_with_let(variable);
        let of_setup = self.setup.as_ref().is_some_and(|setup| setup.any.contains(&variable));
        let reason = if of_setup {
            let name = self.name(variable);
            format!("is not set {here}; setup sets it, and its value is {{{{setup.{name}}}}}")
        } else if let Some(request) = of_attempts {
            format!(
                "is a let of request {request}, which holds for its own attempts alone; use an extract, or a let of the \
                 scenario"
            )
        } else if setters.is_empty() {
            format!("is set by no request that is sent before ({here})")
        } else if self.on_fail == OnFail::Continue && self.has_no_default(variable) {
            format!(
                "may not be set {here}: with on_fail = \"continue\" the session goes on where {setters} fails; give the \
                 extract a default, or send {setters} before on every way"
            )
        } else {
            format!("is not set on every way {here}; {setters} sets it, and has to be sent before on each")
        };
        self.report(path, variable, reason);
    }

    /// Whether an extract that sets a variable has no default.
    fn has_no_default(&self, variable: usize) -> bool {
        let extracts = self.program.requests.iter().flat_map(|request| &request.extracts);
        extracts.filter(|extract| extract.variable == variable).any(|extract| extract.default.is_none())
    }

    /// What sets a variable, for a message; empty where nothing does.
    fn setters(&self, variable: usize, form: bool) -> String {
        let extracts = |request: &&NamedRequest| {
            request.extracts.iter().any(|extract| {
                extract.variable == variable && (!form || matches!(extract.source, Source::Form(_)))
            })
        };
        let requests = self.program.requests.iter().filter(extracts).map(|request| request.name.to_string());
        let names: Vec<String> = requests.collect();
        if !names.is_empty() || form {
            return names.join(" or ");
        }
        let sets = |lets: &[(usize, Template)]| lets.iter().any(|(set, _)| *set == variable);
        let of_scenarios = self
            .program
            .scenarios
            .iter()
            .filter(|scenario| sets(&scenario.lets))
            .map(|scenario| format!("the let of scenario {}", scenario.name));
        of_scenarios.collect::<Vec<_>>().join(" or ")
    }

    /// The first request whose `let` sets a variable. The name is then that of lets of requests alone.
    fn request_with_let(&self, variable: usize) -> Option<&RequestName> {
        let sets = |request: &&NamedRequest| request.lets.iter().any(|(set, _)| *set == variable);
        self.program.requests.iter().find(sets).map(|request| &request.name)
    }

    fn name(&self, variable: usize) -> String {
        self.program.variables.get(variable).map(|variable| variable.name.clone()).unwrap_or_default()
    }

    fn report(&mut self, path: &str, variable: usize, reason: String) {
        let name = self.name(variable);
        if self.reported.insert(format!("{path} {name}")) {
            self.root.fault(Fault::contradiction(path, name, reason), None);
        }
    }
}
