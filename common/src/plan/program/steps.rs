//! Scenarios and their steps, with flows put in where they are used.

use std::collections::BTreeSet;
use std::time::Duration;

use super::template::{Template, Value};

/// What a session does.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its key in `[scenarios]`; without that table the request's name.
    pub name: String,
    /// Its weight among the scenarios, above zero.
    pub share: u32,
    /// What it does, in this order.
    pub steps: Vec<Step>,
    /// Fixed once a session, in this order: variable and text.
    pub lets: Vec<(usize, Template)>,
    /// Bytes of a session's cookie jar; `None`: cookies are ignored.
    pub cookie_bytes: Option<usize>,
    /// Whose connections its attempts take.
    pub connections: Connections,
    /// What a failed step means for the session.
    pub on_fail: OnFail,
}

/// Whose connections a session's attempts take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// Those of the worker.
    Shared,
    /// Its own, opened by it and closed with it.
    Session,
    /// Those of its user, kept from one session to the next.
    User,
}

/// What a failed step means for its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFail {
    /// The session ends.
    End,
    /// It goes on; it is failed all the same.
    Continue,
}

/// Steps that are done once, before or after the load.
#[derive(Debug, Clone, PartialEq)]
pub struct Around {
    /// What is done, in this order.
    pub steps: Vec<Step>,
    /// Which drivers do it; of `teardown` always one.
    pub once: Once,
    /// How long it may take.
    pub timeout: Duration,
    /// The room of its cookie jar in bytes; `None`: it ignores cookies. Setup and teardown have a jar each, and none of
    /// their cookies is in a session of the load.
    pub cookie_bytes: Option<usize>,
}

/// Which drivers run `setup`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Once {
    /// The first of those chosen; what it extracts travels to the others.
    #[default]
    Fleet,
    /// Each of them for itself; nothing travels.
    Driver,
}

/// The requests that steps send, by their index in `Program::requests`.
pub fn requests_of(steps: &[Step]) -> BTreeSet<usize> {
    fn add(steps: &[Step], found: &mut BTreeSet<usize>) {
        for step in steps {
            match step {
                Step::Request { request, .. } | Step::Poll { request, .. } => {
                    found.insert(*request);
                }
                _ => step.inner().into_iter().for_each(|steps| add(steps, found)),
            }
        }
    }
    let mut found = BTreeSet::new();
    add(steps, &mut found);
    found
}

/// One thing that a session does.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Sends a request.
    Request {
        /// Index into `Program::requests`.
        request: usize,
        /// Due so long after the session's own due time; `None`: after the step before.
        at: Option<Duration>,
    },
    /// Waits.
    Think(Think),
    /// The steps of a flow that has a group.
    Group {
        /// Index into `Program::groups`.
        group: usize,
        /// What is summed up.
        steps: Vec<Step>,
    },
    /// The steps of a flow without a group, so that the paths of its steps are known.
    Flow {
        /// Its key in `[flows]`.
        name: String,
        /// What it does.
        steps: Vec<Step>,
    },
    /// One of these, by weight.
    Choose(Vec<Choice>),
    /// By the values of variables.
    When {
        /// All must hold.
        conditions: Vec<Condition>,
        /// Where they hold.
        steps: Vec<Step>,
        /// Where they do not.
        otherwise: Vec<Step>,
    },
    /// So many times.
    Repeat {
        /// At least 1.
        times: u32,
        /// What is repeated.
        steps: Vec<Step>,
    },
    /// A request, again and again until its answer makes the conditions hold.
    Poll {
        /// Index into `Program::requests`.
        request: usize,
        /// All must hold.
        until: Vec<Condition>,
        /// From the end of an attempt to the next.
        every: Duration,
        /// Most attempts.
        at_most: u32,
    },
    /// Takes another row.
    Draw {
        /// Index into `Program::data`.
        data: usize,
    },
}

/// How long a session thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Think {
    /// Always as long.
    Fixed(Duration),
    /// Drawn evenly between the two.
    Uniform(Duration, Duration),
    /// Drawn from the exponential distribution with this mean, cut at ten times the mean.
    Exponential(Duration),
}

/// One of several branches.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The request's or flow's name, or `nothing`.
    pub name: String,
    /// Its weight, above zero.
    pub weight: u32,
    /// What it does; none for `nothing`.
    pub steps: Vec<Step>,
}

/// One entry of `when` or `until`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What is looked at: a variable or a column.
    pub value: Value,
    /// Whether it must be none of these instead.
    pub not: bool,
    /// It must be one of these.
    pub any_of: Vec<Template>,
}

impl Step {
    /// The lists of steps that stand in this one, in their order.
    pub fn inner(&self) -> Vec<&[Step]> {
        match self {
            Self::Group { steps, .. } | Self::Flow { steps, .. } | Self::Repeat { steps, .. } => vec![steps],
            Self::When { steps, otherwise, .. } => vec![steps, otherwise],
            Self::Choose(choices) => choices.iter().map(|choice| choice.steps.as_slice()).collect(),
            Self::Request { .. } | Self::Think(_) | Self::Poll { .. } | Self::Draw { .. } => Vec::new(),
        }
    }
}
