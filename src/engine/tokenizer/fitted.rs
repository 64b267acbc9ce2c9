//! Semantic IDs that are finished: what encodes, the table after the collision policy, and its health. The codes may come
//! from a fit or from a table that was made elsewhere.

use std::ops::ControlFlow;

use super::fit::check_finite;
use super::fit_state::FitStep;
use super::health::{collisions, mean_square, table_report};
use super::quantizer::{Quantizer, residual_means};
use super::report::TokenizerReport;
use super::{Code, SemanticIdTable, TokenizerConfig, TokenizerError, collision};
use crate::engine::embedding::ItemEmbeddings;

/// What encodes, the IDs of all items, and their health.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedTokenizer {
    /// The settings it was made with.
    pub config: TokenizerConfig,
    /// Vectors to codes and back.
    pub quantizer: Quantizer,
    /// The semantic ID of every item, and back.
    pub table: SemanticIdTable,
    /// Health.
    pub report: TokenizerReport,
}

/// Takes over semantic IDs made elsewhere, one row per item. Levels and codes per level are those of the table; its
/// codewords are the means of what each level leaves to the next, so that new items can be encoded, too.
///
/// # Errors
/// If the table has another number of items, or a vector is not finite.
pub fn adopt(
    embeddings: &ItemEmbeddings,
    table: &SemanticIdTable,
    config: &TokenizerConfig,
) -> Result<FittedTokenizer, TokenizerError> {
    check_finite(embeddings)?;
    if table.n_items() != embeddings.n_items() {
        return Err(TokenizerError::OtherItems {
            n_items: embeddings.n_items(),
            n_rows: table.n_items(),
        });
    }
    let (n_levels, codebook_size) = (table.n_levels(), table.codebook_size());
    let codebooks = residual_means(
        &embeddings.values,
        embeddings.dim,
        table.codes(),
        n_levels,
        codebook_size,
    );
    let config = TokenizerConfig {
        n_levels,
        codebook_size,
        ..config.clone()
    };
    let sweeps = vec![1; n_levels];
    finish(
        config,
        Quantizer::residual(codebooks),
        embeddings,
        table,
        &sweeps,
        &mut |_| ControlFlow::Continue(()),
    )
}

/// Settles collisions and judges the table.
pub(super) fn finish(
    config: TokenizerConfig,
    quantizer: Quantizer,
    embeddings: &ItemEmbeddings,
    before: &SemanticIdTable,
    sweeps: &[usize],
    on_step: &mut dyn FnMut(FitStep<'_>) -> ControlFlow<()>,
) -> Result<FittedTokenizer, TokenizerError> {
    let table = collision::resolve(
        &quantizer,
        embeddings,
        before,
        config.collisions,
        &mut |done_frac| {
            on_step(FitStep::After {
                doing: "separating items that share an ID",
                done_frac,
            })
        },
    )?;
    let report = report(
        &quantizer,
        embeddings,
        before,
        &table,
        sweeps,
        &mut |done_frac| {
            on_step(FitStep::After {
                doing: "judging the codes",
                done_frac,
            })
        },
    )?;
    Ok(FittedTokenizer {
        config,
        quantizer,
        table,
        report,
    })
}

/// The health of the finished table, and what the other choices would have given.
fn report(
    quantizer: &Quantizer,
    embeddings: &ItemEmbeddings,
    before: &SemanticIdTable,
    table: &SemanticIdTable,
    sweeps: &[usize],
    pulse: &mut dyn FnMut(f64) -> ControlFlow<()>,
) -> Result<TokenizerReport, TokenizerError> {
    // A level that only numbers the items of one ID describes nothing of the vectors.
    let n_described = quantizer.n_levels();
    let described: Vec<Code> = table
        .codes()
        .chunks_exact(table.n_levels())
        .flat_map(|sid| &sid[..n_described])
        .copied()
        .collect();
    let errors = quantizer.errors(&embeddings.values, &described);
    let last_error = errors.last().copied().unwrap_or_default();
    let mut report = table_report(table);
    for (level_idx, level) in report.levels.iter_mut().enumerate() {
        level.iteration = sweeps.get(level_idx).copied().unwrap_or_default();
        level.residual_error = errors.get(level_idx).copied().unwrap_or(last_error);
    }
    let nearest = quantizer
        .encode_watched(&embeddings.values, pulse)
        .ok_or(TokenizerError::Stopped)?;
    let nearest = SemanticIdTable::new(n_described, quantizer.codebook_size(), nearest);
    let of_nearest = table_report(&nearest);
    Ok(TokenizerReport {
        collision_rate_before: collisions(before).rate,
        collision_rate_nearest: of_nearest.collision_rate,
        entropy_nats_nearest: of_nearest
            .levels
            .iter()
            .map(|level| level.entropy_nats)
            .collect(),
        reconstruction_error: Some(last_error),
        vector_power: mean_square(&embeddings.values),
        ..report
    })
}
