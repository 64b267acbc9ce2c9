//! Residual quantisation: each level clusters what the levels before left over. [A 3.1; B 2.1.2]
//!
//! The paper gives two rules for the code of a training item, the balanced label (Alg. 1) and the nearest
//! centroid (the equation); [`Assignment`] chooses. Unbalanced clusters have the second only.
//!
//! Difference from the papers: after the first level, plain K-means begins halfway between its random points and
//! their mean, which is zero. A point of residuals in many dimensions is nearest to nobody but itself, while one
//! centroid near zero gets a large part of all others; where there are few points per code, Lloyd's sweeps do not mend that.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::balanced_kmeans::balanced_kmeans;
use super::clustering::{Clustering, Points, Sweep};
use super::codebook::{Codebooks, subtract};
use super::fit_state::{FitState, FitStep, FittedLevel};
use super::health::level_health;
use super::kmeans::kmeans;
use super::nearest::Index;
use super::report::CodebookLevel;
use super::{Assignment, Balance, Code, TokenizerConfig, TokenizerError};
use crate::engine::embedding::{ItemEmbeddings, squared_distance};
use crate::engine::seed::Seed;

/// What first centroids of plain K-means are multiplied with after the first level.
const INWARD: f32 = 0.5;

/// Codewords of all levels and the codes of the items they were fitted to.
#[derive(Clone, Debug, PartialEq)]
pub struct ResidualFit {
    /// The codewords.
    pub codebooks: Codebooks,
    /// `[n_items * n_levels]`, by the configured assignment, before any collision policy.
    pub codes: Vec<Code>,
    /// Sweeps done per level.
    pub sweeps: Vec<usize>,
}

