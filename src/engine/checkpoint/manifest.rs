//! `manifest.json`: what a checkpoint belongs to.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::CheckpointError;
use crate::engine::event::Stage;

/// The layout that this version writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// What a checkpoint is and what it belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the layout.
    pub format_version: u32,
    /// The stage that wrote it.
    pub stage: Stage,
    /// Optimiser steps done.
    pub step: u64,
    /// Training examples seen.
    pub samples: u64,
    /// Seconds of work on the stage so far, over all processes.
    pub seconds: f64,
    /// Whether the stage was complete.
    pub is_final: bool,
    /// When, milliseconds since 1970.
    pub time_millis: u64,
    /// Named texts that must be equal for the checkpoint to fit: settings and fingerprints of the inputs.
    pub belongs_to: Vec<(String, String)>,
    /// The stage's figures at that step.
    pub metrics: Vec<(String, f64)>,
}

impl Manifest {
    /// Reads a manifest and refuses one of a newer format.
    ///
    /// # Errors
    /// With the file and what is wrong.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let text = std::fs::read(path).map_err(|source| CheckpointError::Io {
            operation: "read",
            path: path.to_owned(),
            source,
        })?;
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|error| CheckpointError::Damaged {
                found: error.to_string(),
                path: path.to_owned(),
            })?;
        if manifest.format_version > FORMAT_VERSION {
            return Err(CheckpointError::Newer {
                expected: FORMAT_VERSION,
                found: manifest.format_version,
                path: path.to_owned(),
            });
        }
        Ok(manifest)
    }

    /// Compares what the checkpoint belongs to with what it is wanted for.
    ///
    /// # Errors
    /// At the first difference, with both values.
    pub fn check(&self, wanted: &[(String, String)], path: &Path) -> Result<(), CheckpointError> {
        for (what, expected) in wanted {
            let found = self
                .belongs_to
                .iter()
                .find(|(name, _)| name == what)
                .map(|(_, value)| value.as_str());
            if found != Some(expected) {
                return Err(CheckpointError::Mismatch {
                    what: what.clone(),
                    expected: expected.clone(),
                    found: found.unwrap_or("absent").to_owned(),
                    path: path.to_owned(),
                });
            }
        }
        Ok(())
    }
}
