//! What is wrong with a data file.

use closedpath_core::tables::TablesError;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is of this kind, but broken; the message has file and place.
    #[error(transparent)]
    Table(#[from] TablesError),
    /// It is not what it should be.
    #[error("{file}: {why}")]
    Shape {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
}

impl FileError {
    /// It is not what it should be.
    pub fn shape(file: &str, why: impl Into<String>) -> Self {
        Self::Shape { file: file.to_owned(), why: why.into() }
    }
}
