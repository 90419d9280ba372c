//! `[requests.NAME]`, checked.

use std::collections::HashMap;
use std::time::Duration;

use super::DataSet;
use super::template::Template;
use crate::ids::RequestName;
use crate::plan::files::FileHash;
use crate::plan::files::facts::Values;

/// One request, with what `[request]` gives to all of them already merged in.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedRequest {
    /// Its key, and the name of its statistics.
    pub name: RequestName,
    /// HTTP method, upper case. Of `submit` without a method of its own: `None`, the form's.
    pub method: Option<String>,
    /// Where it goes.
    pub url: UrlPlan,
    /// Fields in the order in which they are sent; names as given.
    pub headers: Vec<(String, Template)>,
    /// User and password of `basic`.
    pub basic: Option<Basic>,
    /// What is sent after the head.
    pub body: BodyPlan,
    /// From the attempt to the last byte.
    pub timeout: Duration,
    /// Statuses that count as expected, as inclusive ranges, at least one.
    pub expect_status: Vec<(u16, u16)>,
    /// Most redirects that are followed.
    pub follow: u8,
    /// Whether connections are kept for later requests.
    pub connection_reuse: bool,
    /// Fixed once an attempt, before anything else is rendered, in this order: variable and text.
    pub lets: Vec<(usize, Template)>,
    /// What is kept of an answer that passed.
    pub extracts: Vec<Extract>,
    /// What an answer with an expected status must hold.
    pub checks: Vec<Check>,
    /// Which statistics it has beside its own.
    pub split: Option<Split>,
}

impl NamedRequest {
    /// Whether an answer with this status is expected.
    pub fn expects(&self, status: u16) -> bool {
        self.expect_status.iter().any(|(low, high)| (*low..=*high).contains(&status))
    }

    /// Whether bodies of its answers are looked at.
    pub fn wants_body(&self) -> bool {
        let in_body = |source: &Source| {
            matches!(source, Source::Json(_) | Source::Regex | Source::Input(_) | Source::Form(_))
        };
        self.extracts.iter().any(|extract| in_body(&extract.source))
            || self
                .checks
                .iter()
                .any(|check| matches!(check, Check::Body(_) | Check::Json(_) | Check::Size(_)))
    }
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq)]
pub enum UrlPlan {
    /// A path of a declared host, with its query.
    Path {
        /// Index into `Program::hosts`.
        host: usize,
        /// Appended to the path of the host; may hold a `?`.
        path: Template,
        /// Keys and values, in their order; they follow a query in `path`.
        query: Vec<(String, Template)>,
    },
    /// An absolute or relative address from an answer, which must belong to a declared host.
    Address {
        /// What it is.
        url: Template,
        /// Resolved against this host where it is relative and no answer is known.
        host: usize,
    },
    /// The address of an extracted form.
    Form,
}

/// `basic = { user, password }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Basic {
    /// Before the colon.
    pub user: Template,
    /// After it.
    pub password: Template,
}

/// What is sent after the head.
#[derive(Debug, Clone, PartialEq)]
pub enum BodyPlan {
    /// Nothing.
    None,
    /// A text.
    Text(Template),
    /// Bytes of a file or of `body_base64`, without slots.
    Bytes(Vec<u8>),
    /// A file that each driver fetches from the orchestrator.
    File(FileHash),
    /// JSON text whose slots are escaped for the strings or numbers that they stand in; sets content-type.
    Json(Template),
    /// `application/x-www-form-urlencoded`: keys and values in their order.
    Form(Vec<(String, Template)>),
    /// `multipart/form-data`.
    Multipart(Vec<MultipartPart>),
    /// The fields of an extracted form.
    Submit(Submit),
}

/// A part of a multipart body.
#[derive(Debug, Clone, PartialEq)]
pub struct MultipartPart {
    /// Name of the field.
    pub name: String,
    /// Name of the file, where it is one.
    pub filename: Option<Template>,
    /// Content-type, where it is given.
    pub content_type: Option<String>,
    /// What is sent of it.
    pub content: PartContent,
}

/// The content of a part.
#[derive(Debug, Clone, PartialEq)]
pub enum PartContent {
    /// A text.
    Text(Template),
    /// The bytes of a file.
    Bytes(Vec<u8>),
    /// A file that each driver fetches from the orchestrator.
    File(FileHash),
}

impl PartContent {
    /// The text, where it is one.
    pub fn text(&self) -> Option<&Template> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(_) | Self::File(_) => None,
        }
    }
}

/// `submit = "VAR"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Submit {
    /// The variable that an `extract` of a form has set.
    pub variable: usize,
    /// Fields that replace those of the form of the same name, or are added.
    pub fields: FormPatch,
}

