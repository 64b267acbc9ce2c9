//! Fitting semantic IDs to item vectors: balanced residual K-means level by level, then collisions. [A 3.1]
//!
//! The paper gives two rules for the code of a training item, the balanced label (Alg. 1) and the nearest
//! centroid (the equation); [`Assignment`] chooses, and the report holds the figures of both.

use std::ops::ControlFlow;

use super::balanced_kmeans::{Points, balanced_kmeans};
use super::codebook::{Codebooks, subtract};
use super::metrics::{collisions, level_health, mean_square};
use super::report::{CodebookLevel, TokenizerReport};
use super::{
    Assignment, Code, CollisionPolicy, SemanticIdTable, TokenizerConfig, TokenizerError, collision,
};
use crate::engine::embedding::{ItemEmbeddings, squared_distance};
use crate::engine::seed::Seed;

/// Codebooks, the IDs of all items, and their health.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedTokenizer {
    /// The settings it was made with.
    pub config: TokenizerConfig,
    /// The codewords.
    pub codebooks: Codebooks,
    /// The semantic ID of every item, and back.
    pub table: SemanticIdTable,
    /// Health.
    pub report: TokenizerReport,
}

/// Makes semantic IDs for all items.
///
/// `on_sweep` sees the health of the level after every sweep and once more when it is complete,
/// and may stop the fitting.
///
/// # Errors
/// If there are fewer items than codes, a vector is not finite, or `on_sweep` asked to stop.
pub fn fit(
    embeddings: &ItemEmbeddings,
    config: &TokenizerConfig,
    seed: Seed,
    on_sweep: &mut dyn FnMut(&CodebookLevel) -> ControlFlow<()>,
) -> Result<FittedTokenizer, TokenizerError> {
    check(embeddings, config)?;
    let n_items = embeddings.n_items();
    let mut residuals = embeddings.values.clone();
    let mut codewords = Vec::new();
    let mut labels: Vec<Vec<Code>> = Vec::new();
    let mut sweeps = Vec::new();
    for level_idx in 0..config.n_levels {
        let fitted = fit_level(
            &residuals,
            embeddings.dim,
            level_idx,
            config,
            seed,
            on_sweep,
        )?;
        for (row, code) in residuals
            .chunks_exact_mut(embeddings.dim)
            .zip(&fitted.codes)
        {
            subtract(row, codeword(&fitted.codewords, embeddings.dim, *code));
        }
        codewords.extend(fitted.codewords);
        labels.push(fitted.codes);
        sweeps.push(fitted.n_sweeps);
    }
    let codebooks = Codebooks::new(
        config.n_levels,
        config.codebook_size,
        embeddings.dim,
        codewords,
    );
    let mut codes: Vec<Code> = (0..n_items)
        .flat_map(|item_idx| labels.iter().map(move |level| level[item_idx]))
        .collect();
    let before = SemanticIdTable::new(config.n_levels, config.codebook_size, codes.clone());
    if config.collisions == CollisionPolicy::Reassign {
        collision::reassign(&codebooks, embeddings, &mut codes);
    }
    let table = SemanticIdTable::new(config.n_levels, config.codebook_size, codes);
    let report = report(&codebooks, embeddings, &before, &table, &sweeps);
    Ok(FittedTokenizer {
        config: config.clone(),
        codebooks,
        table,
        report,
    })
}

fn check(embeddings: &ItemEmbeddings, config: &TokenizerConfig) -> Result<(), TokenizerError> {
    if embeddings.n_items() < config.codebook_size {
        return Err(TokenizerError::TooFewItems {
            codebook_size: config.codebook_size,
            n_items: embeddings.n_items(),
        });
    }
    match embeddings
        .values
        .iter()
        .position(|value| !value.is_finite())
    {
        Some(idx) => Err(TokenizerError::NotFinite {
            item_idx: idx / embeddings.dim,
            column: idx % embeddings.dim,
            value: embeddings.values[idx].to_string(),
        }),
        None => Ok(()),
    }
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
    let clustering = balanced_kmeans(
        points,
        config.codebook_size,
        config.max_iterations.max(1),
        &mut rng,
        &mut |state| {
            on_sweep(&health(
                &state.centroids,
                &state.labels,
                state.n_sweeps,
                false,
            ))
        },
    )
    .ok_or(TokenizerError::Stopped)?;
    let codes = match config.assignment {
        Assignment::Balanced => clustering.labels,
        Assignment::Nearest => {
            Codebooks::new(1, config.codebook_size, dim, clustering.centroids.clone())
                .encode(residuals)
        }
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
    let sum: f64 = codes
        .iter()
        .enumerate()
        .map(|(idx, code)| {
            f64::from(squared_distance(
                points.row(idx),
                codeword(codewords, points.dim, *code),
            ))
        })
        .sum();
    sum / points.values.len() as f64
}

fn codeword(codewords: &[f32], dim: usize, code: Code) -> &[f32] {
    &codewords[usize::from(code) * dim..(usize::from(code) + 1) * dim]
}

/// The health of the finished table, and what the other choices would have given.
fn report(
    codebooks: &Codebooks,
    embeddings: &ItemEmbeddings,
    before: &SemanticIdTable,
    table: &SemanticIdTable,
    sweeps: &[usize],
) -> TokenizerReport {
    let (n_levels, codebook_size) = (table.n_levels(), table.codebook_size());
    let level_codes = |codes: &[Code], level_idx: usize| -> Vec<Code> {
        codes
            .iter()
            .skip(level_idx)
            .step_by(n_levels)
            .copied()
            .collect()
    };
    let mut residuals = embeddings.values.clone();
    let mut levels = Vec::with_capacity(n_levels);
    for (level_idx, n_sweeps) in sweeps.iter().enumerate() {
        let codes = level_codes(table.codes(), level_idx);
        for (row, code) in residuals.chunks_exact_mut(embeddings.dim).zip(&codes) {
            subtract(row, codebooks.codeword(level_idx, *code));
        }
        levels.push(CodebookLevel {
            iteration: *n_sweeps,
            is_final: true,
            ..level_health(
                level_idx,
                codebook_size,
                codes.into_iter(),
                mean_square(&residuals),
            )
        });
    }
    let nearest = codebooks.encode(&embeddings.values);
    let entropy_nats_nearest = (0..n_levels)
        .map(|level_idx| {
            let codes = level_codes(&nearest, level_idx);
            level_health(level_idx, codebook_size, codes.into_iter(), 0.0).entropy_nats
        })
        .collect();
    let shared = collisions(table);
    TokenizerReport {
        levels,
        collision_rate: shared.rate,
        collision_rate_before: collisions(before).rate,
        collision_rate_nearest: collisions(&SemanticIdTable::new(n_levels, codebook_size, nearest))
            .rate,
        entropy_nats_nearest,
        items_sharing: shared.items_sharing,
        largest_group: shared.largest_group,
        distinct_ids: shared.distinct_ids,
        reconstruction_error: mean_square(&residuals),
        vector_power: mean_square(&embeddings.values),
    }
}
