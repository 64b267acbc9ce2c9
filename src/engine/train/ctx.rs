//! What every stage is given, and the loop that every training stage turns.
//!
//! The loop owns what is the same everywhere: resuming, stop and pause at step boundaries, reading values back,
//! refusing non-finite ones, checkpoints. The stage's file owns what a step computes.

use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;

use crate::engine::checkpoint::CheckpointStore;
use crate::engine::checkpoint::store::Progress;
use crate::engine::config::ExperimentConfig;
use crate::engine::control::RunControl;
use crate::engine::error::EngineError;
use crate::engine::event::{EngineEvent, ExpertLoad, NoticeLevel, Stage, StepPoint};
use crate::engine::optim::AdamW;
use crate::engine::reporter::Reporter;
use crate::engine::run::RunDir;

/// What every stage is given.
pub struct StageCtx<'a> {
    /// All settings.
    pub config: &'a ExperimentConfig,
    /// Where to compute, without autodiff.
    pub device: Device,
    /// Stop and pause.
    pub control: &'a RunControl,
    /// The run's voice.
    pub reporter: &'a mut Reporter,
    /// The run folder.
    pub dir: &'a RunDir,
    /// The stage and step that a stop or failure is reported at.
    pub at: (Stage, u64),
}

impl StageCtx<'_> {
    /// A step boundary: waits while paused and says whether to stop.
    ///
    /// # Errors
    /// If the journal cannot be written.
    pub fn wants_stop(&mut self, stage: Stage, step: u64) -> Result<bool, EngineError> {
        self.at = (stage, step);
        if self.control.is_pausing() && !self.control.is_stopping() {
            self.reporter.emit(EngineEvent::Paused { stage, step })?;
            self.control.wait_while_paused();
            if !self.control.is_stopping() {
                self.reporter.emit(EngineEvent::Continued { stage, step })?;
            }
        }
        Ok(self.control.is_stopping())
    }
}

/// The frame of one training loop.
pub struct LoopSpec<'a> {
    /// Which stage turns it.
    pub stage: Stage,
    /// Where its checkpoints are.
    pub store: &'a CheckpointStore,
    /// Steps of this loop.
    pub n_steps: u64,
    /// Steps of the stage before this loop begins, for stages with several loops.
    pub steps_before: u64,
    /// Steps of the whole stage.
    pub stage_steps: u64,
    /// Steps between read-backs.
    pub log_every_steps: u64,
    /// Steps between measurements that must be logged as well; 0 where there are none.
    pub validate_every_steps: u64,
    /// Steps between checkpoints.
    pub checkpoint_every_steps: u64,
}

impl LoopSpec<'_> {
    /// Whether the step is logged after which `number` steps are done.
    fn is_logged(&self, number: u64) -> bool {
        let validate = self.validate_every_steps;
        number == 1
            || number == self.n_steps
            || number.is_multiple_of(self.log_every_steps)
            || validate > 0 && number.is_multiple_of(validate)
    }
}

/// What one step says of itself.
#[derive(Default)]
pub struct StepOutcome {
    /// Examples in its batch.
    pub n_samples: u64,
    /// Named values, read back from the device; only wanted when the step is logged.
    pub values: Vec<(String, f64)>,
    /// The load of the experts, where there are any; only wanted when the step is logged.
    pub experts: Vec<ExpertLoad>,
    /// Whether the loop is to end here, before its last step.
    pub is_last: bool,
}

/// Turns the loop from the last checkpoint to the end and returns the trained module.
///
/// `one_step(ctx, module, optimizer, step, log)` does step number `step`, counting from 0, and reads values back
/// when `log` is set.
///
/// # Errors
/// Of a step; [`EngineError::Stopped`] after saving; [`EngineError::NotFinite`] when a loss is not.
pub fn train_loop<M: Module>(
    ctx: &mut StageCtx<'_>,
    spec: &LoopSpec<'_>,
    mut model: M,
    mut optimizer: AdamW,
    mut one_step: impl FnMut(
        &mut StageCtx<'_>,
        M,
        &mut AdamW,
        u64,
        bool,
    ) -> Result<(M, StepOutcome), EngineError>,
) -> Result<M, EngineError> {
    let stage = spec.stage;
    let (checkpoint, damaged) = spec.store.latest()?;
    for error in damaged {
        ctx.reporter.notice(
            NoticeLevel::Warning,
            stage,
            format!("passed over a damaged checkpoint: {error}"),
        )?;
    }
    let mut progress = Progress::default();
    if let Some(checkpoint) = checkpoint {
        model = spec.store.load(&checkpoint, model, &mut optimizer)?;
        let manifest = checkpoint.manifest;
        progress = Progress {
            step: manifest.step,
            samples: manifest.samples,
            seconds: manifest.seconds,
            is_final: manifest.is_final,
            metrics: manifest.metrics,
        };
    }
    if progress.is_final {
        return Ok(model);
    }
    // A second loop of a stage that is already going is not a new start.
    let is_under_way = spec.steps_before > 0 && ctx.at.1 > 0;
    if !is_under_way {
        ctx.reporter.emit(EngineEvent::StageStarted {
            stage,
            first_step: spec.steps_before + progress.step,
            total_steps: spec.stage_steps,
        })?;
    }
    let began = Instant::now();
    let seconds_before = progress.seconds;
    let mut saved_at = progress.step;
    while !progress.is_final && progress.step < spec.n_steps {
        if ctx.wants_stop(stage, spec.steps_before + progress.step)? {
            if progress.step > saved_at {
                save(ctx, spec, &model, &optimizer, &progress)?;
            }
            return Err(EngineError::Stopped);
        }
        let number = progress.step + 1;
        let log = spec.is_logged(number);
        let (next, outcome) = one_step(ctx, model, &mut optimizer, progress.step, log)?;
        model = next;
        progress.step = number;
        progress.samples += outcome.n_samples;
        progress.seconds = seconds_before + began.elapsed().as_secs_f64();
        if log {
            let step = spec.steps_before + number;
            let point = StepPoint {
                step,
                samples: progress.samples,
                seconds: progress.seconds,
                values: outcome.values,
                experts: outcome.experts,
            };
            progress.metrics.clone_from(&point.values);
            let broken = point
                .values
                .iter()
                .find(|(name, value)| name.ends_with("loss") && !value.is_finite());
            let broken = broken.map(|(_, value)| value.to_string());
            ctx.reporter.step(stage, point)?;
            if let Some(value) = broken {
                return Err(EngineError::NotFinite {
                    what: "the loss",
                    value,
                    step,
                    stage,
                });
            }
        }
        progress.is_final = outcome.is_last || number == spec.n_steps;
        if number.is_multiple_of(spec.checkpoint_every_steps) || progress.is_final {
            save(ctx, spec, &model, &optimizer, &progress)?;
            saved_at = number;
        }
    }
    Ok(model)
}

fn save<M: Module>(
    ctx: &mut StageCtx<'_>,
    spec: &LoopSpec<'_>,
    model: &M,
    optimizer: &AdamW,
    progress: &Progress,
) -> Result<(), EngineError> {
    let info = spec.store.save(model, optimizer, progress)?;
    ctx.reporter.emit(EngineEvent::CheckpointSaved(info))
}
