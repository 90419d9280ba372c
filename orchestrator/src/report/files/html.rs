//! HTML: the dashboard's page of one test as a file of its own, with the data inside. It asks for nothing, so it opens from
//! disk and years later.

use serde::Serialize;

use crate::docs::{self, Words};
use crate::model::{SpanView, TestView, WindowView};

/// The page, which the dashboard's build makes with all its scripts and styles inside.
const PAGE: &str = include_str!("../../../../dashboard/dist/report.html");

/// What the data take the place of, once.
const PLACE: &str = "/*DATA*/";

/// What the page shows of a test.
#[derive(Debug, Clone, Serialize)]
pub struct HtmlData<'a> {
    pub report: &'a TestView,
    /// The windows of the fleet, as long each as `step=auto` makes them.
    pub series: &'a [WindowView],
    /// The figures of the whole test, with the curves of its percentiles; `None` where they are not known.
    pub span: Option<&'a SpanView>,
}

/// All that stands in the page.
#[derive(Serialize)]
struct Inside<'a> {
    #[serde(flatten)]
    data: &'a HtmlData<'a>,
    /// What the words on the page mean.
    words: &'static Words,
}

/// The file.
///
/// # Errors
/// Where the data cannot be written as JSON.
pub fn html(data: &HtmlData<'_>) -> Result<String, serde_json::Error> {
    let json = embedded(&serde_json::to_string(&Inside { data, words: docs::words() })?);
    // Split, not replaced: the data may hold anything, the mark itself included.
    let (before, after) = PAGE.split_once(PLACE).unwrap_or((PAGE, ""));
    Ok([before, &json, after].concat())
}

/// JSON that may stand in a script element. `<` could end it or begin a comment; in JSON it stands in texts alone.
fn embedded(json: &str) -> String {
    json.replace('<', "\\u003c")
}