/// Fields in place of a form's own, or added.
pub type FormPatch = Vec<(String, Template)>;

/// One `extract.VAR`.
#[derive(Debug, Clone, PartialEq)]
pub struct Extract {
    /// Index into `Program::variables`.
    pub variable: usize,
    /// Where it is looked for.
    pub source: Source,
    /// Narrows the value, by its first group; of `Source::Regex` the whole source. The text of the regex.
    pub regex: Option<String>,
    /// Which of several.
    pub pick: Pick,
    /// What it is where there is none.
    pub default: Option<String>,
    /// Longest value, in bytes.
    pub max: usize,
}

/// Where a value is looked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A path in a JSON body, as written and checked (`plan::json_path`).
    Json(String),
    /// The body, by `Extract::regex`.
    Regex,
    /// A header field, lower case.
    Header(String),
    /// A cookie that the answer sets.
    Cookie(String),
    /// A query key of the address in `location`; the whole address where the key is empty.
    Location(String),
    /// The status.
    Status,
    /// The value of the HTML input of this name.
    Input(String),
    /// A form: by its position, id or name.
    Form(String),
}

/// Which of several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The first.
    First,
    /// The last.
    Last,
    /// Drawn from the seed.
    Random,
    /// The nth, from 0.
    Nth(u32),
}

/// Where a rendered text stands: it decides how slots are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Path: %XX but for unreserved characters.
    Path,
    /// Query or form: likewise.
    Query,
    /// A header's value: as it is, without control characters.
    Header,
    /// A string of a JSON body.
    JsonString,
    /// As it is.
    Plain,
}

/// One line of `check`.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// `body`.
    Body(BodyCheck),
    /// `header.NAME`: lower case name.
    Header(String, HeaderCheck),
    /// `json."PATH"`.
    Json(JsonCheck),
    /// `size`.
    Size(SizeCheck),
}

/// What a body must hold.
#[derive(Debug, Clone, PartialEq)]
pub enum BodyCheck {
    /// This text.
    Contains(Template),
    /// Not this text.
    Absent(Template),
    /// A match of this regex.
    Regex(String),
}

/// What a header must be.
#[derive(Debug, Clone, PartialEq)]
pub enum HeaderCheck {
    /// This value.
    Is(Template),
    /// Not there.
    Absent,
}

/// What a value in a JSON body must be.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonCheck {
    /// As written and checked.
    pub path: String,
    /// What must be there.
    pub expected: JsonExpected,
}

/// What a JSON value must be.
#[derive(Debug, Clone, PartialEq)]
pub enum JsonExpected {
    /// One of these.
    OneOf(Vec<JsonText>),
    /// Not there, or null.
    Absent,
}

/// A JSON value to compare with.
#[derive(Debug, Clone, PartialEq)]
pub enum JsonText {
    /// A string.
    Text(Template),
    /// A number, compared by value.
    Number(f64),
    /// `true` or `false`.
    Bool(bool),
}

/// How long a body must be, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeCheck {
    /// The comparison.
    pub compare: Compare,
    /// The bound.
    pub bytes: u64,
}

/// A comparison of `size`.
pub type Compare = crate::plan::Comparison;

/// `split_by`: statistics for each value of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Split {
    /// Index into `Program::data`.
    pub data: usize,
    /// And its column.
    pub column: usize,
    /// The values that are counted apart, as the names `NAME/VALUE`; the rest as `NAME/other`, if there is a rest.
    pub values: Vec<String>,
    /// Whether values remain.
    pub other: bool,
}

impl Split {
    /// How much each value of the column weighs: the weights of its rows where they are weighted, else their number. Of a
    /// file with more values than can have names, the heaviest alone.
    pub fn weights<'d>(&self, data: &'d DataSet) -> HashMap<&'d str, f64> {
        if let Some(values) = self.values_of_file(data) {
            return values.heaviest.iter().map(|(value, weight)| (value.as_str(), *weight)).collect();
        }
        let mut weights = HashMap::new();
        for row in &data.rows {
            if let Some(value) = row.get(self.column) {
                *weights.entry(value.as_str()).or_default() += data.weight_of(row);
            }
        }
        weights
    }

    /// What all values weigh together; `weights`: of [`Split::weights`].
    pub fn total(&self, data: &DataSet, weights: &HashMap<&str, f64>) -> f64 {
        self.values_of_file(data).map_or_else(|| weights.values().sum(), |values| values.total)
    }

    fn values_of_file<'d>(&self, data: &'d DataSet) -> Option<&'d Values> {
        data.file.as_ref()?.facts.columns.get(self.column)?.values.as_ref()
    }
}
