//! Why the store could not do something.

/// Why the store could not do it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// SQLite failed.
    #[error("{path}: {cause}")]
    Sqlite {
        /// The database file.
        path: String,
        /// What SQLite says.
        cause: String,
    },
    /// A row that this version cannot read.
    #[error("{path}: row {row}: {cause}")]
    Row {
        /// The database file.
        path: String,
        /// Table and key.
        row: String,
        /// What is wrong with it.
        cause: String,
    },
}

impl StoreError {
    /// What is wrong, without where the file is.
    pub fn cause(&self) -> &str {
        match self {
            Self::Sqlite { cause, .. } | Self::Row { cause, .. } => cause,
        }
    }
}
