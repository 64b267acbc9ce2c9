//! The fitting inside the stage tokenize: how far it is, stop and pause within a sweep, and what a run that was
//! killed goes on from.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::engine::config::ExperimentConfig;
use crate::engine::embedding::ItemEmbeddings;
use crate::engine::error::EngineError;
use crate::engine::event::{EngineEvent, NoticeLevel, Stage};
use crate::engine::tokenizer::unfinished::Unfinished;
use crate::engine::tokenizer::{
    self, FitState, FitStep, FittedTokenizer, Method, TokenizerConfig, TokenizerError,
};
use crate::engine::train::ctx::StageCtx;

/// Units of progress per level, and for what comes after the levels.
const UNITS: u64 = 1000;
/// Progress within a sweep is told at most this often: all of it goes to the journal.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// Units of progress of the whole stage.
pub(super) fn n_units(config: &ExperimentConfig) -> u64 {
    alignment_units(config) + UNITS * (config.tokenizer.n_levels as u64 + 1)
}

/// Units of progress of the alignment of the item vectors, which comes before the levels.
pub(super) fn alignment_units(config: &ExperimentConfig) -> u64 {
    if config.embedding.alignment.steps > 0 {
        UNITS
    } else {
        0
    }
}

/// Fits the tokenizer, from the beginning or from what an earlier process left. What it keeps meanwhile is to be
/// removed when everything is written.
///
/// # Errors
/// Of the fit, or if what it has cannot be kept; [`EngineError::Stopped`] after a stop.
pub(super) fn fit_codes(
    ctx: &mut StageCtx<'_>,
    embeddings: &ItemEmbeddings,
) -> Result<(FittedTokenizer, Option<Unfinished>), EngineError> {
    let (config, seed) = (&ctx.config.tokenizer, ctx.config.seed);
    // The other methods begin anew, see `fit_from`.
    let mut unfinished = (config.method == Method::ResidualKmeans).then(|| {
        let folder = ctx.dir.stage_dir(Stage::Tokenize);
        Unfinished::new(&folder, embeddings, config, seed)
    });
    let state = unfinished.as_ref().and_then(Unfinished::load);
    let state = state.unwrap_or_default();
    if state != FitState::default() {
        let n_sweeps = state.at_hand.as_ref().map_or(0, |level| level.n_sweeps);
        let text = format!(
            "going on with level {}, of which {n_sweeps} sweeps are done",
            state.levels.len() + 1
        );
        ctx.reporter
            .notice(NoticeLevel::Info, Stage::Tokenize, text)?;
    }
    let device = ctx.device.clone();
    let mut pace = Pace::default();
    let mut trouble = Ok(());
    let fitted = tokenizer::fit_from(state, embeddings, config, seed, &device, &mut |step| {
        trouble = hear(ctx, &mut unfinished, &mut pace, step);
        if trouble.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    trouble?;
    match fitted {
        Err(TokenizerError::Stopped) => Err(EngineError::Stopped),
        other => Ok((other?, unfinished)),
    }
}

fn hear(
    ctx: &mut StageCtx<'_>,
    unfinished: &mut Option<Unfinished>,
    pace: &mut Pace,
    step: FitStep<'_>,
) -> Result<(), EngineError> {
    let config = &ctx.config.tokenizer;
    let (level_idx, done, doing) = match step {
        FitStep::State(state) => {
            return match unfinished {
                Some(unfinished) => unfinished.keep(state, ctx.control.is_stopping()),
                None => Ok(()),
            };
        }
        FitStep::Level(level) => {
            ctx.reporter
                .emit(EngineEvent::CodebookUpdated(level.clone()))?;
            let n_sweeps = level.iteration;
            let done = Some(units_done(
                config,
                level.level_idx,
                n_sweeps,
                0.0,
                level.is_final,
            ));
            (
                level.level_idx,
                done,
                fitting(config, level.level_idx, n_sweeps),
            )
        }
        FitStep::Within {
            level_idx,
            sweep,
            done_frac,
        } => {
            let done = pace
                .is_due()
                .then(|| units_done(config, level_idx, sweep - 1, done_frac, false));
            (level_idx, done, fitting(config, level_idx, sweep))
        }
        FitStep::After { doing, done_frac } => {
            // Reading and writing come after it.
            let units = (UNITS as f64 * 0.9 * done_frac) as u64;
            let done = UNITS * config.n_levels as u64 + units;
            (
                config.n_levels,
                pace.is_due().then_some(done),
                doing.to_owned(),
            )
        }
    };
    if let Some(done) = done {
        let done = alignment_units(ctx.config) + done;
        ctx.reporter
            .progress(Stage::Tokenize, done, n_units(ctx.config), &doing)?;
    }
    if ctx.wants_stop(Stage::Tokenize, level_idx as u64)? {
        return Err(EngineError::Stopped);
    }
    Ok(())
}

fn fitting(config: &TokenizerConfig, level_idx: usize, sweep: usize) -> String {
    let n_levels = config.n_levels;
    format!(
        "fitting level {} of {n_levels}, sweep {sweep}",
        level_idx + 1
    )
}

/// Units done after some sweeps of a level and a share of the next one. A level may settle early.
fn units_done(
    config: &TokenizerConfig,
    level_idx: usize,
    n_sweeps: usize,
    done_frac: f64,
    is_final: bool,
) -> u64 {
    let share_of = |most: usize| ((n_sweeps as f64 + done_frac) / most.max(1) as f64).min(1.0);
    let levels = match config.method {
        // Steps of training, in which all levels move together.
        Method::RqVae | Method::RqKmeansPlus => {
            config.n_levels as f64 * share_of(config.rq_vae.steps)
        }
        _ if is_final => level_idx as f64 + 1.0,
        Method::ResidualKmeans | Method::ProductKmeans | Method::Hash => {
            level_idx as f64 + share_of(config.max_iterations)
        }
    };
    (UNITS as f64 * levels) as u64
}

/// Says when the next word on progress is due.
#[derive(Default)]
pub(super) struct Pace {
    last_told: Option<Instant>,
}

impl Pace {
    /// True at most every half a second.
    pub(super) fn is_due(&mut self) -> bool {
        let is_due = self
            .last_told
            .is_none_or(|told| told.elapsed() >= TELL_EVERY);
        if is_due {
            self.last_told = Some(Instant::now());
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_rise_with_sweeps_and_levels() {
        let config = TokenizerConfig {
            max_iterations: 10,
            ..TokenizerConfig::default()
        };
        assert_eq!(units_done(&config, 0, 0, 0.5, false), 50);
        assert_eq!(units_done(&config, 1, 3, 0.0, false), 1300);
        // Settled early, or a last search after the last sweep.
        assert_eq!(units_done(&config, 1, 3, 0.0, true), 2000);
        assert_eq!(units_done(&config, 1, 10, 0.7, false), 2000);
        let learned = TokenizerConfig {
            method: Method::RqVae,
            ..config
        };
        let half = learned.rq_vae.steps / 2;
        assert_eq!(units_done(&learned, 2, half, 0.0, false), 1500);
    }
}
