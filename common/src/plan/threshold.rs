//! A threshold: a figure of the report and what it must be, as in `"response.p99" = "< 250ms"`.

/// A figure of the report that a threshold can name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// A latency, compared in milliseconds.
    Latency {
        /// Which latency: lag, service or response.
        kind: crate::latency::LatencyKind,
        /// Which of its figures.
        figure: LatencyFigure,
    },
    /// (failed - cancelled) / (sent - cancelled), 0 to 1.
    ErrorsRatio,
    /// dropped (in flight) / scheduled, 0 to 1.
    DroppedRatio,
    /// Completed per second of the schedule.
    Throughput,
}

/// A figure of one histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LatencyFigure {
    /// Lowest.
    Min,
    /// Arithmetic mean.
    Mean,
    /// Middle of the densest bucket.
    Mode,
    /// Highest.
    Max,
    /// A quantile, 0 to 1 (the median is 0.5), by the name it was given.
    Quantile(f64),
}

/// How the figure and the bound compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// What must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// Whether it must hold for each driver rather than for the fleet (`driver.` before the figure).
    pub each_driver: bool,
    /// What is looked at.
    pub figure: Figure,
    /// How it compares.
    pub comparison: Comparison,
    /// With what: milliseconds, a ratio, or requests per second.
    pub bound: f64,
    /// As people read it, as in `response.p99 < 250ms`.
    pub expression: String,
}

/// Why a text is no threshold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// The figure's name is not in the list.
    #[error("{0}")]
    Figure(String),
    /// The comparison or its bound cannot be read.
    #[error("{0}")]
    Bound(String),
}
