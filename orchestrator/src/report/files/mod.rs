//! Reports as files for other programs: which there are, and those that are written page by page, because they hold every
//! second of a test. They depend on the view and on pages as the store has them; who reads the pages, and where the text
//! goes, is the caller's.

mod csv;
mod form;
mod html;
mod json;
mod junit;
mod log;
mod markdown;
mod of;
mod percentiles;

#[cfg(test)]
mod tests;

use std::io;

use self::log::Log;
use self::percentiles::Percentiles;
use crate::model::TestView;
use crate::store::{PageOf, ReportPage};

pub use self::form::Form;
pub use self::html::{HtmlData, html};
pub use self::json::JsonReport;
pub use self::junit::{junit, junit_beside};
pub use self::markdown::markdown;
pub(crate) use self::markdown::prose;
pub use self::of::LatencyOf;

/// The name under which a test's report is downloaded.
pub fn file_name(test_id: &str, form: Form) -> String {
    // An id of our own has none of the others; one of another orchestrator may.
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    format!("groundswell-{}.{}", test_id.chars().map(plain).collect::<String>(), form.ending())
}

/// The text of a report in a form that is made of the view alone; `None` for the others.
///
/// # Errors
/// Where it cannot be written.
pub fn whole(view: &TestView, form: Form) -> io::Result<Option<String>> {
    Ok(Some(match form {
        Form::Json => super::json(view),
        Form::Text => super::text(view),
        Form::Junit => junit(view)?,
        Form::Markdown => markdown(view),
        Form::Html | Form::Csv | Form::Hgrm | Form::Hlog => return Ok(None),
    }))
}

/// A report of which no more than a page is in memory: first its head, then each page in the order of the test's seconds.
pub struct Paged {
    kind: Kind,
}

enum Kind {
    Csv,
    Percentiles(Percentiles),
    Log(Box<Log>),
}

/// Which form of a report is written page by page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PagedForm {
    /// The windows of the fleet, of each driver and of each request.
    Csv,
    /// HdrHistogram's percentile output, of one latency.
    Hgrm(LatencyOf),
    /// HdrHistogram's interval log, of one latency.
    Hlog(LatencyOf),
}

impl PagedForm {
    /// Its form.
    pub const fn form(self) -> Form {
        match self {
            Self::Csv => Form::Csv,
            Self::Hgrm(_) => Form::Hgrm,
            Self::Hlog(_) => Form::Hlog,
        }
    }

    /// Which latency it is of, where it is of one.
    pub const fn of(self) -> Option<LatencyOf> {
        match self {
            Self::Csv => None,
            Self::Hgrm(of) | Self::Hlog(of) => Some(of),
        }
    }
}

impl Paged {
    /// The report of a test in a form.
    pub fn new(view: &TestView, form: PagedForm) -> Self {
        let kind = match form {
            PagedForm::Csv => Kind::Csv,
            PagedForm::Hgrm(of) => Kind::Percentiles(Percentiles::new(view, of)),
            PagedForm::Hlog(of) => Kind::Log(Box::new(Log::new(view, of))),
        };
        Self { kind }
    }

    /// What stands before the first page.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn head(&mut self) -> io::Result<Vec<u8>> {
        match &mut self.kind {
            Kind::Csv => csv::head(),
            Kind::Percentiles(_) => Ok(Vec::new()),
            Kind::Log(log) => Ok(log.head()),
        }
    }

    /// What its pages hold.
    pub fn wants(&self) -> PageOf {
        match &self.kind {
            Kind::Csv => PageOf::Figures,
            Kind::Log(log) => PageOf::Samples(log.kinds()),
            Kind::Percentiles(_) => PageOf::Whole,
        }
    }

    /// What a page adds.
    ///
    /// # Errors
    /// Where it cannot be written, or holds something else than [`Paged::wants`].
    pub fn page(&mut self, page: &ReportPage) -> io::Result<Vec<u8>> {
        match (&mut self.kind, page) {
            (Kind::Csv, ReportPage::Figures(page)) => csv::page(page),
            (Kind::Log(log), ReportPage::Samples(page)) => log.page(page),
            (Kind::Percentiles(percentiles), ReportPage::Whole { latencies, slower }) => {
                Ok(percentiles.text(latencies, *slower).into_bytes())
            }
            _ => Err(io::Error::other("the page holds something else than the report is written of")),
        }
    }
}
