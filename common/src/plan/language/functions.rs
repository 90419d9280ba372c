//! What generates a value (`int 1 10`, `uuid`, `now '%Y' +400d`) and what changes one (`pad 2`, `url`).

use super::names::Names;
use super::spelling::{check_plain_name, unknown_word};
use super::template::{Token, shown, words};
use crate::plan::parse_duration;
use crate::plan::program::{Bound, Filter, Function, NowFormat};

/// The functions there are.
pub(super) const NAMES: [&str; 9] =
    ["int", "float", "choice", "alnum", "hex", "uuid", "unique", "counter", "now"];

/// The filters there are.
const FILTERS: [&str; 11] =
    ["json", "url", "html", "raw", "number", "pad", "times", "base64", "sha256", "lower", "upper"];

/// Most characters that one function generates, and the highest number of `pad` and `times`.
const MAX_LENGTH: u16 = 4_096;
/// Most texts of a `choice`.
const MAX_CHOICES: usize = 1_000;
/// Most digits after the point: what a double holds.
const MAX_DIGITS: u8 = 15;

/// Reads a function by its name; `None` if no function has this name.
pub(super) fn function(name: &str, arguments: &[Token], names: &Names) -> Option<Result<Function, String>> {
    let texts = words(arguments);
    let texts = texts.as_slice();
    Some(match name {
        "int" => int(arguments, names),
        "float" => float(texts),
        "choice" => choice(texts),
        "alnum" => length("alnum", texts).map(Function::Alnum),
        "hex" => length("hex", texts).map(Function::Hex),
        "uuid" => alone("uuid", texts, Function::Uuid),
        "unique" => alone("unique", texts, Function::Unique),
        "counter" => alone("counter", texts, Function::Counter),
        "now" => now(arguments),
        _ => return None,
    })
}

/// Reads a filter with its argument.
pub(super) fn filter(tokens: &[Token]) -> Result<Filter, String> {
    let Some((Token::Word(name), arguments)) = tokens.split_first() else {
        return Err("has a | without the name of a filter behind it".to_owned());
    };
    let texts = words(arguments);
    let texts = texts.as_slice();
    match name.as_str() {
        "json" => alone(name, texts, Filter::Json),
        "url" => alone(name, texts, Filter::Url),
        "html" => alone(name, texts, Filter::Html),
        "raw" => alone(name, texts, Filter::Raw),
        "number" => alone(name, texts, Filter::Number),
        "pad" => length(name, texts).map(Filter::Pad),
        "times" => length(name, texts).map(Filter::Times),
        "base64" => alone(name, texts, Filter::Base64),
        "sha256" => alone(name, texts, Filter::Sha256),
        "lower" => alone(name, texts, Filter::Lower),
        "upper" => alone(name, texts, Filter::Upper),
        _ => Err(unknown_word("filter", name, &FILTERS)),
    }
}

fn alone<T>(name: &str, arguments: &[&str], value: T) -> Result<T, String> {
    if arguments.is_empty() {
        Ok(value)
    } else {
        Err(format!("{name} takes no argument, found {}", arguments.len()))
    }
}

fn length(name: &str, arguments: &[&str]) -> Result<u16, String> {
    let read = match arguments {
        [text] => text.parse::<u16>().ok().filter(|n| (1..=MAX_LENGTH).contains(n)),
        _ => None,
    };
    read.ok_or_else(|| format!("{name} takes a whole number from 1 to {MAX_LENGTH}, as in {name} 8"))
}

fn int(arguments: &[Token], names: &Names) -> Result<Function, String> {
    let [low, high] = arguments else {
        return Err("int takes the lowest and the highest number, as in int 1 10".to_owned());
    };
    let (low, high) = (bound(low, names)?, bound(high, names)?);
    match (&low, &high) {
        (Bound::Number(a), Bound::Number(b)) if a > b => Err(format!("int {a} {b} is empty; int {b} {a}?")),
        (Bound::Variable(a, more), Bound::Variable(b, less)) if a == b && more > less => {
            Err("int is empty: its first bound is above its second".to_owned())
        }
        _ => Ok(Function::Int(low, high)),
    }
}

