//! Why the store could not do something.

/// Why the store could not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    #[error("{path}: {cause}")]
    Sqlite { path: String, cause: String },
    /// A row that this version cannot read.
    #[error("{path}: row {row}: {cause}")]
    Row {
        path: String,
        row: String,
        /// What is wrong with it.
        cause: String,
    },
    /// It was there when reading began.
    #[error("the test was deleted meanwhile")]
    Deleted,
    /// The actor that owns the database has stopped.
    #[error("the node is ending")]
    Stopped,
}

impl StoreError {
    /// The cause, without the path of the file.
    pub fn cause(&self) -> &str {
        match self {
            Self::Sqlite { cause, .. } | Self::Row { cause, .. } => cause,
            Self::Deleted => "the test was deleted meanwhile",
            Self::Stopped => "the node is ending",
        }
    }
}
