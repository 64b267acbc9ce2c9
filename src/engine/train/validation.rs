//! The held-out loss while pretraining goes on, and when to end because of it.
//!
//! The part that is watched is neither learned nor tested: the last learnable positive event of a fixed sample of users.
//! Sessions of these users end before it. Test targets come after it and are never looked at here. Vectors and semantic
//! IDs are made from all learnable events, these included.

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::module::Module as _;
use rand::seq::index;

use super::config::PretrainConfig;
use super::ctx::StageCtx;
use crate::engine::batch::ContextReader;
use crate::engine::checkpoint::weights;
use crate::engine::control::RunControl;
use crate::engine::data::UserIdx;
use crate::engine::data::prepare::{PreparedData, TestCase};
use crate::engine::error::EngineError;
use crate::engine::eval::held_out::{HeldOutInput, held_out};
use crate::engine::event::Stage;
use crate::engine::model::Generator;
use crate::engine::run::journal;
use crate::engine::seed::Seed;

/// The name of the measured value.
pub(super) const VALIDATION_LOSS: &str = "validation_loss";

/// Positive events that a user must have so that one can be spared: something before it, and something to learn.
const LEAST_EVENTS: usize = 3;

/// The users whose last learnable event is watched, or nobody where nothing is to be measured.
pub(super) fn validation_cases(
    data: &PreparedData,
    settings: &PretrainConfig,
    seed: Seed,
) -> Vec<TestCase> {
    if settings.validate_every_steps == 0 {
        return Vec::new();
    }
    let cases: Vec<TestCase> = data
        .positives
        .iter()
        .enumerate()
        .filter_map(|(user_idx, rows)| {
            let learn_end = data.split.learn_end[user_idx];
            let n_learnable = rows.partition_point(|row| (*row as usize) < learn_end);
            let row = *rows[..n_learnable].last()? as usize;
            (n_learnable >= LEAST_EVENTS).then(|| TestCase {
                user: UserIdx(user_idx as u32),
                before_row: row,
                target: data.dataset.log.item[row],
            })
        })
        .collect();
    let n_users = settings.validation_users.min(cases.len());
    let mut rng = seed.rng("pretrain.validation", 0);
    let mut drawn = index::sample(&mut rng, cases.len(), n_users).into_vec();
    drawn.sort_unstable();
    drawn.into_iter().map(|idx| cases[idx]).collect()
}

/// Per user: rows below it may be learned from when these cases are watched.
pub(super) fn learn_end(data: &PreparedData, cases: &[TestCase]) -> Vec<usize> {
    let mut learn_end = data.split.learn_end.clone();
    for case in cases {
        learn_end[case.user.idx()] = case.before_row;
    }
    learn_end
}

/// Measures the loss, remembers the best weights, and says when it is over.
pub(super) struct Validation<'a> {
    input: HeldOutInput<'a>,
    settings: &'a PretrainConfig,
    folder: PathBuf,
    course: Course,
}

impl<'a> Validation<'a> {
    /// Takes up what the journal of a resumed run tells.
    ///
    /// # Errors
    /// If the journal cannot be read.
    pub(super) fn new(
        ctx: &StageCtx<'a>,
        data: &'a PreparedData,
        reader: &'a ContextReader<'a>,
        cases: &'a [TestCase],
    ) -> Result<Self, EngineError> {
        let records = journal::read(&ctx.dir.events_path())?;
        let settings = &ctx.config.pretrain;
        Ok(Self {
            input: HeldOutInput {
                data,
                reader,
                cases,
                batch_size: ctx.config.evaluate.batch_size,
            },
            settings,
            folder: ctx.dir.stage_dir(Stage::Pretrain),
            course: Course {
                losses: journal::series(&records, Stage::Pretrain, VALIDATION_LOSS),
                patience: settings.patience,
            },
        })
    }

    /// Measures after `step` steps where that is due; mean per code over all levels, nats.
    ///
    /// # Errors
    /// If the best weights cannot be written.
    pub(super) fn after_step(
        &mut self,
        step: u64,
        model: &Generator,
    ) -> Result<Option<f64>, EngineError> {
        let every = self.settings.validate_every_steps;
        if every == 0 || !step.is_multiple_of(every) || self.input.cases.is_empty() {
            return Ok(None);
        }
        // A stop must not lose the step that was just done, and the sample is small.
        let per_level = held_out(model, self.input, &RunControl::default())?.loss;
        let loss = per_level.iter().sum::<f64>() / per_level.len().max(1) as f64;
        self.course.add(step, loss);
        if self.settings.patience > 0 && self.course.best() == Some(step) {
            weights::save(&model.valid(), &self.path(step))?;
            let spared = self.course.still_needed(step, self.settings);
            for old in self.course.losses.keys().filter(|old| **old < spared) {
                remove(&self.path(*old))?;
            }
        }
        Ok(Some(loss))
    }

