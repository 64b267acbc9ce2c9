//! Trained generators for PyTorch.

use std::path::Path;

use crate::engine::error::EngineError;
use crate::engine::event::Stage;

/// Writes the generator of `stage` to `out`.
///
/// # Errors
/// If the stage is not complete.
pub fn export_generator(
    run_dir: &Path,
    stage: Stage,
    _out: &Path,
) -> Result<Vec<String>, EngineError> {
    Err(EngineError::MissingStage {
        stage,
        needs: stage,
        run: run_dir.to_owned(),
    })
}
