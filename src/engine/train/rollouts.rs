//! Rollouts: slates that a frozen copy of the generator writes for a user, with their rewards. [A Alg. 2; B 2.4.1]

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::Rng;

use crate::engine::batch::{ContextReader, Example};
use crate::engine::control::RunControl;
use crate::engine::data::{ItemIdx, Moment};
use crate::engine::error::EngineError;
use crate::engine::eval::generate::{GeneratedSlate, SlateGenerator};
use crate::engine::loss::code_log_probs;
use crate::engine::model::Generator;
use crate::engine::reward::RewardScorer;
use crate::engine::reward::hit_rank::hit_rank_rewards;
use crate::engine::reward::industrial::{flagged_share, industrial_rewards};
use crate::engine::tokenizer::Code;
use crate::engine::train::config::{AlignConfig, RewardSource, Search};

/// Slates of one user.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// When they were written.
    pub moment: Moment,
    /// The slates, likeliest first where they were searched for.
    pub slates: Vec<GeneratedSlate>,
    /// Reward of each slate.
    pub rewards: Vec<f64>,
}

/// Writes N slates for the moment of each example with the frozen `sampler`. Their rewards are 0 until they are scored.
///
/// # Errors
/// [`EngineError::Stopped`] when a stop was asked for.
pub fn roll_out(
    sampler: &Generator,
    candidates: &SlateGenerator<'_>,
    settings: &AlignConfig,
    prompts: &[Example],
    rng: &mut impl Rng,
    control: &RunControl,
) -> Result<Vec<Group>, EngineError> {
    let moments: Vec<Moment> = prompts.iter().map(|prompt| prompt.moment.clone()).collect();
    let generated = match settings.search {
        Search::Beam => candidates.generate(sampler, &moments, control, &mut |_, _| {})?,
        Search::Sample => candidates.sample(sampler, &moments, &settings.sampling, rng, control)?,
    };
    Ok(moments
        .into_iter()
        .zip(generated)
        .map(|(moment, slates)| Group {
            moment,
            rewards: vec![0.0; slates.len()],
            slates,
        })
        .collect())
}

/// Gives every slate its reward: the reward model's, or whether the user really took its items; lower for slates with
/// flagged items while those are shown too often.
pub fn score(
    groups: &mut [Group],
    prompts: &[Example],
    scorer: &RewardScorer,
    is_flagged: Option<&[bool]>,
    settings: &AlignConfig,
) {
    for (group, prompt) in groups.iter_mut().zip(prompts) {
        group.rewards = match settings.reward {
            RewardSource::Model => scorer
                .score(
                    &vec![&group.moment.history; group.slates.len()],
                    &lists(group),
                )
                .iter()
                .map(|score| f64::from(score.reward))
                .collect(),
            RewardSource::HitRank => {
                let hits: Vec<f64> = lists(group)
                    .into_iter()
                    .map(|items| taken_share(items, &prompt.items))
                    .collect();
                hit_rank_rewards(&hits)
            }
        };
    }
    if let Some(is_flagged) = is_flagged {
        let shares: Vec<f64> = groups
            .iter()
            .flat_map(lists)
            .map(|items| flagged_share(items, is_flagged))
            .collect();
        let mut rewards: Vec<f64> = groups
            .iter()
            .flat_map(|group| group.rewards.clone())
            .collect();
        let (limit, scale) = (settings.flagged_share, settings.flagged_scale);
        industrial_rewards(&mut rewards, &shares, limit, scale);
        let mut rewards = rewards.into_iter();
        for group in groups {
            group.rewards = rewards.by_ref().take(group.slates.len()).collect();
        }
    }
}

fn lists(group: &Group) -> Vec<&[ItemIdx]> {
    group
        .slates
        .iter()
        .map(|slate| slate.items.as_slice())
        .collect()
}

/// Share of a slate's items that the user really took.
fn taken_share(items: &[ItemIdx], taken: &[ItemIdx]) -> f64 {
    let n_taken = items.iter().filter(|item| taken.contains(item)).count();
    n_taken as f64 / items.len().max(1) as f64
}

/// Log-probability of every code of some slates of some users under a model.
///
/// # Shapes
/// - slates: for each moment equally many, each `[n_codes]`
/// - output: `[n_moments * n_slates, n_codes]`
pub fn log_probs(
    model: &Generator,
    reader: &ContextReader<'_>,
    moments: &[&Moment],
    slates: &[&[Code]],
    device: &Device,
) -> Tensor<2> {
    let context = reader.read(moments.iter().copied()).to_device(device);
    let codes: Vec<i64> = slates.concat().into_iter().map(i64::from).collect();
    let shape = [slates.len(), codes.len() / slates.len()];
    let targets = Tensor::<2, Int>::from_data(TensorData::new(codes, shape), device);
    // The slates of a moment stand together, so that one pass over its context serves them all.
    let logits = model.decode(&model.encode(&context), targets.clone());
    code_log_probs(logits, targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_really_taken_counts_whatever_its_place() {
        let items = |list: &[u32]| -> Vec<ItemIdx> { list.iter().copied().map(ItemIdx).collect() };
        assert_eq!(taken_share(&items(&[4, 7, 1, 9]), &items(&[1, 2, 4])), 0.5);
        assert_eq!(taken_share(&[], &items(&[1])), 0.0);
    }
}
