//! What templates use: the texts of a request with their paths, and the sources that stand in them.

use crate::plan::program::{
    BodyCheck, BodyPlan, Bound, Check, Function, HeaderCheck, JsonExpected, JsonText, NamedRequest,
    SlotValue, Template, UrlPlan,
};

/// The texts of a request that are rendered for an attempt, each with its path in `[requests.NAME]`, in the order in
/// which they are rendered. Those of `let` stand first.
pub(super) fn of_request(request: &NamedRequest) -> Vec<(String, &Template)> {
    let mut texts: Vec<(String, &Template)> = Vec::new();
    match &request.url {
        UrlPlan::Path { path, query, .. } => {
            texts.push(("path".to_owned(), path));
            texts.extend(query.iter().map(|(key, text)| (format!("query.{key}"), text)));
        }
        UrlPlan::Address { url, .. } => texts.push(("url".to_owned(), url)),
        UrlPlan::Form => {}
    }
    texts.extend(request.headers.iter().map(|(name, text)| (format!("headers.{name}"), text)));
    if let Some(basic) = &request.basic {
        texts.push(("basic.user".to_owned(), &basic.user));
        texts.push(("basic.password".to_owned(), &basic.password));
    }
    of_body(&request.body, &mut texts);
    request.checks.iter().for_each(|check| of_check(check, &mut texts));
    texts
}

fn of_body<'a>(body: &'a BodyPlan, texts: &mut Vec<(String, &'a Template)>) {
    match body {
        BodyPlan::None | BodyPlan::Bytes(_) => {}
        BodyPlan::Text(text) => texts.push(("body".to_owned(), text)),
        BodyPlan::Json(text) => texts.push(("json".to_owned(), text)),
        BodyPlan::Form(fields) => {
            texts.extend(fields.iter().map(|(key, text)| (format!("form.{key}"), text)))
        }
        BodyPlan::Submit(submit) => {
            texts.extend(submit.fields.iter().map(|(key, text)| (format!("form.{key}"), text)));
        }
        BodyPlan::Multipart(parts) => {
            for (index, part) in parts.iter().enumerate() {
                texts.extend(part.filename.iter().map(|text| (format!("multipart[{index}].filename"), text)));
                texts.extend(part.content.iter().map(|text| (format!("multipart[{index}].value"), text)));
            }
        }
    }
}

fn of_check<'a>(check: &'a Check, texts: &mut Vec<(String, &'a Template)>) {
    match check {
        Check::Body(BodyCheck::Contains(text) | BodyCheck::Absent(text)) => {
            texts.push(("check.body".to_owned(), text));
        }
        Check::Header(name, HeaderCheck::Is(text)) => texts.push((format!("check.header.{name}"), text)),
        Check::Json(json) => {
            if let JsonExpected::OneOf(expected) = &json.expected {
                let text = |expected: &'a JsonText| match expected {
                    JsonText::Text(text) => Some((format!("check.json.{}", json.path), text)),
                    JsonText::Number(_) | JsonText::Bool(_) => None,
                };
                texts.extend(expected.iter().filter_map(text));
            }
        }
        Check::Body(BodyCheck::Regex(_)) | Check::Header(_, HeaderCheck::Absent) | Check::Size(_) => {}
    }
}

/// The variables that a text uses, those in the bounds of `int` included.
pub(super) fn variables(text: &Template) -> impl Iterator<Item = usize> + '_ {
    text.slots().flat_map(|slot| of_value(&slot.value))
}

/// The variables that a source uses.
pub(super) fn of_value(value: &SlotValue) -> impl Iterator<Item = usize> + '_ {
    let bound = |bound: &Bound| match bound {
        Bound::Variable(variable, _) => Some(*variable),
        Bound::Number(_) => None,
    };
    let found = match value {
        SlotValue::Variable(variable) => [Some(*variable), None],
        SlotValue::Function(Function::Int(low, high)) => [bound(low), bound(high)],
        _ => [None, None],
    };
    found.into_iter().flatten()
}

/// The data sets that a text uses a column of.
pub(super) fn data(text: &Template) -> impl Iterator<Item = usize> + '_ {
    text.slots().filter_map(|slot| match slot.value {
        SlotValue::Column(data, _) => Some(data),
        _ => None,
    })
}

/// The values of setup that a text uses, by their names.
pub(super) fn setup(text: &Template) -> impl Iterator<Item = &str> + '_ {
    text.slots().filter_map(|slot| match &slot.value {
        SlotValue::Setup(name) => Some(name.as_str()),
        _ => None,
    })
}