    /// Whether the loss has not fallen for as many measurements as patience lasts.
    pub(super) fn is_over(&self) -> bool {
        self.course.is_over()
    }

    /// The step of the lowest loss so far.
    pub(super) fn best_step(&self) -> Option<u64> {
        self.course.best()
    }

    /// The weights of the lowest loss, or those given where none were kept.
    ///
    /// # Errors
    /// If they cannot be read.
    pub(super) fn best(&self, model: Generator) -> Result<Generator, EngineError> {
        match self.course.best() {
            Some(step) if self.settings.patience > 0 => Ok(weights::load(model, &self.path(step))?),
            _ => Ok(model),
        }
    }

    /// Removes the kept weights, once the final checkpoint holds the best.
    ///
    /// # Errors
    /// If the system refuses.
    pub(super) fn clean_up(&self) -> Result<(), EngineError> {
        for step in self.course.losses.keys() {
            remove(&self.path(*step))?;
        }
        Ok(())
    }

    fn path(&self, step: u64) -> PathBuf {
        self.folder.join(format!("best_{step:06}.safetensors"))
    }
}

fn remove(path: &std::path::Path) -> Result<(), EngineError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(EngineError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// The losses so far, by step. What follows from them is a function of them alone, so a resumed run decides alike.
#[derive(Clone, Debug, Default)]
struct Course {
    losses: BTreeMap<u64, f64>,
    patience: u64,
}

impl Course {
    /// Adds a measurement; what was measured at later steps belongs to a part of the run that is being done again.
    fn add(&mut self, step: u64, loss: f64) {
        self.losses.split_off(&step);
        self.losses.insert(step, loss);
    }

    /// The step of the lowest loss; the earliest of equals.
    fn best(&self) -> Option<u64> {
        self.best_up_to(u64::MAX)
    }

    fn best_up_to(&self, last: u64) -> Option<u64> {
        let mut best: Option<(u64, f64)> = None;
        for (step, loss) in self.losses.range(..=last) {
            if best.is_none_or(|(_, lowest)| *loss < lowest) {
                best = Some((*step, *loss));
            }
        }
        best.map(|(step, _)| step)
    }

    fn is_over(&self) -> bool {
        let Some(best) = self.best() else {
            return false;
        };
        let n_since = self.losses.range(best + 1..).count() as u64;
        self.patience > 0 && n_since >= self.patience
    }

    /// The first step whose weights a run killed after `step` could still ask for: the best one at its last checkpoint.
    fn still_needed(&self, step: u64, settings: &PretrainConfig) -> u64 {
        let every = settings.checkpoint_every_steps.max(1);
        let checkpoint = (step - 1) / every * every;
        self.best_up_to(checkpoint).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(losses: &[f64], patience: u64) -> Course {
        let mut course = Course {
            patience,
            ..Course::default()
        };
        for (step, loss) in (1..).zip(losses) {
            course.add(10 * step, *loss);
        }
        course
    }

    #[test]
    fn it_is_over_when_the_loss_has_not_fallen_for_as_long_as_patience_lasts() {
        assert!(!course(&[], 2).is_over());
        assert!(!course(&[3.0, 2.0, 2.5], 2).is_over());
        let ended = course(&[3.0, 2.0, 2.5, 2.0], 2);
        assert!(ended.is_over());
        assert_eq!(ended.best(), Some(20), "the earliest of equals");
        assert!(!course(&[3.0, 2.0, 2.5, 2.1, 1.9], 2).is_over());
        assert!(
            !course(&[3.0, 9.0, 9.0, 9.0], 0).is_over(),
            "no patience set"
        );
    }

    #[test]
    fn what_is_done_again_replaces_what_came_later() {
        let mut resumed = course(&[3.0, 2.0, 1.0, 0.5], 2);
        resumed.add(20, 2.5);
        assert_eq!(resumed.losses.len(), 2);
        assert_eq!(resumed.best(), Some(20));
    }

    #[test]
    fn weights_that_a_killed_run_would_ask_for_are_kept() {
        let settings = PretrainConfig {
            checkpoint_every_steps: 25,
            ..PretrainConfig::default()
        };
        let course = course(&[3.0, 2.0, 2.5, 1.5, 1.0], 3);
        // Killed after step 50 and before its checkpoint, the run goes on from step 25, where step 20 was best.
        assert_eq!(course.still_needed(50, &settings), 20);
        assert_eq!(course.still_needed(60, &settings), 50);
    }
}
