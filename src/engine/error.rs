//! Errors of the engine: one enum per folder that has a boundary, gathered here.
//!
//! A message says the operation, what was expected, what was found, and the place last.
//! What to do about it is kept apart, in [`Hint`].

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::engine::checkpoint::CheckpointError;
use crate::engine::config::ConfigError;
use crate::engine::data::DataError;
use crate::engine::device::DeviceError;
use crate::engine::embedding::EmbeddingError;
use crate::engine::event::Stage;
use crate::engine::tokenizer::TokenizerError;

/// What the user can do about a failure.
pub trait Hint {
    /// One sentence in the imperative, or nothing where no advice is honest.
    fn hint(&self) -> Option<String>;
}

/// Any failure of the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Reading or interpreting a dataset.
    #[error(transparent)]
    Data(DataError),
    /// Reading or checking a configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Building item vectors.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
    /// Building semantic IDs.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Saving or loading a checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Choosing a device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Reading or writing a file that belongs to none of the above.
    #[error("could not {operation} {path:?}: {source}")]
    Io {
        /// What was attempted, as a verb: "read", "create".
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A stage was asked for before the one whose result it needs.
    #[error("stage {stage} needs the result of {needs}, which run {run:?} does not have")]
    MissingStage {
        /// The stage that was asked for.
        stage: Stage,
        /// The stage that must come first.
        needs: Stage,
        /// The run folder.
        run: PathBuf,
    },
    /// A run folder that another process is using, or that is not a run folder.
    #[error("could not use run folder {path:?}: {found}")]
    RunFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
    },
    /// A file of marks on preference pairs that holds something else.
    #[error("could not use the marks on preference pairs in {path:?}: {found}")]
    PairMarks {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
    },
    /// A training value stopped being finite.
    #[error("{what} became {value} at step {step} of {stage}")]
    NotFinite {
        /// Which value.
        what: &'static str,
        /// The value, as text.
        value: String,
        /// The step.
        step: u64,
        /// The stage.
        stage: Stage,
    },
    /// A model whose weights and moments alone exceed the memory of this machine.
    #[error(
        "could not train this model: its weights and the optimiser's moments take {:.1} GB, this machine has {:.1} GB",
        *needed as f64 / 1e9,
        *available as f64 / 1e9
    )]
    TooLarge {
        /// Bytes that it takes at least.
        needed: u64,
        /// Bytes that there are.
        available: u64,
    },
    /// A name given by the user that the data does not know.
    #[error("no {kind} named {name:?} in {place}")]
    Unknown {
        /// "user", "item", "stage".
        kind: &'static str,
        /// What was asked for.
        name: String,
        /// Where it was looked up.
        place: String,
    },
    /// The user asked the run to stop. Not a failure: the run is resumable.
    #[error("stopped on request")]
    Stopped,
    /// A bug of ours, caught so that the window lives.
    #[error("the run panicked: {message}")]
    Panic {
        /// The panic's message and place.
        message: String,
    },
}

impl EngineError {
    /// Wraps an I/O error with the operation and the path.
    pub fn io(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            operation,
            path,
            source,
        }
    }
}

impl From<DataError> for EngineError {
    fn from(error: DataError) -> Self {
        match error {
            DataError::Stopped => Self::Stopped,
            error => Self::Data(error),
        }
    }
}

impl Hint for EngineError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Data(error) => error.hint(),
            Self::Config(error) => error.hint(),
            Self::Embedding(error) => error.hint(),
            Self::Tokenizer(error) => error.hint(),
            Self::Checkpoint(error) => error.hint(),
            Self::Device(error) => error.hint(),
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => Some(
                "free some disk space, then resume the run: its last checkpoint is whole"
                    .to_owned(),
            ),
            Self::Io { .. } => {
                Some("check that the path exists and that you may read and write there".to_owned())
            }
            Self::MissingStage { needs, .. } => Some(format!("run the stage {needs} first")),
            Self::RunFolder { .. } => {
                Some("choose another folder with --out, or close the other program".to_owned())
            }
            Self::PairMarks { .. } => Some(
                "mend or remove the file, then resume; without it no pair is marked".to_owned(),
            ),
            Self::NotFinite { .. } => Some(
                "lower the learning rate of this stage and resume from the last checkpoint"
                    .to_owned(),
            ),
            Self::TooLarge { .. } => {
                Some("choose a smaller size; `onerec size` counts any".to_owned())
            }
            Self::Unknown {
                kind: "tokenizer" | "objective",
                ..
            } => Some("use one of these names".to_owned()),
            Self::Unknown { .. } => {
                Some("use an identifier as it is written in the dataset".to_owned())
            }
            Self::Stopped => None,
            Self::Panic { .. } => {
                Some("please report this with the run folder's events.jsonl".to_owned())
            }
        }
    }
}

/// An error as plain text, ready to cross the boundary and to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What failed, with the whole chain of causes.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Which family it belongs to; decides the exit code of the command line.
    pub kind: FailureKind,
}

/// The families of failure that the command line tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The input data cannot be used (exit code 3).
    Data,
    /// The configuration or the command line is wrong (exit code 2).
    Usage,
    /// The device asked for is not available (exit code 4).
    Device,
    /// Stopped by the user (exit code 130).
    Stopped,
    /// Anything else (exit code 1).
    Other,
}

impl From<&EngineError> for Failure {
    fn from(error: &EngineError) -> Self {
        let kind = match error {
            // Learning went wrong, not the data.
            EngineError::Embedding(
                EmbeddingError::Diverged { .. } | EmbeddingError::Device { .. },
            ) => FailureKind::Other,
            EngineError::Data(_) | EngineError::Embedding(_) => FailureKind::Data,
            EngineError::Config(_)
            | EngineError::TooLarge { .. }
            | EngineError::Unknown { .. }
            | EngineError::MissingStage { .. } => FailureKind::Usage,
            EngineError::Device(_) => FailureKind::Device,
            EngineError::Stopped => FailureKind::Stopped,
            _ => FailureKind::Other,
        };
        Self {
            message: chain(error),
            hint: error.hint(),
            kind,
        }
    }
}

/// The error and its causes on one line, each cause once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_that_goes_wrong_is_not_the_data_s_fault() {
        let kind = |error: EmbeddingError| Failure::from(&EngineError::from(error)).kind;
        assert_eq!(
            kind(EmbeddingError::Diverged { step: 3 }),
            FailureKind::Other
        );
        let missing = EmbeddingError::Nothing {
            found: "no text".to_owned(),
        };
        assert_eq!(kind(missing), FailureKind::Data);
    }
}
