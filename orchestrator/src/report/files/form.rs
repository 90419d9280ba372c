//! The forms that a report has, each with its file's ending and its media type.

/// A form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Everything, for programs.
    Json,
    /// For people, in columns.
    Text,
    /// One page that needs no server.
    Html,
    /// Every second, for tables and data frames.
    Csv,
    /// A case for the verdict and for each threshold, for CI.
    Junit,
    /// A short comment for a pull request.
    Markdown,
    /// Percentiles as HdrHistogram prints them.
    Hgrm,
    /// A histogram a second, as HdrHistogram logs them.
    Hlog,
}

impl Form {
    /// The end of the path, and of a file's name, behind the dot.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "txt",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Junit => "junit.xml",
            Self::Markdown => "md",
            Self::Hgrm => "hgrm",
            Self::Hlog => "hlog",
        }
    }

    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text | Self::Hgrm | Self::Hlog => "text/plain; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Junit => "application/xml; charset=utf-8",
            Self::Markdown => "text/markdown; charset=utf-8",
        }
    }
}