/// A number, or a variable with a number added or taken away: `from`, `from+1`, `from-1`.
fn bound(token: &Token, names: &Names) -> Result<Bound, String> {
    let text = token.text();
    if let Ok(number) = text.parse::<i64>() {
        return Ok(Bound::Number(number));
    }
    let expected = || {
        let found = shown(std::slice::from_ref(token));
        format!("int takes whole numbers and variables, as in int 1 10 or int from+1 24, found {found}")
    };
    let at = text.find(['+', '-']).unwrap_or(text.len());
    let (name, offset) = text.split_at(at);
    check_plain_name(name).map_err(|_| expected())?;
    let offset = if offset.is_empty() { 0 } else { offset.parse::<i64>().map_err(|_| expected())? };
    match names.find_variable(name) {
        Some(index) => Ok(Bound::Variable(index, offset)),
        None if matches!(token, Token::Quoted(_)) => Err(expected()),
        None => Err(names.unknown_variable(name)),
    }
}

fn float(arguments: &[&str]) -> Result<Function, String> {
    let expected = || {
        format!(
            "float takes two numbers and how many digits follow the point (0 to {MAX_DIGITS}), as in float 0.5 9.5 2"
        )
    };
    let [low, high, digits] = arguments else { return Err(expected()) };
    let number =
        |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or_else(expected);
    let (low, high) = (number(low)?, number(high)?);
    let digits = digits.parse::<u8>().ok().filter(|digits| *digits <= MAX_DIGITS).ok_or_else(expected)?;
    if low > high {
        return Err(format!("float {low} {high} is empty; float {high} {low}?"));
    }
    Ok(Function::Float(low, high, digits))
}

fn choice(arguments: &[&str]) -> Result<Function, String> {
    match arguments.len() {
        0 => Err("choice takes the texts to choose from, as in choice red green blue".to_owned()),
        1..=MAX_CHOICES => Ok(Function::Choice(arguments.iter().map(|text| (*text).to_owned()).collect())),
        n => Err(format!("choice has {n} texts, and at most {MAX_CHOICES} are taken; use rows of data")),
    }
}

fn now(arguments: &[Token]) -> Result<Function, String> {
    let (mut format, mut offset) = (None, None);
    for argument in arguments {
        let text = argument.text();
        let is_offset = matches!(argument, Token::Word(_)) && text.starts_with(['+', '-']);
        if is_offset && offset.is_none() {
            offset = Some(offset_ms(text)?);
        } else if format.is_none() {
            format = Some(now_format(argument)?);
        } else {
            return Err(format!(
                "now takes one format and one offset, as in now '%Y-%m-%d' +15m, found {text:?} too"
            ));
        }
    }
    Ok(Function::Now(format.unwrap_or(NowFormat::Rfc3339), offset.unwrap_or(0)))
}

/// `+15m` or `-2h`, in milliseconds.
fn offset_ms(text: &str) -> Result<i64, String> {
    let (sign, time) = match text.strip_prefix('-') {
        Some(time) => (-1, time),
        None => (1, text.trim_start_matches('+')),
    };
    let time = parse_duration(time).map_err(|reason| format!("the offset {text:?} of now: {reason}"))?;
    // A thousand years are 3.2 × 10^13 ms.
    let ms = i64::try_from(time.as_millis()).ok().filter(|ms| *ms <= 32_000_000_000_000);
    ms.map(|ms| sign * ms)
        .ok_or_else(|| format!("the offset {text:?} of now is longer than a thousand years"))
}

fn now_format(argument: &Token) -> Result<NowFormat, String> {
    match argument {
        Token::Word(word) if word == "ms" => Ok(NowFormat::Ms),
        Token::Word(word) if word == "s" => Ok(NowFormat::S),
        Token::Word(word) if !word.contains('%') => {
            Err(format!("now takes ms, s or a format in quotes, as in now '%Y-%m-%d', found {word:?}"))
        }
        _ => {
            let text = argument.text();
            let epoch = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
            jiff::fmt::strtime::format(text, &epoch)
                .map_err(|error| format!("{text:?} is not a format of a time: {error}"))?;
            Ok(NowFormat::Strftime(text.to_owned()))
        }
    }
}
