//! The format reward as a term of alignment: freely written semantic IDs that belong to an item are made likelier. [B 2.4.2]

use burn::tensor::{Tensor, TensorData};
use rand::Rng;

use crate::engine::control::RunControl;
use crate::engine::data::Moment;
use crate::engine::error::EngineError;
use crate::engine::eval::generate::SlateGenerator;
use crate::engine::loss::policy::{self, Rollouts};
use crate::engine::model::Generator;
use crate::engine::reward::format::chosen_samples;
use crate::engine::tokenizer::Code;
use crate::engine::train::alignment_term::{AlignmentTerm, Models};
use crate::engine::train::config::{AlignConfig, RatioUnit};

/// Semantic IDs that were written without constraint, those of them that are to teach.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FreeIds {
    /// For each moment equally many.
    ids: Vec<Vec<Code>>,
    /// Of each, 1 for a legal one.
    advantages: Vec<f32>,
    /// Share of all that were written that belong to an item.
    legality: f64,
}

/// Writes the likeliest IDs without constraint for each moment with the frozen `sampler`, and chooses those that are to
/// teach. Nothing where the format reward is left out.
///
/// They are searched for even where slates are drawn: among drawn IDs the likely ones come again and again, so that what
/// is chosen of them would confirm these, and legality would rise because fewer IDs are written.
///
/// # Errors
/// [`EngineError::Stopped`] when a stop was asked for.
pub(super) fn write_free_ids(
    sampler: &Generator,
    generator: &SlateGenerator<'_>,
    moments: &[Moment],
    settings: &AlignConfig,
    rng: &mut impl Rng,
    control: &RunControl,
) -> Result<Option<FreeIds>, EngineError> {
    if settings.format_weight <= 0.0 || moments.is_empty() {
        return Ok(None);
    }
    let n_ids = settings.format_samples;
    let groups = generator.likeliest_free_ids(sampler, moments, n_ids, control)?;
    let mut free = FreeIds::default();
    let (mut n_legal, mut n_written) = (0, 0);
    for group in &groups {
        let is_legal: Vec<bool> = group.iter().map(|id| id.is_legal).collect();
        n_legal += is_legal.iter().filter(|is_legal| **is_legal).count();
        n_written += is_legal.len();
        let chosen = chosen_samples(
            &is_legal,
            settings.format_choices,
            settings.format_choice,
            rng,
        );
        for (idx, advantage) in chosen {
            free.ids.push(group[idx].codes.clone());
            free.advantages.push(advantage as f32);
        }
    }
    free.legality = n_legal as f64 / n_written.max(1) as f64;
    Ok(Some(free))
}

/// Teaches the legal ones among the chosen IDs; nothing where none is legal.
pub(super) fn format_term(
    models: &Models<'_>,
    moments: &[&Moment],
    free: &FreeIds,
    settings: &AlignConfig,
) -> Option<AlignmentTerm> {
    if free.advantages.iter().all(|advantage| *advantage == 0.0) {
        return None;
    }
    let unit = |codes: Tensor<2>| match settings.ratio {
        RatioUnit::Code => codes,
        RatioUnit::Slate => codes.sum_dim(1),
    };
    let ids: Vec<&[Code]> = free.ids.iter().map(Vec::as_slice).collect();
    let [log_probs, old_log_probs] = models.log_probs(moments, &ids).map(unit);
    let advantages = TensorData::new(free.advantages.clone(), [ids.len(), 1]);
    let rollouts = Rollouts {
        log_probs,
        old_log_probs,
        advantages: Tensor::from_data(advantages, models.device),
    };
    let loss = policy::ecpo(&rollouts, settings.clip, settings.early_clip)
        .loss
        .mean();
    Some(AlignmentTerm {
        loss: loss.clone(),
        tensors: vec![("format_loss", loss)],
        values: vec![("free_legality", free.legality)],
        pairs: None,
        spread: None,
    })
}
