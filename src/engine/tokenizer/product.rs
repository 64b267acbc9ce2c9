//! Product quantisation: each level clusters its own part of the vector. A floor: its codes know no hierarchy.

use std::ops::ControlFlow;

use super::codebook::Codebooks;
use super::fit_state::{FitState, FitStep};
use super::report::CodebookLevel;
use super::residual::{ResidualFit, fit_residual};
use super::{TokenizerConfig, TokenizerError};
use crate::engine::embedding::ItemEmbeddings;
use crate::engine::seed::Seed;

/// Fits one codebook per part of the vectors; the codewords are zero outside their part, so that they add up.
///
/// # Errors
/// If there are more levels than dimensions, or `on_step` asked to stop.
pub fn fit_product(
    embeddings: &ItemEmbeddings,
    config: &TokenizerConfig,
    seed: Seed,
    on_step: &mut dyn FnMut(FitStep<'_>) -> ControlFlow<()>,
) -> Result<ResidualFit, TokenizerError> {
    let (n_levels, dim) = (config.n_levels, embeddings.dim);
    if dim < n_levels {
        return Err(TokenizerError::TooFewDimensions { n_levels, dim });
    }
    let part_config = TokenizerConfig {
        n_levels: 1,
        ..config.clone()
    };
    let mut codewords = vec![0.0; n_levels * config.codebook_size * dim];
    let mut codes = vec![0; n_levels * embeddings.n_items()];
    let mut sweeps = Vec::with_capacity(n_levels);
    for level_idx in 0..n_levels {
        let columns = level_idx * dim / n_levels..(level_idx + 1) * dim / n_levels;
        let part = ItemEmbeddings {
            values: embeddings
                .values
                .chunks_exact(dim)
                .flat_map(|row| &row[columns.clone()])
                .copied()
                .collect(),
            dim: columns.len(),
        };
        let part_seed = Seed(seed.derive("tokenizer.part", level_idx as u64));
        let none = FitState::default();
        let fitted = fit_residual(&part, &part_config, part_seed, none, &mut |step| {
            // Each part is one level of a fit of its own.
            match step {
                FitStep::Level(level) => on_step(FitStep::Level(&CodebookLevel {
                    level_idx,
                    ..level.clone()
                })),
                FitStep::Within {
                    sweep, done_frac, ..
                } => on_step(FitStep::Within {
                    level_idx,
                    sweep,
                    done_frac,
                }),
                FitStep::State(_) | FitStep::After { .. } => ControlFlow::Continue(()),
            }
        })?;
        let level = &mut codewords[level_idx * config.codebook_size * dim..];
        for (row, part) in level
            .chunks_exact_mut(dim)
            .zip(fitted.codebooks.values().chunks_exact(part.dim))
        {
            row[columns.clone()].copy_from_slice(part);
        }
        for (sid, code) in codes.chunks_exact_mut(n_levels).zip(&fitted.codes) {
            sid[level_idx] = *code;
        }
        sweeps.extend(fitted.sweeps);
    }
    Ok(ResidualFit {
        codebooks: Codebooks::new(n_levels, config.codebook_size, dim, codewords),
        codes,
        sweeps,
    })
}
