//! The frozen copies that generate candidates and that the policy is compared with. [A Alg. 2; B 3.3]
//!
//! A snapshot is saved when it is taken, so that a run resumed in the middle goes on with the same one. How old it
//! can be is a setting: never more than `snapshot_every_steps` steps.

use std::path::PathBuf;

use burn::module::Module as _;

use crate::engine::checkpoint::weights;
use crate::engine::error::EngineError;
use crate::engine::event::Stage;
use crate::engine::model::Generator;
use crate::engine::train::config::Reference;
use crate::engine::train::ctx::StageCtx;

/// The reference of the steps so far.
pub(super) struct Snapshots<'a> {
    base: &'a Generator,
    /// Number of the snapshot in use, and the snapshot.
    current: Option<(u64, Generator)>,
}

impl<'a> Snapshots<'a> {
    /// `base` is the pretrained generator.
    pub(super) fn new(base: &'a Generator) -> Self {
        Self {
            base,
            current: None,
        }
    }

    /// The reference of a step: the policy as it was before the step at which the last snapshot fell due, or the
    /// pretrained generator where the settings say so.
    ///
    /// # Errors
    /// If a snapshot cannot be written or read.
    pub(super) fn at(
        &mut self,
        ctx: &StageCtx<'_>,
        policy: &Generator,
        step: u64,
    ) -> Result<&Generator, EngineError> {
        let settings = &ctx.config.align;
        if settings.reference == Reference::Pretrained {
            return Ok(self.base);
        }
        let every = settings.snapshot_every_steps();
        let number = step / every;
        let taken = match self.current.take() {
            Some((of, model)) if of == number => (of, model),
            _ => {
                let frozen = policy.valid();
                let path = path(ctx, number);
                let model = if step.is_multiple_of(every) {
                    weights::save(&frozen, &path)?;
                    forget(
                        ctx,
                        oldest_needed(step, every, settings.checkpoint_every_steps),
                    );
                    frozen
                } else {
                    weights::load(frozen, &path)?
                };
                (number, model)
            }
        };
        Ok(&self.current.insert(taken).1)
    }
}

fn path(ctx: &StageCtx<'_>, number: u64) -> PathBuf {
    ctx.dir
        .stage_dir(Stage::Align)
        .join(format!("reference_{number}.safetensors"))
}

/// The first snapshot that a run resumed from the last or the last but one checkpoint would ask for.
fn oldest_needed(step: u64, every: u64, checkpoint_every: u64) -> u64 {
    let last = step / checkpoint_every * checkpoint_every;
    last.saturating_sub(checkpoint_every) / every
}

/// Removes the snapshots before `oldest`, as far back as there are any.
fn forget(ctx: &StageCtx<'_>, oldest: u64) {
    for number in (0..oldest).rev() {
        // Whatever cannot be removed costs disk space and nothing else.
        if std::fs::remove_file(path(ctx, number)).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_resumed_run_needs_is_kept() {
        for every in [1, 3, 10] {
            for checkpoint_every in [1, 4, 25] {
                for step in 0..120_u64 {
                    let oldest = oldest_needed(step, every, checkpoint_every);
                    let last = step / checkpoint_every * checkpoint_every;
                    for resumed_at in [last, last.saturating_sub(checkpoint_every)] {
                        // A resume at a snapshot's own step takes it anew.
                        assert!(
                            resumed_at / every >= oldest,
                            "{step} {every} {checkpoint_every}"
                        );
                    }
                }
            }
        }
        assert_eq!(oldest_needed(100, 10, 50), 5);
    }
}
