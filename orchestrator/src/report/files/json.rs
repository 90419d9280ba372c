//! JSON: everything, with the windows of the fleet where they are asked for.

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{TestView, WindowView};

/// The JSON report.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Report)]
pub struct JsonReport {
    /// The test.
    #[serde(flatten)]
    pub report: TestView,
    /// The windows of the fleet, where they are asked for; else left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<Vec<WindowView>>,
}
