//! Addresses and forms that are found in answers and that requests are sent to: which extracts give them, and which requests
//! go to which. Each is resolved against the address that gave the answer, so a session keeps that for each of them.

use common::plan::program::{BodyPlan, NamedRequest, Program, SlotValue, Template, UrlPlan};

/// The variables that hold them.
#[derive(Debug)]
pub(super) struct Addresses(Box<[usize]>);

/// An extract of a request that gives one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gives {
    /// Index of the extract in its request.
    pub extract: usize,
    /// Index of the address.
    pub address: usize,
}

impl Addresses {
    pub(super) fn new(program: &Program) -> Self {
        let extracts = || program.requests.iter().flat_map(|request| &request.extracts);
        let is_extracted = |variable: &usize| extracts().any(|extract| extract.variable == *variable);
        let mut variables: Vec<usize> =
            program.requests.iter().flat_map(sent_to).filter(is_extracted).collect();
        variables.sort_unstable();
        variables.dedup();
        Self(variables.into())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Which of them the answers to a request give.
    pub(super) fn given_by(&self, request: &NamedRequest) -> Box<[Gives]> {
        let gives = |(extract, its): (usize, &common::plan::program::Extract)| {
            let address = self.0.binary_search(&its.variable).ok()?;
            Some(Gives { extract, address })
        };
        request.extracts.iter().enumerate().filter_map(gives).collect()
    }

    /// Which of them a request is sent to, in the order in which they stand in its address.
    pub(super) fn of(&self, request: &NamedRequest) -> Box<[usize]> {
        sent_to(request).into_iter().filter_map(|variable| self.0.binary_search(&variable).ok()).collect()
    }
}

/// The variables that a request's address is made of, also by way of its `let`s.
fn sent_to(request: &NamedRequest) -> Vec<usize> {
    let mut found = match (&request.url, &request.body) {
        (UrlPlan::Address { url, .. }, _) => variables(url).collect(),
        (UrlPlan::Form, BodyPlan::Submit(submit)) => vec![submit.variable],
        _ => Vec::new(),
    };
    let mut at = 0;
    while let Some(variable) = found.get(at).copied() {
        at += 1;
        let lets = request.lets.iter().filter(|(set, _)| *set == variable);
        let behind: Vec<usize> = lets.flat_map(|(_, text)| variables(text)).collect();
        let new: Vec<usize> = behind.into_iter().filter(|variable| !found.contains(variable)).collect();
        found.splice(at..at, new);
    }
    found
}

fn variables(text: &Template) -> impl Iterator<Item = usize> {
    text.slots().filter_map(|slot| match slot.value {
        SlotValue::Variable(variable) => Some(variable),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use common::plan::program::{Extract, Part, Pick, Slot, Source, Submit, Variable};

    use super::*;
    use crate::scenario::fixtures;

    fn text(variables: &[usize]) -> Template {
        let slot = |variable: &usize| Slot { value: SlotValue::Variable(*variable), filters: Vec::new() };
        Template { parts: variables.iter().map(|variable| Part::Slot(slot(variable))).collect() }
    }

    #[test]
    fn addresses_are_the_extracted_variables_that_requests_are_sent_to() {
        let extract = |variable| Extract {
            variable,
            source: Source::Regex,
            regex: Some("(.)".to_owned()),
            pick: Pick::First,
            default: None,
            max: 9,
        };
        let mut page = fixtures::request("page");
        page.extracts = [5, 2, 0].map(extract).into();
        let mut next = fixtures::request("next");
        // 1 is a `let` of 4, which is a `let` of 2 and itself; 3 is not extracted.
        next.url = UrlPlan::Address { url: text(&[3, 1, 5]), host: 0 };
        next.lets = vec![(4, text(&[2, 4])), (1, text(&[4]))];
        let mut send = fixtures::request("send");
        send.url = UrlPlan::Form;
        send.body = BodyPlan::Submit(Submit { variable: 5, fields: Vec::new() });
        let mut program = fixtures::program(vec![page, next, send], Vec::new());
        let variable = |i: usize| Variable { name: format!("v{i}"), max: 9, secret: false };
        program.variables = (0..6).map(variable).collect();
        let addresses = Addresses::new(&program);
        assert_eq!(*addresses.0, [2, 5]);
        let of = |at: usize| addresses.of(&program.requests[at]);
        assert_eq!((&*of(0), &*of(1), &*of(2)), (&[][..], &[0, 1][..], &[1][..]));
        let gives = |extract, address| Gives { extract, address };
        assert_eq!(*addresses.given_by(&program.requests[0]), [gives(0, 1), gives(1, 0)]);
        assert_eq!(*addresses.given_by(&program.requests[1]), []);
    }
}
