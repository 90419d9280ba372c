//! `${NAME}` in a plan: other tools put the environment's value there, and a plan does not (yet). Sent as it is, a
//! service answers `Authorization: Bearer ${TOKEN}` with quick 401s and fine percentiles, so it is refused. Where the
//! characters themselves are meant, one more dollar says so: `$${NAME}` is sent as `${NAME}`, `$$${NAME}` as
//! `$${NAME}`. Everything else with a dollar or a brace is sent as written.

/// Where a run of dollars stands before `{NAME}`: its begin, its length, and the name.
fn find(text: &str) -> Option<(usize, usize, &str)> {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(at) = text[from..].find("${").map(|at| from + at) {
        let (inside, name_at) = (&text[at + 2..], at + 2);
        let length = inside.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let name = &text[name_at..name_at + length];
        let is_name = name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
        if is_name && inside.as_bytes().get(length) == Some(&b'}') {
            let begin = bytes[..at].iter().rposition(|byte| *byte != b'$').map_or(0, |before| before + 1);
            return Some((begin, at + 1 - begin, name));
        }
        from = name_at;
    }
    None
}

/// The text that is sent: one dollar less before each `{NAME}`.
///
/// # Errors
/// The first name that stands behind a single dollar.
pub(super) fn unescape(text: &str) -> Result<String, String> {
    let mut sent = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((begin, dollars, name)) = find(rest) {
        if dollars == 1 {
            return Err(name.to_owned());
        }
        // Behind the dollars: "{NAME}".
        let end = begin + dollars + name.len() + 2;
        sent.push_str(&rest[..begin]);
        sent.push_str(&rest[begin + 1..end]);
        rest = &rest[end..];
    }
    sent.push_str(rest);
    Ok(sent)
}

/// The text of a plan that is sent so: the other way round.
pub fn escape(sent: &str) -> String {
    let mut text = String::with_capacity(sent.len());
    let mut rest = sent;
    while let Some((begin, dollars, name)) = find(rest) {
        let end = begin + dollars + name.len() + 2;
        text.push_str(&rest[..begin]);
        text.push('$');
        text.push_str(&rest[begin..end]);
        rest = &rest[end..];
    }
    text.push_str(rest);
    text
}

/// What is wrong with a placeholder, and what works instead. `flag`: how the value is given on the command line.
pub(super) fn reason(name: &str, flag: &str) -> String {
    format!(
        "holds ${{{name}}}, and a plan does not read the environment: give the value on the command line, where the \
         shell puts it in ({flag}), or write $${{{name}}} to send ${{{name}}} as it is"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_dollar_is_refused_and_two_are_one() {
        for (text, expected) in [
            ("Bearer ${TOKEN}", Err("TOKEN")),
            ("a ${_x1} b ${Y}", Err("_x1")),
            ("$${A} and ${B}", Err("B")),
            ("$${TOKEN}", Ok("${TOKEN}")),
            ("x$$${TOKEN}y", Ok("x$${TOKEN}y")),
            ("{\"t\": \"$${a}$${b}\"}", Ok("{\"t\": \"${a}${b}\"}")),
            ("$TOKEN $ {A} ${} ${1a} ${a.b} ${a", Ok("$TOKEN $ {A} ${} ${1a} ${a.b} ${a")),
            ("$$ $${} ${ü}", Ok("$$ $${} ${ü}")),
        ] {
            let got = unescape(text);
            assert_eq!(got.as_deref().map_err(String::as_str), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_sent_can_be_written(sent in "([$]{0,3}[{]?[a-z]?[}]?|.){0,20}") {
            prop_assert_eq!(unescape(&escape(&sent)), Ok(sent));
        }
    }
}
