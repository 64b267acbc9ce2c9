//! Residual quantisation: each level clusters what the levels before left over. [A 3.1; B 2.1.2]
//!
//! The paper gives two rules for the code of a training item, the balanced label (Alg. 1) and the nearest
//! centroid (the equation); [`Assignment`] chooses. Unbalanced clusters have the second only.

use std::ops::ControlFlow;

use rayon::prelude::*;

use super::balanced_kmeans::balanced_kmeans;
use super::clustering::{Clustering, Points};
use super::codebook::{Codebooks, subtract};
use super::health::level_health;
use super::kmeans::kmeans;
use super::nearest::Index;
use super::report::CodebookLevel;
use super::{Assignment, Balance, Code, TokenizerConfig, TokenizerError};
use crate::engine::embedding::{ItemEmbeddings, squared_distance};
use crate::engine::seed::Seed;

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

/// Fits all levels, one after the other.
///
/// `on_sweep` sees the health of the level after every sweep and once more when it is complete,
/// and may stop the fitting.
///
/// # Errors
/// If `on_sweep` asked to stop.
pub fn fit_residual(
    embeddings: &ItemEmbeddings,
    config: &TokenizerConfig,
    seed: Seed,
    on_sweep: &mut dyn FnMut(&CodebookLevel) -> ControlFlow<()>,
) -> Result<ResidualFit, TokenizerError> {
    let dim = embeddings.dim;
    let mut residuals = embeddings.values.clone();
    let mut codewords = Vec::new();
    let mut labels: Vec<Vec<Code>> = Vec::new();
    let mut sweeps = Vec::new();
    for level_idx in 0..config.n_levels {
        let fitted = fit_level(&residuals, dim, level_idx, config, seed, on_sweep)?;
        residuals
            .par_chunks_exact_mut(dim)
            .zip(&fitted.codes)
            .for_each(|(row, code)| subtract(row, codeword(&fitted.codewords, dim, *code)));
        codewords.extend(fitted.codewords);
        labels.push(fitted.codes);
        sweeps.push(fitted.n_sweeps);
    }
    let codes = (0..embeddings.n_items())
        .flat_map(|item_idx| labels.iter().map(move |level| level[item_idx]))
        .collect();
    Ok(ResidualFit {
        codebooks: Codebooks::new(config.n_levels, config.codebook_size, dim, codewords),
        codes,
        sweeps,
    })
}

struct FittedLevel {
    /// `[codebook_size * dim]`.
    codewords: Vec<f32>,
    /// One per item, by the configured assignment.
    codes: Vec<Code>,
    n_sweeps: usize,
}

fn fit_level(
    residuals: &[f32],
    dim: usize,
    level_idx: usize,
    config: &TokenizerConfig,
    seed: Seed,
    on_sweep: &mut dyn FnMut(&CodebookLevel) -> ControlFlow<()>,
) -> Result<FittedLevel, TokenizerError> {
    let points = Points {
        values: residuals,
        dim,
    };
    let health = |codewords: &[f32], codes: &[Code], iteration, is_final| CodebookLevel {
        iteration,
        is_final,
        ..level_health(
            level_idx,
            config.codebook_size,
            codes.iter().copied(),
            quantisation_error(points, codewords, codes),
        )
    };
    let mut rng = seed.rng("tokenizer.centroids", level_idx as u64);
    let first = config
        .init
        .centroids(points, config.codebook_size, &mut rng);
    let mut after_sweep = |state: &Clustering| {
        on_sweep(&health(
            &state.centroids,
            &state.labels,
            state.n_sweeps,
            false,
        ))
    };
    let mut pulse = || ControlFlow::Continue(());
    let max_sweeps = config.max_iterations.max(1);
    let clustering = match config.balance {
        Balance::None => kmeans(points, first, max_sweeps, &mut after_sweep, &mut pulse),
        Balance::Greedy => balanced_kmeans(points, first, max_sweeps, &mut after_sweep, &mut pulse),
    }
    .ok_or(TokenizerError::Stopped)?;
    let keeps_labels = config.balance != Balance::None && config.assignment == Assignment::Balanced;
    let codes = if keeps_labels {
        clustering.labels
    } else {
        let codewords = Points {
            values: &clustering.centroids,
            dim,
        };
        let found = Index::new(codewords)
            .find(points, &mut pulse)
            .ok_or(TokenizerError::Stopped)?;
        found.into_iter().map(|found| found.code).collect()
    };
    let complete = health(&clustering.centroids, &codes, clustering.n_sweeps, true);
    if on_sweep(&complete).is_break() {
        return Err(TokenizerError::Stopped);
    }
    Ok(FittedLevel {
        codewords: clustering.centroids,
        codes,
        n_sweeps: clustering.n_sweeps,
    })
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
