//! What can be wrong with a dataset.

use std::path::PathBuf;

use crate::engine::error::Hint;

/// Failure to read or use a dataset.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The operating system refused.
    #[error("could not read {path:?}: {source}")]
    Io {
        /// File or folder.
        path: PathBuf,
        /// Its answer.
        source: std::io::Error,
    },
    /// The operating system refused to write.
    #[error("could not write {path:?}: {source}")]
    Write {
        /// File or folder.
        path: PathBuf,
        /// Its answer.
        source: std::io::Error,
    },
    /// A simulation that cannot be done.
    #[error("could not simulate a dataset: {found}")]
    Simulator {
        /// What is wrong, with the setting.
        found: String,
    },
    /// No reader recognises the files.
    #[error("could not recognise the dataset: expected {expected}, found {found} (in {path:?})")]
    Unrecognised {
        /// What the readers look for.
        expected: String,
        /// What is there.
        found: String,
        /// Where.
        path: PathBuf,
    },
    /// A column is missing.
    #[error("could not find column {column:?}: the file has {found:?} ({path:?})")]
    MissingColumn {
        /// The column.
        column: String,
        /// The columns that exist.
        found: Vec<String>,
        /// Where.
        path: PathBuf,
    },
    /// A cell does not hold what its column should.
    #[error(
        "could not read column {column:?}: expected {expected}, found {found:?} (line {line} of {path:?})"
    )]
    BadCell {
        /// The column.
        column: String,
        /// The expected kind, for example "an integer".
        expected: &'static str,
        /// The cell.
        found: String,
        /// Line in the file, counting from 1 with the header.
        line: u64,
        /// Where.
        path: PathBuf,
    },
    /// The file's structure is broken.
    #[error("could not read {path:?} as {format}: {found}{}", at_line(*line))]
    Malformed {
        /// The expected format.
        format: &'static str,
        /// What the parser says.
        found: String,
        /// Line in the file, 0 where the format has none.
        line: u64,
        /// Where.
        path: PathBuf,
    },
    /// Nothing is left to learn from.
    #[error("the dataset has nothing to learn from: {found} (in {path:?})")]
    Empty {
        /// What is missing, with numbers.
        found: String,
        /// Where.
        path: PathBuf,
    },
    /// The user asked the reading to stop. Not a failure.
    #[error("stopped on request")]
    Stopped,
    /// A training example would contain the future.
    #[error("the split leaks: {found}")]
    Leak {
        /// Which event, with times.
        found: String,
    },
}

/// The line in brackets, where there is one.
fn at_line(line: u64) -> String {
    match line {
        0 => String::new(),
        line => format!(" (line {line})"),
    }
}

impl Hint for DataError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Stopped => return None,
            Self::Io { .. } => "check the path and that you may read it".to_owned(),
            Self::Write { .. } => "check that the disk has room and that you may write there".to_owned(),
            Self::Simulator { .. } => "change the setting, or choose an empty folder".to_owned(),
            Self::Unrecognised { .. } => {
                "give the folder that holds the data files, or map the columns of a CSV, JSON Lines or Parquet file \
                 with data.columns in the configuration"
                    .to_owned()
            }
            Self::MissingColumn { .. } => "name the right column with data.columns in the configuration".to_owned(),
            Self::BadCell { .. } => "correct the cell, or set data.skip_bad_rows = true to leave such rows out".to_owned(),
            Self::Malformed { .. } => "export the file again; it may have been cut off".to_owned(),
            Self::Empty { .. } => "use more data, or lower data.min_user_events and data.k_core".to_owned(),
            Self::Leak { .. } => "this is a bug: please report it with the dataset's fingerprint".to_owned(),
        })
    }
}
