//! The format reward as a term of alignment: freely written semantic IDs that belong to an item are made likelier. [B 2.4.2]

use burn::tensor::{Tensor, TensorData};

use crate::engine::control::RunControl;
use crate::engine::data::Moment;
use crate::engine::error::EngineError;
use crate::engine::eval::generate::SlateGenerator;
use crate::engine::loss::policy::{self, Rollouts};
use crate::engine::reward::format::chosen_samples;
use crate::engine::seed::Seed;
use crate::engine::tokenizer::Code;
use crate::engine::train::alignment_term::{AlignmentTerm, Models};
use crate::engine::train::config::{AlignConfig, RatioUnit};

/// Writes IDs without constraint for each moment and teaches the legal ones among the chosen; nothing where none of
/// the chosen is legal.
///
/// # Errors
/// [`EngineError::Stopped`] when a stop was asked for.
pub(super) fn format_term(
    models: &Models<'_>,
    generator: &SlateGenerator<'_>,
    moments: &[Moment],
    settings: &AlignConfig,
    (seed, step): (Seed, u64),
    control: &RunControl,
) -> Result<Option<AlignmentTerm>, EngineError> {
    if settings.format_weight <= 0.0 || moments.is_empty() {
        return Ok(None);
    }
    let mut rng = seed.rng("align.format", step);
    let groups = generator.sample_free_ids(
        models.reference,
        moments,
        settings.format_samples,
        &settings.sampling,
        &mut rng,
        control,
    )?;
    let mut ids: Vec<&[Code]> = Vec::new();
    let mut advantages = Vec::new();
    let (mut n_legal, mut n_written) = (0, 0);
    for group in &groups {
        let is_legal: Vec<bool> = group.iter().map(|id| id.is_legal).collect();
        n_legal += is_legal.iter().filter(|is_legal| **is_legal).count();
        n_written += is_legal.len();
        let chosen = chosen_samples(
            &is_legal,
            settings.format_choices,
            settings.format_choice,
            &mut rng,
        );
        for (idx, advantage) in chosen {
            ids.push(&group[idx].codes);
            advantages.push(advantage as f32);
        }
    }
    let legality = n_legal as f64 / n_written.max(1) as f64;
    if advantages.iter().all(|advantage| *advantage == 0.0) {
        return Ok(None);
    }
    let unit = |codes: Tensor<2>| match settings.ratio {
        RatioUnit::Code => codes,
        RatioUnit::Slate => codes.sum_dim(1),
    };
    let n_rows = ids.len();
    let moments: Vec<&Moment> = moments.iter().collect();
    let [log_probs, old_log_probs] = models.log_probs(&moments, &ids).map(unit);
    let rollouts = Rollouts {
        log_probs,
        old_log_probs,
        advantages: Tensor::from_data(TensorData::new(advantages, [n_rows, 1]), models.device),
    };
    let loss = policy::ecpo(&rollouts, settings.clip, settings.early_clip)
        .loss
        .mean();
    Ok(Some(AlignmentTerm {
        loss: loss.clone(),
        tensors: vec![("format_loss", loss)],
        values: vec![("free_legality", legality)],
        pairs: None,
    }))
}
