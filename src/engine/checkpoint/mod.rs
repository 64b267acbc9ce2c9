//! Checkpoints: the weights, the optimiser's moments and a manifest, in a folder that appears whole.
//!
//! ```text
//! <stage folder>/step_000500/{model,moment_1,moment_2}.safetensors, manifest.json
//! ```
//!
//! Loading trusts nothing: format, settings, data and every tensor's name and shape are compared first.

pub mod manifest;
pub mod store;
pub mod weights;

pub use manifest::Manifest;
pub use store::{Checkpoint, CheckpointStore};

use std::path::PathBuf;

use crate::engine::error::Hint;

/// Failure to save or load a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The operating system refused.
    #[error("could not {operation} checkpoint {path:?}: {source}")]
    Io {
        /// "write", "read".
        operation: &'static str,
        /// File or folder.
        path: PathBuf,
        /// Its answer.
        source: std::io::Error,
    },
    /// The file is cut off or is not what its name says.
    #[error("checkpoint is damaged: {found} ({path:?})")]
    Damaged {
        /// What is wrong.
        found: String,
        /// The file.
        path: PathBuf,
    },
    /// It belongs to other data or settings.
    #[error(
        "checkpoint does not fit: {what} is {found} in the checkpoint, {expected} here ({path:?})"
    )]
    Mismatch {
        /// For example "codebook_size".
        what: String,
        /// Ours.
        expected: String,
        /// Its own.
        found: String,
        /// The checkpoint.
        path: PathBuf,
    },
    /// It was written by a newer version.
    #[error("checkpoint has format {found}, this version reads up to {expected} ({path:?})")]
    Newer {
        /// Ours.
        expected: u32,
        /// Its own.
        found: u32,
        /// The checkpoint.
        path: PathBuf,
    },
}

impl Hint for CheckpointError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { .. } => {
                "check free space and permissions; the previous checkpoint is whole".to_owned()
            }
            Self::Damaged { .. } => {
                "delete this checkpoint's folder and resume: the one before it is used".to_owned()
            }
            Self::Mismatch { .. } => {
                "use the dataset and the settings that the run was started with".to_owned()
            }
            Self::Newer { .. } => "update OneRec Workbench".to_owned(),
        })
    }
}