/// Fits all levels, one after the other, from the beginning or from what an earlier call told as [`FitStep::State`].
///
/// `on_step` hears of every sweep and level, and may stop the fitting.
///
/// # Errors
/// If `on_step` asked to stop.
pub fn fit_residual(
    embeddings: &ItemEmbeddings,
    config: &TokenizerConfig,
    seed: Seed,
    mut state: FitState,
    on_step: &mut dyn FnMut(FitStep<'_>) -> ControlFlow<()>,
) -> Result<ResidualFit, TokenizerError> {
    let dim = embeddings.dim;
    let mut residuals = embeddings.values.clone();
    for level in &state.levels {
        leave_over(&mut residuals, dim, level);
    }
    while state.levels.len() < config.n_levels {
        fit_level(&residuals, dim, config, seed, &mut state, on_step)?;
        if let Some(level) = state.levels.last() {
            leave_over(&mut residuals, dim, level);
        }
    }
    let codes = (0..embeddings.n_items())
        .flat_map(|item_idx| state.levels.iter().map(move |level| level.codes[item_idx]))
        .collect();
    let codewords = state.levels.iter().flat_map(|level| &level.codewords);
    let codewords = codewords.copied().collect();
    Ok(ResidualFit {
        codebooks: Codebooks::new(config.n_levels, config.codebook_size, dim, codewords),
        codes,
        sweeps: state.levels.iter().map(|level| level.n_sweeps).collect(),
    })
}

/// Takes from every row the codeword of its code.
fn leave_over(residuals: &mut [f32], dim: usize, level: &FittedLevel) {
    residuals
        .par_chunks_exact_mut(dim)
        .zip(&level.codes)
        .for_each(|(row, code)| subtract(row, codeword(&level.codewords, dim, *code)));
}

/// Completes the level at hand, or the next one, and adds it to the state.
fn fit_level(
    residuals: &[f32],
    dim: usize,
    config: &TokenizerConfig,
    seed: Seed,
    state: &mut FitState,
    on_step: &mut dyn FnMut(FitStep<'_>) -> ControlFlow<()>,
) -> Result<(), TokenizerError> {
    let points = Points {
        values: residuals,
        dim,
    };
    let level_idx = state.levels.len();
    let health = |codes: &[Code], residual_error, iteration, is_final| CodebookLevel {
        iteration,
        is_final,
        ..level_health(
            level_idx,
            config.codebook_size,
            codes.iter().copied(),
            residual_error,
        )
    };
    let within = |sweep, done_frac| FitStep::Within {
        level_idx,
        sweep,
        done_frac,
    };
    let start = match state.at_hand.take() {
        Some(clustering) => clustering,
        None => {
            let mut rng = seed.rng("tokenizer.centroids", level_idx as u64);
            let centroids = config.init.centroids(
                points,
                config.codebook_size,
                &mut rng,
                // Looking for them is no part of a sweep: the first has not begun yet.
                &mut |_| on_step(within(1, 0.0)),
            );
            let mut centroids = centroids.ok_or(TokenizerError::Stopped)?;
            if config.balance == Balance::None && level_idx > 0 {
                for value in &mut centroids {
                    *value *= INWARD;
                }
            }
            Clustering::starting(centroids)
        }
    };
    let mut sweep = start.n_sweeps + 1;
    let mut watch = |told: Sweep<'_>| match told {
        Sweep::Within(done_frac) => on_step(within(sweep, done_frac)),
        Sweep::Done {
            state: clustering,
            inertia,
        } => {
            sweep += 1;
            state.at_hand = Some(clustering.clone());
            on_step(FitStep::State(state))?;
            let error = inertia / residuals.len() as f64;
            let n_sweeps = clustering.n_sweeps;
            on_step(FitStep::Level(&health(
                &clustering.labels,
                error,
                n_sweeps,
                false,
            )))
        }
    };
    let max_sweeps = config.max_iterations.max(1);
    let clustering = match config.balance {
        Balance::None => kmeans(points, start, max_sweeps, &mut watch),
        Balance::Greedy => balanced_kmeans(points, start, max_sweeps, &mut watch),
    }
    .ok_or(TokenizerError::Stopped)?;
    let n_sweeps = clustering.n_sweeps;
    let keeps_labels = config.balance != Balance::None && config.assignment == Assignment::Balanced;
    let codes = if keeps_labels {
        clustering.labels
    } else {
        let codewords = Points {
            values: &clustering.centroids,
            dim,
        };
        let found = Index::new(codewords)
            .find(points, &mut |done_frac| {
                on_step(within(n_sweeps, done_frac))
            })
            .ok_or(TokenizerError::Stopped)?;
        found.into_iter().map(|found| found.code).collect()
    };
    let error = quantisation_error(points, &clustering.centroids, &codes);
    let complete = health(&codes, error, n_sweeps, true);
    state.at_hand = None;
    state.levels.push(FittedLevel {
        codewords: clustering.centroids,
        codes,
        n_sweeps,
    });
    let is_broken =
        on_step(FitStep::State(state)).is_break() || on_step(FitStep::Level(&complete)).is_break();
    if is_broken {
        return Err(TokenizerError::Stopped);
    }
    Ok(())
}

/// Mean over points and dimensions of the squared distance to the codeword.
fn quantisation_error(points: Points<'_>, codewords: &[f32], codes: &[Code]) -> f64 {
    let errors: Vec<f32> = codes
        .par_iter()
        .enumerate()
        .with_min_len(2048)
        .map(|(idx, code)| {
            squared_distance(points.row(idx), codeword(codewords, points.dim, *code))
        })
        .collect();
    let sum: f64 = errors.into_iter().map(f64::from).sum();
    sum / points.values.len() as f64
}

fn codeword(codewords: &[f32], dim: usize, code: Code) -> &[f32] {
    &codewords[usize::from(code) * dim..(usize::from(code) + 1) * dim]
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;
    use crate::engine::tokenizer::Init;

    fn items() -> ItemEmbeddings {
        let mut rng = Seed(11).rng("test.items", 0);
        ItemEmbeddings {
            values: (0..900 * 5).map(|_| rng.random_range(-1.0..1.0)).collect(),
            dim: 5,
        }
    }

    #[test]
    fn broken_off_anywhere_and_continued_is_the_whole_fit_bit_for_bit() {
        let items = items();
        for (balance, assignment) in [
            (Balance::None, Assignment::Nearest),
            (Balance::Greedy, Assignment::Balanced),
            (Balance::Greedy, Assignment::Nearest),
        ] {
            let config = TokenizerConfig {
                codebook_size: 20,
                max_iterations: 4,
                balance,
                assignment,
                init: Init::KmeansPlusPlus,
                ..TokenizerConfig::default()
            };
            // Every state in between, and all that is told from it on.
            let mut states = vec![FitState::default()];
            let mut told: Vec<CodebookLevel> = Vec::new();
            let mut n_told = vec![0];
            let whole = fit_residual(&items, &config, Seed(3), FitState::default(), &mut |step| {
                match step {
                    FitStep::State(state) => {
                        states.push(state.clone());
                        n_told.push(told.len());
                    }
                    FitStep::Level(level) => told.push(level.clone()),
                    FitStep::Within { .. } | FitStep::After { .. } => {}
                }
                ControlFlow::Continue(())
            })
            .unwrap();
            assert!(states.len() > 3 * 3, "{} states", states.len());
            for (state, n_told) in states.into_iter().zip(n_told) {
                let mut again = Vec::new();
                let continued =
                    fit_residual(&items, &config, Seed(3), state.clone(), &mut |step| {
                        if let FitStep::Level(level) = step {
                            again.push(level.clone());
                        }
                        ControlFlow::Continue(())
                    });
                assert_eq!(continued.unwrap(), whole, "{balance:?}");
                // The health of the state's own sweep or level was still to come when it was told.
                let own = usize::from(state != FitState::default());
                assert_eq!(again, told[n_told + own..], "{balance:?}");
            }
        }
    }

    #[test]
    fn few_points_per_code_do_not_gather_around_zero() {
        let mut rng = Seed(4).rng("test.items", 0);
        let items = ItemEmbeddings {
            values: (0..1500 * 48)
                .map(|_| rng.random_range(-1.0..1.0))
                .collect(),
            dim: 48,
        };
        let config = TokenizerConfig {
            n_levels: 2,
            codebook_size: 150,
            max_iterations: 8,
            balance: Balance::None,
            ..TokenizerConfig::default()
        };
        let fitted = fit_residual(&items, &config, Seed(1), FitState::default(), &mut |_| {
            ControlFlow::Continue(())
        });
        let mut load = vec![0; 150];
        for sid in fitted.unwrap().codes.chunks_exact(2) {
            load[usize::from(sid[1])] += 1;
        }
        let n_lonely = load.iter().filter(|n_items| **n_items <= 1).count();
        assert!(
            n_lonely < 15,
            "{n_lonely} of 150 codes of the second level have one item at most"
        );
    }

    #[test]
    fn a_stop_within_the_first_sweep_is_heard() {
        let stopped = fit_residual(
            &items(),
            &TokenizerConfig {
                codebook_size: 20,
                ..TokenizerConfig::default()
            },
            Seed(3),
            FitState::default(),
            &mut |step| match step {
                FitStep::Within { .. } => ControlFlow::Break(()),
                told => panic!("told after a stop: {told:?}"),
            },
        );
        assert!(matches!(stopped, Err(TokenizerError::Stopped)));
    }
}
