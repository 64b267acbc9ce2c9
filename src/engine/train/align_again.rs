//! Takes a finished run back to where alignment had not begun, so that it can be done again from the pretrained generator:
//! with the marks that were set on its pairs since.

use crate::engine::error::EngineError;
use crate::engine::event::Stage;
use crate::engine::run::pair_marks::PairMarks;
use crate::engine::run::report::RunReport;
use crate::engine::run::{RunDir, RunInfo, atomic};

/// Forgets alignment and evaluation. The journal keeps what was said of them.
///
/// # Errors
/// If there is no generator with reward models to align, or a file cannot be changed.
pub fn forget_alignment(dir: &RunDir, info: &mut RunInfo) -> Result<(), EngineError> {
    if !info.completed.contains(&Stage::Reward) {
        return Err(EngineError::MissingStage {
            stage: Stage::Align,
            needs: Stage::Reward,
            run: dir.path().to_owned(),
        });
    }
    // Marks that nobody can read must not cost the alignment that is there.
    PairMarks::load(&dir.pair_marks_path())?;
    let mut report = RunReport::load(&dir.report_path())?;
    report.alignment = None;
    report.evaluation = None;
    for stage in [Stage::Align, Stage::Evaluate] {
        report.seconds.remove(stage.name());
    }
    // Whatever ends the process in between, a resume finds stages that are not complete and does them.
    info.completed.retain(|stage| *stage < Stage::Align);
    info.save(dir)?;
    atomic::write_json(&dir.report_path(), &report)?;
    let folder = dir.stage_dir(Stage::Align);
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(EngineError::io("remove", &folder)(error))
        }
        _ => Ok(()),
    }
}
